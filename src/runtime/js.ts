import type { BoundLaunch, Copy, Device, DeviceFactory, Memory, Prepared, Work } from "./device.js";
import { HOST_ARRAYS } from "./device.js";
import { UnsupportedError } from "./errors.js";
import type { DType, JsKernel, JsKernels, TargetSpec, TypedArray } from "./types.js";

class JsMemory implements Memory {
  readonly data: ArrayBuffer;
  constructor(readonly bytes: number) {
    this.data = new ArrayBuffer(bytes);
  }
}

/** Kernels are functions over typed arrays, which are cut to the tensors once for each binding of the dims. */
export const jsDevice =
  (kernels: JsKernels): DeviceFactory =>
  ({ targets: { js } }) => {
    if (!js) throw new UnsupportedError("GRAD6020", "the module was not compiled for js");
    return new JsDevice(js, kernels);
  };

class JsDevice implements Device<JsMemory> {
  readonly backend = "js";
  constructor(
    readonly target: TargetSpec,
    private readonly kernels: JsKernels,
  ) {}
  bytes(dtype: DType, length: number): number {
    return HOST_ARRAYS[dtype].BYTES_PER_ELEMENT * length;
  }
  allocate(bytes: number, what: string): JsMemory {
    try {
      return new JsMemory(bytes);
    } catch {
      throw new UnsupportedError("GRAD6020", `no memory for ${bytes} bytes of ${what}`);
    }
  }
  free(): void {
    // Collected.
  }
  upload(memory: JsMemory, dtype: DType, data: TypedArray): void {
    this.view(memory, dtype, data.length).set(data);
  }
  copy({ from, to, bytes }: Copy<JsMemory>): void {
    new Uint8Array(to.data, 0, bytes).set(new Uint8Array(from.data, 0, bytes));
  }
  view(memory: JsMemory, dtype: DType, length: number): TypedArray {
    return new HOST_ARRAYS[dtype](memory.data, 0, length);
  }
  async read(memory: JsMemory, dtype: DType, length: number): Promise<TypedArray> {
    return this.view(memory, dtype, length).slice();
  }
  owns(memory: Memory): memory is JsMemory {
    return memory instanceof JsMemory;
  }
  prepare({ before, launches, after }: Work<JsMemory>): Prepared {
    const steps = [
      ...before.map(copyStep),
      ...launches.map((launch) => this.launchStep(launch)),
      ...after.map(copyStep),
    ];
    return {
      run() {
        for (const step of steps) step();
      },
    };
  }
  private launchStep({ kernel, buffers, sizes, steps }: BoundLaunch<JsMemory>): () => void {
    const run: JsKernel = this.kernels[kernel]!;
    const args = [...buffers.map(({ memory, dtype, length }) => this.view(memory, dtype, length)), ...sizes];
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

/** So few words are sooner copied one by one. */
const FEW_WORDS = 16;

function copyStep({ from, to, bytes }: Copy<JsMemory>): () => void {
  const words = bytes / 4;
  if (words <= FEW_WORDS && Number.isInteger(words)) {
    const target = new Int32Array(to.data, 0, words);
    const source = new Int32Array(from.data, 0, words);
    return () => {
      for (let k = 0; k < words; k++) target[k] = source[k]!;
    };
  }
  const target = new Uint8Array(to.data, 0, bytes);
  const source = new Uint8Array(from.data, 0, bytes);
  return () => target.set(source);
}
