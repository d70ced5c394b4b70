import { DataError } from "./errors.js";
import { floatToHalf, halfToFloat } from "./half.js";
import type { Codec, NamedTensor } from "./store.js";
import type { DType, TypedArray } from "./types.js";

/** Bytes of an element, and the dtype it is read as. f64 stays; i64 is read as i32 and must fit. */
const FORMATS: Readonly<Record<string, readonly [bytes: number, dtype: DType]>> = {
  F64: [8, "f64"],
  F32: [4, "f32"],
  F16: [2, "f16"],
  I64: [8, "i32"],
  I32: [4, "i32"],
  U32: [4, "u32"],
  U8: [1, "u32"],
  BOOL: [1, "bool"],
};
const WRITTEN: Readonly<Record<DType, string>> = {
  f64: "F64",
  f32: "F32",
  f16: "F16",
  i32: "I32",
  u32: "U32",
  bool: "BOOL",
};

const bad = (message: string): DataError =>
  new DataError("GRAD6010", `not a good safetensors file: ${message}`);

function header(bytes: Uint8Array): { entries: Record<string, unknown>; start: number } {
  if (bytes.length < 8) throw bad(`it ends after ${bytes.length} bytes`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (!(length <= bytes.length - 8))
    throw bad(`it is truncated (a header of ${length} bytes in a file of ${bytes.length})`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length));
    const entries: unknown = JSON.parse(text);
    if (isRecord(entries)) return { entries, start: 8 + length };
  } catch {
    // Said below.
  }
  throw bad("its header is not a JSON object");
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const areCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);

/** https://github.com/huggingface/safetensors: u64 header length, JSON header, data. */
export function readSafetensors(bytes: Uint8Array): Map<string, NamedTensor> {
  const { entries, start } = header(bytes);
  const found = new Map<string, NamedTensor>();
  const spans: { name: string; from: number; to: number }[] = [];
  for (const [name, entry] of Object.entries(entries)) {
    if (name === "__metadata__") continue;
    if (!isRecord(entry)) throw bad(`the entry \`${name}\` is not an object`);
    const { dtype, shape, data_offsets: offsets } = entry;
    const format = typeof dtype === "string" ? FORMATS[dtype] : undefined;
    if (!format)
      throw bad(
        `\`${name}\` has dtype ${JSON.stringify(dtype)}, which is not one of ${Object.keys(FORMATS).join(", ")}`,
      );
    if (!areCounts(shape) || !areCounts(offsets) || offsets.length !== 2)
      throw bad(`\`${name}\` lacks a shape or offsets`);
    const [from = 0, to = 0] = offsets;
    const length = shape.reduce((a, b) => a * b, 1);
    if (to - from !== length * format[0])
      throw bad(
        `\`${name}\` is ${dtype}[${shape.join(", ")}], ${length * format[0]} bytes, but its offsets span ${to - from}`,
      );
    if (start + to > bytes.length)
      throw bad(`it is truncated: \`${name}\` ends at byte ${start + to} of a file of ${bytes.length}`);
    if (to > from) spans.push({ name, from, to });
    found.set(name, {
      dtype: format[1],
      shape,
      data: decode(bytes.slice(start + from, start + to).buffer, `${dtype}`, name),
    });
  }
  spans.sort((a, b) => a.from - b.from);
  let end = 0;
  for (const { name, from, to } of spans) {
    if (from < end) throw bad(`\`${name}\` overlaps another tensor`);
    if (from > end) throw bad(`there is a gap before \`${name}\``);
    end = to;
  }
  if (start + end !== bytes.length) throw bad(`${bytes.length - start - end} bytes follow the last tensor`);
  return found;
}

function decode(data: ArrayBuffer, format: string, name: string): TypedArray {
  switch (format) {
    case "F64":
      return new Float64Array(data);
    case "F32":
      return new Float32Array(data);
    case "F16":
      return Float32Array.from(new Uint16Array(data), halfToFloat);
    case "I64":
      return narrowed(new BigInt64Array(data), `\`${name}\``);
    case "I32":
      return new Int32Array(data);
    case "U32":
      return new Uint32Array(data);
    case "U8":
      return Uint32Array.from(new Uint8Array(data));
    default:
      return new Uint8Array(data);
  }
}

/** @throws DataError for what no i32 holds */
export function narrowed(data: BigInt64Array, source: string): Int32Array {
  const out = new Int32Array(data.length);
  data.forEach((value, i) => {
    out[i] = Number(value);
    if (BigInt(out[i]!) !== value)
      throw new DataError("GRAD6005", `${source}: ${value} at position ${i} does not fit an i32`);
  });
  return out;
}

export function writeSafetensors(tensors: ReadonlyMap<string, NamedTensor>): Uint8Array {
  const entries: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  let offset = 0;
  // Widest elements first, so that each tensor is aligned.
  const width = (dtype: DType): number => FORMATS[WRITTEN[dtype]]![0];
  for (const [name, { dtype, shape, data }] of [...tensors].sort(
    (a, b) => width(b[1].dtype) - width(a[1].dtype),
  )) {
    const words = dtype === "f16" ? Uint16Array.from(data, floatToHalf) : data;
    const part = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    entries[name] = { dtype: WRITTEN[dtype], shape, data_offsets: [offset, offset + part.length] };
    parts.push(part);
    offset += part.length;
  }
  const json = JSON.stringify(entries);
  const text = new TextEncoder().encode(json + " ".repeat(-new TextEncoder().encode(json).length & 7));
  const bytes = new Uint8Array(8 + text.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  let at = 8 + text.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export const safetensors: Codec = { read: readSafetensors, write: writeSafetensors };
