import { appendFileSync, writeFileSync } from "node:fs";
import { DataError } from "../runtime/errors.js";
import { nearest } from "./names.js";
import type { Meta } from "../runtime/meta.js";
import type { Model } from "../runtime/model.js";
import type { ModuleSpec, Size } from "../runtime/types.js";
import { loadData, type DataTensor, type LoadedData } from "./data.js";
import { loadAll } from "./engines.js";
import { ENGINES, engineOf, prepare } from "./engine.js";
import { spelled } from "./json.js";
import { modelWith, RUNTIME_URL } from "./model.js";
import { compileOptionsOf, formatOf, numberOf, oneFile, wholeOf, type Options } from "./options.js";
import { compileOrFail } from "./source.js";
import { curve, Progress } from "./terminal.js";
import { UsageError, UserError } from "./usage.js";

/** The entries `order[from..to]` along an axis. */
function slices(t: DataTensor, axis: number, order: readonly number[], from: number, to: number): DataTensor {
  const extent = t.shape[axis] ?? 1;
  const inner = t.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = t.shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const data: number[] = [];
  for (let o = 0; o < outer; o++)
    for (const entry of order.slice(from, to))
      for (let k = 0, at = (o * extent + entry) * inner; k < inner; k++) data.push(t.data[at + k] ?? 0);
  return { shape: t.shape.map((size, k) => (k === axis ? to - from : size)), data };
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

/** The inputs that batches are slices of, with the axis along which, and how many examples there are. */
interface Batches {
  readonly axes: ReadonlyMap<string, number>;
  readonly total: number;
}
function batchesOf(spec: ModuleSpec, meta: Meta, data: LoadedData, asked: string | undefined): Batches {
  const inputs = Object.entries(spec.input).filter(([name]) => name in meta.inputs);
  // A dim with a value of its own is not one that data says.
  const open = (size: Size | undefined): size is string =>
    typeof size === "string" && meta.dims[size] === null;
  const dim = asked ?? inputs.map(([, { shape }]) => shape[0]).find(open);
  if (asked !== undefined && !(asked in meta.dims))
    throw new UserError(`there is no dim \`${asked}\`${nearest(asked, Object.keys(meta.dims))}`);
  const axes = new Map(
    inputs.flatMap(([name, { shape }]) => {
      const axis = shape.findIndex((size) => size === dim);
      return axis >= 0 && data.inputs[name] ? [[name, axis] as const] : [];
    }),
  );
  if (asked !== undefined && axes.size === 0)
    throw new UserError(`no input given has an axis \`${asked}\` to take batches along`);
  const counts = [...axes].map(([name, axis]) => ({ name, count: data.inputs[name]?.shape[axis] ?? 0 }));
  const [first] = counts;
  const other = counts.find((c) => c.count !== first?.count);
  if (first && other)
    throw new DataError(
      "GRAD6007",
      `\`${dim}\` is ${first.count} by input \`${first.name}\`, but ${other.count} by input \`${other.name}\``,
    );
  return { axes, total: first?.count ?? 0 };
}

/** Trains by a `train` declaration of the file. Inputs with the batch dim are sliced along it, shuffled by the seed. */
export async function train(files: readonly string[], options: Options): Promise<number> {
  const file = oneFile(files);
  const engine = engineOf(options.engine);
  const { target, backend, isCompiled } = ENGINES[engine];
  if (!isCompiled) throw new UsageError("train runs on js, wasm or webgpu");
  const epochs = wholeOf(options, "epochs", 0) ?? 1;
  const asked = wholeOf(options, "batch", 1);
  const seed = wholeOf(options, "seed", 0) ?? 0;
  const rate = numberOf(options, "rate");
  const status = await prepare(engine);
  if (status !== null) return status;
  const data = await loadAll(options);
  const result = await compileOrFail(
    file,
    { targets: [target], ...(await compileOptionsOf(options)), runtimeImport: RUNTIME_URL },
    formatOf(options),
  );
  const { meta, spec } = result;
  if (!meta || !spec) throw new UserError("");
  const trained = meta.trains.map((t) => t.of);
  const declared = meta.trains.find((t) => options.of === undefined || t.of === options.of);
  if (trained.length === 0) throw new UserError(`${file} has no \`train\` declaration`);
  if (!declared) throw new UserError(`nothing trains \`${options.of}\`${nearest(options.of ?? "", trained)}`);
  const { of } = declared;
  const batches = batchesOf(spec, meta, data, options["batch-dim"]);
  const model = await modelWith(result, backend, data, options);
  const held = options.validate === undefined ? null : await loadData([options.validate]);
  const run = await runEpochs(model, data, batches, held, {
    of,
    epochs,
    asked,
    seed,
    rate,
    log: options.log,
  });
  process.stdout.write(curve(run.losses));
  process.stdout.write(`${of}: ${span(run.losses)} after ${run.losses.length} steps on ${model.backend}\n`);
  if (held) process.stdout.write(`validation ${of}: ${span(run.validation)}\n`);
  if (options.save) {
    writeFileSync(options.save, await model.store.save());
    process.stdout.write(`saved ${options.save}\n`);
  }
  model.dispose();
  return 0;
}
/** From the first to the last. */
const span = (values: readonly number[]): string =>
  `${values[0]?.toPrecision(6) ?? "-"} → ${values.at(-1)?.toPrecision(6) ?? "-"}`;

interface Training {
  readonly of: string;
  readonly epochs: number;
  /** Examples of a step; all where it is not said. */
  readonly asked: number | undefined;
  readonly seed: number;
  readonly rate: number | undefined;
  /** The file that each step is written to. */
  readonly log: string | undefined;
}
/** The loss at each step, and over what is held back after each epoch. */
async function runEpochs(
  model: Model,
  data: LoadedData,
  { axes, total }: Batches,
  held: LoadedData | null,
  { of, epochs, asked, seed, rate, log }: Training,
): Promise<{ readonly losses: number[]; readonly validation: number[] }> {
  const losses: number[] = [];
  const validation: number[] = [];
  const logged = (entry: object): void => {
    if (log) appendFileSync(log, `${JSON.stringify(entry, spelled)}\n`);
  };
  const batch = Math.min(asked ?? (total || 1), total || 1);
  const perEpoch = total ? Math.ceil(total / batch) : 1;
  const progress = new Progress(epochs * perEpoch);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = total ? shuffled(total, seed + epoch) : [];
    for (let b = 0; b < perEpoch; b++) {
      const from = b * batch;
      const to = Math.min(total, from + batch);
      const slice = Object.fromEntries(
        Object.entries(data.inputs).map(([name, t]) => {
          const axis = axes.get(name);
          return [name, axis === undefined ? t : slices(t, axis, order, from, to)];
        }),
      );
      const out = model.step(slice, { of, ...(rate === undefined ? {} : { rate }) });
      const loss = (await out[of]?.item()) ?? NaN;
      losses.push(loss);
      logged({ step: losses.length, epoch: epoch + 1, [of]: loss });
      progress.update(losses.length, `${of} ${loss.toPrecision(5)}`);
    }
    if (!held) continue;
    const found = (await model.forward(held.inputs)[of]?.item()) ?? NaN;
    validation.push(found);
    logged({ step: losses.length, epoch: epoch + 1, validation: { [of]: found } });
  }
  progress.end();
  return { losses, validation };
}
