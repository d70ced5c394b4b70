import type { ValueId } from "../ir/expr.js";
import type { Definition, Program, Value } from "../ir/program.js";

/** A program with each definition replaced; values whose definition stays are shared. */
export function mapDefinitions(
  program: Program,
  change: (definition: Definition, value: Value) => Definition,
): Program {
  const values = new Map<ValueId, Value>();
  for (const [id, value] of program.values) {
    const definition = change(value.definition, value);
    values.set(id, definition === value.definition ? value : { ...value, definition });
  }
  return { ...program, values };
}
