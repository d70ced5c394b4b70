import { describe, expect, test } from "vitest";
import { compile } from "../../src/index.js";
import { Poly } from "../../src/ir/poly.js";
import type { Target } from "../../src/compile.js";
import { printKernel } from "../../src/schedule/kernel/print.js";

function gradient(source: string, target: Target = "js"): string {
  const result = compile(source, { targets: [target] });
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join("\n"));
  return result.stage(target === "wgsl" ? "wgsl" : "js");
}
const calls = (text: string, name: string): number =>
  (text.match(new RegExp(`(?<!function )${name}\\(`, "g")) ?? []).length;

const SOFTMAX = `dim R, K
  param X: f32[R, K]
  input G: f32[R, K]
  p[r, k] = softmax[k] X[r, k]
  loss l = mean[r] (sum[k] p[r, k] * G[r, k] + logsumexp[k] X[r, k])`;

describe("what two loops need is computed once", () => {
  test("a softmax, a logsumexp of the same and both gradients take one exponential of each entry", () => {
    const { program, backward, kernels } = compile(SOFTMAX).scheduled("js");
    const names = backward.get("l")?.launches.map((l) => l.kernel) ?? [];
    expect(names).toHaveLength(1);
    const text =
      gradient(SOFTMAX)
        .split(/^function /m)
        .find((f) => f.startsWith(`${names[0]}(`)) ?? "";
    expect(calls(text, "gradc_exp")).toBe(1);
    expect(program.values.size).toBeGreaterThan(0);
    // Rows that every round makes anew are as long as a row.
    const buffers = kernels.get(names[0] ?? "")?.buffers ?? [];
    const rows = buffers.flatMap((b, k) => (b.access === "scratch" ? [{ name: b.name, k }] : []));
    expect(rows.map((r) => r.name)).toEqual(["p_norm_exp_row"]);
    const row = program.values.get(backward.get("l")?.launches[0]?.tensors[rows[0]?.k ?? -1] ?? -1);
    expect(row?.shape.map((s) => [...s.dims].join())).toEqual(["K"]);
  });
  test("a weighted sum of a softmax runs in the pass that adds up its exponentials, and is its gradient's", () => {
    const { backward, kernels } = compile(SOFTMAX).scheduled("js");
    const [launch] = backward.get("l")?.launches ?? [];
    const kernel = kernels.get(launch?.kernel ?? "");
    if (!kernel) throw new Error("no kernel");
    // For each row: its largest entry, its sums, its gradient; behind all rows the sums of the parts.
    expect(printKernel(kernel).match(/ in 0\.\.K /g)).toHaveLength(3);
  });
  test("factors stay where the sum may have no terms, or may overflow without them", () => {
    const names = (source: string): string[] =>
      [
        ...compile(`dim R, K\nparam x: f32[R, K], g: f32[K]\n${source}\nloss l = sum[r] y[r]`)
          .scheduled("js")
          .program.values.values(),
      ].map((v) => v.name);
    const softmax = "p[r, k] = softmax[k] x[r, k]\n";
    expect(names(`${softmax}y[r] = sum[k] p[r, k] * g[k]`)).toContain("y_terms");
    expect(names(`${softmax}y[r] = sum[k | k < r] p[r, k] * g[k]`)).not.toContain("y_terms");
    const own = "s[r] = sum[k] exp(x[r, k])\n";
    expect(names(`${own}y[r] = sum[k] exp(x[r, k]) / s[r] * g[k]`)).not.toContain("y_terms");
  });
  test("the tanh of a forward pass is that of its gradient", () => {
    const source =
      "dim N, M\nparam w: f32[M, N]\ninput x: f32[M]\ny[n] = tanh(sum[m] w[m, n] * x[m])\nloss l = sum[n] y[n]^2";
    const { backward } = compile(source).scheduled("js");
    const launched = new Set(backward.get("l")?.launches.map((l) => l.kernel));
    const functions = gradient(source).split(/^function /m);
    const used = functions.filter((f) => launched.has(f.split("(")[0] ?? ""));
    expect(used.length).toBe(launched.size);
    expect(calls(used.join("\n"), "gradc_tanh")).toBe(1);
  });
  test("a logarithm of what all samples have in common is taken once", () => {
    const { program } = compile(`dim N, K, D
      input x: f32[N, D]
      param m: f32[K, D], s: f32[K, D]
      y[n, k] = sum[d] (((x[n, d] - m[k, d]) / s[k, d])^2 + log(s[k, d]))
      loss l = sum[n, k] y[n, k]^2`).scheduled("js");
    const made = [...program.values.values()].filter((v) => v.name.endsWith("_log"));
    expect(made.map((v) => v.shape.map((size) => size.key))).toEqual([
      ["K", "D"].map((d) => Poly.dim(d).key),
    ]);
  });
  test("a GPU, whose points are apart, has no rows", () => {
    expect(gradient(SOFTMAX, "wgsl")).not.toContain("_row");
  });
  test("what an arm reads beyond the ends of a tensor stays in the arm", () => {
    const text = gradient(
      "dim N\nparam x: f32[N]\noutput y[n in 0..N] = if n > 0 then exp(x[n - 1]) else 0\noutput z[n in 0..N] = if n > 0 then 2 * exp(x[n - 1]) else 0\nloss l = sum[n] y[n] * z[n]",
    );
    expect(text).not.toContain("y_exp");
  });
});
describe("sums read the terms that stand", () => {
  test("a bias gradient adds up the gradient of what the bias was added to", () => {
    const text = compile(
      "dim B, N\nparam b: f32[N], x: f32[B, N]\nh[i, n] = relu(x[i, n] + b[n])\nloss l = sum[i, n] h[i, n]^2",
    ).stage("optimized");
    expect(text).toMatch(/%d_b: f32\[N\] = \[i0: N\] sum\[\w+: 0..B\] %d_x\[\w+, i0\]/);
  });
});
