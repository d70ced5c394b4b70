import { quoted } from "../diagnostics/page.js";
import { START } from "../diagnostics/span.js";
import { arrange, type Fault, type Run, type RunAxis } from "../ir/arrange.js";
import type { ValueId } from "../ir/expr.js";
import type { Derivative, Item, Value } from "../ir/program.js";
import { mentions } from "../ir/reach.js";
import { sourceOf } from "../ir/batch-copy.js";
import type { Expression, SourceFile } from "../parser/ast.js";
import type { Session } from "./context.js";
import { readOf, readWithin, shiftFrom } from "./reads.js";

/** All values in an order that serves; those that define each other through a recurrence stand in its group. */
export function itemsOf(session: Session, file: SourceFile): Item[] {
  const { values } = session;
  const runsOf = (id: ValueId): readonly RunAxis[] => session.runsOf(id);
  const adjoints = writtenAdjoints(session);
  const also = ({ definition }: Value): readonly ValueId[] =>
    definition.kind === "derivative" ? adjoints(definition) : [];
  const items = arrange(
    [...values.byId.keys()],
    (id) => values.get(id),
    runsOf,
    (fault) => reportFault(fault, runsOf, session, file),
    also,
  );
  for (const item of items) stepwiseDerivatives(item, session);
  return items;
}

const lastName = (name: string): string => name.split(".").pop() ?? name;

/** Why values cannot be computed step by step, at the read that is the reason. */
function reportFault(
  fault: Fault,
  runsOf: (id: ValueId) => readonly RunAxis[],
  session: Session,
  file: SourceFile,
): void {
  const { values, report } = session;
  /** A read of `source` that is not of an entry made before. */
  const notMade = (reader: ValueId, source: ValueId, run: Run, help: string): void => {
    const { name } = values.get(source);
    const place = values.get(reader).span ?? run.span;
    const shift = runsOf(source).find((r) => r.run === run)?.shift ?? 0;
    const wrong = ([first]: readonly Expression[]): boolean => {
      const found = shiftFrom(run.name, first);
      return found === undefined || (found - shift) * run.direction > 0;
    };
    // A function that is handed all steps reads them under another name.
    const span =
      (place && readOf(file, place, lastName(name), wrong)) ??
      (run.span && readWithin(file, run.span, lastName(name), wrong)) ??
      place;
    if (span) report.add("GRAD3015", span, { name: lastName(name) }, { help });
  };
  switch (fault.kind) {
    case "not made yet": {
      const { reader, source, run } = fault;
      notMade(reader, source, run, STEP_HELP);
      return;
    }
    case "circle":
    case "no run": {
      const { members } = fault;
      const run = fault.kind === "circle" ? fault.run : members.flatMap(runsOf)[0]?.run;
      // Without a recurrence there was a circle, which was reported.
      if (!run) return;
      const test = members.find((id) => values.get(id).name.endsWith(".test"));
      const made = members.find((id) => !values.get(id).name.includes(".alive"));
      if (test !== undefined && made !== undefined)
        return notMade(test, made, run, "the condition is tested before the step, on entries already made");
      const outside = members.find((id) => !runsOf(id).some((r) => r.run === run));
      const read = members.find((id) => runsOf(id).some((r) => r.run === run));
      if (outside !== undefined && read !== undefined)
        return notMade(
          outside,
          read,
          run,
          `${STEP_HELP}; what is gathered over steps is carried along: \`total[${run.name} + 1] = total[${run.name}] + …\``,
        );
      const [first] = members;
      const span = first === undefined ? run.span : (values.get(first).span ?? run.span);
      const names = [...new Set(members.map((id) => userName(values.get(id).name)))];
      if (span)
        report.add(
          "GRAD2007",
          span,
          { names: quoted(names) },
          { help: `within one step: an entry of an earlier step is \`${names[0]}[${run.name} - 1]\`` },
        );
    }
  }
}
const STEP_HELP = "a step reads entries of earlier steps at a constant distance";
/** `z` of `z.grad`: what the compiler makes is named by whose it is. */
const userName = (name: string): string => name.split(".")[0] ?? name;

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
        span ?? item.span ?? { file: "", start: START, end: START },
      );
  }
}

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
