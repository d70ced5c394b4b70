import { expect, test } from "vitest";
import { compile } from "../../src/compile.js";
import { runEagerly } from "../../src/eager-run/run.js";
import { interpret } from "../../src/ir/interpret.js";

test("what is defined by dims needs not be given, neither to the interpreter nor to the eager engine", () => {
  const { program, primal } = compile(
    "dim D, H, P = floor((D - 1) / 2) + 1\nparam x: f32[D], y: f32[D / H]\nz[k in 0..D / H] = x[H * k] * y[k]\nloss l = (sum[k] z[k]) + sum[i in 0..P] x[2 * i]^2",
    { precision: "f64" },
  );
  const leaves = new Map([
    ["x", [1, 2, 3, 4]],
    ["y", [5, 6]],
  ]);
  const dims = { D: 4, H: 2 };
  const values = interpret(program!, dims, leaves);
  const gradient = (name: string): number[] =>
    Array.from(values.get(program!.gradients.find((g) => g.wrt === name)!.value)!.data);
  expect(gradient("x")).toEqual([7, 0, 12, 0]);
  expect(gradient("y")).toEqual([1, 3]);
  const { outputs, gradients } = runEagerly(primal()!, dims, leaves, { loss: "l" });
  expect(outputs.get("l")?.item()).toBe(33);
  expect(Array.from(gradients.get("x")!.numbers())).toEqual([7, 0, 12, 0]);
});
