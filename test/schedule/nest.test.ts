import { describe, expect, test } from "vitest";
import { compile } from "../../src/index.js";

/** Texts of the JavaScript kernels, and how many the entry point that takes gradients launches. */
function kernelsOf(source: string, target: "js" | "wgsl" = "js"): { count: number; text: string } {
  const result = compile(source, { filename: "nest.grad", targets: [target] });
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join("\n"));
  const count = Number(/backward l: (\d+)/.exec(result.stage("plan"))?.[1]);
  return { count, text: result.stage(target) };
}

describe("equations share loops", () => {
  test("a sum, its gradients and what they have in common are one pass", () => {
    const { count, text } = kernelsOf(
      "dim N\nparam x: f32[N], a: f32, b: f32\nloss l = mean[n] tanh(a * x[n] + b)",
    );
    expect(count).toBe(1);
    // In the pass with gradients as in the one without.
    expect(text.match(/(?<!function )gradc_tanh\(/g)).toHaveLength(2);
  });
  test("rows of a softmax are one pass with their gradient", () => {
    const { count } = kernelsOf(
      "dim R, K\nparam X: f32[R, K]\ninput G: f32[R, K]\np[r, k] = softmax[k] X[r, k]\n" +
        "loss l = mean[r] (sum[k] p[r, k] * G[r, k] + logsumexp[k] X[r, k])",
    );
    expect(count).toBe(1);
  });
  test("a recurrence takes the sums over its steps with them, and its step's equations one loop over a batch", () => {
    const { count, text } = kernelsOf(
      "dim T, B\nparam a: f32\ninput u: f32[B]\nrec t in 0..T {\n  z[0, i] = u[i]\n" +
        "  z[t + 1, i in 0..B] = z[t, i] + sin(a * z[t, i])\n}\nloss l = mean[t in 0..T, i] z[t + 1, i]^2",
    );
    expect(count).toBeLessThanOrEqual(3);
    expect(text).toContain("l_sum_acc +=");
  });
  test("a state of a few numbers stays in registers, with its gradient", () => {
    const { text } = kernelsOf(
      "dim T\nparam a: f32\ninput u: f32[T]\nrec t in 0..T {\n  z[0] = 1\n" +
        "  z[t + 1] = z[t] + 0.1 * sin(a * z[t]) * u[t]\n}\nloss l = z[T]^2",
    );
    // The last entries are asked for, the others serve the gradient; none is loaded to make the next.
    expect(text).not.toMatch(/z_value = z\[/);
    expect(text).toMatch(/z_before = z_value;/);
    expect(text).not.toMatch(/d_z\w*\[step/);
  });
  test("of a state that is read at its end alone, the latest entries are kept", () => {
    const source = (loss: string): string =>
      "dim T, H\ninput x: f32[T, H]\nparam W: f32[H, H]\nrec t in 0..T {\n  h[0, i in 0..H] = 0\n" +
      `  h[t + 1, i] = tanh(x[t, i] + sum[j] W[i, j] * h[t, j])\n}\nloss l = ${loss}`;
    const sizes = (loss: string): { forward: string[]; backward: string[] } => {
      const { program, forward, backward } = compile(source(loss)).scheduled("js");
      const shapes = (entry: typeof forward | undefined): string[] =>
        (entry?.launches ?? []).flatMap((l) =>
          l.tensors.flatMap((id) => {
            const value = program.values.get(id);
            return value?.name.startsWith("h")
              ? [value.shape.map((p) => p.constant ?? [...p.dims].join("")).join(" ")]
              : [];
          }),
        );
      return { forward: shapes(forward), backward: shapes(backward.get("l")) };
    };
    const end = sizes("sum[i] h[T, i]^2");
    expect(end.forward.length).toBeGreaterThan(0);
    expect(new Set(end.forward)).toEqual(new Set(["2 H"]));
    expect(end.backward).not.toContain("2 H");
    // A sum over the steps is taken with them.
    expect(new Set(sizes("sum[t in 0..T, i] h[t, i]^2").forward)).toEqual(new Set(["2 H"]));
    expect(sizes("sum[i] h[T, i] * h[T - 1, i]").forward).not.toContain("2 H");
  });
  test("where nothing crosses a batch, its points are a grid", () => {
    const batch = "dim B, T\nparam x: f32[B, T]\nc[b, t] = cumsum[t] x[b, t]\nloss l = sum[b, t] c[b, t]^2";
    expect(kernelsOf(batch, "wgsl").text).toMatch(/if \(point >= B\) \{ return; \}\s+let b = point;/);
    expect(kernelsOf(batch).text).toMatch(/for \(let b = 0; b < B; b\+\+\) \{\s+let c_before = 0;/);
  });
  test("what reads other points waits for the loop's end", () => {
    const { count } = kernelsOf(
      "dim N\nparam x: f32[N]\ny[n in 0..N] = x[n] * sum[k] x[k]\nloss l = sum[n] y[n] * (y[n - 1] ?? 0)",
    );
    expect(count).toBeGreaterThan(1);
  });
  test("on a GPU no equation folds over the grid of another", () => {
    const { count } = kernelsOf(
      "dim N\nparam x: f32[N], a: f32, b: f32\nloss l = mean[n] tanh(a * x[n] + b)",
      "wgsl",
    );
    expect(count).toBeGreaterThan(1);
  });
});

test("a short index is written out together with the conditions that mention it", () => {
  const { count } = kernelsOf("dim N\nparam x: f32[N, 3]\nloss l = sum[i in 0..3, n | i <= n] x[n, i]^2");
  expect(count).toBeGreaterThan(0);
});

test("a contraction is a tile unless its terms take longer than their loads", () => {
  const accumulators = (term: string): number => {
    const source = `dim M, N, K\nparam a: f32[M, K], b: f32[K, N]\ny[m, n] = sum[k] ${term}\nloss l = sum[m, n] y[m, n]`;
    return new Set(kernelsOf(source, "wgsl").text.match(/y_acc\w*/g)).size;
  };
  expect(accumulators("a[m, k] * b[k, n]")).toBe(16);
  expect(accumulators("abs(a[m, k] - b[k, n])")).toBe(16);
  expect(accumulators("log(2 + sin(a[m, k] * b[k, n]))")).toBe(1);
});
