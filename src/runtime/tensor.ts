import type { Device } from "./device.js";
import { mismatch, StaleTensorError, unsupported } from "./errors.js";
import type { DType, TypedArray } from "./types.js";

/** What a model's tensors have in common. */
export interface Life {
  readonly device: Device;
  /** The number of the call whose results hold. */
  call: number;
  ended?: boolean;
}
/** A tensor of known size in a device's memory. */
export interface Place<M = unknown> {
  /** The name in the source. */
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly length: number;
  readonly memory: M;
  readonly life: Life;
  /** The live contents, as they were made last. */
  view?: TypedArray;
}

/** @throws StaleTensorError, DeviceLostError */
export function checkLife({ device, call, ended }: Life, of = call): void {
  if (ended || of !== call)
    throw new StaleTensorError(
      "GRAD6022",
      ended ? "the model was disposed" : "a result holds until the model's next call",
    );
  device.check?.();
}

/**
 * A tensor on a device: a result of a call, which the model's next call overwrites, or a handle of the store, which
 * stays. Reading a stale one throws StaleTensorError.
 */
export class Tensor {
  /** @internal */
  constructor(
    /** @internal */
    readonly place: Place,
    /** The call that it is a result of. */
    private readonly call?: number,
  ) {}
  get name(): string {
    return this.place.name;
  }
  get dtype(): DType {
    return this.place.dtype;
  }
  get shape(): readonly number[] {
    return this.place.shape;
  }
  get length(): number {
    return this.place.length;
  }
  /** A copy, row-major, of the contents at the time of this call. */
  async read(): Promise<TypedArray> {
    return this.check().life.device.read(this.place);
  }
  /** The value of a tensor of one element, as of this call. @throws DataError for any other. */
  async item(): Promise<number> {
    const { name, shape, length, life } = this.check();
    if (length !== 1) mismatch(6003, `\`${name}\``, `[${shape.join(", ")}]`, "one item");
    return (life.device.view?.(this.place) ?? (await this.read()))[0]!;
  }
  /** The live contents, on js and wasm: later calls write here. @throws UnsupportedError on WebGPU. */
  get data(): TypedArray {
    return this.check().life.device.view?.(this.place) ?? unsupported("no `data` on WebGPU; use read()");
  }
  /** On WebGPU, the buffer that holds the contents from offset 0. @throws UnsupportedError elsewhere. */
  get buffer(): GPUBuffer {
    return this.check().life.device.buffer?.(this.place) ?? unsupported("`buffer` needs WebGPU");
  }
  /** @internal @throws StaleTensorError, DeviceLostError */
  check(): Place {
    checkLife(this.place.life, this.call);
    return this.place;
  }
}
