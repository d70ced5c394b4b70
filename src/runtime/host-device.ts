import { HOST_ARRAYS, type Device } from "./device.js";
import { unsupported } from "./errors.js";
import type { Place } from "./tensor.js";
import type { Entries, Kernels, TypedArray } from "./types.js";

type HostArray = (typeof HOST_ARRAYS)[keyof typeof HOST_ARRAYS];
/** A device whose memory the host sees: `cut` gives a part of it as an array. */
export function hostDevice<M, A>(
  backend: "js" | "wasm",
  entries: Entries,
  kernels: Kernels<A>,
  allocate: (bytes: number) => M,
  cut: (memory: M, type: HostArray, length: number) => TypedArray,
  argument: (place: Place<M>, view: (place: Place<M>) => TypedArray) => A,
  free?: (memory: M) => void,
): Device<M, A> {
  // Memory that grows takes the arrays over it away: they become empty.
  const view = (place: Place<M>): TypedArray =>
    place.view?.length === place.length
      ? place.view
      : (place.view = cut(place.memory, HOST_ARRAYS[place.dtype], place.length));
  const device: Device<M, A> = {
    backend,
    entries,
    bytes: (dtype, length) => HOST_ARRAYS[dtype].BYTES_PER_ELEMENT * length,
    allocate(bytes, what) {
      try {
        return allocate(bytes);
      } catch {
        return unsupported(`no memory for ${bytes} bytes of ${what}`);
      }
    },
    ...(free && { free }),
    upload(to, data) {
      if (typeof data === "number") view(to).fill(data);
      else view(to).set(data);
    },
    copy: (to, from) => view(to).set(view(from)),
    view,
    read: async (place) => view(place).slice(),
    shares: (other) => other === device || (backend === "js" && other.backend === "js"),
    argument: (place) => argument(place, view),
    prepare(entry, tensors, values, dims) {
      let n = 0;
      return entry(kernels, tensors, () => values[n++]!, dims)[0];
    },
  };
  return device;
}
