import { appendFileSync, writeFileSync } from "node:fs";
import { loadData, type DataTensor } from "./data.js";
import type { Options } from "./main.js";
import { engineOf, engineParts, modelWith, RUNTIME_URL } from "./model.js";
import { formatOf, numberOf, oneFile } from "./options.js";
import { compileOrFail } from "./source.js";
import { curve, Progress } from "./terminal.js";
import { UsageError, UserError } from "./usage.js";
import { prepareWebGpu } from "./webgpu.js";

/** Rows `order[from..to]` along the first axis. */
function rows(t: DataTensor, order: readonly number[], from: number, to: number): DataTensor {
  const stride = t.data.length / (t.shape[0] ?? 1);
  const data: number[] = [];
  for (const r of order.slice(from, to))
    for (let k = 0; k < stride; k++) data.push(t.data[r * stride + k] ?? 0);
  return { shape: [to - from, ...t.shape.slice(1)], data };
}

/** Fisher–Yates with a small generator, so that a seed gives the same order everywhere. */
function shuffled(n: number, seed: number): number[] {
  let state = (seed * 2654435761 + 1) >>> 0;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const [a, b] = [order[i] ?? 0, order[j] ?? 0];
    order[i] = b;
    order[j] = a;
  }
  return order;
}

/** Trains by the file's `train` declaration. Inputs whose first axis is the batch dim are sliced and shuffled. */
export async function train(files: readonly string[], options: Options): Promise<number> {
  const file = oneFile(files);
  const engine = engineOf(options.engine);
  if (engine === "interpreter" || engine === "eager")
    throw new UsageError("train runs on js, wasm or webgpu");
  if (engine === "webgpu") {
    const status = await prepareWebGpu();
    if (status !== null) return status;
  }
  const data = await loadData(options.data ?? []);
  const result = await compileOrFail(
    file,
    { targets: [engineParts(engine).target], runtimeImport: RUNTIME_URL },
    formatOf(options),
  );
  const seed = numberOf(options, "seed") ?? 0;
  const model = await modelWith(result, engine, data, options);
  const [declared] = model.meta.trains;
  if (!declared) throw new UserError(`${file} has no \`train\` declaration`);
  const epochs = numberOf(options, "epochs") ?? 1;
  const rate = numberOf(options, "rate");
  const inputs = Object.entries(model.meta.inputs);
  const batchDim =
    options["batch-dim"] ?? inputs.map(([, t]) => t.shape[0]).find((s) => typeof s === "string");
  const sliced = new Set(
    inputs.filter(([, t]) => batchDim !== undefined && t.shape[0] === batchDim).map(([name]) => name),
  );
  const total = Math.max(0, ...[...sliced].map((name) => data.inputs[name]?.shape[0] ?? 0));
  const batch = Math.min(numberOf(options, "batch") ?? (total || 1), total || 1);
  const losses: number[] = [];
  const held = options.validate === undefined ? null : await loadData([options.validate]);
  const validation: number[] = [];
  const perEpoch = total ? Math.ceil(total / batch) : 1;
  const progress = new Progress(epochs * perEpoch);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = total ? shuffled(total, seed + epoch) : [];
    for (let b = 0; b < perEpoch; b++) {
      const from = b * batch;
      const to = Math.min(total, from + batch);
      const slice = Object.fromEntries(
        Object.entries(data.inputs).map(([name, t]) => [
          name,
          sliced.has(name) ? rows(t, order, from, to) : t,
        ]),
      );
      const out = model.step(slice, rate === undefined ? {} : { rate });
      const loss = (await out[declared.of]?.item()) ?? NaN;
      losses.push(loss);
      if (options.log)
        appendFileSync(
          options.log,
          `${JSON.stringify({ step: losses.length, epoch: epoch + 1, [declared.of]: loss })}\n`,
        );
      progress.update(losses.length, `${declared.of} ${loss.toPrecision(5)}`);
    }
    if (!held) continue;
    const found = (await model.forward(held.inputs)[declared.of]?.item()) ?? NaN;
    validation.push(found);
    if (options.log)
      appendFileSync(
        options.log,
        `${JSON.stringify({ step: losses.length, epoch: epoch + 1, validation: { [declared.of]: found } })}\n`,
      );
  }
  progress.end();
  process.stdout.write(curve(losses));
  process.stdout.write(
    `${declared.of}: ${losses[0]?.toPrecision(6) ?? "-"} → ${losses.at(-1)?.toPrecision(6) ?? "-"} after ${losses.length} steps on ${model.backend}\n`,
  );
  if (held)
    process.stdout.write(
      `validation ${declared.of}: ${validation[0]?.toPrecision(6) ?? "-"} → ${validation.at(-1)?.toPrecision(6) ?? "-"}\n`,
    );
  if (options.save) {
    writeFileSync(options.save, await model.store.save());
    process.stdout.write(`saved ${options.save}\n`);
  }
  model.dispose();
  return 0;
}
