import { npyElements, npyFile, readNpyHeader, writeNpy } from "../runtime/npy.js";
import type { TensorOptions } from "./create.js";
import { fromTypedArray } from "./create.js";
import type { Tensor } from "./tensor.js";

/** The bytes of an `.npy` file, row-major. */
export function toNpy(t: Tensor): Uint8Array {
  const data = t.toTypedArray();
  const { dtype } = t;
  return data instanceof BigInt64Array || dtype === "i64"
    ? npyFile("<i8", t.shape, data)
    : writeNpy({ dtype, shape: t.shape, data });
}

/**
 * A tensor of an `.npy` file. u32 and narrower integers than i32 become i32 or, where they need it, i64; f16 becomes f32.
 * @throws DataError where the bytes are malformed or truncated
 */
export function fromNpy(bytes: Uint8Array, options: TensorOptions = {}): Tensor {
  const header = readNpyHeader(bytes);
  const data = npyElements(bytes, header);
  const known = data instanceof Uint32Array ? BigInt64Array.from(data, BigInt) : data;
  return fromTypedArray(known, header.shape, options);
}
