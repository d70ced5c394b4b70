import { HOST_ARRAYS, type Device, type DeviceFactory } from "./device.js";
import { DeviceLostError, GradError, InternalError, unsupported } from "./errors.js";
import type { Place } from "./tensor.js";
import type { Dims, Entries, Entry, Kernels, TypedArray } from "./types.js";

// GPUBufferUsage and its like are globals of browsers only.
const MAP_READ = 0x1;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
const UNIFORM = 0x40;
const STORAGE = 0x80;
const COMPUTE_STAGE = 0x4;
const MAX_WORKGROUPS = 65535;
/** Enough for tensors of other models that take turns. */
const MAX_VARIANTS = 8;

/** How f16 is brought to the device and back; only modules that have it bring these. */
export interface Halves {
  floatToHalf(value: number): number;
  halfToFloat(half: number): number;
}

/** Models that were given no device share one, so that they can pass tensors to each other. */
let shared: { readonly device: Promise<GPUDevice>; users: number } | undefined;

async function acquire(): Promise<{ device: GPUDevice; release: () => void }> {
  const mine = (shared ??= { device: requestDevice(), users: 0 });
  mine.users++;
  const release = (): void => {
    if (--mine.users) return;
    if (shared === mine) shared = undefined;
    mine.device.then(
      (device) => device.destroy(),
      () => undefined,
    );
  };
  try {
    const device = await mine.device;
    void device.lost.then(() => {
      if (shared === mine) shared = undefined;
    });
    return { device, release };
  } catch (error) {
    release();
    throw error;
  }
}

async function requestDevice(): Promise<GPUDevice> {
  const adapter = await globalThis.navigator?.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return unsupported("there is no WebGPU adapter here");
  const requiredLimits: Record<string, number> = {};
  for (const limit of [
    "maxBufferSize",
    "maxStorageBufferBindingSize",
    "maxStorageBuffersPerShaderStage",
    "maxComputeWorkgroupStorageSize",
    "maxComputeInvocationsPerWorkgroup",
    "maxComputeWorkgroupSizeX",
  ] as const)
    requiredLimits[limit] = adapter.limits[limit];
  return adapter.requestDevice({
    requiredLimits,
    requiredFeatures: adapter.features.has("shader-f16") ? ["shader-f16"] : [],
  });
}

/** What a shader's text says of itself. */
interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly buffers: number;
  /** Bytes of the sizes, 0 where it has none. */
  readonly uniform: number;
  readonly workgroupSize: number;
}

async function compile(device: GPUDevice, kernel: string, code: string): Promise<Pipeline> {
  const accesses = [...code.matchAll(/var<storage, ?(\w+)>/g)];
  const uniform = 16 * Number(/var<uniform>.*?, ?(\d+)>;/.exec(code)?.[1] ?? 0);
  const limit = device.limits.maxStorageBuffersPerShaderStage;
  if (accesses.length > limit)
    unsupported(`kernel ${kernel} binds ${accesses.length} buffers, this GPU device ${limit}`);
  // Explicit: a layout deduced from the shader would lack what it happens not to use.
  const entries = accesses.map(([, access], binding): GPUBindGroupLayoutEntry => ({
    binding,
    visibility: COMPUTE_STAGE,
    buffer: { type: access === "read" ? "read-only-storage" : "storage" },
  }));
  if (uniform)
    entries.push({
      binding: accesses.length,
      visibility: COMPUTE_STAGE,
      buffer: { type: "uniform", hasDynamicOffset: true },
    });
  const layout = device.createBindGroupLayout({ entries });
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label: kernel, code });
  const refused = device.popErrorScope();
  try {
    const pipeline = await device.createComputePipelineAsync({
      label: kernel,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module },
    });
    const workgroupSize = Number(/@workgroup_size\((\d+)/.exec(code)?.[1]);
    return { pipeline, layout, buffers: accesses.length, uniform, workgroupSize };
  } catch (error) {
    const why = (await refused.catch(() => null)) ?? (error as Error);
    throw new InternalError(`kernel ${kernel} does not compile: ${why.message}`);
  }
}

/** WebGPU: each call is one submission; nothing waits but `read`. `shaders` are WGSL by the kernels' names. */
export const webgpuDevice =
  (shaders: Readonly<Record<string, string>>, entries: Entries, halves?: Halves): DeviceFactory =>
  async (options) => {
    const { device, release } = options.device
      ? { device: options.device, release: () => undefined }
      : await acquire();
    try {
      if (halves && !device.features.has("shader-f16")) unsupported("this GPU device has no f16");
      const pipelines = await Promise.all(
        Object.entries(shaders).map(
          async ([kernel, code]) => [kernel, await compile(device, kernel, code)] as const,
        ),
      );
      return gpuDevice(device, Object.fromEntries(pipelines), entries, release, halves);
    } catch (error) {
      release();
      throw error;
    }
  };

function gpuDevice(
  device: GPUDevice,
  pipelines: Readonly<Record<string, Pipeline>>,
  entries: Entries,
  release: () => void,
  halves: Halves | undefined,
): Device<GPUBuffer, GPUBuffer> {
  const { queue, limits } = device;
  let lost: string | undefined;
  /** What a validation or out-of-memory scope reported. */
  let fault: GradError | undefined;
  let scopes: Promise<unknown> = Promise.resolve();
  let disposed = false;
  const staging = new Map<number, GPUBuffer[]>();
  const reads = new Set<Promise<unknown>>();
  void device.lost.then(({ message, reason }) => {
    lost = message || reason;
  });

  const check = (): void => {
    if (lost !== undefined)
      throw new DeviceLostError("GRAD6021", `the GPU device was lost (${lost}); create the model again`);
    if (fault) throw fault;
  };
  /** Reports of the GPU process come later: they fail the next call or read. */
  const guarded = <T>(what: string, run: () => T): T => {
    device.pushErrorScope("validation");
    device.pushErrorScope("out-of-memory");
    try {
      return run();
    } finally {
      const report = (error: GPUError | null): void => {
        if (error) fault ??= new GradError("GRAD6020", `the GPU refused ${what}: ${error.message}`);
      };
      const popped = [device.popErrorScope(), device.popErrorScope()].map((scope) =>
        scope.then(report, () => undefined),
      );
      scopes = Promise.all([scopes, ...popped]);
    }
  };
  const bytes: Device["bytes"] = (dtype, length) => Math.ceil(length * (dtype === "f16" ? 0.5 : 1)) * 4;
  const submit = (encode: (encoder: GPUCommandEncoder) => void): void => {
    const encoder = device.createCommandEncoder();
    encode(encoder);
    queue.submit([encoder.finish()]);
  };

  const readBack = async ({ memory, dtype, length }: Place<GPUBuffer>): Promise<TypedArray> => {
    const type = HOST_ARRAYS[dtype];
    const wanted = bytes(dtype, length);
    if (!wanted) return new type(0);
    // Sizes in powers of two, so that few staging buffers serve all reads.
    const size = 2 ** Math.ceil(Math.log2(Math.max(wanted, 256)));
    const idle = staging.get(size) ?? [];
    staging.set(size, idle);
    const buffer = idle.pop() ?? device.createBuffer({ size, usage: MAP_READ | COPY_DST });
    submit((encoder) => encoder.copyBufferToBuffer(memory, 0, buffer, 0, wanted));
    try {
      await buffer.mapAsync(1, 0, wanted);
      await scopes;
    } catch (error) {
      // Only a lost device refuses to map a buffer of ours.
      lost ??= String(error);
    }
    check();
    const words = buffer.getMappedRange(0, wanted).slice(0);
    buffer.unmap();
    if (disposed) buffer.destroy();
    else idle.push(buffer);
    if (dtype === "bool") return Uint8Array.from(new Uint32Array(words));
    if (halves && dtype === "f16")
      return Float32Array.from(new Uint16Array(words, 0, length), halves.halfToFloat);
    return new type(words, 0, length);
  };

  return {
    backend: "webgpu",
    entries,
    bytes,
    allocate(size, what) {
      const limit = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
      if (size > limit)
        unsupported(`${what} needs a buffer of ${size} bytes; this GPU device allows ${limit}`);
      return guarded(what, () =>
        device.createBuffer({
          label: what,
          // Whole vec4s, so that a shader may load four at a time; never empty.
          size: Math.max(16, Math.ceil(size / 16) * 16),
          usage: STORAGE | COPY_SRC | COPY_DST,
        }),
      );
    },
    free: (memory) => memory.destroy(),
    upload({ memory, dtype, length }, given) {
      let words: TypedArray;
      const data = typeof given === "number" ? new Float64Array(length).fill(given) : given;
      if (dtype === "bool") words = Uint32Array.from(data);
      else if (halves && dtype === "f16") {
        words = new Uint16Array((data.length + 1) & ~1);
        words.set(Uint16Array.from(data, halves.floatToHalf));
      } else words = data instanceof HOST_ARRAYS[dtype] ? data : new HOST_ARRAYS[dtype](data);
      // Nothing to write is no call: Deno's dies of an empty array.
      if (words.byteLength) queue.writeBuffer(memory, 0, words.buffer, words.byteOffset, words.byteLength);
    },
    copy: (to, from) => submit((encoder) => copyBuffer(encoder, to.memory, from.memory)),
    read(place) {
      const reading = readBack(place);
      reads.add(reading);
      const done = (): boolean => reads.delete(reading);
      reading.then(done, done);
      return reading;
    },
    gpu: device,
    // All models of a device may use its buffers.
    shares: (other) => other.gpu === device,
    buffer: ({ memory }) => memory,
    argument: ({ memory }) => memory,
    prepare: (entry, tensors, values, dims) =>
      prepareEntry(device, pipelines, entry, tensors, values, dims, guarded),
    check,
    dispose() {
      disposed = true;
      void Promise.allSettled(reads).then(() => {
        for (const buffers of staging.values()) for (const buffer of buffers) buffer.destroy();
        release();
      });
    },
  };
}

const copyBuffer = (encoder: GPUCommandEncoder, to: GPUBuffer, from: GPUBuffer): void =>
  encoder.copyBufferToBuffer(from, 0, to, 0, Math.min(to.size, from.size));

type Step = (encoder: GPUCommandEncoder, pass: () => GPUComputePassEncoder, end: () => void) => void;
type Call = readonly [kernel: string, args: readonly (GPUBuffer | number)[]];

/** What runs an entry, in one submission: its calls as dispatches. */
function prepareEntry(
  device: GPUDevice,
  pipelines: Readonly<Record<string, Pipeline>>,
  entry: Entry,
  tensors: readonly GPUBuffer[],
  values: readonly GPUBuffer[],
  dims: Dims,
  guarded: <T>(what: string, run: () => T) => T,
): () => void {
  let calls: Call[] = [];
  let made = 0;
  const [run] = entry(
    new Proxy<Kernels<GPUBuffer>>(
      {},
      {
        get:
          (_, kernel: string) =>
          (...args: (GPUBuffer | number)[]) =>
            void calls.push([kernel, args]),
      },
    ),
    tensors,
    () => values[made++]!,
    dims,
  );
  const align = device.limits.minUniformBufferOffsetAlignment / 4;
  /** All calls' sizes in one buffer, written once: inputs of other models change the buffers alone. */
  let uniforms: GPUBuffer | undefined;
  const record = (): Step[] => {
    calls = [];
    run();
    const words: number[] = [];
    const placed = calls.flatMap(([kernel, args]) => {
      const pipeline = pipelines[kernel];
      const offset = words.length * 4;
      const invocations = Number(args.at(-1));
      if (pipeline?.uniform && invocations) {
        words.push(...args.slice(pipeline.buffers, -1).map(Number));
        words.length = Math.ceil(words.length / align) * align;
      }
      return !pipeline || invocations ? [{ kernel, pipeline, args, offset, invocations }] : [];
    });
    if (words.length && !uniforms) {
      uniforms = device.createBuffer({ size: words.length * 4, usage: UNIFORM | COPY_DST });
      device.queue.writeBuffer(uniforms, 0, Uint32Array.from(words));
    }
    return placed.map(({ kernel, pipeline: of, args, offset, invocations }): Step => {
      const buffers = args.filter((arg) => typeof arg !== "number");
      if (!of)
        return (encoder, _, end) => {
          end();
          copyBuffer(encoder, buffers[0]!, buffers[1]!);
        };
      const { pipeline, layout, uniform, workgroupSize } = of;
      // The shader's invocation number is gid.y * (num_workgroups.x * workgroupSize) + gid.x.
      const workgroups = Math.ceil(invocations / workgroupSize);
      const y = Math.ceil(workgroups / MAX_WORKGROUPS);
      const x = Math.ceil(workgroups / y);
      if (y > MAX_WORKGROUPS) unsupported(`kernel ${kernel} would run ${invocations} times`);
      const resources: GPUBindingResource[] = buffers.map((buffer) => ({ buffer }));
      if (uniforms && uniform) resources.push({ buffer: uniforms, size: uniform });
      const group = device.createBindGroup({
        layout,
        entries: resources.map((resource, binding) => ({ binding, resource })),
      });
      const offsets = uniform ? [offset] : [];
      return (_, begin) => {
        const pass = begin();
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group, offsets);
        pass.dispatchWorkgroups(x, y);
      };
    });
  };
  const submit = (steps: readonly Step[]): void => {
    const encoder = device.createCommandEncoder();
    let pass: GPUComputePassEncoder | undefined;
    const end = (): void => {
      pass?.end();
      pass = undefined;
    };
    for (const step of steps) step(encoder, () => (pass ??= encoder.beginComputePass()), end);
    end();
    device.queue.submit([encoder.finish()]);
  };
  const variants: { readonly of: readonly GPUBuffer[]; readonly steps: readonly Step[] }[] = [];
  return () => {
    const known = variants.find(({ of }) => of.every((buffer, k) => buffer === tensors[k]));
    if (known) return submit(known.steps);
    if (variants.length === MAX_VARIANTS) variants.length = 0;
    guarded("a call", () => {
      const steps = record();
      variants.push({ of: [...tensors], steps });
      submit(steps);
    });
  };
}
