import { HOST_ARRAYS } from "./device.js";
import { mismatch } from "./errors.js";
import { parseHost } from "./host.js";
import { evaluate, givenBy, needDims, product, type Given } from "./sizes.js";
import { Tensor, type Life, type Place } from "./tensor.js";
import type { Dims, LeafSpec, ModuleSpec, Size } from "./types.js";

/** A tensor with memory of its own, which it has once its sizes are bound. */
export interface Leaf extends Place, Omit<LeafSpec, "shape"> {
  readonly role: "input" | "param" | "state" | "optimizer" | "const" | "argument";
  /** Of an argument: the loss that is trained. */
  readonly of: string | undefined;
  readonly axes: readonly Size[];
  /** For errors: "param `W1`". */
  readonly source: string;
  /** In the module. */
  readonly index: number;
  shape: readonly number[];
  length: number;
  memory: unknown;
  /** What a call brings; a number fills. */
  pending: ArrayLike<number> | Tensor | number;
  /** The number that fills the memory, if one does. */
  held: number | undefined;
}

/** In the order of the module's numbers. */
export function leavesOf(spec: ModuleSpec, life: Life): Leaf[] {
  const leaves: Leaf[] = [];
  const add = (role: Leaf["role"], all: Readonly<Record<string, LeafSpec>>, of?: string): void => {
    for (const [name, leaf] of Object.entries(all))
      leaves.push({
        ...leaf,
        role,
        name,
        of,
        axes: leaf.shape,
        source: `${role} \`${name}\``,
        index: leaves.length,
        life,
        shape: [],
        length: 0,
        memory: undefined,
        pending: 0,
        held: 0,
      });
  };
  for (const role of ["input", "param", "state", "optimizer", "const"] as const) add(role, spec[role]);
  for (const { of, args, types } of spec.trains)
    for (const [name, value] of Object.entries(args))
      add("argument", { [name]: { dtype: types?.[name] ?? "f32", shape: [], default: value } }, of);
  return leaves;
}

/** New memory, of zeros. @throws DataError while its sizes are open */
export function allocate(leaf: Leaf, dims: Dims): void {
  const {
    axes,
    dtype,
    life: { device },
  } = leaf;
  needDims(axes, dims);
  leaf.shape = axes.map((size) => evaluate(size, dims));
  leaf.length = product(axes, dims);
  leaf.memory = device.allocate(device.bytes(dtype, leaf.length), leaf.source);
  leaf.held = 0;
}

/** Takes a value apart, and says what its shape brings to the dims. @throws DataError */
export function parse(leaf: Leaf, value: unknown): Given[] {
  const { source, dtype, axes, life } = leaf;
  const isTensor = value instanceof Tensor;
  if (isTensor && value.check().dtype !== dtype) mismatch(6004, source, value.dtype, dtype);
  const isHere = isTensor && life.device.shares(value.place.life.device);
  const { shape, data } = isHere ? { shape: value.shape, data: value } : parseHost(value, dtype, source);
  leaf.pending = data;
  if (shape && shape.length !== axes.length)
    mismatch(6003, source, `${shape.length} axes`, `the ${axes.length} of [${axes.join(", ")}]`);
  return givenBy(source, axes, shape, data.length);
}

/** Looks at what is pending without taking it apart: whether it is right for the sizes that are bound. */
export function fits(leaf: Leaf, value: unknown): boolean {
  const { dtype, shape, length, default: missing } = leaf;
  if (value === undefined) {
    leaf.pending = missing ?? 0;
    return missing !== undefined;
  }
  if (typeof value === "number") {
    leaf.pending = value;
    return !shape.length;
  }
  if (value instanceof Tensor) return parse(leaf, value) && `${value.shape}` === `${shape}`;
  if (!(value instanceof HOST_ARRAYS[dtype])) return false;
  leaf.pending = value;
  return value.length === length;
}

/** @throws DataError for what the type or a range does not hold */
export function verify(leaf: Leaf, dims: Dims): void {
  const { pending, life } = leaf;
  const values = pending instanceof Tensor ? life.device.view?.(pending.place) : pending;
  if (values !== undefined) leaf.check?.(typeof values === "number" ? [values] : values, leaf, dims);
}

/** Brings what is pending to where the kernels find it, and returns what they take for the leaf. */
export function deliver(leaf: Leaf): unknown {
  const { pending, life } = leaf;
  const { device } = life;
  leaf.held = typeof pending === "number" ? pending : undefined;
  if (!(pending instanceof Tensor)) device.upload(leaf, pending);
  // Memory that this very call may write, or free, is copied.
  else if (pending.place.life === life) device.copy(leaf, pending.place);
  else return device.argument(pending.place);
  return device.argument(leaf);
}
