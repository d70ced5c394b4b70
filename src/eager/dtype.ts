import { DTypeError } from "./errors.js";

/** Element types. `i64` lives in a BigInt64Array, `bool` in a Uint8Array of 0 and 1. */
export type DType = "f32" | "f64" | "i32" | "i64" | "bool";
export type Data = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;
/** What loops that only move elements need. */
export interface Elements {
  readonly length: number;
  [index: number]: number | bigint;
}
/** What loops that compute need: every type but i64. */
export interface Numbers {
  readonly length: number;
  [index: number]: number;
}

/** In the order of promotion: the later of two types holds both, up to rounding. */
const ORDER: readonly DType[] = ["bool", "i32", "i64", "f32", "f64"];
export const isFloat = (dtype: DType): boolean => dtype === "f32" || dtype === "f64";
/** bool 0, integers 1, floats 2. */
export const kind = (dtype: DType): number => (dtype === "bool" ? 0 : isFloat(dtype) ? 2 : 1);

/** What no element of a type is less than. */
export function leastOf(dtype: DType): number | bigint {
  switch (dtype) {
    case "f32":
    case "f64":
      return -Infinity;
    case "i32":
      return -(2 ** 31);
    case "i64":
      return -(2n ** 63n);
    case "bool":
      return 0;
  }
}

export function allocate(dtype: DType, length: number): Data {
  switch (dtype) {
    case "f32":
      return new Float32Array(length);
    case "f64":
      return new Float64Array(length);
    case "i32":
      return new Int32Array(length);
    case "i64":
      return new BigInt64Array(length);
    case "bool":
      return new Uint8Array(length);
  }
}

/** The type that a typed array is taken as; Uint8Array is bool. @throws DTypeError for any other array */
export function dtypeOf(data: Data): DType {
  if (data instanceof Float32Array) return "f32";
  if (data instanceof Float64Array) return "f64";
  if (data instanceof Int32Array) return "i32";
  if (data instanceof BigInt64Array) return "i64";
  if (data instanceof Uint8Array) return "bool";
  throw new DTypeError(
    `elements live in a Float32Array, Float64Array, Int32Array, BigInt64Array or Uint8Array (bool), not in ${kindOf(data)}`,
  );
}
/** What a value is, for messages. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  if (typeof value !== "object") return `a ${typeof value}`;
  const { name } = value.constructor;
  return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
}

/** One element as `dtype` stores it. Floats go to integers towards zero, NaN to 0; anything but 0 is true. */
export function convert(value: number | bigint | boolean, dtype: DType): number | bigint {
  if (dtype === "bool") return Number(Boolean(value) || Number.isNaN(value));
  if (dtype === "i64") {
    if (typeof value === "bigint") return BigInt.asIntN(64, value);
    const whole = Math.trunc(Number(value));
    return Number.isFinite(whole) ? BigInt.asIntN(64, BigInt(whole)) : 0n;
  }
  if (dtype === "i32" && typeof value === "bigint") return Number(BigInt.asIntN(32, value));
  return Number(value);
}

/** The data of one type as another. */
export function convertData(data: Data, dtype: DType): Data {
  const out = allocate(dtype, data.length);
  if (data instanceof BigInt64Array || out instanceof BigInt64Array || out instanceof Uint8Array) {
    const into: Elements = out;
    for (let i = 0; i < data.length; i++) into[i] = convert(data[i]!, dtype);
  } else out.set(data);
  return out;
}

const promote = (a: DType, b: DType): DType => (ORDER.indexOf(a) < ORDER.indexOf(b) ? b : a);

/** What a number stands for beside tensors: an integer keeps an integer tensor as it is, a fraction makes it f32. */
const ofNumber = (value: number | bigint | boolean): DType =>
  typeof value === "boolean" ? "bool" : typeof value === "bigint" || Number.isInteger(value) ? "i64" : "f32";

/**
 * The type that an operation on several operands computes in, by PyTorch's rule: bool < integers < floats, and within
 * a kind the wider; tensors without axes and then plain numbers count only where they are of a higher kind.
 */
export function resultType(
  tensors: readonly { readonly dtype: DType; readonly shape: readonly number[] }[],
  numbers: readonly (number | bigint | boolean)[] = [],
): DType {
  const tiers = [
    tensors.filter((t) => t.shape.length > 0).map((t) => t.dtype),
    tensors.filter((t) => t.shape.length === 0).map((t) => t.dtype),
    numbers.map(ofNumber),
  ];
  let found: DType | undefined;
  for (const tier of tiers) {
    if (!tier.length) continue;
    const own = tier.reduce(promote);
    if (found === undefined || kind(own) > kind(found)) found = own;
  }
  return found ?? "f32";
}

/** @throws DTypeError where `dtype` is none of the five */
export function checkDType(dtype: string): asserts dtype is DType {
  if (!ORDER.some((known) => known === dtype))
    throw new DTypeError(`unknown dtype \`${dtype}\`; there are ${ORDER.join(", ")}`);
}
