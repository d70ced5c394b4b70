import type { Expr, ReadExpr, ValueId } from "../ir/expr.js";
import { readsOf } from "../ir/expr.js";
import { idsOf } from "../ir/items.js";
import type { Equation, Program } from "../ir/program.js";
import { instantiate, rewriteDefinition } from "../ir/rewrite.js";

/** Whether reading the equation's body instead of the value costs nothing: a copy, a constant, a choice against a constant. */
function isTrivial(body: Expr): boolean {
  switch (body.op) {
    case "constant":
    case "index":
    case "read":
      return true;
    case "cast":
      return isTrivial(body.arg);
    case "select":
      return (
        isTrivial(body.then) &&
        isTrivial(body.else) &&
        (body.then.op === "constant" || body.else.op === "constant") &&
        isInteger(body.condition)
      );
    case "call":
      return body.fn === "neg" && body.args.every(isTrivial);
  }
}

/** Integer comparisons of indices, and what joins them: nearly free next to a load. */
function isInteger(condition: Expr): boolean {
  return readsOf([condition]).every((r) => r.dtype !== "f32" && r.dtype !== "f64" && r.dtype !== "f16");
}

/** Reads of copies, constants and deltas are replaced by what these read. */
export function inlineTrivial(program: Program): Program {
  const inlined = new Map<ValueId, Equation>();
  const grouped = new Set(program.items.flatMap((item) => (typeof item === "number" ? [] : idsOf(item))));
  const replaceRead = (node: ReadExpr): Expr | undefined => {
    const equation = inlined.get(node.value);
    return equation && instantiate(equation, node.subscripts);
  };
  const rules = { read: replaceRead };
  const order = program.items.flatMap(idsOf);
  const changed = new Map(program.values);
  for (const id of order) {
    const value = changed.get(id);
    if (!value) continue;
    const definition = rewriteDefinition(value.definition, rules);
    if (definition !== value.definition) changed.set(id, { ...value, definition });
    if (
      definition.kind === "equation" &&
      definition.operator === null &&
      isTrivial(definition.body) &&
      !grouped.has(id)
    )
      inlined.set(id, definition);
  }
  return { ...program, values: changed };
}
