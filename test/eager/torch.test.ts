import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as E from "../../src/eager/index.js";
import { Adam, AdamW, RMSprop, SGD, Tensor, arange, fromTypedArray, tensor } from "../../src/eager/index.js";
import { CASES } from "./cases.js";

/** Values, gradients and texts that PyTorch and NumPy gave; expected.py writes the file. */
interface Flat {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface Expected {
  readonly cases: Readonly<Record<string, { inputs: readonly Flat[]; value: Flat; grads: readonly Flat[] }>>;
  readonly optimizers: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly printed: Readonly<
    Record<string, { dtype: E.DType; shape: number[]; data: (number | string | boolean)[]; text: string }>
  >;
}
const expected = JSON.parse(readFileSync(new URL("torch.json", import.meta.url), "utf8")) as Expected;

const f64 = (values: E.TensorData): Tensor => tensor(values, { dtype: "f64" });

const leaf = ({ shape, data }: Flat): Tensor =>
  fromTypedArray(Float64Array.from(data), shape, { requiresGrad: true });
function expectClose(found: Tensor, { shape, data }: Flat, what: string): void {
  expect(found.shape, what).toEqual(shape);
  const values = found.numbers();
  data.forEach((wanted, i) =>
    expect(Math.abs(values[i]! - wanted), `${what}[${i}]: ${values[i]} for ${wanted}`).toBeLessThanOrEqual(
      1e-10 * Math.max(1, Math.abs(wanted)),
    ),
  );
}

test("the cases here are PyTorch's", () => {
  expect(Object.keys(CASES).sort()).toEqual(Object.keys(expected.cases).sort());
});
for (const [name, { inputs, value, grads }] of Object.entries(expected.cases)) {
  const run = (leaves: readonly Tensor[]): Tensor => CASES[name]!(...(leaves as [Tensor, Tensor, Tensor]));
  test(`${name}: value and gradients as PyTorch`, () => {
    const leaves = inputs.map(leaf);
    const out = run(leaves);
    expectClose(out, value, "value");
    const cotangent =
      out.size > 1
        ? arange(out.size)
            .to("f64")
            .mod(7)
            .sub(3)
            .mul(0.5)
            .reshape(...out.shape)
        : f64(1);
    out.backward(cotangent);
    leaves.forEach((t, k) => expectClose(t.grad ?? E.zerosLike(t), grads[k]!, `grad ${k}`));
  });
}

const OPTIMIZERS: Readonly<
  Record<string, (p: Tensor[]) => Pick<SGD, "step" | "zeroGrad" | "stateDict" | "loadStateDict">>
> = {
  sgd: (p) => new SGD(p, { lr: 0.05 }),
  "sgd momentum": (p) => new SGD(p, { lr: 0.05, momentum: 0.9, dampening: 0.1, weightDecay: 0.01 }),
  "sgd nesterov": (p) => new SGD(p, { lr: 0.05, momentum: 0.9, nesterov: true }),
  adam: (p) => new Adam(p, { lr: 0.1, weightDecay: 0.01 }),
  adamw: (p) => new AdamW(p, { lr: 0.1, betas: [0.8, 0.95] }),
  rmsprop: (p) => new RMSprop(p, { lr: 0.05, weightDecay: 0.01 }),
  "rmsprop centered": (p) => new RMSprop(p, { lr: 0.05, centered: true, momentum: 0.5 }),
};
for (const [name, trace] of Object.entries(expected.optimizers))
  test(`${name} steps as PyTorch's, also after its state is loaded into another`, () => {
    let p = f64([1, -2, 0.5]).requiresGrad_();
    let optimizer = OPTIMIZERS[name]!([p]);
    trace.forEach((wanted, step) => {
      if (step === 3) {
        const state = optimizer.stateDict();
        p = p.detach().clone().requiresGrad_();
        optimizer = OPTIMIZERS[name]!([p]);
        optimizer.loadStateDict(state);
      }
      optimizer.zeroGrad();
      p.mul(p)
        .mul(f64([1, 2, 3]))
        .sum()
        .add(p.prod())
        .backward();
      optimizer.step();
      expectClose(p.detach(), { shape: [3], data: wanted }, `step ${step}`);
    });
  });

for (const [name, { dtype, shape, data, text }] of Object.entries(expected.printed))
  test(`prints as NumPy: ${name}`, () => {
    const known: Record<string, number> = { nan: NaN, inf: Infinity, "-inf": -Infinity, "-0": -0 };
    const values = data.map((x) => (typeof x !== "string" ? x : dtype === "i64" ? BigInt(x) : known[x]!));
    expect(String(tensor(values, { dtype }).reshape(...shape))).toBe(text);
  });

// By NumPy 2.4: exact digits fill up a column, halves go to even, and f32 has an exponent from 1e6 on.
test.each([
  [[4.3008599e9, -7.7429944e9], "[ 4.3008599e+09 -7.7429944e+09]"],
  [[503896.3125, 1.0395887e-5], "[5.0389631e+05 1.0395887e-05]"],
  [[353769.625, 1e-9], "[3.5376962e+05 9.9999997e-10]"],
  [[-175363.53, -7049080.5], "[-1.7536353e+05 -7.0490805e+06]"],
  [[999999.5, 12.5], "[9.999995e+05 1.250000e+01]"],
  [[999999, 1234.5], "[999999.    1234.5]"],
  [1809311, "1.809311e+06"],
])("f32 prints as NumPy: %s", (data, text) => expect(String(tensor(data))).toBe(text));
