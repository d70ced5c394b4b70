import { expect, test } from "vitest";
import { compile } from "../../src/index.js";
import { createOf } from "../module.js";

function kernels(source: string, off: string[] = []) {
  const { forward, backward, kernels: all } = compile(source, { targets: ["js"], off }).scheduled("js");
  const names = (launches: readonly { readonly kernel: string }[] = []) => launches.map((l) => l.kernel);
  return {
    forward: names(forward.launches),
    backward: names(backward.get("l")?.launches),
    count: all.size,
  };
}
const CLASSIFIER = `dim B, I, C
  input x: f32[B, I], y: f32[B, C]
  param w: f32[I, C]
  z[n, c] = sum[i] x[n, i] * w[i, c]
  loss l = mean[n] (logsumexp[c] z[n, c] - sum[c] y[n, c] * z[n, c])`;

test("the forward pass launches the kernel that makes the gradient too, where that costs next to nothing", () => {
  const { forward, backward, count } = kernels(CLASSIFIER);
  expect(forward).toEqual(backward.slice(0, forward.length));
  expect(count).toBe(backward.length);
  expect(kernels(CLASSIFIER, ["share-launches"]).count).toBe(backward.length + 1);
});
test("not where the gradient is a pass more", () => {
  const { forward, backward } = kernels(
    "dim N\nparam x: f32[N], w: f32[N]\nloss l = sum[n] exp(x[n] * w[n])",
  );
  expect(forward).not.toEqual(backward.slice(0, forward.length));
});
test("the results are those without", async () => {
  const params = { w: { shape: [3, 2], data: [0.5, -1, 0.25, 2, -0.5, 1] } };
  const inputs = {
    x: { shape: [2, 3], data: [1, 2, 3, -1, 0.5, 2] },
    y: { shape: [2, 2], data: [1, 0, 0, 1] },
  };
  const loss = async (off: string[]): Promise<number> => {
    const create = await createOf(CLASSIFIER, { targets: ["js"], off, precision: "f64" });
    const model = await create({ backend: "js", params });
    return model.forward(inputs)["l"]?.item() ?? NaN;
  };
  expect(await loss([])).toBeCloseTo(await loss(["share-launches"]), 12);
});
