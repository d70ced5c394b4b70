// Trains digits.grad on MNIST: node examples/digits/train.mjs [--epochs 3] [--batch 64] [--engine js|webgpu]
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { compile } from "../../dist/index.js";
import { RUNTIME_URL } from "../../dist/cli/model.js";
import { curve, Progress } from "../../dist/cli/terminal.js";
import { prepareWebGpu } from "../../dist/cli/webgpu.js";
import { loadDigits, shuffled } from "./data.mjs";

const { values } = parseArgs({
  options: {
    epochs: { type: "string", default: "3" },
    batch: { type: "string", default: "64" },
    engine: { type: "string", default: "js" },
    steps: { type: "string" },
    rate: { type: "string" },
    losses: { type: "boolean" },
  },
});
const [epochs, batch] = [Number(values.epochs), Number(values.batch)];
if (values.engine === "webgpu") {
  const status = await prepareWebGpu();
  if (status !== null) process.exit(status);
}

const file = fileURLToPath(new URL("digits.grad", import.meta.url));
const result = compile(readFileSync(file, "utf8"), {
  filename: "digits.grad",
  targets: [values.engine === "webgpu" ? "wgsl" : "js"],
  runtimeImport: RUNTIME_URL,
});
if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join("\n"));
const generated = new URL("digits.generated.mjs", import.meta.url);
writeFileSync(generated, result.code);
const { create } = await import(pathToFileURL(fileURLToPath(generated)).href);
rmSync(generated);
const model = await create({ backend: values.engine, seed: 1 });
const { train, test } = loadDigits();
console.log(
  `digits.grad on ${model.backend}: ${train.count} images, ${epochs} epochs of batches of ${batch}`,
);

/** The images of `order[from..to]`. */
function slice(data, order, from, to) {
  const x = new Float32Array((to - from) * 784);
  const label = new Int32Array(to - from);
  for (let r = from; r < to; r++) {
    x.set(data.x.subarray(order[r] * 784, (order[r] + 1) * 784), (r - from) * 784);
    label[r - from] = data.label[order[r]];
  }
  return { x, label };
}

const total = epochs * Math.ceil(train.count / batch);
const limit = values.steps ? Number(values.steps) : total;
const progress = new Progress(Math.min(total, limit));
const losses = [];
const start = performance.now();
training: for (let epoch = 0; epoch < epochs; epoch++) {
  const order = shuffled(train.count, 7 + epoch);
  for (let from = 0; from < train.count; from += batch) {
    if (losses.length >= limit) break training;
    // The rate is an input of the step: a schedule needs no compilation.
    const rate = values.rate ? Number(values.rate) : 3e-3 * (1 - losses.length / total) + 1e-4;
    const { nll } = model.step(slice(train, order, from, Math.min(train.count, from + batch)), { rate });
    losses.push(await nll.item());
    progress.update(losses.length, `epoch ${epoch + 1}, nll ${losses.at(-1).toFixed(4)}`);
  }
}
progress.end();
if (values.losses) for (const loss of losses) console.log(`loss ${loss}`);
if (values.steps) process.exit(0);
const seconds = (performance.now() - start) / 1000;
process.stdout.write(curve(losses.map((l) => Math.log10(l))).replace("┤", "┤ log10 nll\n          ┤"));
const everything = Array.from({ length: test.count }, (_, i) => i);
let correct = 0;
for (let from = 0; from < test.count; from += 1000)
  correct += 1000 * (await model.forward(slice(test, everything, from, from + 1000)).accuracy.item());
console.log(
  `trained in ${seconds.toFixed(1)} s; test accuracy ${((100 * correct) / test.count).toFixed(2)} %`,
);
writeFileSync("digits.safetensors", await model.store.save());
console.log("saved digits.safetensors\n");
console.log(
  "Try next: node dist/cli.js emit examples/digits/digits.grad --stage adjoint   (the derivative, as equations)",
);
model.dispose();
