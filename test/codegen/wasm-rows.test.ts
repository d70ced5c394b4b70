import { describe, expect, it } from "vitest";
import { compile } from "../../src/compile.js";
import { createOf } from "../module.js";

const REGRESSION = `dim N, D
  input X: f32[N, D], y: f32[N]
  param w: f32[D], v: f32[D], b: f32
  z[n] = sum[d] X[n, d] * w[d] + b
  q[n] = sum[d] (X[n, d] - v[d])^2
  loss l = sum[n] (softplus(z[n]) - y[n] * z[n] + exp(-q[n] / 100))`;

describe("sums over rows, a row in each lane", () => {
  it("four rows go on together, and their sums are turned into one vector", () => {
    const wat = compile(REGRESSION, { targets: ["wasm"] }).stage("wat");
    expect(wat).toContain("i8x16.shuffle 0 1 2 3 16 17 18 19");
  });
  it.each([0, 1, 3, 4, 6, 17, 1029].flatMap((D) => [1, 4, 9].map((N) => ({ N, D }))))(
    "$N rows of $D entries",
    async ({ N, D }) => {
      const wave = (n: number, k: number): Float64Array =>
        Float64Array.from({ length: n }, (_, i) => Math.fround(Math.sin(i * k + k) / Math.sqrt(D + 1)));
      const results = async (target: "js" | "wasm"): Promise<number[]> => {
        const model = await (await createOf(REGRESSION, { targets: [target] }))({ seed: 3 });
        const f32 = (data: Float64Array): Float32Array => Float32Array.from(data);
        model.store.set("w", { shape: [D], data: f32(wave(D, 0.7)) });
        model.store.set("v", { shape: [D], data: f32(wave(D, 0.3)) });
        model.store.set("b", f32(wave(1, 0.2)));
        const inputs = {
          X: { shape: [N, D], data: f32(wave(N * D, 0.9)) },
          y: { shape: [N], data: f32(wave(N, 0.4)) },
        };
        const { l, grads } = model.backward(inputs);
        const tensors = [l!, ...["w", "v", "b"].map((name) => grads[name]!)];
        return (await Promise.all(tensors.map((t) => t.read()))).flatMap((data) => [...data]);
      };
      const [wasm, js] = [await results("wasm"), await results("js")];
      const scale = Math.max(...js.map(Math.abs));
      js.forEach((x, k) => expect(Math.abs(wasm[k]! - x) / scale).toBeLessThan(1e-6));
    },
  );
});
