import type { DeviceFactory } from "./device.js";
import { hostDevice } from "./host-device.js";
import type { Entries, Kernels, TypedArray } from "./types.js";

/** Kernels are functions over typed arrays. */
export const jsDevice =
  (kernels: Kernels<TypedArray>, entries: Entries): DeviceFactory =>
  () =>
    hostDevice<ArrayBuffer, TypedArray>(
      "js",
      entries,
      {
        ...kernels,
        copy: (to: TypedArray, from: TypedArray) => to.set(from),
      },
      (bytes) => new ArrayBuffer(bytes),
      (memory, type, length) => new type(memory, 0, length),
      (place, view) => view(place),
    );
