/** The binary of a module's text. */
export type Decode = (code: string, options: { readonly fma?: boolean }) => Uint8Array<ArrayBuffer>;

/**
 * A module in which each `mul nop c add` of lanes, as the compiler marks them, is `nop nop nop nop c relaxed_madd`: one
 * instruction of WebAssembly's relaxed SIMD. For modules in which a nop follows on nothing else.
 */
export function fuse(module: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(module);
  /** The opcode of the f32x4.mul or f64x2.mul that was met last; its addition's is two less. */
  let product = 0;
  for (let n = -1; (n = bytes.indexOf(0xfd, n + 1)) >= 0;)
    if (bytes[n + 2] === 1)
      if (bytes[n + 3] === 1) {
        product = bytes[n + 1]!;
        bytes.fill(1, n, n + 3);
      } else if (bytes[n + 1] === product - 2) {
        bytes.set([product === 0xe6 ? 0x85 : 0x87, 2], n + 1);
        product = 0;
      }
  return bytes;
}

/** A module's text as a binary, fused where the engine has relaxed SIMD and the options allow it. */
export const fusing =
  (decode: Decode): Decode =>
  (code, options) => {
    const plain = decode(code, options);
    const fused = fuse(plain);
    return options.fma !== false && WebAssembly.validate(fused) ? fused : plain;
  };
