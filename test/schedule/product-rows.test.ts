import { describe, expect, test } from "vitest";
import { compile } from "../../src/index.js";
import { agrees } from "./sides.js";

function launches(source: string, off: readonly string[] = []) {
  const { backward, kernels } = compile(source, { targets: ["wasm"], off: [...off] }).scheduled("wasm");
  return backward.get("l")?.launches.map(({ kernel }) => kernels.get(kernel)?.notes.join() ?? "") ?? [];
}
const without = (source: string): number => launches(source, ["product-rows"]).length;

const CLASSIFIER = `dim B, I, C
  input x: f32[B, I], y: f32[B, C]
  param w: f32[I, C], b: f32[C]
  z[n, c] = sum[i] x[n, i] * w[i, c] + b[c]
  loss l = mean[n] (logsumexp[c] z[n, c] - sum[c] y[n, c] * z[n, c])`;
const NORMALISED = `dim B, T, D, E
  input x: f32[B, T, D]
  param w: f32[D, E], v: f32[E]
  h[n, t, e] = tanh(sum[d] x[n, t, d] * w[d, e])
  m[n, t] = mean[e] h[n, t, e]
  s[n, t] = mean[e] (h[n, t, e] - m[n, t])^2
  output y[n, t, e] = (h[n, t, e] - m[n, t]) / sqrt(s[n, t] + 0.01) * v[e]
  loss l = sum[n, t, e] (y[n, t, e] - 0.5)^2`;
const ATTENTION = `dim B, T, S, E
  input v: f32[B, S, E]
  param q: f32[B, T, E], k: f32[B, S, E]
  output a[n, t, s] = softmax[s | s <= t + 1] (sum[e] q[n, t, e] * k[n, s, e])
  output o[n, t, e] = sum[s] a[n, t, s] * v[n, s, e]
  loss l = sum[n, t, e] o[n, t, e]^2`;
/** Columns that are read turned round, one row's neighbour, and a largest entry with its place. */
const MIXED = `dim B, I, J
  param x: f32[B, I], w: f32[I, J], u: f32[J]
  z[n, j] = sum[i] x[n, i] * w[i, j]
  output r[n, j in 0..J] = z[n, J - 1 - j] * u[j]
  output best[n] = argmax[j] z[n, j]
  output top[n] = max[j] z[n, j]
  output d[n in 0..B] = sum[j] (z[n, j] - (z[n + 1, j] ?? 0))^2
  most = max[n, j] z[n, j]
  loss l = sum[n, j] r[n, j]^2 + sum[n] (top[n] + d[n]) + most^2`;

describe("what follows whole rows of a product", () => {
  test("a softmax, its loss and its gradient are of the product's kernel", () => {
    const [first, ...rest] = launches(CLASSIFIER);
    expect(first).toBe(
      "z.sum, l.logsumexp_max, l.logsumexp_norm_exp, l.logsumexp_norm, l.logsumexp_scale, l.logsumexp, l.sum, l.sum_2, l, d_z",
    );
    expect(rest).toEqual(["d_b, d_w"]);
    expect(without(CLASSIFIER)).toBe(3);
  });
  test("a norm of rows and a loss over all", () => {
    expect(launches(NORMALISED).length).toBeLessThan(without(NORMALISED));
    expect(launches(NORMALISED)[0]).toContain("s.sum, s, y, l_rows, l,");
  });
  test("a fold over rows and columns is one of each row and one of these", () => {
    const source = "dim M, K, N\nparam A: f32[M, K], B: f32[K, N]\nC[m, n] = sum[k] A[m, k] * B[k, n]";
    expect(launches(`${source}\nloss l = sum[m, n] C[m, n]^2`)[0]).toBe("C, d_C, l_rows, l");
    // Not where its terms are shut out, one by one.
    expect(launches(`${source}\nloss l = sum[m, n | m < n] C[m, n]^2`)[0]).toBe("C, d_C");
  });
  test("what reads other rows has a kernel of its own", () => {
    const list = launches(MIXED);
    expect(list.filter((notes) => /\bd\b/.test(notes) && notes.includes("z,"))).toEqual([]);
    expect(list[0]).toContain("top");
  });
  test("a sum of columns may be another thread's, one of rows is there", () => {
    const reads = (sum: string): readonly string[] => {
      const source = `dim N, K
        param A: f32[N, K], B: f32[K, N]
        y[i, j] = sum[k] A[i, k] * B[k, j]
        left[i] = sum[k] A[i, k]
        right[j] = sum[k] B[k, j]
        output o[i] = max[j] (y[i, j] - ${sum}[i])
        loss l = sum[i] o[i]`;
      return launches(source).filter((notes) => /\bo\b/.test(notes) && notes.includes("y,"));
    };
    expect(reads("left")).toHaveLength(1);
    expect(reads("right")).toEqual([]);
  });
  test.each(Object.entries({ CLASSIFIER, NORMALISED, ATTENTION, MIXED }))("%s agrees", async (_, source) => {
    const all = [
      { B: 3, T: 5, S: 6, I: 7, C: 5, D: 4, E: 9, J: 6 },
      { B: 131, T: 2, S: 3, I: 18, C: 261, D: 20, E: 258, J: 17 },
      { B: 2, T: 33, S: 40, I: 530, C: 1, D: 521, E: 3, J: 270 },
      { B: 1, T: 1, S: 2, I: 0, C: 9, D: 0, E: 1, J: 9 },
    ];
    const { meta } = compile(source);
    const dims = Object.keys(meta?.dims ?? {});
    await agrees(
      source,
      all.map((sizes) => Object.fromEntries(Object.entries(sizes).filter(([name]) => dims.includes(name)))),
    );
  });
});
