import type { BoundLaunch, Copy, Device, DeviceFactory, Memory, Prepared, Work } from "./device.js";
import { HOST_ARRAYS } from "./device.js";
import { DeviceLostError, GradError, InternalError, UnsupportedError } from "./errors.js";
import { floatToHalf, halfToFloat } from "./half.js";
import type { DType, ModuleSpec, TargetSpec, TypedArray } from "./types.js";

// GPUBufferUsage and its like are globals of browsers only.
const MAP_READ = 0x1;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
const UNIFORM = 0x40;
const STORAGE = 0x80;
const COMPUTE_STAGE = 0x4;
const MAX_WORKGROUPS = 65535;

class GpuMemory implements Memory {
  constructor(
    readonly bytes: number,
    readonly buffer: GPUBuffer,
    readonly device: GPUDevice,
  ) {}
}

interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly workgroupSize: number;
}

/** Models that were given no device share one, so that they can pass tensors to each other. */
let shared: { readonly device: Promise<GPUDevice>; users: number } | undefined;

async function acquire(): Promise<{ device: GPUDevice; release: () => void }> {
  const mine = (shared ??= { device: requestDevice(), users: 0 });
  mine.users++;
  const release = (): void => {
    if (--mine.users > 0) return;
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
  if (!adapter) throw new UnsupportedError("GRAD6020", "there is no WebGPU adapter here");
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

/** WebGPU: each call is one submission; nothing waits but `read`. */
export const webgpuDevice: DeviceFactory = async (spec, options) => {
  const target = spec.targets.wgsl;
  if (!target) throw new UnsupportedError("GRAD6020", "the module was not compiled for WebGPU");
  if (spec.tensors.some(({ dtype }) => dtype === "f64"))
    throw new UnsupportedError("GRAD6020", "WebGPU has no f64");
  const { device, release } = options.device
    ? { device: options.device, release: () => undefined }
    : await acquire();
  try {
    if (spec.tensors.some(({ dtype }) => dtype === "f16") && !device.features.has("shader-f16"))
      throw new UnsupportedError("GRAD6020", "this GPU device has no f16");
    return new GpuDevice(device, target, await buildPipelines(device, spec, target), release);
  } catch (error) {
    release();
    throw error;
  }
};

async function buildPipelines(
  device: GPUDevice,
  spec: ModuleSpec,
  target: TargetSpec,
): Promise<Map<string, Pipeline>> {
  const pipelines = new Map<string, Pipeline>();
  const entries = [target.forward, ...Object.values(target.backward), ...Object.values(target.step)];
  const launches = new Map(
    entries.flatMap((entry) => entry.launches.map((launch) => [launch.kernel, launch])),
  );
  await Promise.all(
    [...launches].map(async ([kernel, { tensors, writes, sizes, steps }]) => {
      const shader = target.shaders?.[kernel];
      if (!shader) throw new InternalError(`\`${spec.name}\` has no shader for kernel ${kernel}`);
      const limit = device.limits.maxStorageBuffersPerShaderStage;
      if (tensors.length > limit)
        throw new UnsupportedError(
          "GRAD6020",
          `kernel ${kernel} binds ${tensors.length} buffers, this GPU device ${limit}`,
        );
      // Explicit: a layout deduced from the shader would lack what it happens not to use.
      const layout = device.createBindGroupLayout({
        entries: [
          ...tensors.map((_, binding): GPUBindGroupLayoutEntry => ({
            binding,
            visibility: COMPUTE_STAGE,
            buffer: { type: writes.includes(binding) ? "storage" : "read-only-storage" },
          })),
          ...(sizes.length || steps
            ? [
                {
                  binding: tensors.length,
                  visibility: COMPUTE_STAGE,
                  buffer: { type: "uniform", hasDynamicOffset: true },
                } as const,
              ]
            : []),
        ],
      });
      device.pushErrorScope("validation");
      const module = device.createShaderModule({ label: kernel, code: shader.code });
      const refused = device.popErrorScope();
      const compiling = device.createComputePipelineAsync({
        label: kernel,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module },
      });
      const pipeline = await compiling.catch(async (error: Error) => {
        const why = (await refused.catch(() => null)) ?? error;
        throw new InternalError(`kernel ${kernel} does not compile: ${why.message}`);
      });
      pipelines.set(kernel, { pipeline, layout, workgroupSize: shader.workgroupSize });
    }),
  );
  return pipelines;
}

class GpuDevice implements Device<GpuMemory> {
  readonly backend = "webgpu";
  private lost: string | undefined;
  /** What a validation or out-of-memory scope reported. */
  private fault: GradError | undefined;
  private scopes: Promise<unknown> = Promise.resolve();
  private readonly staging = new Map<number, GPUBuffer[]>();
  private readonly reads = new Set<Promise<unknown>>();
  private disposed = false;

  constructor(
    private readonly device: GPUDevice,
    readonly target: TargetSpec,
    private readonly pipelines: ReadonlyMap<string, Pipeline>,
    private readonly release: () => void,
  ) {
    void device.lost.then(({ message, reason }) => {
      this.lost = message || reason;
    });
  }

  check(): void {
    if (this.lost !== undefined)
      throw new DeviceLostError("GRAD6021", `the GPU device was lost (${this.lost}); create the model again`);
    if (this.fault) throw this.fault;
  }
  bytes(dtype: DType, length: number): number {
    return Math.ceil(length * (dtype === "f16" ? 0.5 : 1)) * 4;
  }
  allocate(bytes: number, what: string): GpuMemory {
    const limit = Math.min(this.device.limits.maxStorageBufferBindingSize, this.device.limits.maxBufferSize);
    if (bytes > limit)
      throw new UnsupportedError(
        "GRAD6020",
        `${what} needs a buffer of ${bytes} bytes; this GPU device allows ${limit}`,
      );
    return this.guarded(what, () => {
      // Whole vec4s, so that a shader may load four at a time; never empty.
      const size = Math.max(16, Math.ceil(bytes / 16) * 16);
      const buffer = this.device.createBuffer({ label: what, size, usage: STORAGE | COPY_SRC | COPY_DST });
      return new GpuMemory(bytes, buffer, this.device);
    });
  }
  free({ buffer }: GpuMemory): void {
    buffer.destroy();
  }
  upload({ buffer }: GpuMemory, dtype: DType, data: TypedArray): void {
    let words = data;
    if (dtype === "bool") words = Uint32Array.from(data);
    if (dtype === "f16") {
      words = new Uint16Array((data.length + 1) & ~1);
      words.set(Uint16Array.from(data, floatToHalf));
    }
    // Nothing to write is no call: Deno's dies of an empty array.
    if (words.byteLength)
      this.device.queue.writeBuffer(buffer, 0, words.buffer, words.byteOffset, words.byteLength);
  }
  copy(copy: Copy<GpuMemory>): void {
    const encoder = this.device.createCommandEncoder();
    encodeCopy(encoder, copy);
    this.device.queue.submit([encoder.finish()]);
  }
  read(memory: GpuMemory, dtype: DType, length: number): Promise<TypedArray> {
    const reading = this.readBack(memory, dtype, length);
    this.reads.add(reading);
    const done = (): boolean => this.reads.delete(reading);
    reading.then(done, done);
    return reading;
  }
  owns(memory: Memory): memory is GpuMemory {
    return memory instanceof GpuMemory && memory.device === this.device;
  }
  buffer({ buffer }: GpuMemory): GPUBuffer {
    return buffer;
  }

  prepare({ before, launches, after }: Work<GpuMemory>): Prepared {
    const launched = launches.filter(({ invocations, steps }) => invocations > 0 && (steps?.count ?? 1) > 0);
    return this.guarded("a call's bindings", () => {
      const uniforms = this.uniforms(launched);
      const dispatches = launched.map((launch, k) =>
        this.dispatch(launch, uniforms?.buffer, uniforms?.offsets[k] ?? [0]),
      );
      let first = true;
      const encode = (): void => {
        const encoder = this.device.createCommandEncoder();
        for (const copy of before) encodeCopy(encoder, copy);
        if (dispatches.length) {
          const pass = encoder.beginComputePass();
          for (const dispatch of dispatches) dispatch(pass);
          pass.end();
        }
        for (const copy of after) encodeCopy(encoder, copy);
        this.device.queue.submit([encoder.finish()]);
      };
      const run = (): void => {
        if (!first) return encode();
        first = false;
        this.guarded("the first call", encode);
      };
      return { run, free: () => uniforms?.buffer.destroy() };
    });
  }

  dispose(): void {
    this.disposed = true;
    void Promise.allSettled(this.reads).then(() => {
      for (const buffers of this.staging.values()) for (const buffer of buffers) buffer.destroy();
      this.release();
    });
  }

  /** All launches' size arguments in one buffer, a block for each step, written once. */
  private uniforms(
    launches: readonly BoundLaunch<GpuMemory>[],
  ): { buffer: GPUBuffer; offsets: number[][] } | undefined {
    const words: number[] = [];
    const align = this.device.limits.minUniformBufferOffsetAlignment / 4;
    const offsets = launches.map(({ sizes, steps }) =>
      Array.from({ length: steps?.count ?? 1 }, (_, n) => {
        const block = [...sizes, ...(steps ? [steps.first + n * steps.direction] : [])];
        const offset = words.length * 4;
        for (let k = 0; k < Math.ceil(block.length / align) * align; k++) words.push(block[k] ?? 0);
        return offset;
      }),
    );
    if (!words.length) return undefined;
    const buffer = this.device.createBuffer({ size: words.length * 4, usage: UNIFORM | COPY_DST });
    this.device.queue.writeBuffer(buffer, 0, Uint32Array.from(words));
    return { buffer, offsets };
  }

  private dispatch(
    { kernel, buffers, sizes, steps, invocations }: BoundLaunch<GpuMemory>,
    uniforms: GPUBuffer | undefined,
    offsets: readonly number[],
  ): (pass: GPUComputePassEncoder) => void {
    const { pipeline, layout, workgroupSize } = this.pipelines.get(kernel)!;
    const sizeWords = sizes.length + (steps ? 1 : 0);
    const bound =
      uniforms && sizeWords ? { buffer: uniforms, size: Math.ceil(sizeWords / 4) * 16 } : undefined;
    const group = this.device.createBindGroup({
      layout,
      entries: [
        ...buffers.map(({ memory }, binding) => ({ binding, resource: { buffer: memory.buffer } })),
        ...(bound ? [{ binding: buffers.length, resource: bound }] : []),
      ],
    });
    // The shader's invocation number is gid.y * (num_workgroups.x * workgroupSize) + gid.x.
    const workgroups = Math.ceil(invocations / workgroupSize);
    const y = Math.ceil(workgroups / MAX_WORKGROUPS);
    const x = Math.ceil(workgroups / y);
    if (y > MAX_WORKGROUPS)
      throw new UnsupportedError("GRAD6020", `kernel ${kernel} would run ${invocations} times`);
    const dynamic = offsets.map((offset) => (bound ? [offset] : []));
    return (pass) => {
      pass.setPipeline(pipeline);
      for (const offset of dynamic) {
        pass.setBindGroup(0, group, offset);
        pass.dispatchWorkgroups(x, y);
      }
    };
  }

  private async readBack(memory: GpuMemory, dtype: DType, length: number): Promise<TypedArray> {
    const type = HOST_ARRAYS[dtype];
    const bytes = this.bytes(dtype, length);
    if (!bytes) return new type(0);
    // Sizes in powers of two, so that few staging buffers serve all reads.
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, 256)));
    const idle = this.staging.get(size) ?? [];
    this.staging.set(size, idle);
    const staging = idle.pop() ?? this.device.createBuffer({ size, usage: MAP_READ | COPY_DST });
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(memory.buffer, 0, staging, 0, bytes);
    this.device.queue.submit([encoder.finish()]);
    try {
      await staging.mapAsync(1, 0, bytes);
      await this.scopes;
    } catch (error) {
      // Only a lost device refuses to map a buffer of ours.
      this.lost ??= error instanceof Error ? error.message : String(error);
    }
    this.check();
    const words = staging.getMappedRange(0, bytes).slice(0);
    staging.unmap();
    if (this.disposed) staging.destroy();
    else idle.push(staging);
    if (dtype === "bool") return Uint8Array.from(new Uint32Array(words));
    if (dtype === "f16") return Float32Array.from(new Uint16Array(words, 0, length), halfToFloat);
    return new type(words, 0, length);
  }

  /** Reports of the GPU process come later: they fail the next call or read. */
  private guarded<T>(what: string, run: () => T): T {
    this.device.pushErrorScope("validation");
    this.device.pushErrorScope("out-of-memory");
    try {
      return run();
    } finally {
      const report = (error: GPUError | null): void => {
        if (error) this.fault ??= new GradError("GRAD6020", `the GPU refused ${what}: ${error.message}`);
      };
      const popped = [this.device.popErrorScope(), this.device.popErrorScope()].map((scope) =>
        scope.then(report, () => undefined),
      );
      this.scopes = Promise.all([this.scopes, ...popped]);
    }
  }
}

function encodeCopy(encoder: GPUCommandEncoder, { from, to, bytes }: Copy<GpuMemory>): void {
  if (bytes) encoder.copyBufferToBuffer(from.buffer, 0, to.buffer, 0, bytes);
}
