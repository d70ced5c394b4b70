import type { Expr, ReadExpr, ValueId } from "./expr.js";
import { rewriter } from "./expr.js";
import type { Poly } from "./poly.js";
import type { Definition, Equation, Program, Value } from "./program.js";

/** The body of an equation at given subscripts. */
export function instantiate(equation: Equation, subscripts: readonly Poly[]): Expr {
  const { expr } = rewriter({
    index: (i) => subscripts[equation.axes.indexOf(i)],
  });
  return expr(equation.body);
}

/** A program with each definition replaced; values whose definition stays are shared. */
export function mapDefinitions(program: Program, change: (definition: Definition) => Definition): Program {
  const values = new Map<ValueId, Value>();
  for (const [id, value] of program.values) {
    const definition = change(value.definition);
    values.set(id, definition === value.definition ? value : { ...value, definition });
  }
  return { ...program, values };
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
