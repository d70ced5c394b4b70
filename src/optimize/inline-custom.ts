import { read, type Expr, type ReadExpr, type ValueId } from "../ir/expr.js";
import type { Definition, Program } from "../ir/program.js";
import { filterItems, renameResults } from "../ir/reach.js";
import { rewriteDefinition } from "../ir/rewrite.js";

/**
 * Once every derivative is taken, a value with an adjoint of its own is the value that it wraps: readers read that,
 * and the rest of the definition is reached by nothing. Required before scheduling, which knows no custom values.
 */
export function inlineCustom(program: Program): Program {
  const wrapped = (id: ValueId): ValueId => {
    const definition = program.values.get(id)?.definition;
    return definition?.kind === "custom" ? wrapped(definition.of) : id;
  };
  const isCustom = (id: ValueId): boolean => program.values.get(id)?.definition.kind === "custom";
  if (![...program.values.keys()].some(isCustom)) return program;
  const replaceRead = (node: ReadExpr): Expr | undefined =>
    isCustom(node.value) ? read(wrapped(node.value), node.subscripts, node.dtype) : undefined;
  const rewritten = (definition: Definition): Definition =>
    definition.kind === "reshape"
      ? { ...definition, of: wrapped(definition.of) }
      : rewriteDefinition(definition, { read: replaceRead });
  const values = new Map(
    [...program.values.values()]
      .filter(({ id }) => !isCustom(id))
      .map((value) => [value.id, { ...value, definition: rewritten(value.definition) }]),
  );
  const items = filterItems(program.items, (id) => !isCustom(id));
  return renameResults({ ...program, values, items }, wrapped);
}
