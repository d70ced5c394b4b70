import type { Expr, Index } from "../ir/expr.js";
import { rewriter } from "../ir/expr.js";
import { coordinates } from "../ir/points.js";
import type { Poly } from "../ir/poly.js";
import type { Equation } from "../ir/program.js";
import { simplifyNode } from "../optimize/simplify.js";

/** An open size counts as this many. */
export const OPEN_SIZE = 64;
export const sizeEstimate = ({ lo, hi }: Index): number => hi.sub(lo).constant ?? OPEN_SIZE;

/** At most so many points of an equation are written out. */
const MOST_POINTS = 16;

/** The axes that are written out, the last ones first to be chosen. */
export function pointAxes({ axes }: Equation): readonly Index[] {
  const chosen: Index[] = [];
  let points = 1;
  for (const axis of [...axes].reverse()) {
    const count = coordinates(axis)?.length;
    if (count === undefined || points * count > MOST_POINTS) continue;
    points *= count;
    chosen.unshift(axis);
  }
  return chosen;
}
/** The others: loops. */
export function loopAxes(equation: Equation): readonly Index[] {
  const points = pointAxes(equation);
  return equation.axes.filter((a) => !points.includes(a));
}

/** Expressions with polynomials in place of indices, and what that decides. */
export const substitution = (to: (index: Index) => Poly | undefined): ((e: Expr) => Expr) =>
  rewriter({ index: to, node: simplifyNode }).expr;
