/** The bytes of base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/**
 * The bytes of text in which each is a printable character, after a space or `!` the rarer ones: what repeats in the
 * bytes repeats in the text, as in base64 it does not, so that it compresses as well as they do.
 */
export function fromDense(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    let c = text.charCodeAt(i);
    let page = 0;
    // 32 and 33; `"` is no character of ours, nor the backslash.
    if (c < 34) {
      page = (c - 31) * 91;
      c = text.charCodeAt(++i);
    }
    // Three on, so that the prefix of SIMD instructions is no rare one.
    bytes[n++] = page + c - 38 - +(c > 92);
  }
  return bytes.subarray(0, n);
}
