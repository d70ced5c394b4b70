// Compiles programs and runs them on a device.
// Standard input: { compiler, runtime: paths of built modules, programs: [{ source, inputs, dims, params, wrt, of,
// backends, compact }] }. Each program runs forwards, or backwards if it has a loss (`of`, default the first), on each backend
// (default js and webgpu). Standard output: [{ BACKEND: { NAME: { shape, data } } } | { error }], gradients as
// `d NAME`, or null where there is no adapter.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { answer, openDevice, request } from "./gpu.mjs";

const { device } = await openDevice();
const { compiler, runtime, programs } = await request();
const { compile } = await import(pathToFileURL(compiler).href);
const runtimeImport = pathToFileURL(runtime).href;
const folder = mkdtempSync(join(tmpdir(), "gradc-programs-"));

async function run({ source, inputs, dims, params, wrt, of, backends = ["js", "webgpu"], compact }, n) {
  const targets = backends.map((backend) => (backend === "webgpu" ? "wgsl" : backend));
  const result = compile(source, { targets, runtimeImport, compact, ...(wrt && { wrt }) });
  if (!result.ok) return { error: result.diagnostics.map((d) => d.message).join("\n") };
  const file = join(folder, `p${n}.mjs`);
  writeFileSync(file, result.code);
  const module = await import(pathToFileURL(file).href);
  const values = {};
  for (const backend of backends) {
    const options = { backend, dims, ...(params && { params }), ...(backend === "webgpu" && { device }) };
    const model = await module.create(options);
    const { grads = {}, ...results } = result.meta.losses.length
      ? model.backward(inputs, of === undefined ? {} : { of })
      : model.forward(inputs);
    const named = [...Object.entries(results), ...Object.entries(grads).map(([k, t]) => [`d ${k}`, t])];
    const read = async ([name, t]) => [name, { shape: t.shape, data: [...(await t.read())].map(Number) }];
    values[backend] = Object.fromEntries(await Promise.all(named.map(read)));
    model.dispose();
  }
  return values;
}

const results = [];
for (const [n, program] of programs.entries())
  results.push(await run(program, n).catch((error) => ({ error: String(error?.stack ?? error) })));
rmSync(folder, { recursive: true });
await answer(results);
