import type { ValueId } from "./expr.js";
import type { Item, Program } from "./program.js";

/** The value ids of an item, groups flattened. */
export function idsOf(item: Item): ValueId[] {
  return typeof item === "number" ? [item] : item.items.flatMap(idsOf);
}
/** The values that are members of a recurrence. */
export const groupedIds = ({ items }: Program): ReadonlySet<ValueId> =>
  new Set(items.flatMap((item) => (typeof item === "number" ? [] : idsOf(item))));
