import { expect, test } from "vitest";
import { compile } from "../../src/index.js";

const kernelsOf = (source: string, entry: "backward" | "step"): readonly string[] => {
  const scheduled = compile(source).scheduled("js");
  return (scheduled[entry].get("l")?.launches ?? []).map(
    ({ kernel }) => scheduled.kernels.get(kernel)?.notes.join(", ") ?? "",
  );
};
const LAYERS = `dim B
  input x: f32[B, 50]
  param w: f32[50, 30] = he_normal(), b: f32[30], v: f32[30, 20] = he_normal()
  h[n, j] = relu(sum[i] x[n, i] * w[i, j] + b[j])
  loss l = sum[n, k] (sum[j] h[n, j] * v[j, k])^2`;

test("a bias gradient is taken with the gradient of its weights", () => {
  expect(kernelsOf(LAYERS, "backward").at(-1)).toBe("d_b, d_w");
});
test("so is its update", () => {
  const last = kernelsOf(`${LAYERS}\ntrain l with sgd(rate = 0.1)`, "step").at(-1) ?? "";
  expect(last).toMatch(/^d_b, .*l\/b\/p', d_w, .*l\/w\/p'$/);
});
test("few lines on the other side are not worth a pass over the panels", () => {
  expect(kernelsOf(LAYERS.replaceAll("50", "8"), "backward").at(-1)).toBe("d_w");
});

const forward = (source: string): readonly string[] => {
  const { forward, kernels } = compile(`input x: f32[60, 50], y: f32[60, 30]\n${source}`).scheduled("wasm");
  return forward.launches.map(({ kernel }) => kernels.get(kernel)?.notes.join(", ") ?? "");
};
test("sums of either operand join, before and after the product", () => {
  const sums = "output s[i] = sum[n] x[n, i]\noutput t[j] = sum[n] y[n, j]";
  const product = "output p[i, j] = sum[n] x[n, i] * y[n, j]";
  expect(forward(`${sums}\n${product}`)).toEqual(["s, t, p"]);
  expect(forward(`${product}\n${sums}`)).toEqual(["s, t, p"]);
});
test("what a kernel before the product reads is computed before", () => {
  const source =
    "output s[i] = sum[n] x[n, i]\noutput r[n] = sum[i] x[n, i] * s[i]\noutput p[i, j] = sum[n] x[n, i] * y[n, j]";
  expect(forward(source)).toEqual(["s", "r", "p"]);
});
test("a guarded sum or one over other terms does not", () => {
  const product = "output p[i, j] = sum[n] x[n, i] * y[n, j]";
  expect(forward(`${product}\noutput s[i] = sum[n | n > 3] x[n, i]`)).toHaveLength(2);
  expect(forward(`${product}\noutput s[i] = sum[n in 1..60] x[n, i]`)).toHaveLength(2);
  expect(forward(`${product}\noutput s[n] = sum[i] x[n, i]`)).toHaveLength(2);
});
