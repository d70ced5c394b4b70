import type { Place } from "./tensor.js";
import type { ThreadOptions } from "./threads.js";
import type { Dims, DType, Entries, Entry, TypedArray } from "./types.js";

export type Backend = "webgpu" | "wasm" | "js";

/**
 * Where a model runs: memory `M`, and what kernels take for a tensor, `A`. All but `read` are synchronous; a queue's
 * order is the order of the calls.
 */
export interface Device<M = unknown, A = unknown> {
  readonly backend: Backend;
  readonly entries: Entries;
  /** Bytes of so many elements as this device lays them out. */
  bytes(dtype: DType, length: number): number;
  /** Zeros. @throws UnsupportedError naming `what` where it is more than the device can hold. */
  allocate(bytes: number, what: string): M;
  free?(memory: M): void;
  /** A number fills. */
  upload(to: Place<M>, data: ArrayLike<number> | number): void;
  copy(to: Place<M>, from: Place<M>): void;
  /** Live contents, of devices that share memory with the host. */
  view?(place: Place<M>): TypedArray;
  /** Contents as of now, as the dtype's host type, in an array of its own. */
  read(place: Place<M>): Promise<TypedArray>;
  /** Whether tensors of that device can be used here without a copy. */
  shares(other: Device): boolean;
  readonly gpu?: GPUDevice;
  buffer?(place: Place<M>): GPUBuffer;
  argument(place: Place<M>): A;
  /** Once for a binding of the dims: what runs the entry. `tensors` is looked at anew at each run. */
  prepare(entry: Entry, tensors: readonly A[], values: readonly A[], dims: Dims): () => void;
  /** @throws DeviceLostError */
  check?(): void;
  dispose?(): void;
}

/** Makes a device for one model. */
export type DeviceFactory = (
  options: { readonly device?: GPUDevice; readonly fma?: boolean } & ThreadOptions,
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
