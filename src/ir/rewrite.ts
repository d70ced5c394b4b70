import type { Expr, ReadExpr } from "./expr.js";
import { rewriter } from "./expr.js";
import type { Poly } from "./poly.js";
import type { Definition, Equation } from "./program.js";

/** The body of an equation at given subscripts. */
export function instantiate(equation: Equation, subscripts: readonly Poly[]): Expr {
  const { expr } = rewriter({
    index: (i) => subscripts[equation.axes.indexOf(i)],
  });
  return expr(equation.body);
}

/** Apply an expression rewrite everywhere in a definition. */
export function rewriteDefinition(
  definition: Definition,
  rules: { read?: (node: ReadExpr) => Expr | undefined; node?: (e: Expr) => Expr | undefined },
): Definition {
  const { expr, poly } = rewriter(rules);
  switch (definition.kind) {
    case "equation": {
      const body = expr(definition.body);
      const operator = definition.operator && {
        ...definition.operator,
        guard: definition.operator.guard && expr(definition.operator.guard),
      };
      return body === definition.body && operator?.guard === definition.operator?.guard
        ? definition
        : { ...definition, operator, body };
    }
    case "scatter":
      return {
        ...definition,
        guard: definition.guard && expr(definition.guard),
        target: definition.target.map(poly),
        body: expr(definition.body),
      };
    default:
      return definition;
  }
}
