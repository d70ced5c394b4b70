import { invariant } from "../diagnostics/invariant.js";
import { provablyNonNegative } from "../ir/bounds.js";
import type { ValueId } from "../ir/expr.js";
import { idsOf } from "../ir/items.js";
import type { Poly } from "../ir/poly.js";
import type { Program, RecurrenceGroup } from "../ir/program.js";

/** Where the entries of a recurrence's member are: its axis comes first, entry c at c + offset. */
export interface Layout {
  readonly axis: number;
  readonly offset: number;
  /** The axis as it is written. */
  readonly size: Poly;
}

/**
 * A recurrence is written with all its members at the step `t` itself, over as many steps as the longest of them has
 * entries: a member that is an entry behind (`z[t + 1]` beside `k[t]`) moves by one, and its readers with it. A member
 * of several recurrences, one in the other, has an axis for each, the outermost first.
 */
export function layoutsOf({ items, values }: Program): ReadonlyMap<ValueId, readonly Layout[]> {
  const layouts = new Map<ValueId, readonly Layout[]>();
  const layOut = (group: RecurrenceGroup): void => {
    const members = idsOf(group).map((id) => {
      const time = group.time.get(id);
      invariant(time, `member ${id} has a time axis`);
      const size = values.get(id)?.shape[time.axis];
      invariant(size, `member ${id} has its time axis`);
      return { id, axis: time.axis, shift: time.shift, size };
    });
    const most = Math.max(...members.map((m) => m.shift));
    const ends = members.map((m) => m.size.add(most - m.shift));
    const extent = ends.reduce((a, b) => (provablyNonNegative(b.sub(a)) ? b : a));
    invariant(
      ends.every((e) => provablyNonNegative(extent.sub(e))),
      `the lengths of the members of ${group.name} can be compared`,
    );
    for (const { id, axis, shift } of members)
      layouts.set(id, [...(layouts.get(id) ?? []), { axis, offset: most - shift, size: extent }]);
    for (const item of group.items) if (typeof item !== "number") layOut(item);
  };
  for (const item of items) if (typeof item !== "number") layOut(item);
  return layouts;
}
