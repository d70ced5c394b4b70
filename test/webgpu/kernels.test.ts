/// <reference types="@webgpu/types" />
import { afterAll, describe, expect, it } from "vitest";
import { create, globals } from "webgpu";
import { printWgslKernel, WORKGROUP_SIZE } from "../../src/codegen/wgsl/kernel.js";
import type { Kernel } from "../../src/schedule/kernel-ir.js";
import { type Data, RUNS } from "../codegen/runs.js";

Object.assign(globalThis, globals);
const gpu: GPU = create([]);
const adapter = await gpu.requestAdapter();
const device = await adapter?.requestDevice();
afterAll(() => device?.destroy());

/** Runs the kernel over `workgroups` (x, y) and gives what it wrote. Bools are words there. */
async function runWgsl(
  k: Kernel,
  buffers: readonly Data[],
  sizes: readonly number[],
  workgroups: readonly [number, number],
): Promise<Data[]> {
  if (!device) throw new Error("no device");
  const code = printWgslKernel(k);
  device.pushErrorScope("validation");
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: { module: device.createShaderModule({ code }) },
  });
  const error = await device.popErrorScope();
  if (error) throw new Error(`${error.message}\n${code}`);
  const upload = (words: Data, usage: number): GPUBuffer => {
    const buffer = device.createBuffer({
      size: Math.max(16, words.byteLength),
      usage: usage | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(buffer, 0, words.buffer, words.byteOffset, words.byteLength);
    return buffer;
  };
  const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
  const made = buffers.map((b) => upload(b instanceof Uint8Array ? Uint32Array.from(b) : b, storage));
  const uniform = sizes.length
    ? [
        upload(
          Uint32Array.of(...sizes, 0, 0, 0).slice(0, Math.ceil(sizes.length / 4) * 4),
          GPUBufferUsage.UNIFORM,
        ),
      ]
    : [];
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [...made, ...uniform].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(...workgroups);
  pass.end();
  const staging = made.flatMap((buffer, n) => {
    const given = buffers[n];
    if (!given || k.buffers[n]?.access === "read") return [];
    const copy = device.createBuffer({
      size: buffer.size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size);
    return [{ copy, given }];
  });
  device.queue.submit([encoder.finish()]);
  const results: Data[] = [];
  for (const { copy, given } of staging) {
    await copy.mapAsync(GPUMapMode.READ);
    const bytes = copy.getMappedRange().slice(0);
    const type =
      given instanceof Float32Array ? Float32Array : given instanceof Int32Array ? Int32Array : Uint32Array;
    results.push(new type(bytes, 0, given.length));
    copy.destroy();
  }
  for (const buffer of [...made, ...uniform]) buffer.destroy();
  return results;
}

const points = (k: Kernel, sizes: readonly number[]): number =>
  k.grid.reduce((n, { extent, step }) => {
    const size =
      extent.op === "variable" ? sizes[k.sizes.findIndex((s) => s.name === extent.name)] : undefined;
    return n * Math.ceil((extent.op === "constant" ? extent.value : (size ?? 0)) / step);
  }, 1);

describe.skipIf(!device)("WGSL kernels on a device", () => {
  it.each(RUNS.map((r) => [r.kernel.name, r] as const))("give what the language says: %s", async (_, run) => {
    const { kernel, buffers, sizes, expected } = run;
    const wanted = Math.ceil(points(kernel, sizes) / WORKGROUP_SIZE);
    // Folded into a second dimension it is the same.
    for (const workgroups of [
      [wanted, 1],
      [1, wanted + 1],
    ] as const) {
      const results = await runWgsl(kernel, buffers, sizes, workgroups);
      expect(results.length).toBe(expected.length);
      results.forEach((got, n) => {
        const want = expected[n] ?? [];
        got.forEach((value, i) => {
          const close =
            value === want[i] || Math.abs(value - (want[i] ?? NaN)) <= 1e-5 * (1 + Math.abs(value));
          expect(close, `${value} at ${i}, not ${want[i]}`).toBe(true);
        });
      });
    }
  });
});
