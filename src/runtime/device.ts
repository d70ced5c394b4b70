import type { DType, ModuleSpec, TargetSpec, TypedArray } from "./types.js";

export type Backend = "webgpu" | "wasm" | "js";

/** A piece of one device's memory. */
export interface Memory {
  readonly bytes: number;
}

export interface Copy<M> {
  readonly from: M;
  readonly to: M;
  readonly bytes: number;
}

/** A launch with its memory and numbers filled in. */
export interface BoundLaunch<M> {
  readonly kernel: string;
  readonly buffers: readonly { readonly memory: M; readonly dtype: DType; readonly length: number }[];
  readonly writes: readonly number[];
  readonly sizes: readonly number[];
  readonly invocations: number;
  /** Step numbers, where the launch is repeated: the last size argument. */
  readonly steps?: { readonly first: number; readonly count: number; readonly direction: 1 | -1 };
}

export interface Work<M> {
  readonly before: readonly Copy<M>[];
  readonly launches: readonly BoundLaunch<M>[];
  readonly after: readonly Copy<M>[];
}

/** Work ready to run, any number of times, without allocating. */
export interface Prepared {
  run(): void;
  free?(): void;
}

/** Where a model runs. All but `read` are synchronous; a queue's order is the order of the calls. */
export interface Device<M extends Memory = Memory> {
  readonly backend: Backend;
  readonly target: TargetSpec;
  /** Bytes of so many elements as this device lays them out. */
  bytes(dtype: DType, length: number): number;
  /** @throws UnsupportedError naming `what` where it is more than the device can hold. */
  allocate(bytes: number, what: string): M;
  free(memory: M): void;
  /** `data` is of the dtype's host type (see `hostArray`). */
  upload(memory: M, dtype: DType, data: TypedArray): void;
  copy(copy: Copy<M>): void;
  /** Live contents, of devices that share memory with the host. */
  view?(memory: M, dtype: DType, length: number): TypedArray;
  /** Contents as of now, as the dtype's host type, in an array of its own. */
  read(memory: M, dtype: DType, length: number): Promise<TypedArray>;
  /** Whether memory of another model can be used here without a copy. */
  owns(memory: Memory): memory is M;
  buffer?(memory: M): GPUBuffer;
  /** Once for a binding of the dims. */
  prepare(work: Work<M>): Prepared;
  /** @throws DeviceLostError */
  check?(): void;
  dispose?(): void;
}

/** What `createModel` may choose from; each makes a device for one model. */
export type DeviceFactory = (
  spec: ModuleSpec,
  options: { readonly device?: GPUDevice },
) => Device | Promise<Device>;

/** A dtype's array on the host. f16 is Float32Array there. */
export const HOST_ARRAYS = {
  f32: Float32Array,
  f64: Float64Array,
  f16: Float32Array,
  i32: Int32Array,
  u32: Uint32Array,
  bool: Uint8Array,
} as const;
