import { describe, expect, test } from "vitest";
import { compile } from "../../src/index.js";
import { createOf } from "../module.js";
import { agrees, SIDES, wave } from "./sides.js";

/** Contractions of every form, with sizes that suit no tile, block or piece. */
const PROGRAMS: Readonly<
  Record<string, { readonly source: string; readonly sizes: readonly Readonly<Record<string, number>>[] }>
> = {
  "a product and its adjoints": {
    source: `dim M, K, N
      param A: f32[M, K], B: f32[K, N]
      input G: f32[M, N]
      output C[m, n] = sum[k] A[m, k] * B[k, n]
      loss l = sum[m, n] C[m, n] * G[m, n]`,
    sizes: [
      { M: 1, K: 1, N: 1 },
      { M: 4, K: 8, N: 8 },
      { M: 5, K: 3, N: 9 },
      { M: 3, K: 0, N: 4 },
      { M: 0, K: 5, N: 4 },
      { M: 131, K: 19, N: 33 },
      { M: 7, K: 1100, N: 11 },
      { M: 9, K: 513, N: 266 },
    ],
  },
  "known sizes": {
    source: `param A: f32[10, 300], B: f32[300, 12]
      output C[n, m] = -(sum[k] A[m, k] * B[k, n]) / 3
      loss l = sum[m, n] C[n, m]^2`,
    sizes: [{}],
  },
  "several axes on each side, in pieces, with an epilogue": {
    source: `dim B, T, H, E, D
      param x: f32[B, T, D], w: f32[D, 3, H, E], c: f32[3, H, E]
      output y[b, t, a, h, e] = tanh(sum[d] x[b, t, d] * w[d, a, h, e] + c[a, h, e])
      z[b, t, d] = sum[h, e] y[b, t, 1, h, e] * w[d, 2, h, e]
      loss l = sum[b, t, d] z[b, t, d]^2`,
    sizes: [
      { B: 2, T: 3, H: 2, E: 5, D: 4 },
      { B: 1, T: 70, H: 3, E: 1, D: 9 },
    ],
  },
  "windows, strides and padding": {
    source: `dim B, H, W, C
      param x: f32[B, H, W, C], k: f32[3, 3, C, 6]
      output y[b, u in 0..H, v in 0..W, o] = relu(sum[p, q, i] (x[b, u + p - 1, v + q - 1, i] ?? 0) * k[p, q, i, o])
      output s[b, u in 0..H / 2, v in 0..W / 2, o] = sum[p, q, i] (x[b, 2 * u + p - 1, 2 * v + q - 1, i] ?? 0) * k[p, q, i, o]
      loss l = sum[b, u, v, o] y[b, u, v, o]^2 + sum[b, u, v, o] s[b, u, v, o] * y[b, 2 * u, 2 * v, o]`,
    sizes: [
      { B: 2, H: 6, W: 4, C: 5 },
      { B: 1, H: 2, W: 18, C: 3 },
    ],
  },
  "guards on either side and on both": {
    source: `dim T, S, D
      param a: f32[T, S], v: f32[S, D]
      input k: i32[S] in 0..4
      output y[t, d] = sum[s | s <= t] a[t, s] * v[s, d]
      output z[t, d] = sum[s | k[s] < 3 and s != t and d > 1] a[t, s] * v[s, d]
      output w[t, d] = sum[s | s + d != t] a[t, s] * v[s, d]
      loss l = sum[t, d] (y[t, d] * z[t, d] + w[t, d]^2)`,
    sizes: [
      { T: 9, S: 9, D: 5 },
      { T: 30, S: 30, D: 13 },
    ],
  },
  "sums of an operand, in pieces, on either side": {
    source: `dim B, I, J
      input x: f32[B, I], y: f32[B, J]
      param w: f32[I, J], b: f32[J], c: f32[I]
      z[n, j] = sum[i] (x[n, i] + c[i]) * w[i, j] + b[j]
      e[n, j] = exp(z[n, j] / 9) - y[n, j]
      s[i] = sum[n] x[n, i]
      output p[i, j] = sum[n] x[n, i] * e[n, j]
      output q[j, i] = sum[n] e[n, j] * x[n, i]
      output t = s
      loss l = sum[n, j] e[n, j]^2 + sum[i] s[i]^2`,
    sizes: [
      { B: 3, I: 17, J: 19 },
      { B: 40, I: 150, J: 21 },
      { B: 1111, I: 33, J: 18 },
      { B: 0, I: 17, J: 16 },
    ],
  },
  "a batch with its own condition": {
    source: `dim B, N, K
      param x: f32[B, N, K], w: f32[B, K, N]
      output y[b, i, j] = sum[k] (if b == 1 then x[b, i, k] * w[b, k, j] else 0)
      loss l = sum[b, i, j] y[b, i, j]^2`,
    sizes: [{ B: 3, N: 6, K: 9 }],
  },
};
describe("packed contractions", () => {
  test.each(Object.keys(PROGRAMS))("%s", async (name) => {
    const { source, sizes } = PROGRAMS[name] ?? { source: "", sizes: [] };
    expect(compile(source).stage("js")).toContain("gradc_product_4x4(");
    await agrees(source, sizes);
  });

  test("what a guard leaves out may be anything", async () => {
    const source = `dim T, D
      param a: f32[T, T], v: f32[T, D]
      output y[t, d] = sum[s | s <= t] a[t, s] * log(v[s, d])`;
    const [T, D] = [21, 9];
    const v = Float64Array.from({ length: T * D }, (_, i) => (i < 6 * D ? 1 + (i % 5) : 0));
    const a = wave([T, T], 2).data;
    for (const [backend, precision] of SIDES) {
      const create = await createOf(source, { precision, targets: [backend] });
      const params = { a: { shape: [T, T], data: a }, v: { shape: [T, D], data: v } };
      const y = await (await create({ backend, params })).forward({})["y"]?.read();
      for (let t = 0; t < T; t++)
        for (let d = 0; d < D; d++) {
          let want = 0;
          for (let s = 0; s <= t; s++) want += (a[t * T + s] ?? NaN) * Math.log(v[s * D + d] ?? NaN);
          const got = y?.[t * D + d] ?? NaN;
          if (t < 6) expect(Math.abs(got - want), `${backend} ${t} ${d}`).toBeLessThan(1e-4);
          else expect(Number.isFinite(got)).toBe(false);
        }
    }
  });

  test("long sums of ones are exact", async () => {
    const source = `dim K
      param A: f32[4, K], B: f32[K, 8]
      output C[m, n] = sum[k] A[m, k] * B[k, n]`;
    const K = 1_000_003;
    const ones = (shape: readonly number[]) => ({
      shape,
      data: new Float32Array(4 * 2 * K).fill(1).subarray(0, (shape[0] ?? 0) * (shape[1] ?? 0)),
    });
    for (const backend of ["js", "wasm"] as const) {
      const create = await createOf(source, { targets: [backend] });
      const model = await create({ backend, params: { A: ones([4, K]), B: ones([K, 8]) } });
      expect(new Set(await model.forward({})["C"]?.read())).toEqual(new Set([K]));
    }
  });
});
