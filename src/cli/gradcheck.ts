import type { Model } from "../runtime/index.js";
import type { NamedTensor } from "../runtime/index.js";
import type { DataTensor } from "./data.js";
import { loadAll, runEngine } from "./engines.js";
import { type Engine, engineOf } from "./engine.js";
import { spelled } from "./json.js";
import { modelWith, RUNTIME_URL } from "./model.js";
import { formatOf, oneFile, wrtOf, type Options } from "./options.js";
import { compileOrFail } from "./source.js";
import { directionFrom, remainderOf, STEPS } from "./taylor.js";
import { absent } from "./names.js";
import { table } from "./terminal.js";
import { UserError } from "./usage.js";

/** Of two engines' gradients in f64: |difference| over the scale of the gradient and of the loss that still passes. */
const SAME = 1e-9;

/** A gradient, and what was found of it. */
interface Row extends GradientCheck {
  readonly loss: string;
  /** |difference| from the other engine's gradient, over the scale of both and of the loss. */
  readonly difference: number;
}

/**
 * Gradients of every loss (or `--grad`'s) in f64 on one engine (`--engine`, default js), against the loss itself: by the
 * order of its Taylor remainder and by central differences, and against another engine, the eager one (or js).
 */
export async function gradcheck(files: readonly string[], options: Options): Promise<number> {
  const file = oneFile(files);
  const engine = engineOf(options.engine);
  if (engine === "webgpu")
    throw new UserError("gradcheck computes in f64, which webgpu does not have", "GRAD6020");
  const other: Engine = engine === "eager" ? "js" : "eager";
  const data = await loadAll(options);
  const result = await compileOrFail(
    file,
    { precision: "f64", ...wrtOf(options), runtimeImport: RUNTIME_URL },
    formatOf(options),
  );
  const model = await modelWith(result, "js", data, options);
  const { losses } = model.meta;
  if (losses.length === 0) throw new UserError("the file has no loss");
  if (options.grad !== undefined && !losses.includes(options.grad))
    throw new UserError(absent("loss", options.grad, losses));
  const rows: Row[] = [];
  for (const loss of options.grad === undefined ? losses : [options.grad]) {
    const on = async (e: Engine) => (await runEngine(file, e, "f64", data, loss, options)).result;
    const [own, others] = [await on(engine), (await on(other)).grads?.[loss] ?? {}];
    const base = Number(own.outputs[loss]?.data[0]);
    for (const check of await checkGradients(model, data.inputs, loss, own.grads?.[loss] ?? {}))
      rows.push({ ...check, loss, difference: differenceOf(check.gradient, others[check.name]?.data, base) });
  }
  const { dims } = model;
  model.dispose();
  const good = (row: Row): boolean => row.ok && row.difference <= SAME;
  if (options.json) {
    const checks = rows.map((row) => ({
      loss: row.loss,
      wrt: row.name,
      shape: row.shape,
      order: row.order,
      quotient: row.worst,
      [other]: row.difference,
      ok: good(row),
    }));
    process.stdout.write(`${JSON.stringify({ engine, dims, checks }, spelled)}\n`);
  } else process.stdout.write(report(rows, engine, other, good));
  return rows.every(good) ? 0 : 1;
}

function report(rows: readonly Row[], engine: Engine, other: Engine, good: (row: Row) => boolean): string {
  const cells = rows.map((row) => [
    good(row) ? "ok" : "FAIL",
    `d${row.loss}/d${row.name}`,
    `[${row.shape.join(", ")}]`,
    row.order === Infinity ? "straight" : row.order.toFixed(2),
    row.worst.toExponential(1),
    row.difference.toExponential(1),
  ]);
  const heads = ["", `on ${engine}`, "shape", "order", "quotients", other];
  const faults = rows.flatMap((row) =>
    good(row)
      ? []
      : [
          `d${row.loss}/d${row.name}: ${faultOf(row)}; ${engine} and ${other} differ by ${row.difference.toExponential(1)}`,
        ],
  );
  return [...table([heads, ...cells]), ...faults, ""].join("\n");
}

/** The largest |difference| over the scale of the gradient and of the loss. */
function differenceOf(gradient: ArrayLike<number>, other: ArrayLike<number> = [], base = 0): number {
  let [worst, scale] = [0, 1e-3 * (1 + Math.abs(base))];
  for (let i = 0; i < gradient.length; i++) {
    const [a, b] = [gradient[i] ?? NaN, other[i] ?? NaN];
    scale = Math.max(scale, Math.abs(b));
    const gap = Object.is(a, b) ? 0 : Math.abs(a - b);
    worst = Math.max(worst, Number.isNaN(gap) ? Infinity : gap);
  }
  return worst / scale;
}

export interface GradientCheck {
  readonly name: string;
  readonly shape: readonly number[];
  readonly gradient: ArrayLike<number>;
  /** Order of the Taylor remainder along a direction that moves every entry, which decides `ok`. */
  readonly order: number;
  readonly ok: boolean;
  /** The largest |gradient - central difference| over the scale of the gradient and of the loss, and where it is. */
  readonly worst: number;
  readonly at: number;
  readonly quotient: number;
}
/** What a gradient that fails is off by, in words. */
export const faultOf = ({ order, gradient, at, quotient }: GradientCheck): string =>
  `the remainder falls with order ${order.toFixed(2)} and not 2; at ${at} (row-major) it is ${gradient[at]}, and the difference quotient ${quotient}`;

/**
 * Gradients of a loss against the model's own forward pass in f64: the order in which what they leave of the loss falls
 * along a direction through every entry, and central differences along at most 64 entries of each, evenly spread.
 */
export async function checkGradients(
  model: Model,
  inputs: Readonly<Record<string, DataTensor>>,
  loss: string,
  gradients: Readonly<Record<string, Pick<NamedTensor, "shape" | "data">>>,
): Promise<GradientCheck[]> {
  const checks: GradientCheck[] = [];
  model.forward(inputs); // Binds what only data says the size of, so that the store can be read.
  for (const [name, { shape, data: gradient }] of Object.entries(gradients)) {
    const given = inputs[name];
    const start = Float64Array.from(given ? given.data : await model.store.get(name).read());
    const at = async (moved: Float64Array): Promise<number> => {
      if (!given) model.store.set(name, moved);
      const out = model.forward(given ? { ...inputs, [name]: { shape, data: Array.from(moved) } } : inputs);
      return (await out[loss]?.item()) ?? NaN;
    };
    const base = await at(start);
    const along = directionFrom(start);
    const values: number[] = [];
    for (const h of STEPS) values.push(await at(start.map((x, i) => x + h * (along[i] ?? 0))));
    const slope = along.reduce((sum, v, i) => sum + v * Number(gradient[i]), 0);
    const quotients = await centralDifferences(start, gradient, base, at);
    if (!given) model.store.set(name, start);
    checks.push({ name, shape, gradient, ...remainderOf(base, values, slope), ...quotients });
  }
  return checks;
}

async function centralDifferences(
  start: Float64Array,
  gradient: ArrayLike<number>,
  base: number,
  at: (moved: Float64Array) => Promise<number>,
): Promise<{ worst: number; at: number; quotient: number }> {
  const stride = Math.max(1, Math.floor(start.length / 64));
  let scale = 1e-3 * (1 + Math.abs(base));
  let found = { worst: 0, at: 0, quotient: 0 };
  for (let i = 0; i < start.length; i += stride) {
    scale = Math.max(scale, Math.abs(gradient[i] ?? 0));
    const h = 1e-5 * Math.max(1, Math.abs(start[i] ?? 0));
    const beside = (d: number): Promise<number> => at(start.map((x, k) => (k === i ? x + d : x)));
    const quotient = ((await beside(h)) - (await beside(-h))) / (2 * h);
    const error = Math.abs(quotient - (gradient[i] ?? NaN));
    if (!(error <= found.worst)) found = { worst: error, at: i, quotient };
  }
  return { ...found, worst: found.worst / scale };
}
