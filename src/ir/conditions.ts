import type { Expr } from "./expr.js";
import { polyOf } from "./expr.js";
import type { Poly } from "./poly.js";

/** The conditions that hold together where a guard does; no guard has none. */
export function conjuncts(guard: Expr | null): readonly Expr[] {
  if (!guard) return [];
  return guard.op === "call" && guard.fn === "and" ? guard.args.flatMap(conjuncts) : [guard];
}

/** Polynomials that are not negative where a condition holds. */
export function factsOf(condition: Expr): Poly[] {
  if (condition.op !== "call") return [];
  if (condition.fn === "and") return condition.args.flatMap(factsOf);
  const [a, b] = condition.args;
  if (!a || !b || a.dtype !== "i32") return [];
  const difference = polyOf(b).sub(polyOf(a));
  if (condition.fn === "le") return [difference];
  if (condition.fn === "lt") return [difference.sub(1)];
  return condition.fn === "eq" ? [difference, difference.neg()] : [];
}
