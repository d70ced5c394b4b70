/** What generated modules and their users import. Nothing here depends on the compiler. */
export { createModel } from "./model.js";
export type { CreateOptions, Devices, Inputs, Model, Results, StepOptions, TensorInput } from "./model.js";
export { metaOf } from "./meta.js";
export type { Meta, TensorMeta } from "./meta.js";
export { Tensor } from "./tensor.js";
export type { Store } from "./store.js";
export type { NamedTensor } from "./tensors-file.js";
export type { HostInput } from "./host.js";
export type { Backend, Device, DeviceFactory } from "./device.js";
export { jsDevice } from "./js.js";
export { whole } from "./host.js";
export { wasmDevice } from "./wasm.js";
export { fusing } from "./fuse.js";
export { threadPool } from "./threads.js";
export type { ThreadWorker } from "./threads.js";
export { fromBase64, fromDense } from "./binary.js";
export { webgpuDevice } from "./webgpu.js";
export { floatToHalf, halfToFloat } from "./half.js";
export { eye, normal, orthogonal, uniform } from "./initialise.js";
export { readSafetensors, writeSafetensors } from "./safetensors.js";
export { readNpy, writeNpy } from "./npy.js";
export { readNpz } from "./npz.js";
export {
  DataError,
  DeviceLostError,
  GradError,
  InternalError,
  StaleTensorError,
  UnsupportedError,
} from "./errors.js";
export type * from "./types.js";
