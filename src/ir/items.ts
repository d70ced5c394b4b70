import type { ValueId } from "./expr.js";
import type { Item, Program, TimeAxis } from "./program.js";

/** The value ids of an item, groups flattened. */
export function idsOf(item: Item): ValueId[] {
  return typeof item === "number" ? [item] : item.items.flatMap(idsOf);
}
/** The values that are members of a recurrence. */
export const groupedIds = ({ items }: Program): ReadonlySet<ValueId> =>
  new Set(items.flatMap((item) => (typeof item === "number" ? [] : idsOf(item))));

/** For each recurrence around a value, outermost first, its members' time axes. */
export type Around = readonly Map<ValueId, TimeAxis>[];

/**
 * The items with others in place of single values. `expand` enters what it makes beside a value into the time axes of the
 * recurrences around it.
 */
export function expandItems(
  items: readonly Item[],
  expand: (id: ValueId, around: Around) => readonly Item[],
  around: Around = [],
): Item[] {
  return items.flatMap((item): readonly Item[] => {
    if (typeof item === "number") return expand(item, around);
    const time = new Map(item.time);
    return [{ ...item, items: expandItems(item.items, expand, [...around, time]), time }];
  });
}
