import { einsum, full, noGrad, type Tensor, where } from "../eager/index.js";
import { invariant } from "../diagnostics/invariant.js";
import type { Expr, Index } from "../ir/expr.js";
import type { Equation, Operator, Value } from "../ir/program.js";
import { emptyResult, startOf } from "../ir/reducers.js";
import { eagerType, Evaluator, type Scope } from "./expression.js";
import { asTensor, type Dims, Space, type SpaceAxis, type Spread } from "./space.js";

type Reduction = Extract<Operator, { kind: "reduce" }>;
type Along = Extract<Operator, { kind: "along" }>;

/**
 * An equation as tensor operations. `extent` are the coordinates of each axis that are computed: all of them, or of a
 * recurrence's axis one. The result has exactly these sizes.
 */
export function evaluateEquation(
  scope: Scope,
  value: Value,
  { axes, operator, body }: Equation,
  extent: readonly SpaceAxis[],
  dims: Dims,
): Tensor {
  const type = eagerType(value.dtype, scope.float);
  const sizes = extent.map((a) => a.size);
  const whole = (x: Spread): Tensor => asTensor(x, type).expand(sizes);
  if (sizes.includes(0)) return full(sizes, 0, { dtype: type });
  if (operator?.kind !== "reduce") {
    const evaluator = new Evaluator(scope, new Space(extent, dims));
    const found = evaluator.evaluate(body);
    if (!operator) return whole(found);
    const mask = operator.guard && evaluator.evaluate(operator.guard);
    return whole(along(operator, axes.indexOf(operator.index), whole(found), mask));
  }
  const { space, masks } = reductionSpace(scope, extent, operator, dims);
  const kept = extent.length;
  if (space.shape.slice(kept).includes(0)) {
    const none = emptyResult(operator.reducer, value.dtype);
    return whole(none);
  }
  const evaluator = new Evaluator(scope, space);
  const guards = [...masks, ...(operator.guard ? [evaluator.evaluate(operator.guard)] : [])];
  const mask = guards.length ? guards.reduce(both) : null;
  if (operator.reducer === "sum" && mask === null) {
    const product = contraction(evaluator, body, space, kept);
    if (product) return whole(product);
  }
  const term = asTensor(evaluator.evaluate(body), eagerType(body.dtype, scope.float)).expand(space.shape);
  const masked =
    mask === null ? term : where(mask, term, startOf(operator.reducer, body.dtype)).to(term.dtype);
  return whole(reduce(operator, masked, mask, sizes, space.axes.slice(kept)));
}

const both = (a: Spread, b: Spread): Spread =>
  typeof a === "number" ? (a ? b : 0) : typeof b === "number" ? (b ? a : 0) : a.and(b);

/**
 * The output's axes and then the reduction's. A range that depends on indices further out becomes the least one that
 * holds it for all of them, and a mask.
 */
function reductionSpace(
  scope: Scope,
  extent: readonly SpaceAxis[],
  { indices }: Reduction,
  dims: Dims,
): { space: Space; masks: Spread[] } {
  let axes: readonly SpaceAxis[] = extent;
  const bounds: { index: Index; lo: Spread; hi: Spread }[] = [];
  for (const index of indices) {
    const evaluator = new Evaluator(scope, new Space(axes, dims));
    const [lo, hi] = [evaluator.polynomial(index.lo), evaluator.polynomial(index.hi)];
    const low = typeof lo === "number" ? lo : lo.amin().item();
    const high = typeof hi === "number" ? hi : hi.amax().item();
    if (typeof lo !== "number" || typeof hi !== "number") bounds.push({ index, lo, hi });
    axes = [...axes, { index, lo: low, size: Math.max(0, high - low) }];
  }
  const space = new Space(axes, dims);
  const padded = (x: Spread): Spread =>
    typeof x === "number" ? x : x.reshape(...x.shape, ...axes.slice(x.ndim).map(() => 1));
  const masks = bounds.map(({ index, lo, hi }) =>
    noGrad(() => {
      const at = space.coordinate(index);
      return at.ge(padded(lo)).and(at.lt(padded(hi)));
    }),
  );
  return { space, masks };
}

/** A sum of products as one contraction, so that the product over the whole space is never laid out. */
function contraction(evaluator: Evaluator, body: Expr, space: Space, kept: number): Tensor | null {
  if (body.op !== "call" || body.fn !== "mul") return null;
  const factors = body.args.map((a) => evaluator.evaluate(a));
  const [a, b] = factors;
  if (a === undefined || b === undefined || typeof a === "number" || typeof b === "number") return null;
  // A matrix product's derivative multiplies them by cotangents of 0 too, which entry by entry stay 0.
  if (!areNumbers(a) || !areNumbers(b)) return null;
  const letters = space.axes.map((_, k) => String.fromCharCode(97 + k));
  const varies = (t: Tensor): number[] => space.axes.flatMap((_, k) => (t.shape[k] !== 1 ? [k] : []));
  const [left, right] = [varies(a), varies(b)];
  const reduced = space.axes.flatMap((axis, k) => (k >= kept && axis.size !== 1 ? [k] : []));
  if (letters.length > 26 || reduced.some((k) => !left.includes(k) && !right.includes(k))) return null;
  const result = space.axes
    .slice(0, kept)
    .flatMap((_, k) => (left.includes(k) || right.includes(k) ? [k] : []));
  const text = (axes: readonly number[]): string => axes.map((k) => letters[k]).join("");
  const dropped = (t: Tensor, axes: readonly number[]): Tensor => t.reshape(...axes.map((k) => t.shape[k]!));
  const product = einsum(
    `${text(left)},${text(right)}->${text(result)}`,
    dropped(a, left),
    dropped(b, right),
  );
  return product.reshape(...space.axes.slice(0, kept).map((axis, k) => (result.includes(k) ? axis.size : 1)));
}

function areNumbers({ storage: { data } }: Tensor): boolean {
  if (data instanceof BigInt64Array) return true;
  for (const x of data) if (!Number.isFinite(x)) return false;
  return true;
}

function reduce(
  { reducer, indices }: Reduction,
  term: Tensor,
  mask: Spread | null,
  sizes: readonly number[],
  reduced: readonly SpaceAxis[],
): Tensor {
  const lines = term.reshape(...sizes, -1);
  switch (reducer) {
    case "sum":
      return lines.sum(-1);
    case "prod":
      return lines.prod(-1);
    case "max":
    case "peak":
      return lines.max(-1).values;
    case "min":
      return lines.min(-1).values;
    case "any":
      return lines.any(-1);
    case "all":
      return lines.all(-1);
    case "logsumexp":
      return lines.logsumexp(-1);
    case "argmax":
    case "argmin": {
      const at = reducer === "argmax" ? lines.argmax(-1) : lines.argmin(-1);
      const found = indices.length === 1 ? at.add(reduced[0]?.lo ?? 0) : at;
      if (mask === null) return found;
      const some = asTensor(mask, "bool")
        .expand(term.shape)
        .reshape(...sizes, -1)
        .any(-1);
      return where(some, found, 0);
    }
  }
}

/** Softmax and its kin along an axis; lines with nothing unmasked stay out of the arithmetic. */
function along({ name }: Along, axis: number, x: Tensor, guard: Spread | null): Tensor {
  invariant(axis >= 0, "the operator's index is one of the axes");
  const mask = guard === null || typeof guard !== "number" ? guard : full([], guard !== 0);
  const masked = (value: number): Tensor => (mask === null ? x : where(mask, x, value).to(x.dtype));
  switch (name) {
    case "cumsum":
      return masked(0).cumsum(axis);
    case "cumprod":
      return masked(1).cumprod(axis);
    case "softmax":
    case "log_softmax": {
      if (mask === null) return name === "softmax" ? x.softmax(axis) : x.logSoftmax(axis);
      const some = mask.expand(x.shape).any(axis, true);
      const lines = where(some, masked(-Infinity), 0).to(x.dtype);
      return name === "softmax"
        ? where(mask, lines.softmax(axis), 0)
        : where(mask, lines.logSoftmax(axis), -Infinity);
    }
  }
}
