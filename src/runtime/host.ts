import { HOST_ARRAYS } from "./device.js";
import { DataError } from "./errors.js";
import type { GivenShape } from "./sizes.js";
import type { DType, TypedArray } from "./types.js";

type Nested = number | boolean | readonly Nested[];
/** What a tensor may be given as: a number, nested lists, a flat array (row-major), or one with its shape. */
export type HostInput =
  | Nested
  | ArrayLike<number>
  | readonly ArrayLike<number>[]
  | { readonly shape: readonly number[]; readonly data: ArrayLike<number | boolean> };

/** Taken apart: where `flat`, the shape is not known, only the length. */
export interface HostValue {
  readonly shape: GivenShape["shape"];
  readonly data: ArrayLike<number | boolean>;
}

const isTyped = (value: unknown): value is TypedArray =>
  ArrayBuffer.isView(value) && !(value instanceof DataView);
const isShaped = (value: object): value is { shape: readonly number[]; data: ArrayLike<number> } =>
  "shape" in value && "data" in value && Array.isArray(value.shape) && typeof value.data === "object";

/** @throws DataError naming `source` ("input `x`") where the value is no tensor. */
export function parseHost(value: unknown, source: string): HostValue {
  if (typeof value === "number" || typeof value === "boolean") return { shape: [], data: [value] };
  if (isTyped(value)) return { shape: { total: value.length }, data: value };
  if (Array.isArray(value)) {
    const shape: number[] = [];
    for (let level: unknown = value; Array.isArray(level) || isTyped(level); level = level[0])
      shape.push(level.length);
    const data: (number | boolean)[] = [];
    flatten(value, shape, [], data, source);
    return { shape, data };
  }
  if (value && typeof value === "object" && isShaped(value)) {
    const { shape, data } = value;
    const wanted = shape.reduce((a, b) => a * b, 1);
    if (data.length !== wanted)
      throw new DataError(
        "GRAD6003",
        `${source}: shape [${shape.join(", ")}] wants ${wanted} elements, not ${data.length}`,
      );
    return { shape, data };
  }
  throw new DataError("GRAD6004", `${source} is ${describe(value)}, not a number, an array or a tensor`);
}

function flatten(
  value: unknown,
  shape: readonly number[],
  at: number[],
  out: (number | boolean)[],
  source: string,
): void {
  if (at.length === shape.length) {
    if (typeof value !== "number" && typeof value !== "boolean")
      throw new DataError("GRAD6004", `${source}: ${describe(value)} at ${position(at)} is not a number`);
    out.push(value);
    return;
  }
  if (!(Array.isArray(value) || isTyped(value)) || value.length !== shape[at.length])
    throw new DataError(
      "GRAD6003",
      `${source} is ragged: ${describe(value)} at ${position(at)}, where ${shape[at.length]} elements are wanted`,
    );
  for (let i = 0; i < value.length; i++) flatten(value[i], shape, [...at, i], out, source);
}

const position = (at: readonly number[]): string => `[${at.join(", ")}]`;
const describe = (value: unknown): string =>
  isTyped(value) || Array.isArray(value)
    ? `${value.constructor.name}(${value.length})`
    : typeof value === "object" && value
      ? "an object"
      : typeof value === "string"
        ? JSON.stringify(value)
        : `${value}`;

/** Row-major index → "[2, 0]". */
function unravel(index: number, shape: readonly number[]): string {
  const at: number[] = [];
  for (const extent of [...shape].reverse()) {
    at.unshift(index % extent);
    index = Math.floor(index / extent);
  }
  return position(at);
}

/**
 * The values as the dtype's host type; the array itself where it is one already. Floats take any float array or list,
 * integers any integer array or list of integers, bools 0, 1, true and false.
 * @throws DataError naming `source`, the position and the value
 */
export function hostArray(
  data: ArrayLike<number | boolean>,
  dtype: DType,
  shape: readonly number[],
  source: string,
): TypedArray {
  const type = HOST_ARRAYS[dtype];
  const whole = dtype[0] === "i" || dtype[0] === "u" || dtype[0] === "b";
  if (data instanceof type && dtype !== "bool") return data;
  if (isTyped(data) && (data instanceof Float32Array || data instanceof Float64Array) === whole)
    throw new DataError("GRAD6004", `${source} is a ${describe(data)}, but ${dtype} wants a ${type.name}`);
  if (whole) {
    const [lo, hi] = dtype === "i32" ? [-(2 ** 31), 2 ** 31] : dtype === "u32" ? [0, 2 ** 32] : [0, 2];
    for (let i = 0; i < data.length; i++) {
      const value = Number(data[i]);
      if (!(Number.isInteger(value) && value >= lo && value < hi))
        throw new DataError(
          "GRAD6005",
          `${source}: ${value} at ${unravel(i, shape)} is not ${dtype === "bool" ? "a bool (0 or 1)" : `an ${dtype}`}`,
        );
    }
  }
  const out = new type(data.length);
  for (let i = 0; i < data.length; i++) out[i] = Number(data[i]);
  return out;
}

/** @throws DataError naming the first position whose value is outside lo..hi */
export function checkRange(
  data: TypedArray,
  lo: number,
  hi: number,
  shape: readonly number[],
  source: string,
  range: string,
): void {
  for (let i = 0; i < data.length; i++)
    if (!(data[i]! >= lo && data[i]! < hi))
      throw new DataError(
        "GRAD6006",
        `${source}: ${data[i]} at ${unravel(i, shape)} is outside ${lo}..${hi}${range}`,
      );
}
