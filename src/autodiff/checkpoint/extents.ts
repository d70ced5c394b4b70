import { readsOfEquation } from "../../ir/reach.js";
import type { ValueId } from "../../ir/expr.js";
import type { Following } from "./follow.js";

/**
 * Of a value in one segment: entries `shift - low .. N + shift + high` by ordinal from the segment's begin, where the
 * segment's own steps make shift .. N + shift.
 */
export interface Extent {
  low: number;
  high: number;
}

/**
 * What each segment has to hold for the backward pass: all that runs backwards, and of what runs forwards as much as
 * that reads. A value computed backwards takes what lies above its own steps from the segment after; one computed
 * again takes what lies below from the segment before.
 */
export function extentsOf({ followed, steps }: Following): ReadonlyMap<ValueId, Extent> {
  const extents = new Map<ValueId, Extent>();
  const { direction } = steps;
  const list = [...followed.values()].reverse();
  const need = (id: ValueId, low: number, high: number): boolean => {
    const of = followed.get(id);
    const known = extents.get(id) ?? {
      low: of?.phase === "backward" || of?.group ? (of.before ?? 0) : 0,
      high: of?.after ?? 0,
    };
    const next = { low: Math.max(known.low, low), high: Math.max(known.high, high) };
    const changed = !extents.has(id) || next.low > known.low || next.high > known.high;
    if (changed) extents.set(id, next);
    return changed;
  };
  for (const one of list) if (one.phase === "backward") need(one.id, 0, 0);
  // Readers come before what they read, but within a recurrence; so a few rounds do.
  for (let changed = true; changed;) {
    changed = false;
    for (const one of list) {
      const own = extents.get(one.id);
      if (!own) continue;
      for (const node of readsOfEquation(one.equation)) {
        const of = followed.get(node.value);
        const running = of && of.axis !== null && node.subscripts[of.axis]?.split(one.index);
        const offset = running && running.coefficient.constant === 1 ? running.rest.constant : undefined;
        if (!of || offset === undefined) continue;
        const apart = one.shift + offset * direction - of.shift;
        const isMember = one.group !== null && one.group === of.group;
        const isAgain = one.phase === "forward" && one.group === null;
        // In the first segment entries come before those of its steps, as many as there are.
        const below = isMember ? 0 : Math.min((one.before ?? 0) - apart, of.before ?? Infinity);
        const low = isAgain ? own.low - apart : Math.max(-apart, below);
        // What lies above a segment's own steps is computed in the last one, where no entry comes after the last of all.
        const above = of.phase === "backward" ? 0 : Math.min(own.high + apart, of.after ?? Infinity);
        const high = one.phase === "backward" ? Math.max(apart, above) : own.high + apart;
        if (need(of.id, of.phase === "backward" ? 0 : low, high)) changed = true;
      }
    }
    // The steps of a recurrence go equally far for all of its members.
    for (const one of list) {
      const own = one.phase === "forward" && one.group ? extents.get(one.id) : undefined;
      if (!own) continue;
      for (const other of list)
        if (other.group === one.group && extents.has(other.id) && need(other.id, 0, own.high)) changed = true;
    }
  }
  return extents;
}
