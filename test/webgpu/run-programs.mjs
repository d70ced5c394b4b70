// Compiles programs and runs them apart from the test runner, whose workers Dawn's threads don't survive.
// Standard input: { compiler, runtime: paths of built modules, programs: [{ source, inputs, dims }] }. Each program runs
// forwards, or backwards if it has a loss, on js and on WebGPU. Standard output:
// [{ js: { name: values }, webgpu: { name: values } } | { error }], or null where there is no adapter.
import { mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { create, globals } from "webgpu";

Object.assign(globalThis, globals);
const gpu = create([]);
const device = await (await gpu.requestAdapter())?.requestDevice();
const folder = mkdtempSync(join(tmpdir(), "gradc-programs-"));
const answer = (value) => {
  rmSync(folder, { recursive: true });
  // JSON has no NaN and no infinities.
  const text = JSON.stringify(value, (_, v) =>
    typeof v === "number" && !Number.isFinite(v) ? String(v) : v,
  );
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
  process.exit(0);
};
if (!device) answer(null);
const { compiler, runtime, programs } = JSON.parse(readFileSync(0, "utf8"));
const { compile } = await import(pathToFileURL(compiler).href);

async function run({ source, inputs, dims }, n) {
  const result = compile(source, { targets: ["js", "wgsl"], runtimeImport: pathToFileURL(runtime).href });
  if (!result.ok) return { error: result.diagnostics.map((d) => d.message).join("\n") };
  const file = join(folder, `p${n}.mjs`);
  writeFileSync(file, result.code);
  const module = await import(pathToFileURL(file).href);
  const values = {};
  for (const backend of ["js", "webgpu"]) {
    const model = await module.create({ backend, dims, ...(backend === "webgpu" && { device }) });
    const { grads = {}, ...results } = result.meta.losses.length
      ? model.backward(inputs)
      : model.forward(inputs);
    const named = [...Object.entries(results), ...Object.entries(grads).map(([k, t]) => [`d ${k}`, t])];
    values[backend] = Object.fromEntries(
      await Promise.all(named.map(async ([name, tensor]) => [name, [...(await tensor.read())].map(Number)])),
    );
    model.dispose();
  }
  return values;
}

const results = [];
for (const [n, program] of programs.entries())
  results.push(await run(program, n).catch((error) => ({ error: String(error?.stack ?? error) })));
answer(results);
