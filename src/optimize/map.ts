import type { ValueId } from "../ir/expr.js";
import type { Definition, Item, Program, Value } from "../ir/program.js";

/** A program with each definition replaced; values whose definition stays are shared. */
export function mapDefinitions(program: Program, change: (definition: Definition, value: Value) => Definition): Program {
  const values = new Map<ValueId, Value>();
  for (const [id, value] of program.values) {
    const definition = change(value.definition, value);
    values.set(id, definition === value.definition ? value : { ...value, definition });
  }
  return { ...program, values };
}

/** The items with only the chosen values left; empty groups go. */
export function filterItems(items: readonly Item[], keep: (id: ValueId) => boolean): Item[] {
  return items.flatMap((item): Item[] => {
    if (typeof item === "number") return keep(item) ? [item] : [];
    const inner = filterItems(item.items, keep);
    return inner.length ? [{ ...item, items: inner, time: new Map([...item.time].filter(([id]) => keep(id))) }] : [];
  });
}
