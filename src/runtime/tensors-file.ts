import { HOST_ARRAYS } from "./device.js";
import { DataError, fail } from "./errors.js";
import type { DType, TypedArray } from "./types.js";

/** One tensor of a file. */
export interface NamedTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}
interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [from: number, to: number];
}
/** Formats that our dtypes do not have, by their names in files. */
export type Formats = Readonly<
  Record<string, (data: ArrayBuffer, name: string) => Pick<NamedTensor, "dtype" | "data">>
>;

/**
 * https://github.com/huggingface/safetensors: u64 header length, JSON header, data without gaps.
 * @throws DataError where the bytes are truncated or malformed
 */
export function readTensors(bytes: Uint8Array, others: Formats = {}): Map<string, NamedTensor> {
  const bad = (why: unknown): never => fail("GRAD6010", `not a good safetensors file: ${why}`);
  const found = new Map<string, NamedTensor>();
  try {
    const start = 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const header: Record<string, Entry> = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
    delete header["__metadata__"];
    let end = 0;
    // By their middles, so that an empty one comes before what begins where it stands.
    const middle = ([
      ,
      {
        data_offsets: [from, to],
      },
    ]: [string, Entry]): number => from + to;
    for (const [
      name,
      {
        dtype: format,
        shape,
        data_offsets: [from, to],
      },
    ] of Object.entries(header).sort((a, b) => middle(a) - middle(b))) {
      const dtype = format.toLowerCase() as DType;
      const data = bytes.slice(start + from, start + to).buffer;
      const tensor = others[format]?.(data, name) ?? {
        dtype,
        data: new (HOST_ARRAYS[dtype] ?? bad(`\`${name}\` has dtype ${format}`))(data),
      };
      if (
        from !== end ||
        to - from !== data.byteLength ||
        tensor.data.length !== shape.reduce((a, b) => a * b, 1)
      )
        bad(`\`${name}\` is out of place`);
      end = to;
      found.set(name, { ...tensor, shape });
    }
    if (start + end !== bytes.length) bad("its length is wrong");
  } catch (error) {
    if (error instanceof DataError) throw error;
    bad(`truncated or malformed: ${error}`);
  }
  return found;
}

/** Floats have the width of their arrays. */
export function writeTensors(tensors: Iterable<readonly [string, NamedTensor]>): Uint8Array {
  const header: Record<string, Entry> = {};
  let end = 0;
  // Widest elements first, so that each tensor is aligned.
  const sorted = [...tensors].sort(
    ([, { data: a }], [, { data: b }]) => b.BYTES_PER_ELEMENT - a.BYTES_PER_ELEMENT,
  );
  for (const [name, { dtype, shape, data }] of sorted)
    header[name] = {
      dtype: dtype[0] === "f" ? `F${8 * data.BYTES_PER_ELEMENT}` : dtype.toUpperCase(),
      shape,
      data_offsets: [end, (end += data.byteLength)],
    };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = 8 + Math.ceil(text.length / 8) * 8;
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
