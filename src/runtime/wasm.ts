import type { DeviceFactory } from "./device.js";
import { unsupported } from "./errors.js";
import type { Decode } from "./fuse.js";
import { hostDevice } from "./host-device.js";
import type { ThreadFactory } from "./threads.js";
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
 * of `code`; `host` is what it calls, `threads` what runs large kernels.
 */
export const wasmDevice =
  (
    decode: Decode,
    code: string,
    host: WebAssembly.ModuleImports,
    entries: Entries,
    threads?: ThreadFactory,
  ): DeviceFactory =>
  async (options) => {
    const bytes = decode(code, options);
    // What calls the host is for this thread alone: others have no such functions.
    const pool = threads?.(options, bytes, Object.keys(host).length > 0);
    const memory = pool?.memory ?? new WebAssembly.Memory({ initial: 16 });
    const { module, instance } = await WebAssembly.instantiate(bytes, { env: { memory }, host }).catch(
      (error) => unsupported(`WebAssembly refuses the module: ${error}`),
    );
    const kernels = instance.exports as Readonly<Record<string, Kernel>>;
    let contents = new Uint8Array();
    let end = MARGIN;
    /** Freed pieces by size. */
    const freed = new Map<number, Piece[]>();
    const allocate = (bytes: number): Piece => {
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
    };
    await pool?.start(module, kernels, (bytes) => allocate(bytes).at);
    const device = hostDevice<Piece, number>(
      "wasm",
      entries,
      {
        ...kernels,
        ...(pool?.calls as unknown as Record<string, Kernel> | undefined),
        copy(to: number, from: number, bytes: number) {
          // Empty, or too short where it is shared, once the memory has grown.
          if (contents.length < memory.buffer.byteLength) contents = new Uint8Array(memory.buffer);
          contents.copyWithin(to, from, from + bytes);
        },
      },
      allocate,
      ({ at }, type, length) => new type(memory.buffer, at, length),
      ({ memory: { at } }) => at,
      (piece) => {
        const list = freed.get(piece.size);
        if (list) list.push(piece);
        else freed.set(piece.size, [piece]);
      },
    );
    return pool ? Object.assign(device, { dispose: pool.stop }) : device;
  };
