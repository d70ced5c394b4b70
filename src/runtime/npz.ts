import { DataError } from "./errors.js";
import { readNpy } from "./npy.js";
import type { NamedTensor } from "./tensors-file.js";

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;

/**
 * NumPy's archive of arrays: a zip file (PKWARE APPNOTE 6.3), entries stored or deflated.
 * @throws DataError beginning with `source` where it is truncated or malformed
 */
export async function readNpz(bytes: Uint8Array, source = "npz"): Promise<Map<string, NamedTensor>> {
  const bad = (message: string): DataError => new DataError("GRAD6010", `${source}: ${message}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  if (end < 0) throw bad("truncated, or no zip file: it has no directory");
  const found = new Map<string, NamedTensor>();
  try {
    const count = view.getUint16(end + 10, true);
    let at = view.getUint32(end + 16, true);
    for (let k = 0; k < count; k++) {
      if (view.getUint32(at, true) !== ENTRY) throw bad(`entry ${k} of its directory is malformed`);
      const method = view.getUint16(at + 10, true);
      const checksum = view.getUint32(at + 16, true);
      const nameLength = view.getUint16(at + 28, true);
      const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
      const local = view.getUint32(at + 42, true);
      if (view.getUint32(local, true) !== LOCAL) throw bad(`\`${name}\` is malformed`);
      const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      const packed = bytes.subarray(start, start + view.getUint32(at + 20, true));
      if (method !== 0 && method !== 8)
        throw bad(`\`${name}\` is compressed by method ${method}; stored and deflate are read`);
      const content = method === 8 ? await inflate(packed) : packed;
      if (content.length !== view.getUint32(at + 24, true) || crc32(content) !== checksum)
        throw bad(`\`${name}\` is damaged: its length or checksum is wrong`);
      found.set(name.replace(/\.npy$/, ""), readNpy(content, `${source}: \`${name}\``));
      at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    }
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw bad(`truncated or malformed (${error instanceof Error ? error.message : error})`);
  }
  return found;
}

async function inflate(packed: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([packed.slice()]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
