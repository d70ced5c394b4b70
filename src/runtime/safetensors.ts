import { fail } from "./errors.js";
import { floatToHalf, halfToFloat } from "./half.js";
import { readTensors, writeTensors, type NamedTensor } from "./tensors-file.js";

/** Tensors of safetensors bytes; of types that we do not have too. @throws DataError where they are truncated or malformed */
export const readSafetensors = (bytes: Uint8Array): Map<string, NamedTensor> =>
  readTensors(bytes, {
    F16: (data) => ({ dtype: "f16", data: Float32Array.from(new Uint16Array(data), halfToFloat) }),
    U8: (data) => ({ dtype: "u32", data: Uint32Array.from(new Uint8Array(data)) }),
    I64: (data, name) => ({ dtype: "i32", data: narrowed(new BigInt64Array(data), `\`${name}\``) }),
  });

export const writeSafetensors = (tensors: ReadonlyMap<string, NamedTensor>): Uint8Array =>
  writeTensors(
    [...tensors].map(([name, tensor]) => [
      name,
      tensor.dtype === "f16" ? { ...tensor, data: Uint16Array.from(tensor.data, floatToHalf) } : tensor,
    ]),
  );

/** @throws DataError for what no i32 holds */
export function narrowed(data: BigInt64Array, source: string): Int32Array {
  const out = new Int32Array(data.length);
  data.forEach((value, i) => {
    out[i] = Number(value);
    if (BigInt(out[i]!) !== value)
      fail("GRAD6005", `${source}: ${value} at position ${i} does not fit an i32`);
  });
  return out;
}
