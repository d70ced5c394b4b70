import { expect, test } from "vitest";
import { jsHelpers } from "../../src/ir/scalar/helpers-js.js";
import { evaluateScalar, SCALARS } from "../../src/ir/scalar/table.js";

// What f32 code calls in JavaScript beside the doubles of the reference. f32's unit of rounding is 6e-8.
const LARGEST_ERROR = 2e-9;
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  exp: [-87, 88],
  log: [1e-38, 100],
  tanh: [-10, 10],
  sigmoid: [-80, 80],
  softplus: [-80, 80],
  log_sigmoid: [-80, 80],
  silu: [-80, 80],
  sin: [-5e4, 5e4],
  cos: [-5e4, 5e4],
};
const SPECIAL = [0, -0, 1, -1, 1e-30, -1e-30, 1e30, -1e30, 710, -750, Infinity, -Infinity, NaN];

for (const [name, [low, high]] of Object.entries(RANGES)) {
  const text = SCALARS[name]?.js.expression(["x"], "f32") ?? "";
  const compute = new Function(`${jsHelpers(text)}\nreturn (x) => ${text};`)() as (x: number) => number;

  test(`${name} of f32: relative error below ${LARGEST_ERROR}`, () => {
    let worst = 0;
    const near = (x: number): void => {
      const want = evaluateScalar(name, [x], "f64");
      // Next to a zero of sin and cos the argument's own reduction counts: relative to 1e-4 there.
      const scale = name === "sin" || name === "cos" ? Math.max(Math.abs(want), 1e-4) : Math.abs(want);
      worst = Math.max(worst, Math.abs(compute(x) - want) / (scale || 1));
    };
    for (let k = 0; k <= 100_000; k++) near(low + ((high - low) * k) / 100_000);
    for (let x = 1e-12; x < high; x *= 1.01) {
      near(x);
      if (low < 0) near(-x);
    }
    expect(worst).toBeLessThan(LARGEST_ERROR);
  });

  test(`${name} of f32 at edges is the reference's`, () => {
    for (const x of SPECIAL) {
      const want = evaluateScalar(name, [x], "f64");
      if (Number.isFinite(want))
        expect(Math.abs(compute(x) - want)).toBeLessThanOrEqual(LARGEST_ERROR * Math.abs(want));
      else expect(compute(x), `${name}(${x})`).toBe(want);
    }
  });
}
