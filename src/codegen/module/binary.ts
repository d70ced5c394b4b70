export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** The text that the runtime's `fromDense` reads: 91 bytes are a character each, the others two. */
export function toDense(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    const turned = (byte + 3) % 256;
    const page = Math.floor(turned / 91);
    const code = 35 + (turned % 91);
    text += (page ? String.fromCharCode(31 + page) : "") + String.fromCharCode(code < 92 ? code : code + 1);
  }
  return text;
}
