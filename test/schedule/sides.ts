import { expect } from "vitest";
import { compile } from "../../src/index.js";
import { evaluated } from "../evaluate.js";
import { createOf } from "../module.js";

/** Engines of the CPU, with what they may differ from the interpreter by, of the largest value. */
export const SIDES = [
  ["js", "f64", 1e-12],
  ["js", "f32", 1e-5],
  ["wasm", "f64", 1e-12],
  ["wasm", "f32", 1e-5],
] as const;

export const wave = (shape: readonly number[], seed: number) => ({
  shape,
  data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) =>
    Math.fround(Math.sin(1.3 * i + seed) + 0.25 * Math.cos(0.7 * i * seed)),
  ),
});
const close = (got: ArrayLike<number>, want: readonly number[], limit: number, what: string): void => {
  const largest = want.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 1);
  expect(got.length, what).toBe(want.length);
  const wrong = want.findIndex((x, k) => !(Math.abs(x - (got[k] ?? NaN)) <= limit * largest));
  expect(wrong < 0 ? "" : `at ${wrong}: ${got[wrong]}, not ${want[wrong]}`, what).toBe("");
};
/** Data for whatever the program declares, with integers of 0..4. */
function dataOf(source: string, dims: Readonly<Record<string, number>>) {
  const { meta } = compile(source);
  if (!meta) throw new Error("the program is wrong");
  const size = (s: string | number): number => (typeof s === "number" ? s : (dims[s] ?? NaN));
  const tensors = (specs: Readonly<Record<string, { shape: readonly (string | number)[]; dtype: string }>>) =>
    Object.fromEntries(
      Object.entries(specs).map(([name, { shape, dtype }], n) => {
        const made = wave(shape.map(size), n + 1);
        return [
          name,
          dtype === "i32" ? { ...made, data: Int32Array.from(made.data, (_, k) => (k * 7) % 4) } : made,
        ];
      }),
    );
  return { dims, inputs: tensors(meta.inputs), params: tensors(meta.params) };
}

/** Outputs and gradients of `l` are the interpreter's, for each choice of dims. */
export async function agrees(
  source: string,
  sizes: readonly Readonly<Record<string, number>>[],
): Promise<void> {
  const { program } = compile(source, { precision: "f64" });
  if (!program) throw new Error("the program is wrong");
  const cases = sizes.map((dims) => {
    const data = dataOf(source, dims);
    return { dims, data, want: evaluated(program, data) };
  });
  for (const [backend, precision, limit] of SIDES) {
    const create = await createOf(source, { precision, targets: [backend], compact: precision === "f32" });
    for (const { dims, data, want } of cases) {
      const model = await create({ backend, dims, params: data.params });
      const { grads, ...outputs } = model.backward(data.inputs);
      const what = `${backend} ${precision} ${JSON.stringify(dims)}`;
      for (const [key, t] of Object.entries(outputs))
        close(await t.read(), want[key] ?? [], limit, `${key} ${what}`);
      for (const [key, t] of Object.entries(grads))
        close(await t.read(), want[`l/${key}`] ?? [], limit, `d ${key} ${what}`);
      model.dispose();
    }
  }
}
