import { expect, test } from "vitest";
import { compile } from "../../dist/index.js";
import { instantiate, RUNTIME_URL } from "../../dist/cli/model.js";

const [A, B] = [200, 300];
/** Mean, standard deviation, and a bound that no draw passes (null: none). fan_in is 200, fan_out 300. */
const DRAWS: Readonly<Record<string, readonly [number, number, number | null]>> = {
  "normal(0.5)": [0, 0.5, null],
  "uniform(-1, 2)": [0.5, 3 / Math.sqrt(12), 2],
  "he_normal()": [0, Math.sqrt(2 / A), null],
  "he_normal(fan_in = 50)": [0, Math.sqrt(2 / 50), null],
  "he_uniform()": [0, Math.sqrt(2 / A), Math.sqrt(6 / A)],
  "glorot_normal()": [0, Math.sqrt(2 / (A + B)), null],
  "glorot_uniform()": [0, Math.sqrt(2 / (A + B)), Math.sqrt(6 / (A + B))],
};
async function drawn(initialiser: string, seed: number, backend: "js" | "wasm" = "js"): Promise<number[]> {
  const result = compile(`param w: f32[${A}, ${B}] = ${initialiser}\nloss l = sum[i, j] w[i, j]^2`, {
    targets: [backend],
    runtimeImport: RUNTIME_URL,
  });
  expect(result.diagnostics).toEqual([]);
  const model = await instantiate(result, { backend, seed });
  const data = Array.from(await model.store.get("w").read(), Number);
  model.dispose();
  return data;
}

test.each(Object.entries(DRAWS))(
  "%s has its mean, spread and bounds",
  async (initialiser, [mean, sd, bound]) => {
    const data = await drawn(initialiser, 5);
    const n = data.length;
    const m = data.reduce((a, b) => a + b, 0) / n;
    const spread = Math.sqrt(data.reduce((a, b) => a + (b - m) ** 2, 0) / n);
    // Five standard errors of each estimate.
    expect(Math.abs(m - mean)).toBeLessThan((5 * sd) / Math.sqrt(n));
    expect(Math.abs(spread - sd)).toBeLessThan((5 * sd) / Math.sqrt(2 * n));
    if (bound !== null) {
      const most = data.reduce((a, b) => Math.max(a, b), -Infinity);
      expect(most).toBeLessThanOrEqual(bound * (1 + 1e-6));
      expect(most).toBeGreaterThan(0.98 * bound);
    }
  },
);

test("rows of an orthogonal matrix are so", async () => {
  const data = await drawn("orthogonal()", 3);
  for (let i = 0; i < 20; i++)
    for (let j = 0; j <= i; j++) {
      let dot = 0;
      for (let c = 0; c < B; c++) dot += (data[i * B + c] ?? NaN) * (data[j * B + c] ?? NaN);
      expect(Math.abs(dot - (i === j ? 1 : 0))).toBeLessThan(1e-6);
    }
});

test("a seed gives the same draws on every engine, another seed others", async () => {
  const first = await drawn("he_normal()", 7);
  expect(await drawn("he_normal()", 7, "wasm")).toEqual(first);
  expect(await drawn("he_normal()", 8)).not.toEqual(first);
});
