import type { Expr, ReadExpr, ValueId } from "../ir/expr.js";
import { rewriter } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Definition, Equation, Program } from "../ir/program.js";
import { idsOf } from "../ir/items.js";
import { mapDefinitions } from "./map.js";

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
      return isTrivial(body.then) && isTrivial(body.else) && (body.then.op === "constant" || body.else.op === "constant");
    case "call":
      return body.fn === "neg" && body.args.every(isTrivial);
  }
}

/** The body of an equation at given subscripts. */
export function instantiate(equation: Equation, subscripts: readonly Poly[]): Expr {
  const { expr } = rewriter({
    index: (i) => subscripts[equation.axes.indexOf(i)],
  });
  return expr(equation.body);
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
  let values = program.values;
  const order = program.items.flatMap(idsOf);
  const changed = new Map(values);
  for (const id of order) {
    const value = changed.get(id);
    if (!value) continue;
    const definition = rewriteDefinition(value.definition, rules);
    if (definition !== value.definition) changed.set(id, { ...value, definition });
    if (definition.kind === "equation" && definition.operator === null && isTrivial(definition.body) && !grouped.has(id)) inlined.set(id, definition);
  }
  values = changed;
  return mapDefinitions({ ...program, values }, (d) => d);
}

/** Apply an expression rewrite everywhere in a definition. */
export function rewriteDefinition(definition: Definition, rules: { read?: (node: ReadExpr) => Expr | undefined; node?: (e: Expr) => Expr | undefined }): Definition {
  const { expr, poly } = rewriter(rules);
  switch (definition.kind) {
    case "equation": {
      const body = expr(definition.body);
      const operator = definition.operator && { ...definition.operator, guard: definition.operator.guard && expr(definition.operator.guard) };
      return body === definition.body && operator?.guard === definition.operator?.guard ? definition : { ...definition, operator, body };
    }
    case "scatter":
      return { ...definition, guard: definition.guard && expr(definition.guard), target: definition.target.map(poly), body: expr(definition.body) };
    default:
      return definition;
  }
}
