import type { Expr, Index } from "../../ir/expr.js";
import { readsOf, rewriter } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Equation } from "../../ir/program.js";
import type { Product } from "./product.js";

export type Side = "left" | "right";

/** A sum of one operand over all terms, as the gradient of a bias is beside that of its weights. */
export interface OperandSum {
  readonly side: Side;
  /** The product's row or column index for each axis of the sum. */
  readonly axes: readonly Index[];
}

/** Lines of the other operand: with fewer, a pass over this one's panels costs beside what a tile does. */
const LEAST_OTHER = 16;

/** The operand that an equation adds up over the product's terms; null where it does nothing of the kind. */
export function operandSumOf(equation: Equation, product: Product): OperandSum | null {
  const { operator, axes, body } = equation;
  if (operator?.kind !== "reduce" || operator.reducer !== "sum" || operator.guard) return null;
  if (product.batch.length > 0 || product.somewhere || operator.indices.length !== product.reduced.length)
    return null;
  for (const side of ["left", "right"] as const) {
    const [lines, others] =
      side === "left" ? [product.rows, product.columns] : [product.columns, product.rows];
    const { value, guard } = product[side];
    if (guard || lines.length !== axes.length) continue;
    if (others.reduce((n, i) => n * (i.hi.constant ?? LEAST_OTHER), 1) < LEAST_OTHER) continue;
    const to = correspondence(body, value);
    const pairs = (own: readonly Index[], theirs: readonly Index[]): boolean =>
      own.every((i) => {
        const like = to.get(i);
        return like !== undefined && theirs.includes(like) && i.lo.equals(like.lo) && i.hi.equals(like.hi);
      });
    if (!pairs(axes, lines) || !pairs(operator.indices, product.reduced)) continue;
    if (new Set(to.values()).size !== to.size) continue;
    const { expr } = rewriter({
      index: (i) => {
        const like = to.get(i);
        return like && Poly.index(like);
      },
    });
    if (expr(body) === value) return { side, axes: axes.map((i) => to.get(i) ?? i) };
  }
  return null;
}

/** Indices of one expression by those that stand in their places in another: where both read a tensor first. */
function correspondence(from: Expr, to: Expr): ReadonlyMap<Index, Index> {
  const pairs = new Map<Index, Index>();
  const there = readsOf([to]);
  for (const node of readsOf([from])) {
    const like = there.find((other) => other.value === node.value);
    node.subscripts.forEach((s, k) => {
      const [own, theirs] = [s.asIndex, like?.subscripts[k]?.asIndex];
      if (own && theirs && !pairs.has(own)) pairs.set(own, theirs);
    });
  }
  return pairs;
}
