import { costOf } from "../../ir/cost.js";
import type { Index, ReadExpr } from "../../ir/expr.js";
import { readsOf } from "../../ir/expr.js";
import type { Equation } from "../../ir/program.js";
import { pointAxes } from "../axes.js";
import { productOf, type Product } from "./product.js";
import type { TargetDescription } from "../targets.js";

/** A contraction over packed operands, or one of which each iteration computes a block of points. */
export type Contraction =
  { readonly kind: "product"; readonly product: Product } | { readonly kind: "tile"; readonly tile: Tile };
export interface Tile {
  readonly row: number;
  readonly column: number;
  /** What the operands are contiguous along. */
  readonly along: "columns" | "reduction";
}

/** The product whose packed operands the target goes over for a contraction; null where it does otherwise. */
export function packedProductOf(
  equation: Equation,
  target: TargetDescription,
  off: ReadonlySet<string>,
): Product | null {
  const contraction = contractionOf(equation, target, off);
  return contraction?.kind === "product" ? contraction.product : null;
}

/** How the target computes a contraction; null for what is none. */
export function contractionOf(
  equation: Equation,
  { packing }: TargetDescription,
  off: ReadonlySet<string>,
): Contraction | null {
  if (off.has("tile")) return null;
  const product = packing && !off.has("pack") ? productOf(equation, packing) : null;
  if (product) return { kind: "product", product };
  const tile = tileOf(equation);
  return tile && { kind: "tile", tile };
}

/**
 * Flops of a term that a tile may have. What a tile saves are loads: beside a few transcendental functions they count for
 * nothing, and the tile only makes the code as many times as long (a driver took minutes for one of 16 sines).
 */
const TILED_COST = 16;
/**
 * A sum of which one operand lacks a column axis and another lacks a row axis: each value loaded serves a whole row
 * or column of the tile.
 */
function tileOf(equation: Equation): Tile | null {
  const { operator, axes } = equation;
  if (operator?.kind !== "reduce" || operator.reducer !== "sum" || axes.length < 2) return null;
  if (costOf(equation.body) > TILED_COST) return null;
  const reads = readsOf([equation.body]);
  const has = (node: ReadExpr, axis: Index): boolean => node.subscripts.some((s) => s.indices.has(axis));
  const reduced = (node: ReadExpr): boolean =>
    node.subscripts.some((s) => operator.indices.some((i) => s.indices.has(i)));
  const inner = reads.filter(reduced);
  const points = pointAxes(equation);
  for (let column = axes.length - 1; column > 0; column--)
    for (let row = column - 1; row >= 0; row--) {
      const [r, c] = [axes[row], axes[column]];
      if (!r || !c || points.includes(r) || points.includes(c)) continue;
      if (inner.some((n) => has(n, r) && !has(n, c)) && inner.some((n) => has(n, c) && !has(n, r)))
        return { row, column, along: contiguousAlong(c, column === axes.length - 1, inner) };
    }
  return null;
}

/** Row-major: an index that only ever stands in the last subscript, alone or shifted, walks through memory. */
function contiguousAlong(column: Index, innermost: boolean, reads: readonly ReadExpr[]): Tile["along"] {
  const walks = reads.every((node) => {
    const last = node.subscripts.length - 1;
    return node.subscripts.every(
      (s, k) => !s.indices.has(column) || (k === last && s.split(column)?.coefficient.constant === 1),
    );
  });
  return innermost && walks ? "columns" : "reduction";
}
