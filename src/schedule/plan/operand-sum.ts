import type { Expr, Index, ValueId } from "../../ir/expr.js";
import { readsOf, rewriter } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Program } from "../../ir/program.js";
import { mentions, readsOfEquation } from "../../ir/reach.js";
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
function operandSumOf(equation: Equation, product: Product): OperandSum | null {
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

interface Host {
  readonly product: Product;
  readonly members: readonly ValueId[];
  readonly sums: { readonly sum: OperandSum; readonly members: ValueId[] }[];
}

/** Puts sums of their operands beside products, each with its elementwise epilogues. */
export class SumFollower {
  constructor(
    private readonly program: Program,
    private readonly aliasOf: (id: ValueId) => ValueId,
  ) {}

  /** The sum that a kernel computes and nothing else but what follows from it entry by entry. */
  sumIn(members: readonly ValueId[], product: Product): OperandSum | null {
    const [first, ...rest] = members.map((id) => this.equationOf(id));
    const sum = first && operandSumOf(first, product);
    return sum && rest.every((e) => e && this.isEntrywise(e, first, members)) ? sum : null;
  }
  /** Whether an equation follows from a sum, and from others that follow from it, at the same entry. */
  private isEntrywise(equation: Equation, sum: Equation, members: readonly ValueId[]): boolean {
    return (
      !equation.operator &&
      equation.axes.length === sum.axes.length &&
      equation.axes.every((a, k) => sum.axes[k]?.hi.equals(a.hi)) &&
      mentions(equation).every((id) => id === this.aliasOf(id) || !members.includes(this.aliasOf(id))) &&
      readsOfEquation(equation).every(
        (node) =>
          !members.includes(node.value) || node.subscripts.every((s, k) => s.asIndex === equation.axes[k]),
      )
    );
  }
  /** Adds what sums one of the operands, or follows from such a sum; whether it does. */
  join({ product, sums, members }: Host, value: ValueId, equation: Equation): boolean {
    const sum = operandSumOf(equation, product);
    if (sum) {
      sums.push({ sum, members: [value] });
      return true;
    }
    const read = mentions(equation);
    const host = sums.find((s) => s.members.some((id) => read.includes(id)));
    const first = this.equationOf(host?.members[0] ?? -1);
    // The product itself is not there yet.
    const readsOther = read.some((id) => members.includes(this.aliasOf(id)) && !host?.members.includes(id));
    if (!host || !first || readsOther || !this.isEntrywise(equation, first, host.members)) return false;
    host.members.push(value);
    return true;
  }
  private equationOf(id: ValueId): Equation | null {
    const definition = this.program.values.get(id)?.definition;
    return definition?.kind === "equation" ? definition : null;
  }
}
