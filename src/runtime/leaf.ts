import { HOST_ARRAYS } from "./device.js";
import { mismatch } from "./errors.js";
import { parseHost, WHOLE } from "./host.js";
import { evaluate, needDims, product, type Given } from "./sizes.js";
import { Tensor, type Life, type Place } from "./tensor.js";
import type { Dims, LeafSpec } from "./types.js";

/** A tensor with memory of its own, which it has once its sizes are bound. */
export interface Leaf extends Place {
  readonly spec: LeafSpec;
  /** For errors: "param `W1`". */
  readonly source: string;
  /** In the module. */
  readonly index: number;
  shape: readonly number[];
  length: number;
  memory: unknown;
  /** What a call brings; a number fills. */
  pending: ArrayLike<number> | Tensor | number | undefined;
  /** The number that fills the memory, if one does. */
  held: number | undefined;
}

export const makeLeaf = (life: Life, spec: LeafSpec, index: number): Leaf => ({
  spec,
  name: spec.name,
  dtype: spec.dtype,
  source: `${spec.role} \`${spec.name}\``,
  index,
  life,
  shape: [],
  length: 0,
  memory: undefined,
  pending: 0,
  held: 0,
});

/** New memory, of zeros. @throws DataError while its sizes are open */
export function allocate(leaf: Leaf, dims: Dims): void {
  const { shape, dtype } = leaf.spec;
  const { device } = leaf.life;
  needDims(shape, dims);
  leaf.shape = shape.map((size) => evaluate(size, dims));
  leaf.length = product(shape, dims);
  leaf.memory = device.allocate(device.bytes(dtype, leaf.length), leaf.source);
  leaf.held = 0;
}

/** What a shape brings to the dims. @throws DataError where the number of axes differs; a flat array fits any */
export function givenBy(
  { source, spec: { shape: axes } }: Leaf,
  shape: readonly number[] | undefined,
  length: number,
): Given {
  if (shape && shape.length !== axes.length) mismatch(6003, source, `${shape.length} axes`, axes.length);
  return [source, axes, shape, length];
}

/** Takes a value apart. @throws DataError */
export function parse(leaf: Leaf, value: unknown): Given {
  const { source, dtype, life } = leaf;
  if (!(value instanceof Tensor)) {
    const { shape, data } = parseHost(value, dtype, source);
    leaf.pending = data;
    return givenBy(leaf, shape, data.length);
  }
  value.check();
  if (value.dtype !== dtype) mismatch(6004, source, value.dtype, dtype);
  leaf.pending = life.device.shares(value.place.life.device) ? value : value.data;
  return givenBy(leaf, value.shape, value.length);
}

/** @throws DataError for an integer that its type or range does not hold */
export function verify(
  { spec: { range }, pending, source, dtype, life: { device } }: Leaf,
  dims: Dims,
): void {
  const whole = WHOLE[dtype];
  if (!whole || typeof pending !== "object") return;
  const values = pending instanceof Tensor ? device.view?.(pending.place) : pending;
  const [lo, hi] = range?.map((size) => evaluate(size, dims)) ?? [-Infinity, Infinity];
  for (let i = 0; values && i < values.length; i++) {
    const value = values[i]!;
    if (whole(value) !== value) mismatch(6005, source, `${value} at [${i}]`, dtype);
    if (!(value >= lo! && value < hi!))
      mismatch(6006, source, `${value} at [${i}]`, `in ${lo}..${hi} (${range?.join("..")})`);
  }
}

/** Brings what is pending to where the kernels find it, and returns what they take for the leaf. */
export function deliver(leaf: Leaf): unknown {
  const { pending, life, held } = leaf;
  const { device } = life;
  leaf.held = undefined;
  if (typeof pending === "number") {
    // A number given again, a rate above all, is there already.
    if (pending !== held) device.upload(leaf, new HOST_ARRAYS[leaf.dtype](leaf.length).fill(pending));
    leaf.held = pending;
  } else if (!(pending instanceof Tensor)) device.upload(leaf, pending ?? []);
  // Memory that this very call may write, or free, is copied.
  else if (pending.place.life === life) device.copy(leaf, pending.place);
  else return device.argument(pending.place);
  return device.argument(leaf);
}
