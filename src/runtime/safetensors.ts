import { HOST_ARRAYS } from "./device.js";
import { fail } from "./errors.js";
import { floatToHalf, halfToFloat } from "./half.js";
import { narrowed, readTensors, writeTensors, type FileEntry, type NamedTensor } from "./tensors-file.js";
import type { DType, TypedArray } from "./types.js";

/** Arrays of the file's types where they are not those of a dtype. */
const ARRAYS = { ...HOST_ARRAYS, f16: Uint16Array, i64: BigInt64Array, u8: Uint8Array };
/** Orders what stands one after the other, an empty one before what begins where it stands. */
const middle = ({ data_offsets: [from, to] }: FileEntry): number => from + to;
const isDType = (name: string): name is DType => name in HOST_ARRAYS;

/**
 * Tensors of safetensors bytes, of types that we do not have too: 64-bit integers become i32, bytes u32.
 * @throws DataError where they are truncated or malformed, or an integer does not fit
 */
export function readSafetensors(bytes: Uint8Array): Map<string, NamedTensor> {
  const file = [...readTensors<TypedArray | BigInt64Array>(bytes, ARRAYS)];
  let end = 0;
  for (const [
    name,
    {
      data_offsets: [from, to],
    },
  ] of file.toSorted(([, a], [, b]) => middle(a) - middle(b))) {
    if (from !== end)
      fail("GRAD6010", `safetensors, malformed: there is a gap or an overlap before \`${name}\``);
    end = to;
  }
  return new Map(
    file.map(([name, { dtype: format, shape, data }]) => {
      const dtype = format.toLowerCase();
      if (data instanceof BigInt64Array)
        return [name, { dtype: "i32", shape, data: narrowed(data, `\`${name}\``) }];
      if (dtype === "f16") return [name, { dtype, shape, data: Float32Array.from(data, halfToFloat) }];
      return [
        name,
        isDType(dtype) ? { dtype, shape, data } : { dtype: "u32", shape, data: Uint32Array.from(data) },
      ];
    }),
  );
}

export const writeSafetensors = (tensors: ReadonlyMap<string, NamedTensor>): Uint8Array =>
  writeTensors(
    [...tensors].map(([name, tensor]) => [
      name,
      tensor.dtype === "f16" ? { ...tensor, data: Uint16Array.from(tensor.data, floatToHalf) } : tensor,
    ]),
  );
