import { mismatch } from "./errors.js";
import { evaluate, product } from "./sizes.js";
import type { Check, DType, TypedArray } from "./types.js";

type Nested = number | boolean | readonly Nested[];
/** What a tensor may be given as: a number, nested lists, a flat array (row-major), or one with its shape. */
export type HostInput =
  | Nested
  | ArrayLike<number>
  | readonly ArrayLike<number>[]
  | { readonly shape: readonly number[]; readonly data: ArrayLike<number | boolean> };

/** Taken apart: of a flat array the shape is not known. */
export interface HostValue {
  readonly shape?: readonly number[] | undefined;
  readonly data: ArrayLike<number>;
}

const isTyped = (value: unknown): value is TypedArray => ArrayBuffer.isView(value);
const isList = (value: unknown): value is readonly unknown[] | TypedArray =>
  Array.isArray(value) || isTyped(value);
const isShaped = (value: unknown): value is { shape: readonly number[]; data: unknown } =>
  typeof value === "object" && value !== null && "data" in value && "shape" in value && isList(value.shape);
const describe = (value: unknown): string =>
  isList(value) ? `${value.constructor.name}(${value.length})` : JSON.stringify(value);

/**
 * Floats take any float array or list, integers any integer array or list.
 * @throws DataError naming `source` ("input `x`") where the value is no tensor of the type
 */
export function parseHost(value: unknown, dtype: DType, source: string): HostValue {
  if (isTyped(value)) {
    if ((value instanceof Float32Array || value instanceof Float64Array) !== (dtype[0] === "f"))
      mismatch(6004, source, describe(value), dtype);
    return { data: value };
  }
  if (isShaped(value)) {
    const { shape } = value;
    const { data } = parseHost(value.data, dtype, source);
    if (product(shape, {}) !== data.length)
      mismatch(6003, source, `${data.length} long`, `[${shape.join(", ")}]`);
    return { shape, data };
  }
  const shape: number[] = [];
  for (let level = value; isList(level); level = level[0]) shape.push(level.length);
  const data: number[] = [];
  const walk = (part: unknown, at: readonly number[]): void => {
    const extent = shape[at.length];
    if (extent === undefined)
      if (typeof part === "number" || typeof part === "boolean") data.push(+part);
      else mismatch(6004, source, describe(part), "a number, an array or a tensor");
    else if (isList(part) && part.length === extent)
      for (let i = 0; i < extent; i++) walk(part[i], [...at, i]);
    else mismatch(6003, source, `ragged: ${describe(part)} at [${at.join(", ")}]`, extent);
  };
  walk(value, []);
  return { shape, data };
}

/** What an integer is as the type that keeps it. */
export const WHOLE: Readonly<Partial<Record<DType, (value: number) => number>>> = {
  i32: (value) => value | 0,
  u32: (value) => value >>> 0,
  bool: (value) => value & 1,
};
/** The check of integers. */
export const whole: Check = (values, { source, dtype, range }, dims) => {
  const [lo, hi] = range?.map((size) => evaluate(size, dims)) ?? [-Infinity, Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (WHOLE[dtype]?.(value) !== value) mismatch(6005, source, `${value} at [${i}]`, dtype);
    if (!(value >= lo! && value < hi!))
      mismatch(6006, source, `${value} at [${i}]`, `in ${lo}..${hi} (${range?.join("..")})`);
  }
};
