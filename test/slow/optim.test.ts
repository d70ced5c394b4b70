import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compile } from "../../dist/index.js";
import { instantiate, RUNTIME_URL } from "../../dist/cli/model.js";

interface Expected {
  readonly w: readonly number[];
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly cases: Readonly<Record<string, { losses: readonly number[]; w: readonly number[] }>>;
}
const expected = JSON.parse(readFileSync("test/optim/expected.json", "utf8")) as Expected;

const MODEL = `dim B, I = 2, O = 3
input x: f32[B, I], y: f32[B, O]
param w: f32[I, O]
z[b, o] = tanh(sum[i] x[b, i] * w[i, o])
loss l = mean[b, o] (z[b, o] - y[b, o])^2
`;
const tensor = (shape: number[], data: readonly number[]) => ({ shape, data: Float64Array.from(data) });

for (const backend of ["js", "wasm"] as const)
  test.each(Object.entries(expected.cases))(
    `twelve steps of %s on ${backend} are PyTorch's`,
    async (name, want) => {
      const result = compile(`${MODEL}train l with ${name}`, {
        precision: "f64",
        targets: [backend],
        runtimeImport: RUNTIME_URL,
      });
      expect(result.diagnostics).toEqual([]);
      const model = await instantiate(result, { backend, params: { w: tensor([2, 3], expected.w) } });
      const data = { x: tensor([4, 2], expected.x), y: tensor([4, 3], expected.y) };
      const losses: number[] = [];
      for (let k = 0; k < 12; k++) losses.push((await model.step(data)["l"]?.item()) ?? NaN);
      const w = await model.store.get("w").read();
      losses.forEach((l, k) => expect(l).toBeCloseTo(want.losses[k] ?? NaN, 12));
      want.w.forEach((v, k) => expect(Number(w[k])).toBeCloseTo(v, 12));
      model.dispose();
    },
  );
