import type { BackwardOptions } from "./backward.js";
import { backward } from "./backward.js";
import { toNpy } from "./npy.js";
import * as indexing from "./ops/indexing.js";
import type { Index } from "./ops/indexing.js";
import * as inplace from "./ops/inplace.js";
import * as linear from "./ops/linear.js";
import * as networks from "./ops/networks.js";
import * as reductions from "./ops/reductions.js";
import type { Axes, ValuesAndIndices } from "./ops/reductions.js";
import * as scalar from "./ops/scalar.js";
import * as scans from "./ops/scans.js";
import * as views from "./ops/views.js";
import { listOf, type Sizes } from "./shape.js";
import { Tensor, type Operand } from "./tensor.js";

/**
 * The operations as methods of every tensor; each gives a new tensor, or a view, unless its name ends in an underscore.
 * What they do and throw stands with the functions.
 */
abstract class Methods {
  // ── Views ─────────────────────────────────────────────────────────────────────────────────────────────────────
  /** One size may be -1. A view where strides allow. */
  reshape(this: Tensor, ...shape: Sizes): Tensor {
    return views.reshape(this, listOf(shape));
  }
  /** Axes `from` to `to`, both included, as one. */
  flatten(this: Tensor, from = 0, to = -1): Tensor {
    return views.flatten(this, from, to);
  }
  permute(this: Tensor, ...order: Sizes): Tensor {
    return views.permute(this, listOf(order));
  }
  transpose(this: Tensor, a: number, b: number): Tensor {
    return views.transpose(this, a, b);
  }
  movedim(this: Tensor, from: number, to: number): Tensor {
    return views.movedim(this, from, to);
  }
  expand(this: Tensor, ...shape: Sizes): Tensor {
    return views.expand(this, listOf(shape));
  }
  select(this: Tensor, dim: number, index: number): Tensor {
    return views.select(this, dim, index);
  }
  slice(this: Tensor, dim: number, start?: number | null, stop?: number | null, step = 1): Tensor {
    return views.slice(this, dim, start, stop, step);
  }
  narrow(this: Tensor, dim: number, start: number, length: number): Tensor {
    return views.narrow(this, dim, start, length);
  }
  flip(this: Tensor, dims: number | readonly number[]): Tensor {
    return views.flip(this, dims);
  }
  squeeze(this: Tensor, dim?: number): Tensor {
    return views.squeeze(this, dim);
  }
  unsqueeze(this: Tensor, dim: number): Tensor {
    return views.unsqueeze(this, dim);
  }
  diagonal(this: Tensor, offset = 0, first = 0, second = 1): Tensor {
    return views.diagonal(this, offset, first, second);
  }
  unfold(this: Tensor, dim: number, size: number, step = 1, dilation = 1): Tensor {
    return views.unfold(this, dim, size, step, dilation);
  }
  split(this: Tensor, size: number | readonly number[], dim = 0): Tensor[] {
    return views.split(this, size, dim);
  }
  /** Entries of `value` around the last axes. */
  pad(this: Tensor, widths: readonly (readonly [number, number])[], value = 0): Tensor {
    return views.pad(this, widths, value);
  }
  /** `this[items]`: numbers, slices as text (`"1:5"`, `"::-1"`), `"..."`, null, lists, tensors, masks. */
  at(this: Tensor, ...items: Index[]): Tensor {
    return indexing.at(this, items);
  }
  gather(this: Tensor, dim: number, index: Tensor): Tensor {
    return indexing.gather(this, dim, index);
  }
  scatterAdd(this: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
    return indexing.scatterAdd(this, dim, index, source);
  }
  indexSelect(this: Tensor, dim: number, index: Tensor | readonly number[]): Tensor {
    return indexing.indexSelect(this, dim, index);
  }

  // ── Element by element ────────────────────────────────────────────────────────────────────────────────────────
  add(this: Tensor, other: Operand): Tensor {
    return scalar.add(this, other);
  }
  sub(this: Tensor, other: Operand): Tensor {
    return scalar.sub(this, other);
  }
  mul(this: Tensor, other: Operand): Tensor {
    return scalar.mul(this, other);
  }
  div(this: Tensor, other: Operand): Tensor {
    return scalar.div(this, other);
  }
  pow(this: Tensor, other: Operand): Tensor {
    return scalar.pow(this, other);
  }
  floorDiv(this: Tensor, other: Operand): Tensor {
    return scalar.floorDiv(this, other);
  }
  mod(this: Tensor, other: Operand): Tensor {
    return scalar.mod(this, other);
  }
  hypot(this: Tensor, other: Operand): Tensor {
    return scalar.hypot(this, other);
  }
  atan2(this: Tensor, other: Operand): Tensor {
    return scalar.atan2(this, other);
  }
  maximum(this: Tensor, other: Operand): Tensor {
    return scalar.maximum(this, other);
  }
  minimum(this: Tensor, other: Operand): Tensor {
    return scalar.minimum(this, other);
  }
  eq(this: Tensor, other: Operand): Tensor {
    return scalar.eq(this, other);
  }
  ne(this: Tensor, other: Operand): Tensor {
    return scalar.ne(this, other);
  }
  lt(this: Tensor, other: Operand): Tensor {
    return scalar.lt(this, other);
  }
  le(this: Tensor, other: Operand): Tensor {
    return scalar.le(this, other);
  }
  gt(this: Tensor, other: Operand): Tensor {
    return scalar.gt(this, other);
  }
  ge(this: Tensor, other: Operand): Tensor {
    return scalar.ge(this, other);
  }
  and(this: Tensor, other: Operand): Tensor {
    return scalar.and(this, other);
  }
  or(this: Tensor, other: Operand): Tensor {
    return scalar.or(this, other);
  }
  mul0(this: Tensor, other: Operand): Tensor {
    return scalar.mul0(this, other);
  }
  not(this: Tensor): Tensor {
    return scalar.not(this);
  }
  neg(this: Tensor): Tensor {
    return scalar.neg(this);
  }
  abs(this: Tensor): Tensor {
    return scalar.abs(this);
  }
  sign(this: Tensor): Tensor {
    return scalar.sign(this);
  }
  square(this: Tensor): Tensor {
    return scalar.square(this);
  }
  floor(this: Tensor): Tensor {
    return scalar.floor(this);
  }
  ceil(this: Tensor): Tensor {
    return scalar.ceil(this);
  }
  round(this: Tensor): Tensor {
    return scalar.round(this);
  }
  trunc(this: Tensor): Tensor {
    return scalar.trunc(this);
  }
  sqrt(this: Tensor): Tensor {
    return scalar.sqrt(this);
  }
  rsqrt(this: Tensor): Tensor {
    return scalar.rsqrt(this);
  }
  cbrt(this: Tensor): Tensor {
    return scalar.cbrt(this);
  }
  exp(this: Tensor): Tensor {
    return scalar.exp(this);
  }
  exp2(this: Tensor): Tensor {
    return scalar.exp2(this);
  }
  expm1(this: Tensor): Tensor {
    return scalar.expm1(this);
  }
  log(this: Tensor): Tensor {
    return scalar.log(this);
  }
  log2(this: Tensor): Tensor {
    return scalar.log2(this);
  }
  log10(this: Tensor): Tensor {
    return scalar.log10(this);
  }
  log1p(this: Tensor): Tensor {
    return scalar.log1p(this);
  }
  sin(this: Tensor): Tensor {
    return scalar.sin(this);
  }
  cos(this: Tensor): Tensor {
    return scalar.cos(this);
  }
  tan(this: Tensor): Tensor {
    return scalar.tan(this);
  }
  asin(this: Tensor): Tensor {
    return scalar.asin(this);
  }
  acos(this: Tensor): Tensor {
    return scalar.acos(this);
  }
  atan(this: Tensor): Tensor {
    return scalar.atan(this);
  }
  sinh(this: Tensor): Tensor {
    return scalar.sinh(this);
  }
  cosh(this: Tensor): Tensor {
    return scalar.cosh(this);
  }
  tanh(this: Tensor): Tensor {
    return scalar.tanh(this);
  }
  asinh(this: Tensor): Tensor {
    return scalar.asinh(this);
  }
  acosh(this: Tensor): Tensor {
    return scalar.acosh(this);
  }
  atanh(this: Tensor): Tensor {
    return scalar.atanh(this);
  }
  erf(this: Tensor): Tensor {
    return scalar.erf(this);
  }
  erfc(this: Tensor): Tensor {
    return scalar.erfc(this);
  }
  lgamma(this: Tensor): Tensor {
    return scalar.lgamma(this);
  }
  digamma(this: Tensor): Tensor {
    return scalar.digamma(this);
  }
  sigmoid(this: Tensor): Tensor {
    return scalar.sigmoid(this);
  }
  logSigmoid(this: Tensor): Tensor {
    return scalar.logSigmoid(this);
  }
  softplus(this: Tensor): Tensor {
    return scalar.softplus(this);
  }
  relu(this: Tensor): Tensor {
    return scalar.relu(this);
  }
  selu(this: Tensor): Tensor {
    return scalar.selu(this);
  }
  gelu(this: Tensor): Tensor {
    return scalar.gelu(this);
  }
  silu(this: Tensor): Tensor {
    return scalar.silu(this);
  }
  mish(this: Tensor): Tensor {
    return scalar.mish(this);
  }
  polygamma(this: Tensor, n: number): Tensor {
    return scalar.polygamma(n, this);
  }
  /** 1 where this is at least `edge`, else 0. */
  step(this: Tensor, edge: Operand): Tensor {
    return scalar.step(edge, this);
  }
  leakyRelu(this: Tensor, slope?: Operand): Tensor {
    return scalar.leakyRelu(this, slope);
  }
  elu(this: Tensor, alpha?: Operand): Tensor {
    return scalar.elu(this, alpha);
  }
  /** Within lo and hi; one may be left out. */
  clamp(this: Tensor, lo?: Operand | null, hi?: Operand | null): Tensor {
    return scalar.clamp(this, lo, hi);
  }
  /** This where `condition` holds, else `other`. */
  where(this: Tensor, condition: Operand, other: Operand): Tensor {
    return scalar.where(condition, this, other);
  }

  // ── Reductions and scans ──────────────────────────────────────────────────────────────────────────────────────
  sum(this: Tensor, dim?: Axes, keepdim = false): Tensor {
    return reductions.sum(this, dim, keepdim);
  }
  mean(this: Tensor, dim?: Axes, keepdim = false): Tensor {
    return reductions.mean(this, dim, keepdim);
  }
  amax(this: Tensor, dim?: Axes, keepdim = false): Tensor {
    return reductions.amax(this, dim, keepdim);
  }
  amin(this: Tensor, dim?: Axes, keepdim = false): Tensor {
    return reductions.amin(this, dim, keepdim);
  }
  any(this: Tensor, dim?: Axes, keepdim = false): Tensor {
    return reductions.any(this, dim, keepdim);
  }
  all(this: Tensor, dim?: Axes, keepdim = false): Tensor {
    return reductions.all(this, dim, keepdim);
  }
  logsumexp(this: Tensor, dim?: Axes, keepdim = false): Tensor {
    return reductions.logsumexp(this, dim, keepdim);
  }
  prod(this: Tensor, dim?: number, keepdim = false): Tensor {
    return reductions.prod(this, dim, keepdim);
  }
  var(this: Tensor, dim?: Axes, keepdim = false, correction = 1): Tensor {
    return reductions.variance(this, dim, keepdim, correction);
  }
  std(this: Tensor, dim?: Axes, keepdim = false, correction = 1): Tensor {
    return reductions.std(this, dim, keepdim, correction);
  }
  norm(this: Tensor, p = 2, dim?: Axes, keepdim = false): Tensor {
    return reductions.norm(this, p, dim, keepdim);
  }
  argmax(this: Tensor, dim?: number, keepdim = false): Tensor {
    return reductions.argmax(this, dim, keepdim);
  }
  argmin(this: Tensor, dim?: number, keepdim = false): Tensor {
    return reductions.argmin(this, dim, keepdim);
  }
  /** The greatest element; along an axis with its position. Elementwise: `maximum`. */
  max(this: Tensor): Tensor;
  max(this: Tensor, dim: number, keepdim?: boolean): ValuesAndIndices;
  max(this: Tensor, dim?: number, keepdim = false): Tensor | ValuesAndIndices {
    return dim === undefined ? reductions.amax(this) : reductions.maxAlong(this, dim, keepdim);
  }
  /** The least element; along an axis with its position. Elementwise: `minimum`. */
  min(this: Tensor): Tensor;
  min(this: Tensor, dim: number, keepdim?: boolean): ValuesAndIndices;
  min(this: Tensor, dim?: number, keepdim = false): Tensor | ValuesAndIndices {
    return dim === undefined ? reductions.amin(this) : reductions.minAlong(this, dim, keepdim);
  }
  cumsum(this: Tensor, dim: number): Tensor {
    return scans.cumsum(this, dim);
  }
  cumprod(this: Tensor, dim: number): Tensor {
    return scans.cumprod(this, dim);
  }
  sort(this: Tensor, dim = -1, descending = false): ValuesAndIndices {
    return scans.sort(this, dim, descending);
  }
  argsort(this: Tensor, dim = -1, descending = false): Tensor {
    return scans.argsort(this, dim, descending);
  }
  topk(this: Tensor, count: number, dim = -1, largest = true): ValuesAndIndices {
    return scans.topk(this, count, dim, largest);
  }

  // ── Products and networks ─────────────────────────────────────────────────────────────────────────────────────
  matmul(this: Tensor, other: Tensor): Tensor {
    return linear.matmul(this, other);
  }
  softmax(this: Tensor, dim: number): Tensor {
    return networks.softmax(this, dim);
  }
  logSoftmax(this: Tensor, dim: number): Tensor {
    return networks.logSoftmax(this, dim);
  }

  // ── In place ───────────────────────────────────────────────────────────────────────────────────────────────────
  /** Writes `source`, which broadcasts, over the elements. @throws AutogradError on a leaf that requires a gradient */
  copy_<T extends Tensor>(this: T, source: Operand): T {
    return inplace.copy(this, source);
  }
  fill_<T extends Tensor>(this: T, value: number | bigint | boolean): T {
    return inplace.copy(this, value);
  }
  zero_<T extends Tensor>(this: T): T {
    return inplace.copy(this, 0);
  }
  add_<T extends Tensor>(this: T, other: Operand): T {
    return inplace.update(this, (x) => scalar.add(x, other));
  }
  sub_<T extends Tensor>(this: T, other: Operand): T {
    return inplace.update(this, (x) => scalar.sub(x, other));
  }
  mul_<T extends Tensor>(this: T, other: Operand): T {
    return inplace.update(this, (x) => scalar.mul(x, other));
  }
  div_<T extends Tensor>(this: T, other: Operand): T {
    return inplace.update(this, (x) => scalar.div(x, other));
  }
  pow_<T extends Tensor>(this: T, exponent: Operand): T {
    return inplace.update(this, (x) => scalar.pow(x, exponent));
  }
  clamp_<T extends Tensor>(this: T, lo?: Operand | null, hi?: Operand | null): T {
    return inplace.update(this, (x) => scalar.clamp(x, lo, hi));
  }
  neg_<T extends Tensor>(this: T): T {
    return inplace.update(this, (x) => scalar.neg(x));
  }
  exp_<T extends Tensor>(this: T): T {
    return inplace.update(this, (x) => scalar.exp(x));
  }
  log_<T extends Tensor>(this: T): T {
    return inplace.update(this, (x) => scalar.log(x));
  }
  sqrt_<T extends Tensor>(this: T): T {
    return inplace.update(this, (x) => scalar.sqrt(x));
  }
  tanh_<T extends Tensor>(this: T): T {
    return inplace.update(this, (x) => scalar.tanh(x));
  }
  sigmoid_<T extends Tensor>(this: T): T {
    return inplace.update(this, (x) => scalar.sigmoid(x));
  }
  relu_<T extends Tensor>(this: T): T {
    return inplace.update(this, (x) => scalar.relu(x));
  }
  /** `this[items] = value`. */
  set<T extends Tensor>(this: T, items: readonly Index[], value: Operand): T {
    indexing.assignAt(this, items, value);
    return this;
  }

  // ── Gradients and files ────────────────────────────────────────────────────────────────────────────────────────
  /** Adds the gradient of this to the `grad` of all leaves that it came from; see `backward` for what is thrown. */
  backward(this: Tensor, gradient?: Tensor | null, options?: BackwardOptions): void {
    backward(this, gradient, options);
  }
  /** NumPy's file format. */
  toNpy(this: Tensor): Uint8Array {
    return toNpy(this);
  }
}

declare module "./tensor.js" {
  interface Tensor extends Methods {}
}
for (const [name, method] of Object.entries(Object.getOwnPropertyDescriptors(Methods.prototype)))
  if (name !== "constructor") Object.defineProperty(Tensor.prototype, name, method);

export { Tensor } from "./tensor.js";
