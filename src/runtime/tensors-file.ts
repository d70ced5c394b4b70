import { fail } from "./errors.js";
import { product } from "./sizes.js";
import type { DType, TypedArray } from "./types.js";

/** One tensor of a file. */
export interface NamedTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}
/** What a file's header says of a tensor. */
export interface FileEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [from: number, to: number];
}

/**
 * https://github.com/huggingface/safetensors: u64 header length, JSON header, data. `arrays` keep the types, by their
 * names in lower case.
 * @throws DataError where the bytes are truncated or malformed
 */
export function readTensors<T extends { readonly length: number }>(
  bytes: Uint8Array,
  arrays: Readonly<Record<string, new (data: ArrayBuffer) => T>>,
): Map<string, FileEntry & { readonly data: T }> {
  try {
    const start = 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const header: Record<string, FileEntry> = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
    delete header["__metadata__"];
    let end = start;
    const found = Object.entries(header).map(([name, entry]) => {
      const [from, to] = entry.data_offsets;
      const array = arrays[entry.dtype.toLowerCase()];
      if (!array) throw `no type ${entry.dtype} here`;
      const data = new array(bytes.slice(start + from, start + to).buffer);
      end += to - from;
      if (data.length !== product(entry.shape, {})) throw `\`${name}\` has another size`;
      return [name, { ...entry, data }] as const;
    });
    if (end !== bytes.length) throw `${bytes.length} bytes, not ${end}`;
    return new Map(found);
  } catch (error) {
    return fail("GRAD6010", `safetensors, truncated or malformed: ${error}`);
  }
}

/** Floats are of the width of their arrays. */
export function writeTensors(tensors: Iterable<readonly [string, NamedTensor]>): Uint8Array {
  const header: Record<string, FileEntry> = {};
  let end = 0;
  // Widest elements first, so that each tensor is aligned.
  const sorted = [...tensors].sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  for (const [name, { dtype, shape, data }] of sorted)
    header[name] = {
      dtype: dtype[0] === "f" ? `F${8 * data.BYTES_PER_ELEMENT}` : dtype.toUpperCase(),
      shape,
      data_offsets: [end, (end += data.byteLength)],
    };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = (text.length + 15) & ~7;
  const bytes = new Uint8Array(start + end).fill(32, 8, start);
  new DataView(bytes.buffer).setUint32(0, start - 8, true);
  bytes.set(text, 8);
  for (const [name, { data }] of sorted)
    bytes.set(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      start + header[name]!.data_offsets[0],
    );
  return bytes;
}

/** 64-bit integers as i32. @throws DataError for what no i32 holds */
export function narrowed(data: BigInt64Array, source: string): Int32Array {
  const out = new Int32Array(data.length);
  data.forEach((value, i) => {
    out[i] = Number(value);
    if (BigInt(out[i]!) !== value)
      fail("GRAD6005", `${source}: ${value} at position ${i} does not fit an i32`);
  });
  return out;
}
