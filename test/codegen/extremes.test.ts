import { describe, expect, it } from "vitest";
import { createOf } from "../module.js";

/** The entries of the output `o`, on js and on wasm. */
async function outputs(
  source: string,
  inputs: Readonly<Record<string, ReturnType<typeof row>>>,
): Promise<number[][]> {
  return Promise.all(
    (["js", "wasm"] as const).map(async (target) => {
      const model = await (await createOf(source, { targets: [target] }))({});
      const { o } = model.forward(inputs);
      return [...(await o!.read())];
    }),
  );
}
const row = (...data: number[]): { shape: number[]; data: Float32Array } => ({
  shape: [data.length],
  data: Float32Array.from(data),
});

describe("at the ends of what f32 holds", () => {
  it.each([
    ["what a guard leaves out", "lse = logsumexp[k | k < 1] x[k]"],
    ["what a range leaves out", "lse = logsumexp[k in 0..1] x[k]"],
  ])("exp(x - logsumexp) of %s may be large", async (_, line) => {
    const source = `dim K\ninput x: f32[K]\n${line}\no[k] = exp(x[k] - lse)\noutput o`;
    for (const [one = NaN, large = NaN] of await outputs(source, { x: row(0, 80) })) {
      expect(one).toBe(1);
      expect(large / Math.exp(80)).toBeCloseTo(1, 5);
    }
  });
  it("a sum over several indices is not rounded after each round of one", async () => {
    const [N, J, K] = [8, 8000, 8];
    const a = new Float32Array(N * J * K).fill(0.1);
    const source = "dim J, N, K\ninput a: f32[N, J, K]\no[i] = sum[j, k] (a[i, j, k] - 0.03)^2\noutput o";
    const wanted = J * K * (Math.fround(0.1) - Math.fround(0.03)) ** 2;
    for (const sums of await outputs(source, { a: { shape: [N, J, K], data: a } }))
      for (const sum of sums) expect(Math.abs(sum / wanted - 1)).toBeLessThan(1e-5);
  });
  it("a sum of quotients by another size does not overflow before they are taken", async () => {
    const source =
      "dim M, P\ninput x: f32[M], y: f32[P]\no = sum[j] x[j] / f32(P) + 0 * sum[p] y[p]\noutput o";
    for (const [sum = NaN] of await outputs(source, { x: row(1e38, 3e38, 3e38, 3e38), y: row(0, 0, 0, 0) }))
      expect(sum / 2.5e38).toBeCloseTo(1, 5);
  });
  it("sigmoid is no 0 as long as f32 has a number for it", async () => {
    const source = "dim N\ninput x: f32[N]\no[n] = sigmoid(x[n]) * 1e38\noutput o";
    for (const [value = NaN] of await outputs(source, { x: row(-88.5, 0, 0, 0, 0) }))
      expect(value / (1e38 * Math.exp(-88.5))).toBeCloseTo(1, 4);
  });
});
