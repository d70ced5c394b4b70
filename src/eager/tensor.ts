import type { BackwardOptions } from "./backward.js";
import { backward } from "./backward.js";
import type { Data, DType, Numbers } from "./dtype.js";
import { allocate, convertData, isFloat } from "./dtype.js";
import { AutogradError, DTypeError, ShapeError } from "./errors.js";
import { copyElements } from "./loops.js";
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
import { format } from "./print.js";
import { isRowMajor, rowMajor, sizeOf, type Shape } from "./shape.js";
import type { Edge, Hook, Node, View } from "./tape.js";
import { edgeOf, enableGrad, record } from "./tape.js";

/** Elements, shared by all views of them. The version counts changes in place. */
export interface Storage {
  readonly data: Data;
  version: number;
}
export type NestedList = number | boolean | readonly NestedList[];
/** What stands beside a tensor in an operation: numbers do not change a tensor's type unless they are of another kind. */
export type Operand = Tensor | number | bigint | boolean;

const inspect = Symbol.for("nodejs.util.inspect.custom");

/**
 * A view of a storage: element (i, j, …) stands at offset + i * strides[0] + j * strides[1] + … Operations return new
 * tensors; those whose name ends in an underscore change this one in place.
 */
export class Tensor {
  /** The gradient that `backward` has added up, or null. */
  grad: Tensor | null = null;
  /** A leaf's own node. */
  accumulator: Node | null = null;
  private made: Edge | null = null;
  private leafRequiresGrad = false;
  /** The storage's version when `made` of a view was last right. */
  private madeAt: number;

  constructor(
    readonly storage: Storage,
    readonly dtype: DType,
    readonly shape: Shape,
    readonly strides: readonly number[],
    readonly offset: number,
    readonly view: View | null = null,
  ) {
    this.madeAt = storage.version;
  }
  /** A tensor that owns row-major `data`. */
  static own(data: Data, dtype: DType, shape: Shape): Tensor {
    return new Tensor({ data, version: 0 }, dtype, shape, rowMajor(shape), 0);
  }
  static empty(dtype: DType, shape: Shape): Tensor {
    return Tensor.own(allocate(dtype, sizeOf(shape)), dtype, shape);
  }

  get size(): number {
    return sizeOf(this.shape);
  }
  get ndim(): number {
    return this.shape.length;
  }
  get version(): number {
    return this.storage.version;
  }
  isContiguous(): boolean {
    return isRowMajor(this.shape, this.strides);
  }

  // ── Gradients ──────────────────────────────────────────────────────────────────────────────────────────────────
  /** The edge into the operation that made this; of a view whose base was changed in place, the view taken anew. */
  get history(): Edge | null {
    const { view } = this;
    if (view && this.madeAt !== this.version) {
      this.made = edgeOf(view.base) ? enableGrad(() => view.remake(view.base)).made : null;
      this.madeAt = this.version;
    }
    return this.made;
  }
  set history(edge: Edge | null) {
    this.made = edge;
    this.madeAt = this.version;
  }
  get isLeafRequiringGrad(): boolean {
    return this.leafRequiresGrad;
  }
  get isLeaf(): boolean {
    return this.history === null;
  }
  get requiresGrad(): boolean {
    return this.leafRequiresGrad || this.history !== null;
  }
  /** @throws AutogradError for a result of operations, DTypeError for what is not a float */
  set requiresGrad(wanted: boolean) {
    if (this.history) {
      if (!wanted) throw new AutogradError("only a leaf can stop requiring a gradient; use detach()");
      return;
    }
    if (wanted && !isFloat(this.dtype)) throw new DTypeError(`only floats have gradients, not ${this.dtype}`);
    this.leafRequiresGrad = wanted;
  }
  /** Sets `requiresGrad` and returns this tensor. */
  requiresGrad_(wanted = true): this {
    this.requiresGrad = wanted;
    return this;
  }
  /** The operation that made this, or null for a leaf. */
  get gradFn(): Node | null {
    return this.history?.node ?? null;
  }
  /** Adds the gradient of this to the `grad` of all leaves that it came from; see `backward` for what is thrown. */
  backward(gradient?: Tensor | null, options?: BackwardOptions): void {
    backward(this, gradient, options);
  }
  zeroGrad(): void {
    this.grad = null;
  }
  /** Also keeps the gradient of a result of operations in `grad`. */
  retainGrad(): this {
    const edge = this.history;
    if (edge)
      edge.node.hook(edge.output, (gradient) => {
        this.grad = this.grad ? this.grad.add(gradient) : gradient;
      });
    return this;
  }
  /**
   * Calls `hook` with the gradient of this tensor once it is complete; what it returns takes its place.
   * Returns a function that takes the hook away.
   */
  registerHook(hook: Hook): () => void {
    const edge = edgeOf(this);
    if (!edge) throw new AutogradError("a hook on a tensor that requires no gradient");
    return edge.node.hook(edge.output, hook);
  }
  /** The same elements, outside of the tape. Changes in place are seen on both sides, and by the version checks. */
  detach(): Tensor {
    return new Tensor(this.storage, this.dtype, this.shape, this.strides, this.offset);
  }

  // ── Elements ───────────────────────────────────────────────────────────────────────────────────────────────────
  /** A row-major copy of the elements. */
  toTypedArray(): Data {
    const { data } = this.storage;
    if (this.isContiguous()) return data.slice(this.offset, this.offset + this.size);
    const out = allocate(this.dtype, this.size);
    copyElements(this.shape, out, { strides: rowMajor(this.shape), offset: 0 }, data, this);
    return out;
  }
  /** The elements as `Numbers`; i64 in doubles. */
  numbers(): Numbers {
    const data = this.toTypedArray();
    return data instanceof BigInt64Array ? Float64Array.from(data, Number) : data;
  }
  /** The only element. bool is 0 or 1, i64 is rounded to a double. @throws ShapeError where there are more or none */
  item(): number {
    if (this.size !== 1) throw new ShapeError(`item() of a tensor of ${this.size} elements`);
    return Number(this.storage.data[this.offset]);
  }
  /** Nested lists, or a number for a tensor without axes. */
  tolist(): NestedList {
    const data = this.numbers();
    const read = (i: number): NestedList => (this.dtype === "bool" ? data[i] !== 0 : data[i]!);
    const build = (axis: number, at: number): NestedList => {
      const size = this.shape[axis];
      if (size === undefined) return read(at);
      return Array.from({ length: size }, (_, k) => build(axis + 1, at * size + k));
    };
    return build(0, 0);
  }
  /** As NumPy's `str`. */
  toString(): string {
    return format(this);
  }
  [inspect](): string {
    const grad = this.requiresGrad ? `, requiresGrad` : "";
    return `tensor(${format(this, "tensor(".length)}, ${this.dtype}${grad})`;
  }
  /** NumPy's file format. */
  toNpy(): Uint8Array {
    return toNpy(this);
  }
  /** A copy with elements of its own; gradients pass. */
  clone(): Tensor {
    const out = Tensor.own(this.toTypedArray(), this.dtype, this.shape);
    return record(out, { name: "clone", inputs: [this], backward: (g) => [g] });
  }
  /** This tensor if its elements stand in row-major order, else a copy. */
  contiguous(): Tensor {
    return this.isContiguous() ? this : this.clone();
  }
  /** Conversion; gradients pass between floats. */
  to(dtype: DType): Tensor {
    if (dtype === this.dtype) return this;
    const out = Tensor.own(convertData(this.toTypedArray(), dtype), dtype, this.shape);
    return record(out, { name: "to", inputs: [this], backward: (g) => [g.to(this.dtype)] });
  }

  // ── In place ───────────────────────────────────────────────────────────────────────────────────────────────────
  /** Writes `source`, which broadcasts, over the elements. @throws AutogradError on a leaf that requires a gradient */
  copy_(source: Operand): this {
    return inplace.copy(this, source);
  }
  fill_(value: number | bigint | boolean): this {
    return inplace.copy(this, value);
  }
  zero_(): this {
    return inplace.copy(this, 0);
  }
  add_(other: Operand): this {
    return inplace.update(this, (x) => scalar.add(x, other));
  }
  sub_(other: Operand): this {
    return inplace.update(this, (x) => scalar.sub(x, other));
  }
  mul_(other: Operand): this {
    return inplace.update(this, (x) => scalar.mul(x, other));
  }
  div_(other: Operand): this {
    return inplace.update(this, (x) => scalar.div(x, other));
  }
  pow_(exponent: Operand): this {
    return inplace.update(this, (x) => scalar.pow(x, exponent));
  }
  clamp_(lo?: Operand, hi?: Operand): this {
    return inplace.update(this, (x) => scalar.clamp(x, lo, hi));
  }
  neg_(): this {
    return inplace.update(this, (x) => scalar.neg(x));
  }
  exp_(): this {
    return inplace.update(this, (x) => scalar.exp(x));
  }
  log_(): this {
    return inplace.update(this, (x) => scalar.log(x));
  }
  sqrt_(): this {
    return inplace.update(this, (x) => scalar.sqrt(x));
  }
  tanh_(): this {
    return inplace.update(this, (x) => scalar.tanh(x));
  }
  sigmoid_(): this {
    return inplace.update(this, (x) => scalar.sigmoid(x));
  }
  relu_(): this {
    return inplace.update(this, (x) => scalar.relu(x));
  }
  /** `this[items] = value`. */
  set(items: readonly Index[], value: Operand): this {
    indexing.assignAt(this, items, value);
    return this;
  }

  // ── Views ─────────────────────────────────────────────────────────────────────────────────────────────────────
  /** One size may be -1. A view where strides allow. */
  reshape(...shape: number[]): Tensor {
    return views.reshape(this, shape);
  }
  flatten(): Tensor {
    return views.reshape(this, [-1]);
  }
  permute(order: readonly number[]): Tensor {
    return views.permute(this, order);
  }
  transpose(a: number, b: number): Tensor {
    return views.transpose(this, a, b);
  }
  /** The last two axes swapped. */
  get T(): Tensor {
    return this.ndim < 2 ? this : views.transpose(this, -2, -1);
  }
  movedim(from: number, to: number): Tensor {
    return views.movedim(this, from, to);
  }
  expand(shape: Shape): Tensor {
    return views.expand(this, shape);
  }
  select(dim: number, index: number): Tensor {
    return views.select(this, dim, index);
  }
  slice(dim: number, start?: number | null, stop?: number | null, step = 1): Tensor {
    return views.slice(this, dim, start, stop, step);
  }
  narrow(dim: number, start: number, length: number): Tensor {
    return views.narrow(this, dim, start, length);
  }
  flip(dims: number | readonly number[]): Tensor {
    return views.flip(this, dims);
  }
  squeeze(dim?: number): Tensor {
    return views.squeeze(this, dim);
  }
  unsqueeze(dim: number): Tensor {
    return views.unsqueeze(this, dim);
  }
  diagonal(offset = 0, first = 0, second = 1): Tensor {
    return views.diagonal(this, offset, first, second);
  }
  unfold(dim: number, size: number, step = 1, dilation = 1): Tensor {
    return views.unfold(this, dim, size, step, dilation);
  }
  split(size: number | readonly number[], dim = 0): Tensor[] {
    return views.split(this, size, dim);
  }
  /** Entries of `value` around the last axes. */
  pad(widths: readonly (readonly [number, number])[], value = 0): Tensor {
    return views.pad(this, widths, value);
  }
  /** `this[items]`: numbers, slices as text (`"1:5"`, `"::-1"`), `"..."`, null, lists, tensors, masks. */
  at(...items: Index[]): Tensor {
    return indexing.at(this, items);
  }
  gather(dim: number, index: Tensor): Tensor {
    return indexing.gather(this, dim, index);
  }
  scatterAdd(dim: number, index: Tensor, source: Tensor): Tensor {
    return indexing.scatterAdd(this, dim, index, source);
  }
  indexSelect(dim: number, index: Tensor): Tensor {
    return indexing.indexSelect(this, dim, index);
  }

  // ── Element by element ────────────────────────────────────────────────────────────────────────────────────────
  add(other: Operand): Tensor {
    return scalar.add(this, other);
  }
  sub(other: Operand): Tensor {
    return scalar.sub(this, other);
  }
  mul(other: Operand): Tensor {
    return scalar.mul(this, other);
  }
  div(other: Operand): Tensor {
    return scalar.div(this, other);
  }
  pow(other: Operand): Tensor {
    return scalar.pow(this, other);
  }
  floorDiv(other: Operand): Tensor {
    return scalar.floorDiv(this, other);
  }
  mod(other: Operand): Tensor {
    return scalar.mod(this, other);
  }
  hypot(other: Operand): Tensor {
    return scalar.hypot(this, other);
  }
  atan2(other: Operand): Tensor {
    return scalar.atan2(this, other);
  }
  maximum(other: Operand): Tensor {
    return scalar.maximum(this, other);
  }
  minimum(other: Operand): Tensor {
    return scalar.minimum(this, other);
  }
  eq(other: Operand): Tensor {
    return scalar.eq(this, other);
  }
  ne(other: Operand): Tensor {
    return scalar.ne(this, other);
  }
  lt(other: Operand): Tensor {
    return scalar.lt(this, other);
  }
  le(other: Operand): Tensor {
    return scalar.le(this, other);
  }
  gt(other: Operand): Tensor {
    return scalar.gt(this, other);
  }
  ge(other: Operand): Tensor {
    return scalar.ge(this, other);
  }
  and(other: Operand): Tensor {
    return scalar.and(this, other);
  }
  or(other: Operand): Tensor {
    return scalar.or(this, other);
  }
  mul0(other: Operand): Tensor {
    return scalar.mul0(this, other);
  }
  not(): Tensor {
    return scalar.not(this);
  }
  neg(): Tensor {
    return scalar.neg(this);
  }
  abs(): Tensor {
    return scalar.abs(this);
  }
  sign(): Tensor {
    return scalar.sign(this);
  }
  square(): Tensor {
    return scalar.square(this);
  }
  floor(): Tensor {
    return scalar.floor(this);
  }
  ceil(): Tensor {
    return scalar.ceil(this);
  }
  round(): Tensor {
    return scalar.round(this);
  }
  trunc(): Tensor {
    return scalar.trunc(this);
  }
  sqrt(): Tensor {
    return scalar.sqrt(this);
  }
  rsqrt(): Tensor {
    return scalar.rsqrt(this);
  }
  cbrt(): Tensor {
    return scalar.cbrt(this);
  }
  exp(): Tensor {
    return scalar.exp(this);
  }
  exp2(): Tensor {
    return scalar.exp2(this);
  }
  expm1(): Tensor {
    return scalar.expm1(this);
  }
  log(): Tensor {
    return scalar.log(this);
  }
  log2(): Tensor {
    return scalar.log2(this);
  }
  log10(): Tensor {
    return scalar.log10(this);
  }
  log1p(): Tensor {
    return scalar.log1p(this);
  }
  sin(): Tensor {
    return scalar.sin(this);
  }
  cos(): Tensor {
    return scalar.cos(this);
  }
  tan(): Tensor {
    return scalar.tan(this);
  }
  asin(): Tensor {
    return scalar.asin(this);
  }
  acos(): Tensor {
    return scalar.acos(this);
  }
  atan(): Tensor {
    return scalar.atan(this);
  }
  sinh(): Tensor {
    return scalar.sinh(this);
  }
  cosh(): Tensor {
    return scalar.cosh(this);
  }
  tanh(): Tensor {
    return scalar.tanh(this);
  }
  asinh(): Tensor {
    return scalar.asinh(this);
  }
  acosh(): Tensor {
    return scalar.acosh(this);
  }
  atanh(): Tensor {
    return scalar.atanh(this);
  }
  erf(): Tensor {
    return scalar.erf(this);
  }
  erfc(): Tensor {
    return scalar.erfc(this);
  }
  lgamma(): Tensor {
    return scalar.lgamma(this);
  }
  digamma(): Tensor {
    return scalar.digamma(this);
  }
  sigmoid(): Tensor {
    return scalar.sigmoid(this);
  }
  logSigmoid(): Tensor {
    return scalar.logSigmoid(this);
  }
  softplus(): Tensor {
    return scalar.softplus(this);
  }
  relu(): Tensor {
    return scalar.relu(this);
  }
  selu(): Tensor {
    return scalar.selu(this);
  }
  gelu(): Tensor {
    return scalar.gelu(this);
  }
  silu(): Tensor {
    return scalar.silu(this);
  }
  mish(): Tensor {
    return scalar.mish(this);
  }
  polygamma(n: number): Tensor {
    return scalar.polygamma(n, this);
  }
  /** 1 where this is at least `edge`, else 0. */
  step(edge: Operand): Tensor {
    return scalar.step(edge, this);
  }
  leakyRelu(slope?: Operand): Tensor {
    return scalar.leakyRelu(this, slope);
  }
  elu(alpha?: Operand): Tensor {
    return scalar.elu(this, alpha);
  }
  clamp(lo?: Operand, hi?: Operand): Tensor {
    return scalar.clamp(this, lo, hi);
  }
  /** This where `condition` holds, else `other`. */
  where(condition: Operand, other: Operand): Tensor {
    return scalar.where(condition, this, other);
  }

  // ── Reductions and scans ──────────────────────────────────────────────────────────────────────────────────────
  sum(dim?: Axes, keepdim = false): Tensor {
    return reductions.sum(this, dim, keepdim);
  }
  mean(dim?: Axes, keepdim = false): Tensor {
    return reductions.mean(this, dim, keepdim);
  }
  amax(dim?: Axes, keepdim = false): Tensor {
    return reductions.amax(this, dim, keepdim);
  }
  amin(dim?: Axes, keepdim = false): Tensor {
    return reductions.amin(this, dim, keepdim);
  }
  any(dim?: Axes, keepdim = false): Tensor {
    return reductions.any(this, dim, keepdim);
  }
  all(dim?: Axes, keepdim = false): Tensor {
    return reductions.all(this, dim, keepdim);
  }
  logsumexp(dim?: Axes, keepdim = false): Tensor {
    return reductions.logsumexp(this, dim, keepdim);
  }
  prod(dim?: number, keepdim = false): Tensor {
    return reductions.prod(this, dim, keepdim);
  }
  var(dim?: Axes, keepdim = false, correction = 1): Tensor {
    return reductions.variance(this, dim, keepdim, correction);
  }
  std(dim?: Axes, keepdim = false, correction = 1): Tensor {
    return reductions.variance(this, dim, keepdim, correction).sqrt();
  }
  norm(p = 2, dim?: Axes, keepdim = false): Tensor {
    return reductions.norm(this, p, dim, keepdim);
  }
  argmax(dim?: number, keepdim = false): Tensor {
    return reductions.argmax(this, dim, keepdim);
  }
  argmin(dim?: number, keepdim = false): Tensor {
    return reductions.argmin(this, dim, keepdim);
  }
  /** The greatest element; along an axis with its position. Elementwise: `maximum`. */
  max(): Tensor;
  max(dim: number, keepdim?: boolean): ValuesAndIndices;
  max(dim?: number, keepdim = false): Tensor | ValuesAndIndices {
    return dim === undefined ? reductions.amax(this) : reductions.maxAlong(this, dim, keepdim);
  }
  /** The least element; along an axis with its position. Elementwise: `minimum`. */
  min(): Tensor;
  min(dim: number, keepdim?: boolean): ValuesAndIndices;
  min(dim?: number, keepdim = false): Tensor | ValuesAndIndices {
    return dim === undefined ? reductions.amin(this) : reductions.minAlong(this, dim, keepdim);
  }
  cumsum(dim: number): Tensor {
    return scans.cumsum(this, dim);
  }
  cumprod(dim: number): Tensor {
    return scans.cumprod(this, dim);
  }
  sort(dim = -1, descending = false): ValuesAndIndices {
    return scans.sort(this, dim, descending);
  }
  argsort(dim = -1, descending = false): Tensor {
    return scans.argsort(this, dim, descending);
  }
  topk(count: number, dim = -1, largest = true): ValuesAndIndices {
    return scans.topk(this, count, dim, largest);
  }

  // ── Products and networks ─────────────────────────────────────────────────────────────────────────────────────
  matmul(other: Tensor): Tensor {
    return linear.matmul(this, other);
  }
  softmax(dim: number): Tensor {
    return networks.softmax(this, dim);
  }
  logSoftmax(dim: number): Tensor {
    return networks.logSoftmax(this, dim);
  }
}
