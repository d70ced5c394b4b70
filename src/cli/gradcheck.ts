import type { Model } from "../runtime/index.js";
import { loadData, type DataTensor } from "./data.js";
import type { Options } from "./main.js";
import { instantiate, RUNTIME_URL } from "./model.js";
import { dimsOf, formatOf, numberOf, oneFile, wrtOf } from "./options.js";
import { compileOrFail } from "./source.js";
import { UserError } from "./usage.js";

/** |difference| over the scale of the gradient and of the loss that still passes. */
export const TOLERANCE = 1e-5;

/** Gradients in f64 against central differences along every element (at most 64 a tensor, evenly spread). */
export async function gradcheck(files: readonly string[], options: Options): Promise<number> {
  const file = oneFile(files);
  const data = await loadData(options.data ?? []);
  const result = await compileOrFail(
    file,
    { precision: "f64", ...wrtOf(options), runtimeImport: RUNTIME_URL },
    formatOf(options),
  );
  const seed = numberOf(options, "seed") ?? 0;
  const model = await instantiate(result, {
    backend: "js",
    dims: { ...data.dims, ...dimsOf(options) },
    seed,
    params: data.params,
  });
  const { losses } = model.meta;
  if (losses.length === 0) throw new UserError("the file has no loss");
  let failed = 0;
  for (const loss of losses)
    for (const { name, shape, worst } of await gradientErrors(model, data.inputs, loss)) {
      const good = worst <= TOLERANCE;
      if (!good) failed++;
      process.stdout.write(
        `${good ? "ok  " : "FAIL"} d${loss}/d${name} [${shape.join(", ")}] ${worst.toExponential(1)}\n`,
      );
    }
  model.dispose();
  return failed ? 1 : 0;
}

export interface GradientError {
  readonly name: string;
  readonly shape: readonly number[];
  /** The largest |difference|, over the scale of the gradient and of the loss. */
  readonly worst: number;
}
/** A loss's compiled gradients against central differences of the model's own forward pass. */
export async function gradientErrors(
  model: Model,
  inputs: Readonly<Record<string, DataTensor>>,
  loss: string,
): Promise<GradientError[]> {
  const { grads, ...values } = model.backward(inputs, { of: loss });
  const base = Math.abs((await values[loss]?.item()) ?? 0);
  const gradients = await Promise.all(
    Object.entries(grads).map(async ([name, g]) => ({ name, shape: g.shape, data: await g.read() })),
  );
  const errors: GradientError[] = [];
  for (const { name, shape, data: gradient } of gradients) {
    const given = inputs[name];
    const start = given
      ? Float64Array.from(given.data)
      : Float64Array.from(await model.store.get(name).read());
    const step = Math.max(1, Math.floor(start.length / 64));
    let worst = 0;
    let scale = 1e-3 * (1 + base);
    for (let i = 0; i < start.length; i += step) scale = Math.max(scale, Math.abs(gradient[i] ?? 0));
    for (let i = 0; i < start.length; i += step) {
      const h = 1e-5 * Math.max(1, Math.abs(start[i] ?? 0));
      const at = async (x: number): Promise<number> => {
        const moved = start.slice();
        moved[i] = x;
        if (!given) model.store.set(name, moved);
        const out = model.forward(given ? { ...inputs, [name]: { shape, data: Array.from(moved) } } : inputs);
        return (await out[loss]?.item()) ?? NaN;
      };
      const x = start[i] ?? 0;
      const slope = ((await at(x + h)) - (await at(x - h))) / (2 * h);
      worst = Math.max(worst, Math.abs(slope - (gradient[i] ?? 0)) / scale);
    }
    if (!given) model.store.set(name, start);
    errors.push({ name, shape, worst });
  }
  return errors;
}
