import { expect, test } from "vitest";
import { compile } from "../../src/index.js";
import { interpret } from "../../src/ir/interpret.js";

/** Outputs and gradients of a program without dims, by the interpreter. */
function evaluate(
  source: string,
  leaves: Readonly<Record<string, readonly number[]>>,
  dims: Record<string, number> = {},
) {
  const result = compile(source, { wrt: "all", precision: "f64" });
  expect(result.diagnostics.filter((d) => d.severity === "error")).toEqual([]);
  const program = result.program;
  if (!program) throw new Error("no program");
  const tensors = interpret(program, dims, new Map(Object.entries(leaves)));
  const at = (id: number): number[] => Array.from(tensors.get(id)?.data ?? []);
  return {
    outputs: Object.fromEntries(program.outputs.map((o) => [o.name, at(o.value)])),
    grads: Object.fromEntries(program.gradients.map((g) => [g.wrt, at(g.value)])),
  };
}

test("a branch that is not taken contributes exactly nothing", () => {
  const { grads } = evaluate(
    "dim N\ninput x: f32[N]\nloss l = sum[n] (if x[n] > 0 then log(x[n]) else 0)",
    { x: [-1, 0, 2] },
    { N: 3 },
  );
  expect(grads["x"]).toEqual([0, 0, 0.5]);
});

test("ties of max go to the entry of lowest index", () => {
  const { grads } = evaluate("dim N\ninput x: f32[N]\nloss l = max[n] x[n]", { x: [1, 3, 3] }, { N: 3 });
  expect(grads["x"]).toEqual([0, 1, 0]);
});

test("the derivative of a product is exact with zeros", () => {
  const { grads } = evaluate("dim N\ninput x: f32[N]\nloss l = prod[n] x[n]", { x: [2, 0, 5] }, { N: 3 });
  expect(grads["x"]).toEqual([0, 10, 0]);
});

test("a window's adjoint gathers from every position that read the element", () => {
  const source =
    "dim N\ninput x: f32[N], k: f32[3]\ny[u in 0..N] = sum[p] (x[u + p - 1] ?? 0) * k[p]\nloss l = sum[u] y[u] * y[u]";
  const x = [1, 2, -1, 0.5];
  const k = [0.3, -0.2, 0.7];
  const { grads, outputs } = evaluate(source, { x, k }, { N: 4 });
  const loss = (moved: readonly number[]): number =>
    evaluate(source, { x: moved, k }, { N: 4 }).outputs["l"]?.[0] ?? NaN;
  expect(outputs["l"]?.[0]).toBeGreaterThan(0);
  x.forEach((_, i) => {
    const [up, down] = [1e-5, -1e-5].map((h) => loss(x.map((v, j) => (i === j ? v + h : v))));
    expect(grads["x"]?.[i]).toBeCloseTo(((up ?? NaN) - (down ?? NaN)) / 2e-5, 6);
  });
});

test("a gather's adjoint adds up the rows that were read more than once", () => {
  const source =
    "dim T, V = 3\ninput token: i32[T] in 0..V\ninput E: f32[V, 2]\nloss l = sum[t, d in 0..2] E[token[t], d] * E[token[t], d]";
  const { grads } = evaluate(source, { token: [2, 0, 2], E: [1, 2, 3, 4, 5, 6] }, { T: 3, V: 3 });
  expect(grads["E"]).toEqual([2, 4, 0, 0, 20, 24]);
});

test("softmax and log_softmax agree with their definition under a guard", () => {
  const source =
    "dim N\ninput x: f32[N], w: f32[N]\noutput p[n] = softmax[n | n < 2] x[n]\nloss l = sum[n] w[n] * p[n]";
  const { outputs, grads } = evaluate(source, { x: [0, Math.log(3), 100], w: [1, 2, 3] }, { N: 3 });
  expect(outputs["p"]?.map((v) => Number(v.toFixed(12)))).toEqual([0.25, 0.75, 0]);
  expect(grads["x"]?.[0]).toBeCloseTo(0.25 * (1 - 1.75), 12);
  expect(grads["x"]?.[2]).toBe(0);
});

test("a power's derivative for its base has one for the exponent, where that is 0", () => {
  const source =
    "input x: f32, p: f32\nloss l = x^p\noutput by_base = grad(l, x)\noutput mixed = grad(by_base, p)";
  // d/dp p x^(p - 1) = x^(p - 1) (1 + p log x)
  const { outputs } = evaluate(source, { x: [0.5], p: [0] });
  expect(outputs["by_base"]).toEqual([0]);
  expect(outputs["mixed"]).toEqual([2]);
  expect(evaluate(source, { x: [0], p: [0] }).outputs).toEqual({ by_base: [0], mixed: [0], l: [1] });
});
