// Runs compute shaders apart from the test runner, whose workers Dawn's threads don't survive.
// Standard input: [{ code, words, count }]; each shader reads the words at binding 0 and writes `count` words at
// binding 1. Standard output: [{ words } | { error }], or null where there is no adapter.
import { readFileSync, writeSync } from "node:fs";
import { create, globals } from "webgpu";

Object.assign(globalThis, globals);
const gpu = create([]);
const device = await (await gpu.requestAdapter())?.requestDevice();
const answer = (value) => {
  const bytes = Buffer.from(JSON.stringify(value));
  for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
  process.exit(0);
};
if (!device) answer(null);

async function run({ code, words, count }) {
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
  const error = await device.popErrorScope();
  if (error) return { error: error.message };
  const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;
  const input = device.createBuffer({ size: Math.max(4, words.length * 4), usage: STORAGE | COPY_DST });
  const output = device.createBuffer({ size: count * 4, usage: STORAGE | COPY_SRC });
  const staging = device.createBuffer({ size: count * 4, usage: MAP_READ | COPY_DST });
  device.queue.writeBuffer(input, 0, new Uint32Array(words));
  const entries = [input, output].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(Math.ceil(count / 64));
  pass.end();
  encoder.copyBufferToBuffer(output, 0, staging, 0, count * 4);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const result = [...new Uint32Array(staging.getMappedRange())];
  for (const buffer of [input, output, staging]) buffer.destroy();
  return { words: result };
}

const results = [];
for (const job of JSON.parse(readFileSync(0, "utf8"))) results.push(await run(job));
answer(results);
