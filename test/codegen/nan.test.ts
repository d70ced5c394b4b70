import { describe, expect, it } from "vitest";
import { createOf } from "../module.js";

const ROWS = `dim R, K
  input x: f32[R, K]
  output p[r, k] = softmax[k] x[r, k]
  output q[r, k] = log_softmax[k] x[r, k]
  output s[r] = logsumexp[k] x[r, k]
  output m[r] = max[k] x[r, k]`;

/** A row of six with NaN at some places, others as given. */
const withNaN = (...at: readonly number[]): number[] =>
  Array.from({ length: 6 }, (_, k) => (at.includes(k) ? NaN : 0.5 * k));

describe.each(["js", "wasm"] as const)("NaN along a row, on %s", (target) => {
  it.each([
    ["first", withNaN(0)],
    ["last", withNaN(5)],
    ["in the middle", withNaN(2)],
    ["everywhere", withNaN(0, 1, 2, 3, 4, 5)],
    ["beside -Infinity", [-Infinity, -Infinity, -Infinity, NaN, -Infinity, -Infinity]],
  ])("%s", async (_, row) => {
    const model = await (await createOf(ROWS, { targets: [target] }))({});
    const { p, q, s, m } = model.forward({ x: { shape: [1, 6], data: Float32Array.from(row) } });
    for (const result of [p, q, s, m])
      expect([...(await result!.read())].every((value) => Number.isNaN(value))).toBe(true);
  });
  it("-Infinity everywhere leaves nothing, and is no NaN", async () => {
    const model = await (await createOf(ROWS, { targets: [target] }))({});
    const { s, m } = model.forward({ x: { shape: [1, 6], data: new Float32Array(6).fill(-Infinity) } });
    expect([...(await s!.read())]).toEqual([-Infinity]);
    expect([...(await m!.read())]).toEqual([-Infinity]);
  });
});
