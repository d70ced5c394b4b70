import type { Dims, ModuleSpec, Size } from "../runtime/types.js";
import { bindDims, evaluate, givenBy } from "../runtime/sizes.js";
import type { Model } from "../runtime/index.js";
import { absent } from "./names.js";
import type { DataTensor } from "./data.js";
import { loadAll } from "./engines.js";
import { ENGINES, type Engine, engineOf, prepare } from "./engine.js";
import { modelWith, RUNTIME_URL } from "./model.js";
import { compileOptionsOf, dimsOf, formatOf, oneFile, type Options } from "./options.js";
import { compileOrFail } from "./source.js";
import { table } from "./terminal.js";
import { UsageError, UserError } from "./usage.js";

/** Runs before any is timed, and how many are timed at least and at most. */
const WARM_UP = 3;
const LEAST = 5;
const MOST = 200;
/** Milliseconds that are spent on each of forward, backward and step. */
const SPENT = 500;

interface Row {
  readonly engine: Engine;
  /** Medians in milliseconds; null where the file has no loss, or does not train. */
  readonly forward: number;
  readonly backward: number | null;
  readonly step: number | null;
}

/** Medians of forward, backward and step on each engine, results read, on the data given or on made-up inputs. */
export async function bench(files: readonly string[], options: Options): Promise<number> {
  const file = oneFile(files);
  const engines = (options.engine ?? "js,wasm").split(",").map(engineOf);
  const slow = engines.find((e) => !ENGINES[e].isCompiled);
  if (slow) throw new UsageError(`bench runs on js, wasm and webgpu, not ${slow}`);
  const status = await prepare(...engines);
  if (status !== null) return status;
  const data = await loadAll(options);
  const rows: Row[] = [];
  let dims: Readonly<Record<string, number>> = {};
  for (const engine of engines) {
    const { target, backend } = ENGINES[engine];
    const compiled = await compileOrFail(
      file,
      {
        targets: [target],
        ...(await compileOptionsOf(options)),
        runtimeImport: RUNTIME_URL,
      },
      formatOf(options),
    );
    const model = await modelWith(compiled, backend, data, options);
    try {
      const { losses, trains } = model.meta;
      const of = options.of ?? losses[0];
      if (options.of !== undefined && !losses.includes(options.of))
        throw new UserError(absent("loss", options.of, losses));
      const given = { ...data.dims, ...dimsOf(options) };
      const inputs = {
        ...(compiled.spec ? madeUp(compiled.spec, given, data.inputs) : {}),
        ...data.inputs,
      };
      const isTrained = of !== undefined && trains.some((t) => t.of === of);
      rows.push({
        engine,
        forward: await median(async () => settled(model, model.forward(inputs))),
        backward:
          of === undefined ? null : await median(async () => settled(model, model.backward(inputs, { of }))),
        step: isTrained ? await median(async () => settled(model, model.step(inputs, { of }))) : null,
      });
      ({ dims } = model);
    } finally {
      model.dispose();
    }
  }
  process.stdout.write(options.json ? `${JSON.stringify({ dims, engines: rows })}\n` : report(rows));
  return 0;
}

/** Waits until a call is done: reading one of its results waits for what was enqueued before it. */
async function settled(model: Model, results: Readonly<Record<string, unknown>>): Promise<void> {
  const name = [...model.meta.losses, ...Object.keys(model.meta.outputs)].find((n) => n in results);
  const result = name === undefined ? undefined : results[name];
  if (typeof result === "object" && result !== null && "read" in result && typeof result.read === "function")
    await result.read();
}

async function median(once: () => Promise<void>): Promise<number> {
  for (let k = 0; k < WARM_UP; k++) await once();
  const times: number[] = [];
  for (let spent = 0; times.length < LEAST || (spent < SPENT && times.length < MOST);) {
    const start = performance.now();
    await once();
    const time = performance.now() - start;
    times.push(time);
    spent += time;
  }
  return times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
}

/** Inputs that no data gives: small floats of both signs, integers all over their range. */
function madeUp(
  spec: ModuleSpec,
  known: Dims,
  data: Readonly<Record<string, DataTensor>>,
): Record<string, DataTensor> {
  const shapes = Object.entries(spec.input).flatMap(([name, { shape: axes }]) => {
    const found = data[name];
    return found ? givenBy(`input \`${name}\``, axes, found.shape, found.data.length) : [];
  });
  const dims = bindDims(spec, known, shapes);
  const sizeOf = (size: Size): number => {
    const value = evaluate(size, dims);
    if (Number.isNaN(value))
      throw new UserError(`no data says how large \`${size}\` is: give it with --dim ${size}=64`, "GRAD6008");
    return value;
  };
  const made: Record<string, DataTensor> = {};
  for (const [name, { dtype, shape, range, default: fallback }] of Object.entries(spec.input)) {
    if (fallback !== undefined || data[name]) continue;
    const sizes = shape.map(sizeOf);
    const length = sizes.reduce((a, b) => a * b, 1);
    const [lo, hi] = range ? [sizeOf(range[0]), sizeOf(range[1])] : [0, dtype === "bool" ? 2 : 1];
    const isFloat = dtype.startsWith("f");
    // Weyl's sequence: spread evenly, the same each time.
    const at = (k: number): number => {
      const fraction = ((k + 1) * 0.6180339887498949) % 1;
      return isFloat ? 2 * fraction - 1 : lo + Math.floor(fraction * Math.max(1, hi - lo));
    };
    made[name] = { shape: sizes, data: Array.from({ length }, (_, k) => at(k)) };
  }
  return made;
}

function report(rows: readonly Row[]): string {
  const shown = (ms: number | null): string => (ms === null ? "-" : `${ms.toPrecision(3)} ms`);
  const cells = rows.map((r) => [r.engine, shown(r.forward), shown(r.backward), shown(r.step)]);
  return [...table([["engine", "forward", "backward", "step"], ...cells]), ""].join("\n");
}
