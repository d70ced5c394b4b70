import type { Data, DType, Numbers } from "./dtype.js";
import { allocate, checkDType, convertData, isFloat } from "./dtype.js";
import { AutogradError, DTypeError, ShapeError } from "./errors.js";
import { copyElements } from "./loops.js";
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
 * tensors; those whose name ends in an underscore change this one in place. The operations are methods too, which
 * `methods.ts` adds: they need tensors, so here nothing of them is imported.
 */
export class Tensor {
  /** The gradient that `backward` has added up, or null. */
  grad: Tensor | null = null;
  /** A leaf's own node. */
  accumulator: Node | null = null;
  private made: Edge | null = null;
  private leafRequiresGrad = false;
  /** Where `retainGrad` listens. */
  private retained: Edge | null = null;
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
  zeroGrad(): void {
    this.grad = null;
  }
  /** Also keeps the gradient of a result of operations in `grad`. @throws AutogradError where none is required */
  retainGrad(): this {
    if (!this.requiresGrad) throw new AutogradError("a tensor that requires no gradient cannot retain one");
    const edge = this.history;
    if (!edge || edge === this.retained) return this;
    this.retained = edge;
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
    checkDType(dtype);
    const out = Tensor.own(convertData(this.toTypedArray(), dtype), dtype, this.shape);
    return record(out, { name: "to", inputs: [this], backward: (g) => [g.to(this.dtype)] });
  }
  /** The last two axes swapped. */
  get T(): Tensor {
    return this.ndim < 2 ? this : this.transpose(-2, -1);
  }
}
