import type { BoundLaunch, Copy, Device, DeviceFactory, Memory, Prepared, Work } from "./device.js";
import { HOST_ARRAYS } from "./device.js";
import { UnsupportedError } from "./errors.js";
import type { DType, TargetSpec, TypedArray } from "./types.js";

/** What a generated module brings: its code, and the functions of the host that the code calls. */
export interface WasmParts {
  /** The binary, base64. */
  readonly code: string;
  readonly host: Readonly<Record<string, (...args: number[]) => number>>;
}

const PAGE = 65536;
/** Kept free at both ends: lanes that are not chosen may read beside a tensor. */
const MARGIN = 1024;

class WasmMemory implements Memory {
  constructor(
    readonly device: WasmDevice,
    readonly at: number,
    readonly bytes: number,
  ) {}
}

/** One linear memory holds every tensor; kernels are exported functions over byte addresses. */
export const wasmDevice =
  ({ code, host }: WasmParts): DeviceFactory =>
  async ({ targets: { wasm } }) => {
    if (!wasm) throw new UnsupportedError("GRAD6020", "the module was not compiled for wasm");
    if (typeof WebAssembly === "undefined")
      throw new UnsupportedError("GRAD6020", "there is no WebAssembly here");
    const memory = new WebAssembly.Memory({ initial: 1 });
    let instance: WebAssembly.Instance;
    try {
      ({ instance } = await WebAssembly.instantiate(bytesOf(code), { env: { memory }, host }));
    } catch (error) {
      throw new UnsupportedError("GRAD6020", `WebAssembly refuses the module: ${String(error)}`);
    }
    return new WasmDevice(wasm, memory, instance.exports as Record<string, (...args: number[]) => void>);
  };

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes;
}

class WasmDevice implements Device<WasmMemory> {
  readonly backend = "wasm";
  private end = MARGIN;
  /** Freed pieces by size. */
  private readonly freed = new Map<number, number[]>();

  constructor(
    readonly target: TargetSpec,
    private readonly memory: WebAssembly.Memory,
    private readonly kernels: Readonly<Record<string, (...args: number[]) => void>>,
  ) {}

  bytes(dtype: DType, length: number): number {
    return HOST_ARRAYS[dtype].BYTES_PER_ELEMENT * length;
  }
  allocate(bytes: number, what: string): WasmMemory {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const again = this.freed.get(size)?.pop();
    if (again !== undefined) {
      new Uint8Array(this.memory.buffer, again, size).fill(0);
      return new WasmMemory(this, again, bytes);
    }
    const at = this.end;
    const wanted = Math.ceil((at + size + MARGIN) / PAGE);
    const missing = wanted - this.memory.buffer.byteLength / PAGE;
    try {
      if (missing > 0) this.memory.grow(missing);
    } catch {
      throw new UnsupportedError("GRAD6020", `no memory for ${bytes} bytes of ${what}`);
    }
    this.end = at + size;
    return new WasmMemory(this, at, bytes);
  }
  free({ at, bytes }: WasmMemory): void {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const list = this.freed.get(size);
    if (list) list.push(at);
    else this.freed.set(size, [at]);
  }
  private contents = new Uint8Array();
  upload(memory: WasmMemory, dtype: DType, data: TypedArray): void {
    this.view(memory, dtype, data.length).set(data);
  }
  copy({ from, to, bytes }: Copy<WasmMemory>): void {
    // The memory has another buffer once it has grown.
    if (this.contents.buffer !== this.memory.buffer) this.contents = new Uint8Array(this.memory.buffer);
    this.contents.copyWithin(to.at, from.at, from.at + bytes);
  }
  /** Good until the memory grows, which only binding new sizes makes it do. */
  view(memory: WasmMemory, dtype: DType, length: number): TypedArray {
    return new HOST_ARRAYS[dtype](this.memory.buffer, memory.at, length);
  }
  async read(memory: WasmMemory, dtype: DType, length: number): Promise<TypedArray> {
    return this.view(memory, dtype, length).slice();
  }
  owns(memory: Memory): memory is WasmMemory {
    return memory instanceof WasmMemory && memory.device === this;
  }
  prepare({ before, launches, after }: Work<WasmMemory>): Prepared {
    const copies = (list: readonly Copy<WasmMemory>[]): (() => void)[] =>
      list.map((copy) => () => this.copy(copy));
    const steps = [...copies(before), ...launches.map((launch) => this.launchStep(launch)), ...copies(after)];
    return {
      run() {
        for (const step of steps) step();
      },
    };
  }
  private launchStep({ kernel, buffers, sizes, steps }: BoundLaunch<WasmMemory>): () => void {
    const run = this.kernels[kernel]!;
    const args = [...buffers.map(({ memory }) => memory.at), ...sizes];
    if (!steps) return run.bind(null, ...args);
    const { first, count, direction } = steps;
    const last = args.push(first) - 1;
    return () => {
      for (let n = 0; n < count; n++) {
        args[last] = first + n * direction;
        run(...args);
      }
    };
  }
}
