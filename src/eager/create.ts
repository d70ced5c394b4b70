import type { Data, DType } from "./dtype.js";
import { allocate, checkDType, convert, convertData, dtypeOf, kindOf } from "./dtype.js";
import { DTypeError, EagerError, ShapeError } from "./errors.js";
import { Generator } from "./random.js";
import { checkShape, range, resolveShape, sizeOf, type Shape } from "./shape.js";
import { Tensor } from "./tensor.js";

export interface TensorOptions {
  /** Default: f32; for `tensor` by what is given. */
  readonly dtype?: DType;
  readonly requiresGrad?: boolean;
}
export interface RandomOptions extends TensorOptions {
  /** The same seed gives the same numbers. Without one they go on from the last call's, see `manualSeed`. */
  readonly seed?: number | Generator;
}
export type TensorData = number | bigint | boolean | Data | readonly TensorData[];

function finish(t: Tensor, { requiresGrad = false }: TensorOptions): Tensor {
  return requiresGrad ? t.requiresGrad_() : t;
}
/** A second size where options stand is a shape that should have been a list. */
function checkOptions<T extends TensorOptions>(options: T): T {
  if (typeof options !== "object")
    throw new ShapeError(`options are an object, not ${String(options)}; a shape of several axes is a list`);
  return options;
}
function filled(
  shape: Shape | number,
  value: number | bigint | boolean,
  options: TensorOptions,
  otherwise: DType = "f32",
): Tensor {
  const { dtype = otherwise } = checkOptions(options);
  checkDType(dtype);
  const out = Tensor.empty(dtype, checkShape(shape));
  const element = convert(value, dtype);
  const { data } = out.storage;
  if (data instanceof BigInt64Array) data.fill(BigInt(element));
  else data.fill(Number(element));
  return finish(out, options);
}

/**
 * A tensor of nested lists, a number, or a typed array (copied). Numbers become f32, bools bool, bigints i64; a typed
 * array keeps its type, unless `dtype` says otherwise.
 * @throws ShapeError where lists are ragged, DTypeError where something else stands in them
 */
export function tensor(data: TensorData, options: TensorOptions = {}): Tensor {
  checkOptions(options);
  if (ArrayBuffer.isView(data)) return fromTypedArray(data.slice(), [data.length], options);
  const shape: number[] = [];
  const isList = (part: unknown): part is readonly TensorData[] | Data =>
    Array.isArray(part) || ArrayBuffer.isView(part);
  for (let at: TensorData | undefined = data; isList(at); at = at[0]) shape.push(at.length);
  const flat: (number | bigint | boolean)[] = [];
  const collect = (part: TensorData, axis: number): void => {
    if (!isList(part)) {
      if (!["number", "bigint", "boolean"].includes(typeof part))
        throw new DTypeError(
          `a tensor is made of numbers, bools, bigints and lists of them, not of ${kindOf(part)}`,
        );
      if (axis !== shape.length) throw new ShapeError("lists of different depths do not make a tensor");
      flat.push(part);
      return;
    }
    if (part.length !== shape[axis])
      throw new ShapeError(
        `lists of ${part.length} and of ${shape[axis] ?? 0} entries side by side do not make a tensor`,
      );
    for (let k = 0; k < part.length; k++) collect(part[k]!, axis + 1);
  };
  collect(data, 0);
  const natural =
    flat.every((x) => typeof x === "boolean") && flat.length
      ? "bool"
      : flat.some((x) => typeof x === "bigint")
        ? "i64"
        : "f32";
  const { dtype = natural } = options;
  checkDType(dtype);
  const out = allocate(dtype, flat.length);
  for (let i = 0; i < flat.length; i++) out[i] = convert(flat[i]!, dtype) as never;
  return finish(Tensor.own(out, dtype, shape), options);
}

/**
 * A tensor over `data` itself, not a copy, unless `dtype` is another type. Uint8Array is bool, unless `dtype` says that
 * its elements are numbers.
 * @throws ShapeError where the length differs from the shape's, DTypeError where bools are others than 0 and 1
 */
export function fromTypedArray(
  data: Data,
  shape: Shape = [data.length],
  options: TensorOptions = {},
): Tensor {
  const own = dtypeOf(data);
  const { dtype = own } = options;
  checkDType(dtype);
  if (dtype === "bool" && data instanceof Uint8Array && data.some((x) => x > 1))
    throw new DTypeError("a Uint8Array is bools, 0 and 1; bytes are numbers with a `dtype`, as i32 or f32");
  const sizes = resolveShape(shape, data.length);
  return finish(Tensor.own(dtype === own ? data : convertData(data, dtype), dtype, sizes), options);
}

export const zeros = (shape: Shape | number, options: TensorOptions = {}): Tensor =>
  filled(shape, 0, options);
export const ones = (shape: Shape | number, options: TensorOptions = {}): Tensor => filled(shape, 1, options);
export const full = (
  shape: Shape | number,
  value: number | bigint | boolean,
  options: TensorOptions = {},
): Tensor =>
  filled(
    shape,
    value,
    options,
    typeof value === "boolean" ? "bool" : typeof value === "bigint" ? "i64" : "f32",
  );
export const zerosLike = (t: Tensor, options: TensorOptions = {}): Tensor =>
  zeros(t.shape, { dtype: t.dtype, ...options });
export const onesLike = (t: Tensor, options: TensorOptions = {}): Tensor =>
  ones(t.shape, { dtype: t.dtype, ...options });

/** start, start + step, … before stop; of integers i64, unless `dtype` is given. `arange(stop)` counts from 0. */
export function arange(start: number, stop?: number | null, step = 1, options: TensorOptions = {}): Tensor {
  const [from, to] = stop === undefined || stop === null ? [0, start] : [start, stop];
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (!Number.isFinite(count)) throw new ShapeError(`arange from ${from} to ${to} by ${step}`);
  const dtype = options.dtype ?? ([from, to, step].every(Number.isInteger) ? "i64" : "f32");
  return finish(
    tensor(
      range(count).map((k) => from + k * step),
      { dtype },
    ),
    options,
  );
}
/** `count` numbers from start to stop, both included. */
export function linspace(start: number, stop: number, count: number, options: TensorOptions = {}): Tensor {
  checkShape(count);
  const step = count > 1 ? (stop - start) / (count - 1) : 0;
  // From the nearer end, so that both ends are exact.
  const at = (k: number): number => (k < count / 2 ? start + k * step : stop - (count - 1 - k) * step);
  return tensor(
    range(count).map((k) => (count === 1 ? start : at(k))),
    { dtype: "f32", ...options },
  );
}
/** 1 on the diagonal, [rows, columns]. */
export function eye(rows: number, columns = rows, options: TensorOptions = {}): Tensor {
  const out = zeros([rows, columns], options.dtype ? { dtype: options.dtype } : {});
  out.diagonal().fill_(1);
  return finish(out, options);
}

let shared = new Generator(Math.floor(Math.random() * 2 ** 32));
/** Sets where the numbers of calls without a seed of their own begin. */
export function manualSeed(seed: number): void {
  shared = new Generator(seed);
}
function drawn(
  given: Shape | number,
  options: RandomOptions,
  draw: (g: Generator) => number,
  otherwise: DType = "f32",
): Tensor {
  const { seed } = checkOptions(options);
  const shape = checkShape(given);
  const generator = typeof seed === "number" ? new Generator(seed) : (seed ?? shared);
  const { dtype = otherwise } = options;
  checkDType(dtype);
  const out = allocate(dtype, sizeOf(shape));
  for (let i = 0; i < out.length; i++) out[i] = convert(draw(generator), dtype) as never;
  return finish(Tensor.own(out, dtype, shape), options);
}
/** Uniform in [0, 1). */
export const rand = (shape: Shape | number, options: RandomOptions = {}): Tensor =>
  drawn(shape, options, (g) => g.uniform());
/** Normal, of mean 0 and variance 1. */
export const randn = (shape: Shape | number, options: RandomOptions = {}): Tensor =>
  drawn(shape, options, (g) => g.normal());
/** Integers from low up to but without high, i64 unless `dtype` is given. */
export function randint(
  low: number,
  high: number,
  shape: Shape | number,
  options: RandomOptions = {},
): Tensor {
  if (!(low < high)) throw new EagerError(`there is no integer from ${low} up to but without ${high}`);
  return drawn(shape, options, (g) => low + g.below(high - low), "i64");
}
/** 0 … n - 1 in random order, i64. */
export function randperm(n: number, options: RandomOptions = {}): Tensor {
  const order = range(n);
  const generator = typeof options.seed === "number" ? new Generator(options.seed) : (options.seed ?? shared);
  for (let k = n - 1; k > 0; k--) {
    const other = generator.below(k + 1);
    [order[k], order[other]] = [order[other]!, order[k]!];
  }
  return tensor(order, { dtype: "i64", ...options });
}
