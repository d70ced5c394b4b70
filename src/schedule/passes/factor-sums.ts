import { inBounds } from "../../ir/bounds.js";
import type { Expr, Index, ReadExpr, ValueId } from "../../ir/expr.js";
import {
  compare,
  constant,
  div,
  indexValue,
  indicesOf,
  mul,
  neg,
  read,
  readsOf,
  select,
} from "../../ir/expr.js";
import type { Fresh } from "../../ir/fresh.js";
import { overOwnIndices } from "../../ir/fresh.js";
import { groupedIds } from "../../ir/items.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Item, Program, Value } from "../../ir/program.js";

/**
 * Takes the scale of a softmax in front of sums that do not run over it: `sum[k] (e[r, k] * scale[r]) * x[r, k]` is
 * `scale[r] * sum[k] e[r, k] * x[r, k]`. So the sum runs in the pass that adds up the exponentials, and sums are equal
 * that differ in such factors only (the weighted sum and its gradient's). What the sizes alone give goes along. The
 * exponentials are at most 1 and the scale at least one over their number, so nothing overflows that did not before;
 * of other factors that cannot be told, and a term with them may be one that other equations have too.
 *
 * The number of its terms, by which a sum is divided, goes in front as well: a mean adds up before it divides, so does its
 * gradient, and a loop has no division in it.
 *
 * A positive power of two goes in front in any case, as it changes no bit of what is added; a sign stays, for the sum of
 * nothing but zeros has one.
 *
 * A sum under a guard or over a range that may be empty has terms that are not there: what stands in front must not
 * be evaluated then, nor be infinity times 0. Sums in f16 stay: they are scaled so that they do not overflow.
 * `remembered` holds the sums made before, so that every entry point has the same.
 */
export function factorSums(program: Program, fresh: Fresh, remembered: Map<string, Value>): Program {
  const grouped = groupedIds(program);
  const values = new Map(program.values);
  const isScale = (node: ReadExpr): boolean => {
    const value = program.values.get(node.value);
    return value?.isScale === true && inBounds(node, value.shape);
  };
  const items = program.items.flatMap((item): Item[] => {
    const value = typeof item === "number" && !grouped.has(item) ? values.get(item) : undefined;
    const split = value?.definition.kind === "equation" ? splitOf(value.definition, isScale) : null;
    if (!value || !split) return [item];
    const { equation, factor } = split;
    const key = `${value.id} ${equation.body.id}`;
    const sum = remembered.get(key) ?? {
      ...value,
      id: fresh.id(),
      name: fresh.name(`${value.name}_terms`),
      definition: overOwnIndices(equation),
    };
    remembered.set(key, sum);
    values.set(sum.id, sum);
    const { axes } = equation;
    const body = factor(sum.id);
    values.set(value.id, {
      ...value,
      definition: overOwnIndices({ ...equation, axes, operator: null, body }),
    });
    return [sum.id, value.id];
  });
  return { ...program, values, items };
}

interface Split {
  readonly equation: Equation;
  /** The factors times what the sum is. */
  readonly factor: (sum: ValueId) => Expr;
}

interface Parts {
  readonly front: readonly Expr[];
  readonly inside: readonly Expr[];
}
function splitOf(equation: Equation, isScale: (node: ReadExpr) => boolean): Split | null {
  const { axes, operator, body } = equation;
  const isSum = operator?.kind === "reduce" && operator.reducer === "sum";
  if (!isSum || (body.dtype !== "f32" && body.dtype !== "f64")) return null;
  const isInFront = (e: Expr): boolean => {
    const own = indicesOf([e]);
    return operator.indices.every((i) => !own.has(i)) && readsOf([e]).every(isScale);
  };
  const hasScale = (e: Expr): boolean => readsOf([e]).length > 0;
  const product = factorsOf(body);
  const goes = (list: readonly Expr[], is: (e: Expr) => boolean): Parts => ({
    front: list.filter(is),
    inside: list.filter((e) => !is(e)),
  });
  let [above, below] = [goes(product.above, isInFront), goes(product.below, isInFront)];
  const isWaitedFor = operator.guard === null && [...above.front, ...below.front].some(hasScale);
  const counts = countsOf(operator.indices);
  const isCount = (e: Expr): boolean => {
    const number = operator.guard === null && e.op === "cast" && e.arg.op === "index" ? e.arg.poly : null;
    return number !== null && counts.some((count) => number.equals(count));
  };
  const isShared = (e: Expr): boolean => isExact(e) || isCount(e);
  if (!isWaitedFor) [above, below] = [goes(product.above, isExact), goes(product.below, isShared)];
  if (above.front.length + below.front.length === 0) return null;
  if (above.inside.length === 0) return null;
  const of = (list: readonly Expr[], start: Expr): Expr => list.reduce(mul, start);
  const one = constant(1, body.dtype);
  const over = (above: Expr, list: readonly Expr[]): Expr =>
    list.length === 0 ? above : div(above, of(list, one));
  const signed = (e: Expr): Expr => (product.isNegative ? neg(e) : e);
  // In one order, so that sums of the same factors are the same.
  const ordered = isWaitedFor ? [...above.inside].sort((a, b) => a.id - b.id) : above.inside;
  const isGuarded = isWaitedFor || below.front.some(isCount);
  const isThere = isGuarded ? operator.indices.map((i) => nonEmpty(i)).filter((c) => c !== null) : [];
  return {
    equation: { ...equation, body: signed(over(of(ordered, one), below.inside)) },
    factor: (sum) => {
      const total = read(
        sum,
        axes.map((a) => Poly.index(a)),
        body.dtype,
      );
      const scaled = over(mul(of(above.front, one), total), below.front);
      return isThere.reduceRight(
        (e: Expr, condition) => select(condition, e, constant(0, body.dtype)),
        scaled,
      );
    },
  };
}

/** Whether an index takes a value at all; null where it always does. */
function nonEmpty({ lo, hi }: Index): Expr | null {
  const length = hi.sub(lo);
  return (length.constant ?? 0) > 0 ? null : compare("lt", constant(0, "i32"), indexValue(length));
}

interface Factors {
  readonly above: readonly Expr[];
  readonly below: readonly Expr[];
  readonly isNegative: boolean;
}
function factorsOf(e: Expr): Factors {
  const [a, b] = e.op === "call" ? e.args : [];
  if (e.op === "call" && a && b && (e.fn === "mul" || e.fn === "div")) {
    const [x, y] = [factorsOf(a), factorsOf(b)];
    const [above, below] = e.fn === "mul" ? [y.above, y.below] : [y.below, y.above];
    return {
      above: [...x.above, ...above],
      below: [...x.below, ...below],
      isNegative: x.isNegative !== y.isNegative,
    };
  }
  if (e.op === "call" && e.fn === "neg" && a) {
    const x = factorsOf(a);
    return { ...x, isNegative: !x.isNegative };
  }
  return { above: [e], below: [], isNegative: false };
}

/** A power of two: what it multiplies keeps every bit. */
const isExact = (e: Expr): boolean =>
  e.op === "constant" && e.value > 0 && Number.isInteger(Math.log2(e.value));
/** How many terms a sum has along each of its indices, and along all of them. */
function countsOf(indices: readonly Index[]): readonly Poly[] {
  const each = indices.map(({ lo, hi }) => hi.sub(lo));
  return [...each, each.reduce((n, size) => n.mul(size), Poly.constant(1))];
}
