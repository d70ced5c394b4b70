import { expect, test } from "vitest";
import { compile, OPTIMIZATIONS } from "../src/compile.js";

const SOURCE = `
dim B, I, C
input x: f32[B, I], y: f32[B, C]
param w: f32[I, C], b: f32[C]
z[n, c] = sum[i] x[n, i] * w[i, c] + b[c]
loss l = mean[n] (logsumexp[c] z[n, c] - sum[c] y[n, c] * z[n, c])`;
const code = (target: "js" | "wasm", off: readonly string[]): string =>
  compile(SOURCE, { targets: [target], off }).code;

test("an optimisation that is left out leaves its mark on the code", () => {
  const whole = { js: code("js", []), wasm: code("wasm", []) };
  expect(code("js", [])).toBe(whole.js);
  for (const name of ["inline", "fuse", "tile"]) expect(code("js", [name]), name).not.toBe(whole.js);
  for (const name of ["tile", "lanes"]) expect(code("wasm", [name]), name).not.toBe(whole.wasm);
});

test("an unknown optimisation is refused", () => {
  expect(() => compile(SOURCE, { off: ["magic"] })).toThrow(RangeError);
  expect(() => compile(SOURCE, { off: ["magic"] })).toThrow(/`magic`.*simplify/);
  expect(new Set(OPTIMIZATIONS).size).toBe(OPTIMIZATIONS.length);
});
