import { components } from "./components.js";
import type { ReadExpr, ValueId } from "./expr.js";
import { Poly } from "./poly.js";
import type { Item, RecurrenceGroup, TimeAxis, Value } from "./program.js";
import { mentions, readsOfEquation, readsOfScatter } from "./reach.js";

/** A run of steps that values may belong to. Two are the same when they are one object. */
export type Run = Pick<RecurrenceGroup, "name" | "lo" | "hi" | "direction" | "checkpoint" | "span">;
/** Along which axis of a value a run goes: step s makes the entry s + shift. Outermost run first. */
export interface RunAxis extends TimeAxis {
  readonly run: Run;
}

/** Why values that depend on each other cannot be computed step by step. */
export type Fault =
  | { readonly kind: "no run"; readonly members: readonly ValueId[] }
  | { readonly kind: "not made yet"; readonly reader: ValueId; readonly source: ValueId; readonly run: Run }
  | { readonly kind: "circle"; readonly members: readonly ValueId[]; readonly run: Run };

/**
 * All values in an order that serves: definitions before uses. Those that depend on each other by way of entries of
 * other steps become a group of the outermost run that takes them apart; what depends on each other still within one
 * of its steps is a group in it. What takes no part in a circle stands outside of all loops.
 */
export function arrange(
  ids: readonly ValueId[],
  valueOf: (id: ValueId) => Value,
  runsOf: (id: ValueId) => readonly RunAxis[],
  fault: (fault: Fault) => void,
  also: (value: Value) => readonly ValueId[] = () => [],
): Item[] {
  const all = new Set(ids);
  const group = (members: readonly ValueId[], used: readonly Run[]): Item[] => {
    const runs = (runsOf(members[0] ?? 0) ?? [])
      .map((r) => r.run)
      .filter((run) => !used.includes(run) && members.every((id) => axisIn(run, id)));
    for (const run of runs) {
      const edges = new Map<ValueId, ValueId[]>();
      let apart = false;
      const inside = new Set(members);
      for (const id of members) {
        const sameStep: ValueId[] = [];
        // What another step of a run around makes is there before this one begins.
        const around = used.map((outer) => dependencies(valueOf(id), (v) => axisIn(outer, v)));
        const reads = dependencies(valueOf(id), (v) => axisIn(run, v));
        for (const [k, { source, distance }] of reads.entries()) {
          if (distance === undefined || !inside.has(source)) continue;
          if (around.some((list) => list[k]?.distance !== 0)) continue;
          if (distance === null || distance * run.direction > 0) {
            fault({ kind: "not made yet", reader: id, source, run });
            return [];
          }
          if (distance === 0) sameStep.push(source);
          else apart = true;
        }
        edges.set(id, sameStep);
      }
      if (!apart) continue;
      const items = components(members, (id) => edges.get(id) ?? []).flatMap((c) =>
        c.circular ? group(c.members, [...used, run]) : c.members,
      );
      const time = new Map(
        members.flatMap((id) => {
          const found = axisIn(run, id);
          return found ? [[id, { axis: found.axis, shift: found.shift }] as const] : [];
        }),
      );
      const { name, lo, hi, direction, checkpoint, span } = run;
      return [
        { kind: "recurrence", name, lo, hi, direction, checkpoint, time, items, ...(span ? { span } : {}) },
      ];
    }
    const [last] = used.slice(-1);
    fault(last ? { kind: "circle", members, run: last } : { kind: "no run", members });
    return [];
  };
  const axisIn = (run: Run, id: ValueId): RunAxis | undefined => runsOf(id).find((r) => r.run === run);
  return components(ids, (id) =>
    [...mentions(valueOf(id).definition), ...also(valueOf(id))].filter((m) => all.has(m)),
  ).flatMap(({ members, circular }) => (circular ? group(members, []) : members));
}

/** Whether an entry lies before those that the steps make. */
function isBefore(place: Poly, { run: { lo, hi, direction }, shift }: RunAxis): boolean {
  const spare = direction === 1 ? lo.add(shift).sub(1).sub(place) : place.sub(hi.add(shift));
  return (spare.constant ?? -1) >= 0;
}

/** What a value reads, and how many steps after its own that entry is made; undefined for a fixed entry, null where it varies. */
function dependencies(
  value: Value,
  axisOf: (id: ValueId) => RunAxis | undefined,
): { readonly source: ValueId; readonly distance: number | null | undefined }[] {
  const { definition } = value;
  const mine = axisOf(value.id);
  /** An entry whose coordinate is the value's own plus an offset. */
  const entry = (source: ValueId, offset = 0) => {
    const theirs = axisOf(source);
    return { source, distance: mine && theirs && mine.shift + offset - theirs.shift };
  };
  /** Entries read from a point whose coordinate along the run is given. */
  const read = (node: ReadExpr, coordinate: Poly | undefined) => {
    const theirs = axisOf(node.value);
    const place = theirs && node.subscripts[theirs.axis];
    if (!mine || !theirs) return { source: node.value, distance: undefined };
    if (!coordinate || !place) return { source: node.value, distance: null };
    // A fixed entry is there before the steps, or it is made by one of which nothing says that it comes before.
    if (place.indices.size === 0 && !place.hasOpaque)
      return { source: node.value, distance: isBefore(place, theirs) ? undefined : null };
    const distance = place.sub(coordinate).constant;
    return {
      source: node.value,
      distance: distance === undefined ? null : mine.shift + distance - theirs.shift,
    };
  };
  switch (definition.kind) {
    case "equation": {
      const index = mine && definition.axes[mine.axis];
      const coordinate = index && Poly.index(index);
      return readsOfEquation(definition).map((n) => read(n, coordinate));
    }
    case "scatter": {
      const coordinate = mine && definition.target[mine.axis];
      return readsOfScatter(definition).map((n) => read(n, coordinate));
    }
    case "reshape":
    case "custom":
      return [entry(definition.of)];
    case "derivative": {
      const { of, wrt, direction, aligned } = definition;
      const pair = aligned.find((a) => a.axis === axisOf(wrt)?.axis);
      return [entry(of), entry(wrt, pair?.offset), ...(direction === null ? [] : [entry(direction)])];
    }
    default:
      return [];
  }
}
