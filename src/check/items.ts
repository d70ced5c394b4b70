import { arrange, type RunAxis } from "../ir/arrange.js";
import type { ValueId } from "../ir/expr.js";
import type { Derivative, Item, Value } from "../ir/program.js";
import { mentions } from "../ir/reach.js";
import { sourceOf } from "../ir/spread.js";
import type { Session } from "./context.js";

/** All values in an order that serves; those that define each other through a recurrence stand in its group. */
export function itemsOf(session: Session): Item[] {
  const { values, report } = session;
  const runsOf = (id: ValueId): readonly RunAxis[] => session.timeAxes.get(id) ?? [];
  const adjoints = writtenAdjoints(session);
  const also = ({ definition }: Value): readonly ValueId[] =>
    definition.kind === "derivative" ? adjoints(definition) : [];
  const items = arrange(
    [...values.byId.keys()],
    (id) => values.get(id),
    runsOf,
    (fault) => {
      switch (fault.kind) {
        case "no run": {
          // Without a recurrence there was a circle, which was reported.
          const run = fault.members.flatMap(runsOf)[0]?.run;
          const outside = fault.members.find((id) => !runsOf(id).some((r) => r.run === run));
          if (!run?.span || outside === undefined) return;
          const { name, span } = values.get(outside);
          report.unsupported(
            `\`${name}\`, which takes part in the recurrence but belongs to no single step,`,
            span ?? run.span,
          );
          return;
        }
        case "not made yet": {
          const span = values.get(fault.reader).span ?? fault.run.span;
          if (span)
            report.add(
              "GRAD3015",
              span,
              { name: values.get(fault.source).name },
              { help: "a step reads entries of earlier steps at a constant distance" },
            );
          return;
        }
        case "circle":
          if (fault.run.span)
            report.add("GRAD2007", fault.run.span, {
              names: fault.members.map((id) => values.get(id).name).join(", "),
            });
      }
    },
    also,
  );
  for (const item of items) stepwiseDerivatives(item, session);
  return items;
}

/** A derivative in a step is for an entry that goes with the step. */
function stepwiseDerivatives(item: Item, session: Session): void {
  if (typeof item === "number") return;
  for (const inner of item.items) {
    if (typeof inner !== "number") {
      stepwiseDerivatives(inner, session);
      continue;
    }
    const { definition, span } = session.values.get(inner);
    if (definition.kind !== "derivative") continue;
    const axis = item.time.get(inner)?.axis;
    const { spread } = sourceOf(session.values.get(definition.of), definition.batch);
    if (axis !== undefined && spread.includes(axis)) continue;
    const pair = definition.aligned.find((a) => a.batch === axis);
    const theirs = item.time.get(definition.wrt)?.axis;
    if (!pair || (theirs !== undefined && theirs !== pair.axis))
      session.report.unsupported(
        "within a recurrence, a derivative for what no step makes",
        span ?? item.span ?? { file: "", start: ZERO_PLACE, end: ZERO_PLACE },
      );
  }
}
const ZERO_PLACE = { line: 1, column: 1, offset: 0 };

/** What a derivative of a value may need besides: the written adjoints on the way to it. */
function writtenAdjoints({ values }: Session): (derivative: Derivative) => readonly ValueId[] {
  const customs = [...values.byId.values()].filter(({ definition }) => definition.kind === "custom");
  if (customs.length === 0) return () => [];
  return ({ of, wrt, given }) => {
    const found: ValueId[] = [];
    const seen = new Set<ValueId>([of]);
    const work = [of];
    for (let id = work.pop(); id !== undefined; id = work.pop()) {
      if (id === wrt || given.includes(id)) continue;
      const { definition } = values.get(id);
      const adjoints = definition.kind === "custom" ? definition.adjoints.filter((a) => a !== null) : [];
      found.push(...adjoints);
      for (const next of [...mentions(definition), ...adjoints]) {
        if (seen.has(next)) continue;
        seen.add(next);
        work.push(next);
      }
    }
    return found;
  };
}
