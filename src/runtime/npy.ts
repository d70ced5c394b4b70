import { DataError } from "./errors.js";
import { floatToHalf, halfToFloat } from "./half.js";
import { narrowed, type NamedTensor } from "./tensors-file.js";
import type { DType, TypedArray } from "./types.js";

/** Bytes of an element, the dtype it is read as, and how one is read. */
const FORMATS: Readonly<
  Record<
    string,
    readonly [
      bytes: number,
      dtype: DType,
      get:
        | "getFloat64"
        | "getFloat32"
        | "getUint16"
        | "getInt32"
        | "getUint32"
        | "getUint8"
        | "getInt8"
        | "getInt16"
        | "getBigInt64",
    ]
  >
> = {
  f8: [8, "f64", "getFloat64"],
  f4: [4, "f32", "getFloat32"],
  f2: [2, "f16", "getUint16"],
  i8: [8, "i32", "getBigInt64"],
  i4: [4, "i32", "getInt32"],
  i2: [2, "i32", "getInt16"],
  i1: [1, "i32", "getInt8"],
  u4: [4, "u32", "getUint32"],
  u2: [2, "u32", "getUint16"],
  u1: [1, "u32", "getUint8"],
  b1: [1, "bool", "getUint8"],
};
const WRITTEN: Readonly<Record<DType, string>> = {
  f64: "<f8",
  f32: "<f4",
  f16: "<f2",
  i32: "<i4",
  u32: "<u4",
  bool: "|b1",
};

/** What a file's header says. */
export interface NpyHeader {
  /** NumPy's letter and bytes of an element: `f4`, `i8`. */
  readonly type: string;
  readonly little: boolean;
  /** Column-major. */
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Where the elements begin; the file holds them all. */
  readonly start: number;
}
/**
 * The header of NumPy's format, versions 1 to 3 (numpy.lib.format).
 * @throws DataError beginning with `source` where the bytes are malformed, truncated or of another type
 */
export function readNpyHeader(bytes: Uint8Array, source = "npy"): NpyHeader {
  const bad = (message: string): DataError => new DataError("GRAD6010", `${source}: ${message}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || String.fromCharCode(...bytes.subarray(0, 6)) !== "\x93NUMPY")
    throw bad("this is not an npy file");
  const version = view.getUint8(6);
  if (version < 1 || version > 3) throw bad(`npy version ${version} is not known`);
  const start = version === 1 ? 10 : 12;
  const end = start + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (end > bytes.length) throw bad(`truncated: the header ends at byte ${end} of a file of ${bytes.length}`);
  const header = new TextDecoder(version === 3 ? "utf-8" : "latin1").decode(bytes.subarray(start, end));
  const descr = /'descr'\s*:\s*'([<>|=])(\w+)'/.exec(header);
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const sizes = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  if (fortran === undefined || sizes === undefined) throw bad("its header is malformed");
  const format = FORMATS[descr?.[2] ?? ""];
  if (!format)
    throw bad(`its element type is not one of ${Object.keys(FORMATS).join(" ")}: ${header.trim()}`);
  const [width] = format;
  const shape = sizes
    .split(",")
    .filter((s) => s.trim())
    .map(Number);
  const length = shape.reduce((a, b) => a * b, 1);
  if (bytes.length - end < length * width)
    throw bad(
      `truncated: [${shape.join(", ")}] wants ${length * width} bytes of data, there are ${bytes.length - end}`,
    );
  return {
    type: descr?.[2] ?? "",
    little: descr?.[1] !== ">",
    fortran: fortran === "True",
    shape,
    start: end,
  };
}

/**
 * The header's array. Fortran order is turned into row-major, 64-bit integers are read as i32.
 * @throws DataError as `readNpyHeader`, and where a 64-bit integer is outside of i32
 */
export function readNpy(bytes: Uint8Array, source = "npy"): NamedTensor {
  const header = readNpyHeader(bytes, source);
  const [, dtype] = FORMATS[header.type]!;
  const data = npyElements(bytes, header);
  return {
    dtype,
    shape: header.shape,
    data: data instanceof BigInt64Array ? narrowed(data, source) : data,
  };
}

/** The elements, row-major; 64-bit integers as they are. */
export function npyElements(
  bytes: Uint8Array,
  { type, little, fortran, shape, start }: NpyHeader,
): Exclude<TypedArray, Uint16Array> | BigInt64Array {
  const [width, dtype, get] = FORMATS[type]!;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = shape.reduce((a, b) => a * b, 1);
  const places = fortran ? columnMajor(shape, length) : null;
  const at = (k: number): number => start + width * (places ? places[k]! : k);
  if (get === "getBigInt64") return BigInt64Array.from({ length }, (_, k) => view.getBigInt64(at(k), little));
  const numbers = Float64Array.from({ length }, (_, k) => view[get](at(k), little));
  switch (dtype) {
    case "f64":
      return numbers;
    case "f32":
      return Float32Array.from(numbers);
    case "f16":
      return Float32Array.from(numbers, halfToFloat);
    case "i32":
      return Int32Array.from(numbers);
    case "u32":
      return Uint32Array.from(numbers);
    case "bool":
      return Uint8Array.from(numbers);
  }
}

/** Where the elements, taken in row-major order, stand in column-major order. */
function columnMajor(shape: readonly number[], length: number): Float64Array {
  const places = new Float64Array(length);
  const at = shape.map(() => 0);
  for (let k = 0; k < length; k++) {
    places[at.reduce((index, i, axis) => index * shape[axis]! + i, 0)] = k;
    for (let axis = 0; axis < at.length && ++at[axis]! === shape[axis]; axis++) at[axis] = 0;
  }
  return places;
}

/** Version 1, row-major, little-endian. */
export function writeNpy({ dtype, shape, data }: NamedTensor): Uint8Array {
  return npyFile(WRITTEN[dtype], shape, dtype === "f16" ? Uint16Array.from(data, floatToHalf) : data);
}
/** As `writeNpy`, of little-endian words of NumPy's type `descr`. */
export function npyFile(
  descr: string,
  shape: readonly number[],
  words: TypedArray | Uint16Array | BigInt64Array,
): Uint8Array {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + "\n";
  const out = new Uint8Array(10 + header.length + words.byteLength);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  out.set(new TextEncoder().encode(header), 10);
  out.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength), 10 + header.length);
  return out;
}
