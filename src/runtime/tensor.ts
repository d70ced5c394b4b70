import type { Backend, Device, Memory } from "./device.js";
import { DataError, StaleTensorError, UnsupportedError } from "./errors.js";
import type { DType, TypedArray } from "./types.js";

/** For how long results hold: one for each call, one for the store's handles. */
export class Lease {
  ended: string | undefined;
  check(): void {
    if (this.ended !== undefined) throw new StaleTensorError("GRAD6022", this.ended);
  }
}

/**
 * A tensor on a device: a result of a call, which the model's next call overwrites, or a handle of the store, which
 * stays. Reading a stale one throws StaleTensorError.
 */
export class Tensor {
  constructor(
    /** The name in the source. */
    readonly name: string,
    readonly dtype: DType,
    readonly shape: readonly number[],
    /** @internal */
    readonly memory: Memory,
    private readonly device: Device,
    private readonly lease: Lease,
  ) {}
  get length(): number {
    let length = 1;
    for (const extent of this.shape) length *= extent;
    return length;
  }
  get backend(): Backend {
    return this.device.backend;
  }
  /** A copy, row-major, of the contents at the time of this call. */
  async read(): Promise<TypedArray> {
    this.check();
    return this.device.read(this.memory, this.dtype, this.length);
  }
  /** The value of a tensor of one element, as of this call. @throws DataError for any other. */
  async item(): Promise<number> {
    this.check();
    if (this.length !== 1)
      throw new DataError(
        "GRAD6003",
        `item() wants one element; \`${this.name}\` is [${this.shape.join(", ")}]`,
      );
    const view = this.device.view?.(this.memory, this.dtype, 1);
    return (view ?? (await this.read()))[0]!;
  }
  /** The live contents, on js and wasm: later calls write here. @throws UnsupportedError on WebGPU. */
  get data(): TypedArray {
    this.check();
    const view = this.device.view?.(this.memory, this.dtype, this.length);
    if (!view) throw new UnsupportedError("GRAD6020", `\`data\` needs js or wasm; on WebGPU use read()`);
    return view;
  }
  /** On WebGPU, the buffer that holds the contents from offset 0. @throws UnsupportedError elsewhere. */
  get buffer(): GPUBuffer {
    this.check();
    const buffer = this.device.buffer?.(this.memory);
    if (!buffer) throw new UnsupportedError("GRAD6020", `\`buffer\` needs WebGPU; this is ${this.backend}`);
    return buffer;
  }
  /** @internal @throws StaleTensorError, DeviceLostError */
  check(): void {
    this.lease.check();
    this.device.check?.();
  }
  /** @internal Whether `device` can use the memory as it is. */
  on(device: Device): boolean {
    return device.owns(this.memory);
  }
}
