import { describe, expect, it } from "vitest";
import { compile } from "../../src/compile.js";
import { createOf } from "../module.js";

const LAYERS = `dim B, I, J, K
  input x: f32[B, I], y: f32[B, K]
  param u: f32[I, J], a: f32[J], v: f32[J, K], c: f32[K], w: f32[K, K]
  output h[b, j] = relu(sum[i] x[b, i] * u[i, j] + a[j])
  output z[b, k] = relu(sum[j] h[b, j] * v[j, k] + c[k])
  loss l = sum[b, k] (sum[i] z[b, i] * w[i, k] - y[b, k])^2
  train l with sgd(rate = 0.1)`;

describe("parts of kernels", () => {
  const { code } = compile(LAYERS, { targets: ["js"] });
  const functions = [...code.matchAll(/^function (\w+)/gm)].map(([, name]) => name ?? "");

  it("contractions that differ in names are one kernel", () => {
    expect(functions).toContain("k_h");
    expect(functions).not.toContain("k_z");
    expect(code).toContain("k_z: k_h");
    expect(compile(LAYERS, { targets: ["wasm"] }).stage("wat")).toContain(
      '(func $k_h (export "k_h") (export "k_z")',
    );
  });
  it("what packs a panel is written once, whoever calls it", () => {
    const lines = code.split("\n").filter((line) => line.includes("left[") && line.includes(" = "));
    // Rows that lie together and rows that lie apart.
    expect(lines.filter((line) => line.trim().startsWith("left[")).length).toBe(2);
  });
  it("scalars of a part's own are worked out in it", () => {
    const part = /^function (p_\w+)\(([^)]*)\) \{\n((?: {2}.*\n)*?)\}/gm;
    const updates = [...code.matchAll(part)].filter(([, , , body]) => body?.includes("train_l_rate[0]"));
    expect(updates.length).toBeGreaterThan(0);
  });
  it.each(["js", "wasm"] as const)("twins have their own sizes and tensors (%s)", async (target) => {
    const create = await createOf(LAYERS, { targets: [target] });
    const model = await create({ seed: 3 });
    const [B, I, J, K] = [3, 5, 7, 2];
    const wave = (n: number, k: number): Float32Array =>
      Float32Array.from({ length: n }, (_, i) => Math.sin(i * k));
    const given = { u: wave(I * J, 1), a: wave(J, 2), v: wave(J * K, 3), c: wave(K, 4) };
    model.store.set("u", { shape: [I, J], data: given.u });
    model.store.set("v", { shape: [J, K], data: given.v });
    model.store.set("a", given.a);
    model.store.set("c", given.c);
    const x = wave(B * I, 5);
    const { z } = model.forward({
      x: { shape: [B, I], data: x },
      y: { shape: [B, K], data: wave(B * K, 6) },
    });
    const dense = (
      from: ArrayLike<number>,
      w: Float32Array,
      bias: Float32Array,
      n: number,
      m: number,
    ): number[] =>
      Array.from({ length: B * m }, (_, at) => {
        let sum = bias[at % m]!;
        for (let k = 0; k < n; k++) sum += from[Math.floor(at / m) * n + k]! * w[k * m + (at % m)]!;
        return Math.max(sum, 0);
      });
    const wanted = dense(dense(x, given.u, given.a, I, J), given.v, given.c, J, K);
    const got = [...(await z!.read())];
    expect(got.length).toBe(wanted.length);
    got.forEach((value, k) => expect(value).toBeCloseTo(wanted[k]!, 5));
  });
});
