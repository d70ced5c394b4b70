import type { DeviceFactory } from "./device.js";
import { unsupported } from "./errors.js";
import { hostDevice } from "./host-device.js";
import type { Entries } from "./types.js";

const PAGE = 65536;
/** Kept free at both ends: lanes that are not chosen may read beside a tensor. */
const MARGIN = 1024;
/** Pages. */
const MOST_AHEAD = 1024;
const MOST_PAGES = 65536;

interface Piece {
  readonly at: number;
  /** A multiple of 16. */
  readonly size: number;
}

type Kernel = (...args: number[]) => void;
/**
 * One linear memory holds every tensor; kernels are exported functions over byte addresses. `decode` makes the binary
 * of `code`; `host` is what it calls.
 */
export const wasmDevice =
  (
    decode: (code: string) => Uint8Array<ArrayBuffer>,
    code: string,
    host: WebAssembly.ModuleImports,
    entries: Entries,
  ): DeviceFactory =>
  async () => {
    const memory = new WebAssembly.Memory({ initial: 16 });
    const { instance } = await WebAssembly.instantiate(decode(code), { env: { memory }, host }).catch(
      (error) => unsupported(`WebAssembly refuses the module: ${error}`),
    );
    let contents = new Uint8Array();
    let end = MARGIN;
    /** Freed pieces by size. */
    const freed = new Map<number, Piece[]>();
    return hostDevice<Piece, number>(
      "wasm",
      entries,
      {
        ...(instance.exports as Record<string, Kernel>),
        copy(to: number, from: number, bytes: number) {
          // Empty once the memory has grown.
          if (!contents.length) contents = new Uint8Array(memory.buffer);
          contents.copyWithin(to, from, from + bytes);
        },
      },
      (bytes) => {
        const size = Math.max(16, Math.ceil(bytes / 16) * 16);
        const again = freed.get(size)?.pop();
        if (again) new Uint8Array(memory.buffer, again.at, size).fill(0);
        else {
          const pages = memory.buffer.byteLength / PAGE;
          const missing = Math.ceil((end + size + MARGIN) / PAGE) - pages;
          // Seldom, as each time takes all arrays over the memory away; what is not used yet costs nothing.
          if (missing > 0) memory.grow(Math.max(missing, Math.min(pages, MOST_AHEAD, MOST_PAGES - pages)));
          end += size;
        }
        return again ?? { at: end - size, size };
      },
      ({ at }, type, length) => new type(memory.buffer, at, length),
      ({ memory: { at } }) => at,
      (piece) => {
        const list = freed.get(piece.size);
        if (list) list.push(piece);
        else freed.set(piece.size, [piece]);
      },
    );
  };
