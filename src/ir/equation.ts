import type { Index, ValueId } from "./expr.js";
import type { Equation, Program } from "./program.js";

/** The equation that defines a value; null where something else does. */
export function equationOf({ values }: Pick<Program, "values">, id: ValueId): Equation | null {
  const definition = values.get(id)?.definition;
  return definition?.kind === "equation" ? definition : null;
}
/** What an equation reduces over. */
export const reducedBy = ({ operator }: Equation): readonly Index[] =>
  operator?.kind === "reduce" ? operator.indices : [];
/** All that it runs over: its axes, and what it reduces over. */
export const iterationOf = (equation: Equation): readonly Index[] => [
  ...equation.axes,
  ...reducedBy(equation),
];
