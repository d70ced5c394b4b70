import { npyFile, readNpy, readNpyHeader, writeNpy } from "../runtime/npy.js";
import type { TensorOptions } from "./create.js";
import { fromTypedArray } from "./create.js";
import type { Data } from "./dtype.js";
import { sizeOf } from "./shape.js";
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
  const { type, little, fortran, shape, start } = readNpyHeader(bytes);
  if (type === "i8") {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const data = BigInt64Array.from({ length: sizeOf(shape) }, (_, k) =>
      view.getBigInt64(start + 8 * k, little),
    );
    const order = shape.map((_, k) => shape.length - 1 - k);
    return fortran
      ? fromTypedArray(data, [...shape].reverse(), options)
          .permute(order)
          .contiguous()
      : fromTypedArray(data, shape, options);
  }
  const { data } = readNpy(bytes);
  const known: Data =
    data instanceof Uint32Array
      ? BigInt64Array.from(data, BigInt)
      : data instanceof Uint16Array
        ? Int32Array.from(data)
        : data;
  return fromTypedArray(known, shape, options);
}
