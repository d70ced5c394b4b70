import type { ReadExpr, ValueId } from "../ir/expr.js";
import { readsOf } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Derivative, Item, RecurrenceGroup, Value } from "../ir/program.js";
import { mentions } from "../ir/reach.js";
import type { Session, TimeAxis } from "./context.js";
import { components } from "./order.js";

/** All values in an order that serves; those that define each other through a recurrence stand in its group. */
export function itemsOf(session: Session): Item[] {
  const { values } = session;
  const adjoints = writtenAdjoints(session);
  const found = components([...values.byId.keys()], (id) => {
    const { definition } = values.get(id);
    const read = mentions(definition);
    return definition.kind === "derivative" ? [...read, ...adjoints(definition.of)] : read;
  });
  return found.flatMap(({ members, circular }): Item[] => {
    if (!circular) return members;
    const group = groupOf(members, session);
    return group ? [group] : [];
  });
}

/** What a derivative of a value may need besides: the written adjoints on the way to it. */
function writtenAdjoints({ values }: Session): (of: ValueId) => readonly ValueId[] {
  const customs = [...values.byId.values()].filter(({ definition }) => definition.kind === "custom");
  if (customs.length === 0) return () => [];
  return (of) => {
    const found: ValueId[] = [];
    const seen = new Set<ValueId>([of]);
    const work = [of];
    for (let id = work.pop(); id !== undefined; id = work.pop()) {
      const { definition } = values.get(id);
      if (definition.kind === "custom") found.push(...definition.adjoints.filter((a) => a !== null));
      for (const next of mentions(definition)) {
        if (seen.has(next)) continue;
        seen.add(next);
        work.push(next);
      }
    }
    return found;
  };
}

function groupOf(members: readonly ValueId[], session: Session): RecurrenceGroup | null {
  const { values, report, timeAxes } = session;
  const [index] = members.flatMap((id) => timeAxes.get(id)?.index ?? []);
  const recurrence = index && session.recurrences.get(index);
  // Without a recurrence there was a circle, which was reported.
  if (!recurrence) return null;
  const time = new Map<ValueId, TimeAxis>();
  for (const id of members) {
    const axis = timeAxes.get(id);
    if (axis?.index === index) time.set(id, axis);
    else {
      const { name, span } = values.get(id);
      return report.unsupported(
        `\`${name}\`, which takes part in the recurrence but belongs to no single step,`,
        span ?? recurrence.span,
      );
    }
  }
  const edges = new Map<ValueId, ValueId[]>();
  let failed = false;
  for (const id of members) {
    const sameStep: ValueId[] = [];
    const value = values.get(id);
    if (value.definition.kind === "derivative" && !alignedInTime(value, value.definition, time))
      return report.unsupported(
        "within a recurrence, a derivative for what no step makes",
        value.span ?? recurrence.span,
      );
    for (const { source, distance } of dependencies(value, time)) {
      if (distance === undefined) continue;
      if (distance === null || distance * recurrence.direction > 0) {
        const { span } = values.get(id);
        report.add(
          "GRAD3005",
          span ?? recurrence.span,
          { text: `of \`${values.get(source).name}\` reaches an entry that is not made yet, and` },
          { help: "a step reads entries of earlier steps at a constant distance" },
        );
        failed = true;
      } else if (distance === 0) sameStep.push(source);
    }
    edges.set(id, sameStep);
  }
  if (failed) return null;
  const steps = components(members, (id) => edges.get(id) ?? []);
  for (const { members: circle, circular } of steps)
    if (circular)
      return report.add("GRAD2007", recurrence.span, {
        names: circle.map((id) => values.get(id).name).join(", "),
      });
  const { name, lo, hi, direction, checkpoint, span } = recurrence;
  const axes = new Map([...time].map(([id, { axis, shift }]) => [id, { axis, shift }]));
  return {
    kind: "recurrence",
    name,
    lo,
    hi,
    direction,
    time: axes,
    items: steps.flatMap((s) => s.members),
    checkpoint,
    span,
  };
}

/** A derivative in a step is for an entry that goes with the step. */
function alignedInTime(
  { id }: Value,
  { wrt, aligned }: Derivative,
  time: ReadonlyMap<ValueId, TimeAxis>,
): boolean {
  const pair = aligned.find((a) => a.batch === time.get(id)?.axis);
  return pair !== undefined && (time.get(wrt)?.axis ?? pair.axis) === pair.axis;
}
/** What a member reads, and how many steps after its own that entry is made. */
function dependencies(
  value: Value,
  time: ReadonlyMap<ValueId, TimeAxis>,
): { readonly source: ValueId; readonly distance: number | null | undefined }[] {
  const { definition } = value;
  const mine = time.get(value.id);
  /** An entry whose coordinate is the member's own plus an offset. */
  const entry = (source: ValueId, offset = 0) => {
    const theirs = time.get(source);
    return { source, distance: mine && theirs && mine.shift + offset - theirs.shift };
  };
  switch (definition.kind) {
    case "equation": {
      const guard = definition.operator?.guard;
      return readsOf(guard ? [definition.body, guard] : [definition.body]).map((read) => ({
        source: read.value,
        distance: stepDistance(value, read, time),
      }));
    }
    case "reshape":
      return [entry(definition.of)];
    case "derivative": {
      const { of, wrt, direction, aligned } = definition;
      const pair = aligned.find((a) => a.axis === time.get(wrt)?.axis);
      return [entry(of), entry(wrt, pair?.offset), ...(direction === null ? [] : [entry(direction)])];
    }
    case "custom":
      return [entry(definition.of)];
    default:
      return [];
  }
}

/** How many steps after the reader's own the entry is made; undefined for a fixed entry, null where it varies. */
function stepDistance(
  reader: Value,
  read: ReadExpr,
  time: ReadonlyMap<ValueId, TimeAxis>,
): number | null | undefined {
  const theirs = time.get(read.value);
  const mine = time.get(reader.id);
  if (!theirs || !mine || reader.definition.kind !== "equation") return undefined;
  const coordinate = reader.definition.axes[mine.axis];
  const place = read.subscripts[theirs.axis];
  if (!coordinate || !place) return null;
  if (place.indices.size === 0 && !place.hasOpaque) return undefined;
  const distance = place.sub(Poly.index(coordinate)).constant;
  return distance === undefined ? null : mine.shift + distance - theirs.shift;
}
