// Runs kernels' shaders.
// Standard input: [{ code, buffers: words[], sizes: words, workgroups: [x, y] }], buffers bound in order and the sizes
// after them. Standard output: [{ buffers: words[] } | { error }], or null where there is no adapter.
import { answer, openDevice, request } from "./gpu.mjs";

const { device } = await openDevice();
const { STORAGE, UNIFORM, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;

const upload = (words, usage) => {
  const buffer = device.createBuffer({ size: Math.max(4, words.length * 4), usage: usage | COPY_DST });
  device.queue.writeBuffer(buffer, 0, new Uint32Array(words));
  return buffer;
};

async function run({ code, buffers, sizes, workgroups }) {
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
  const error = await device.popErrorScope();
  if (error) return { error: error.message };
  const storage = buffers.map((words) => upload(words, STORAGE | COPY_SRC));
  const uniform = sizes.length
    ? [upload([...sizes, 0, 0, 0].slice(0, Math.ceil(sizes.length / 4) * 4), UNIFORM)]
    : [];
  const entries = [...storage, ...uniform].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(...workgroups);
  pass.end();
  const staging = storage.map(({ size }) => device.createBuffer({ size, usage: MAP_READ | COPY_DST }));
  storage.forEach((buffer, k) => encoder.copyBufferToBuffer(buffer, 0, staging[k], 0, buffer.size));
  device.queue.submit([encoder.finish()]);
  const results = [];
  for (const [k, buffer] of staging.entries()) {
    await buffer.mapAsync(GPUMapMode.READ);
    results.push([...new Uint32Array(buffer.getMappedRange())].slice(0, buffers[k].length));
  }
  for (const buffer of [...storage, ...uniform, ...staging]) buffer.destroy();
  return { buffers: results };
}

const results = [];
for (const job of await request()) results.push(await run(job));
await answer(results);
