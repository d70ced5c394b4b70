import type { Data, DType, Elements, Numbers } from "../dtype.js";
import { allocate, isFloat } from "../dtype.js";
import { onesLike } from "../create.js";
import { DTypeError, ShapeError } from "../errors.js";
import { offsetsOf } from "../loops.js";
import { axesOf, axisOf, range, type Shape, sizeOf } from "../shape.js";
import { noGrad, record } from "../tape.js";
import { Tensor } from "../tensor.js";
import { gather } from "./indexing.js";
import { mul, mul0, sub, where } from "./scalar.js";
import { cumprod } from "./scans.js";
import { cat } from "./join.js";
import { expand, flip, reshape, slice } from "./views.js";

export type Axes = number | readonly number[] | undefined;
export interface ValuesAndIndices {
  readonly values: Tensor;
  /** i64 */
  readonly indices: Tensor;
}

/** The shape after a reduction: reduced axes gone, or of size 1. */
function reducedShape(shape: Shape, axes: readonly number[], keepdim: boolean): number[] {
  return shape.flatMap((n, k) => (axes.includes(k) ? (keepdim ? [1] : []) : [n]));
}
/** A reduction's cotangent or result as the operand's shape. */
const spread = (g: Tensor, shape: Shape, axes: readonly number[]): Tensor =>
  expand(reshape(g, reducedShape(shape, axes, true)), shape);

/**
 * Runs `fold(data, start, offsets)` for each entry of the result: `start` is where its elements begin in `data`, and
 * `offsets` where they stand from there, in row-major order.
 */
function reduce(
  x: Tensor,
  axes: readonly number[],
  shape: Shape,
  dtype: DType,
  fold: (data: Elements, start: number, offsets: Int32Array) => number | bigint,
): Tensor {
  const kept = range(x.ndim).filter((k) => !axes.includes(k));
  const pick = (list: readonly number[], from: readonly number[]): number[] => from.map((k) => list[k]!);
  const starts = offsetsOf(pick(x.shape, kept), pick(x.strides, kept));
  const offsets = offsetsOf(pick(x.shape, axes), pick(x.strides, axes));
  const out: Elements = allocate(dtype, starts.length);
  for (let i = 0; i < starts.length; i++) out[i] = fold(x.storage.data, x.offset + starts[i]!, offsets);
  return Tensor.own(out as Data, dtype, shape);
}
const overNumbers =
  (fold: (data: Numbers, start: number, offsets: Int32Array) => number) =>
  (data: Elements, start: number, offsets: Int32Array): number =>
    fold(data as Numbers, start, offsets);

/** Partial sums of 128, so that the error grows with the blocks and not with the elements. */
const sumNumbers = overNumbers((data, start, offsets) => {
  let total = 0;
  for (let block = 0; block < offsets.length; block += 128) {
    const end = Math.min(block + 128, offsets.length);
    let part = 0;
    for (let j = block; j < end; j++) part += data[start + offsets[j]!]!;
    total += part;
  }
  return total;
});
const sorted = (axes: number[]): number[] => axes.sort((a, b) => a - b);

/** Of integers and bools i64. */
export function sum(x: Tensor, dim?: Axes, keepdim = false): Tensor {
  const axes = sorted(axesOf(dim, x.ndim));
  const shape = reducedShape(x.shape, axes, keepdim);
  const out = isFloat(x.dtype)
    ? reduce(x, axes, shape, x.dtype, sumNumbers)
    : reduce(x, axes, shape, "i64", (data, start, offsets) => {
        let total = 0n;
        for (const offset of offsets) total += BigInt(data[start + offset]!);
        return total;
      });
  return record(out, { name: "sum", inputs: [x], backward: (g) => [spread(g, x.shape, axes)] });
}

/** So many elements go into each entry of a reduction. */
const countOf = (x: Tensor, dim: Axes): number => sizeOf(axesOf(dim, x.ndim).map((a) => x.shape[a]!));

/** @throws DTypeError for integers, whose mean is none */
export function mean(x: Tensor, dim?: Axes, keepdim = false): Tensor {
  if (!isFloat(x.dtype)) throw new DTypeError(`mean of ${x.dtype}; convert to a float first`);
  return sum(x, dim, keepdim).div(countOf(x, dim));
}

/** Squared distances from the mean, over their number less `correction`. */
export function variance(x: Tensor, dim?: Axes, keepdim = false, correction = 1): Tensor {
  const count = countOf(x, dim);
  const centred = sub(x, mean(x, dim, true));
  return sum(mul(centred, centred), dim, keepdim).div(Math.max(0, count - correction));
}

/** Roots of variances. The gradient where all elements are equal is 0. */
export const std = (x: Tensor, dim?: Axes, keepdim = false, correction = 1): Tensor =>
  unlessZero(variance(x, dim, keepdim, correction), (v) => v.sqrt());

/** Products. The derivative multiplies the others, and so holds next to zeros. */
export function prod(x: Tensor, dim?: number, keepdim = false): Tensor {
  if (dim === undefined) return prod(reshape(x, [x.size]), 0);
  const axis = axisOf(dim, x.ndim);
  if (x.ndim === 0) return x.clone();
  const shape = reducedShape(x.shape, [axis], keepdim);
  const out = isFloat(x.dtype)
    ? reduce(
        x,
        [axis],
        shape,
        x.dtype,
        overNumbers((data, start, offsets) => {
          let product = 1;
          for (const offset of offsets) product *= data[start + offset]!;
          return product;
        }),
      )
    : reduce(x, [axis], shape, "i64", (data, start, offsets) => {
        let product = 1n;
        for (const offset of offsets) product *= BigInt(data[start + offset]!);
        return BigInt.asIntN(64, product);
      });
  return record(out, {
    name: "prod",
    inputs: [x],
    saved: [x],
    backward: (g) => [mul0(spread(g, x.shape, [axis]), productOfOthers(x, axis))],
  });
}
/** For each entry the product of those before it times the product of those behind it. */
function productOfOthers(x: Tensor, axis: number): Tensor {
  const before = (t: Tensor): Tensor => {
    const first = onesLike(slice(t, axis, 0, 1));
    return cat([first, slice(cumprod(t, axis), axis, 0, -1)], axis);
  };
  if (x.shape[axis] === 0) return x;
  return mul(before(x), flip(before(flip(x, axis)), axis));
}

const extreme = (name: "amax" | "amin", better: (a: number | bigint, b: number | bigint) => boolean) =>
  function reduction(x: Tensor, dim?: Axes, keepdim = false): Tensor {
    const axes = sorted(axesOf(dim, x.ndim));
    const shape = reducedShape(x.shape, axes, keepdim);
    if (sizeOf(axes.map((a) => x.shape[a]!)) === 0 && sizeOf(shape) > 0)
      throw new ShapeError(`${name} of no elements`);
    const out = reduce(
      x,
      axes,
      shape,
      x.dtype,
      (data, start, offsets) => best(data, start, offsets, better).value,
    );
    return record(out, {
      name,
      inputs: [x],
      saved: [x, out],
      backward: (g) => {
        const ties = noGrad(() => x.eq(spread(out, x.shape, axes)).to(x.dtype));
        return [mul(spread(g, x.shape, axes), ties.div(ties.sum(axes, true)))];
      },
    });
  };
function best(
  data: Elements,
  start: number,
  offsets: Int32Array,
  better: (a: number | bigint, b: number | bigint) => boolean,
): { value: number | bigint; at: number } {
  let value = data[start + (offsets[0] ?? 0)]!;
  let at = 0;
  for (let j = 1; j < offsets.length; j++) {
    const candidate = data[start + offsets[j]!]!;
    // A NaN wins and stays.
    if (better(candidate, value) || (candidate !== candidate && value === value)) {
      value = candidate;
      at = j;
    }
  }
  return { value, at };
}
/** Greatest elements; equal ones share the gradient evenly. NaN is greater than all. */
export const amax = extreme("amax", (a, b) => a > b);
/** Least elements; equal ones share the gradient evenly. NaN is less than all. */
export const amin = extreme("amin", (a, b) => a < b);

const position = (name: string, better: (a: number | bigint, b: number | bigint) => boolean) =>
  function reduction(x: Tensor, dim?: number, keepdim = false): Tensor {
    const axes = dim === undefined ? range(x.ndim) : axesOf(dim, x.ndim);
    const shape = reducedShape(x.shape, axes, keepdim);
    if (sizeOf(axes.map((a) => x.shape[a]!)) === 0 && sizeOf(shape) > 0)
      throw new ShapeError(`${name} of no elements`);
    return reduce(x, axes, shape, "i64", (data, start, offsets) =>
      BigInt(best(data, start, offsets, better).at),
    );
  };
/** Positions of the greatest along an axis, or in row-major order; the first of equals. i64. */
export const argmax = position("argmax", (a, b) => a > b);
/** Positions of the least. */
export const argmin = position("argmin", (a, b) => a < b);

/** Of an axis: the greatest with its position, which alone gets the gradient. */
export function maxAlong(x: Tensor, dim: number, keepdim = false): ValuesAndIndices {
  return chosen(x, dim, keepdim, argmax);
}
export function minAlong(x: Tensor, dim: number, keepdim = false): ValuesAndIndices {
  return chosen(x, dim, keepdim, argmin);
}
function chosen(x: Tensor, dim: number, keepdim: boolean, choose: typeof argmax): ValuesAndIndices {
  const axis = axisOf(dim, x.ndim);
  if (x.ndim === 0) return { values: x.clone(), indices: choose(x) };
  const at = choose(x, axis, true);
  const shape = reducedShape(x.shape, [axis], keepdim);
  return { values: reshape(gather(x, axis, at), shape), indices: reshape(at, shape) };
}

export const any = (x: Tensor, dim?: Axes, keepdim = false): Tensor =>
  amaxOrEmpty(x.to("bool"), dim, keepdim, false);
export const all = (x: Tensor, dim?: Axes, keepdim = false): Tensor =>
  amaxOrEmpty(x.to("bool"), dim, keepdim, true);
function amaxOrEmpty(x: Tensor, dim: Axes, keepdim: boolean, every: boolean): Tensor {
  const axes = sorted(axesOf(dim, x.ndim));
  return reduce(
    x,
    axes,
    reducedShape(x.shape, axes, keepdim),
    "bool",
    overNumbers((data, start, offsets) => {
      for (const offset of offsets) if ((data[start + offset] !== 0) !== every) return Number(!every);
      return Number(every);
    }),
  );
}

/** `log Σ exp(x)`, by way of the greatest, so that nothing overflows; of no elements -Infinity. */
export function logsumexp(x: Tensor, dim?: Axes, keepdim = false): Tensor {
  const axes = sorted(axesOf(dim, x.ndim));
  const top = noGrad(() => {
    if (countOf(x, axes) === 0) return 0;
    const greatest = amax(x, axes, true);
    return where(greatest.abs().eq(Infinity), 0, greatest);
  });
  const total = sub(x, top).exp().sum(axes, true).log().add(top);
  return keepdim ? total : reshape(total, reducedShape(x.shape, axes, false));
}

/**
 * The p-norm over axes, 2 by default; `Infinity` gives the greatest magnitude, `-Infinity` the least, 0 the number of
 * elements that are not 0. The gradient at zeros is 0.
 */
export function norm(x: Tensor, p = 2, dim?: Axes, keepdim = false): Tensor {
  if (p === 0) return sum(x.ne(0).to(x.dtype), dim, keepdim);
  if (p === 1 || (p > 0 && countOf(x, dim) === 0)) return sum(x.abs(), dim, keepdim);
  if (p === Infinity) return amax(x.abs(), dim, keepdim);
  if (p === -Infinity) return amin(x.abs(), dim, keepdim);
  if (p === 2) return unlessZero(sum(mul(x, x), dim, keepdim), (total) => total.sqrt());
  const powers = unlessZero(x, (t) => t.abs().pow(p));
  return unlessZero(sum(powers, dim, keepdim), (total) => total.pow(1 / p));
}
/** f, which is 0 at 0 with a derivative that is infinite or none: 0 here. */
const unlessZero = (x: Tensor, f: (x: Tensor) => Tensor): Tensor => f(x).where(x.ne(0), 0);
