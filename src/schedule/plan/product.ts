import { conjuncts } from "../../ir/conditions.js";
import type { Expr, Index } from "../../ir/expr.js";
import { and, div, indicesOf, isFloat, isOne, isZero, literal, mul, neg, not } from "../../ir/expr.js";
import type { Equation } from "../../ir/program.js";
import { sizeEstimate } from "../axes.js";
import type { PackingDescription } from "../targets.js";

/**
 * A contraction as a product of two operands: out[batch, rows, columns] = Σ_reduced left · right, where `left` has no
 * column axis and `right` no row axis. Each operand is evaluated once into a packed panel, so it may be as costly as it
 * likes, and its accesses may go any way through memory.
 */
export interface Product {
  readonly batch: readonly Index[];
  readonly rows: readonly Index[];
  readonly columns: readonly Index[];
  readonly reduced: readonly Index[];
  readonly left: Operand;
  readonly right: Operand;
  /** Where in rows and columns there is a sum at all; null: everywhere. */
  readonly within: Expr | null;
  /** The same of the batch. */
  readonly somewhere: Expr | null;
}
export interface Operand {
  readonly value: Expr;
  /** Where the sum has the term, as far as this operand's indices say; null: everywhere. */
  readonly guard: Expr | null;
}

const count = (indices: readonly Index[]): number => indices.reduce((n, i) => n * sizeEstimate(i), 1);

/** Smaller ones gain nothing by packing. */
const LEAST = { rows: 4, columns: 4, tile: 32, terms: 16 };

/** The equation as a product worth packing; null where it is none. */
export function productOf(equation: Equation, { fewColumns }: PackingDescription): Product | null {
  const { operator, axes } = equation;
  if (operator?.kind !== "reduce" || operator.reducer !== "sum" || axes.length < 2) return null;
  const { body, guard } = peeled(equation.body, operator.guard);
  if (!isFloat(body.dtype) || body.dtype === "f16") return null;
  const reduced = operator.indices;
  if ([...reduced, ...axes].some((i) => i.lo.indices.size || i.hi.indices.size)) return null;
  const factors = factorsOf(body);
  if (factors.length < 2 || count(reduced) < LEAST.terms) return null;
  let best: Product | null = null;
  let most = 0;
  for (const row of axes)
    for (const column of axes) {
      const found = row === column ? null : split({ axes, reduced, guard, body }, factors, row, column);
      if (!found) continue;
      const [rows, columns] = [count(found.rows), count(found.columns)];
      if (rows < LEAST.rows || columns < LEAST.columns || rows * columns < LEAST.tile) continue;
      // The last axis is contiguous in the result: it had better be a column.
      const last = axes[axes.length - 1];
      const score = rows * columns + (last && found.columns.includes(last) ? 1 : 0);
      if (score <= most) continue;
      most = score;
      best = found;
    }
  return best && isBetterUnpacked(best, fewColumns) ? null : best;
}

/** Few columns that lie side by side: a row's term is loaded once for all of them, the columns' terms are loaded as they are. */
function isBetterUnpacked({ columns, left, right }: Product, few: number): boolean {
  const size = columns.reduce((n, i) => n * (i.hi.constant ?? Infinity), 1);
  const last = columns[columns.length - 1];
  if (size > few || left.value.op !== "read" || right.value.op !== "read" || !last) return false;
  const along = right.value.subscripts[right.value.subscripts.length - 1]?.split(last);
  return along?.coefficient.constant === 1;
}

interface Contraction {
  readonly axes: readonly Index[];
  readonly reduced: readonly Index[];
  readonly guard: Expr | null;
  readonly body: Expr;
}

/** Terms that are 0 where a condition does not hold are left out there. */
function peeled(body: Expr, guard: Expr | null): { readonly body: Expr; readonly guard: Expr | null } {
  if (body.op !== "select" || !(isZero(body.else) || isZero(body.then))) return { body, guard };
  const [condition, inner] = isZero(body.else)
    ? [body.condition, body.then]
    : [not(body.condition), body.else];
  return peeled(inner, guard ? and(guard, condition) : condition);
}

interface Factor {
  readonly value: Expr;
  readonly indices: ReadonlySet<Index>;
  readonly isDivisor: boolean;
}

function factorsOf(body: Expr): readonly Factor[] {
  const found: Factor[] = [];
  const visit = (e: Expr, isDivisor: boolean): void => {
    const [a, b] = e.op === "call" ? e.args : [];
    if (e.op === "call" && a && b && (e.fn === "mul" || e.fn === "div")) {
      visit(a, isDivisor);
      visit(b, (e.fn === "div") !== isDivisor);
    } else if (e.op === "call" && a && e.fn === "neg") {
      found.push({ value: neg(literal(1, e)), indices: new Set(), isDivisor: false });
      visit(a, isDivisor);
    } else found.push({ value: e, indices: indicesOf([e]), isDivisor });
  };
  visit(body, false);
  return found;
}

/** Factors with the row on the left, those with the column on the right, each other one where it adds no axis. */
function split(
  { axes, reduced, guard, body }: Contraction,
  factors: readonly Factor[],
  row: Index,
  column: Index,
): Product | null {
  const left = factors.filter((f) => f.indices.has(row));
  const right = factors.filter((f) => f.indices.has(column));
  if (!left.length || !right.length || left.some((f) => f.indices.has(column))) return null;
  const indicesIn = (list: readonly Factor[]): Set<Index> => new Set(list.flatMap((f) => [...f.indices]));
  for (const factor of factors) {
    if (left.includes(factor) || right.includes(factor)) continue;
    const known = indicesIn(right);
    const addsNone = [...factor.indices].every((i) => !axes.includes(i) || known.has(i));
    (addsNone ? right : left).push(factor);
  }
  const [onLeft, onRight] = [indicesIn(left), indicesIn(right)];
  if (!reduced.some((i) => onLeft.has(i)) || !reduced.some((i) => onRight.has(i))) return null;
  const rows = axes.filter((a) => onLeft.has(a) && !onRight.has(a));
  const columns = axes.filter((a) => onRight.has(a) && !onLeft.has(a));
  const batch = axes.filter((a) => onLeft.has(a) === onRight.has(a));
  const guards = guardsOf(guard, { rows, columns, reduced });
  if (!guards) return null;
  return {
    batch,
    rows,
    columns,
    reduced,
    left: { value: joined(left, body), guard: guards.left },
    right: { value: joined(right, body), guard: guards.right },
    within: guards.within,
    somewhere: guards.somewhere,
  };
}

function joined(factors: readonly Factor[], like: Expr): Expr {
  const one = literal(1, like);
  const product = (list: readonly Factor[]): Expr => list.map((f) => f.value).reduce(mul, one);
  const divisor = product(factors.filter((f) => f.isDivisor));
  const dividend = product(factors.filter((f) => !f.isDivisor));
  return isOne(divisor) ? dividend : div(dividend, divisor);
}

type Side = "left" | "right" | "within" | "somewhere";

/** Each condition on the side whose indices it has; null where one has rows, columns and terms together. */
function guardsOf(
  guard: Expr | null,
  { rows, columns, reduced }: Pick<Product, "rows" | "columns" | "reduced">,
): Readonly<Record<Side, Expr | null>> | null {
  const sides: Record<Side, Expr | null> = { left: null, right: null, within: null, somewhere: null };
  for (const condition of conjuncts(guard)) {
    const used = indicesOf([condition]);
    const has = (list: readonly Index[]): boolean => list.some((i) => used.has(i));
    if (has(reduced) && has(rows) && has(columns)) return null;
    const side = has(reduced)
      ? has(rows)
        ? "left"
        : "right"
      : has(rows) || has(columns)
        ? "within"
        : "somewhere";
    const known = sides[side];
    sides[side] = known ? and(known, condition) : condition;
  }
  return sides;
}
