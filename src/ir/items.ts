import type { ValueId } from "./expr.js";
import type { Item } from "./program.js";

/** The value ids of an item, groups flattened. */
export function idsOf(item: Item): ValueId[] {
  return typeof item === "number" ? [item] : item.items.flatMap(idsOf);
}
