// Runs compute shaders.
// Standard input: [{ code, words, count }]; each shader reads the words at binding 0 and writes `count` words at
// binding 1. Standard output: [{ words } | { error }], or null where there is no adapter.
import { answer, openDevice, request } from "./gpu.mjs";

const { device } = await openDevice();

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
for (const job of await request()) results.push(await run(job));
await answer(results);
