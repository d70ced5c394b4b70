import { describe, expect, test } from "vitest";
import { compile } from "../../src/index.js";
import { schedule } from "../../src/schedule/schedule.js";
import { JS_TARGET, type TargetDescription, WASM_TARGET } from "../../src/schedule/targets.js";
import { agrees } from "./sides.js";

/** Recurrences whose steps are many points: their stages are made again, their adjoints retimed, their axes reordered. */
const BATCH = `import { rk4 } from "std/ode"
dim T = 5, P
param th: f32[2], u: f32[P, 2]
fn field(z: f32[2]) -> dz: f32[2] { dz = [th[0] * z[0] - z[0] * z[1], z[0] * z[1] - th[1] * z[1]] }
rec t in 0..T {
  z[0, i] = u[i]
  z[t + 1, i in 0..P] = rk4(field, z[t, i], 0.1)
}
loss l = sum[t in 0..T, i, s] (z[t + 1, i, s] - 0.3)^2`;
const PROGRAMS: Readonly<Record<string, string>> = {
  batch: BATCH,
  "state kept as a result": BATCH.replace("loss l", "output path = z\nloss l"),
  downwards: `dim T = 6, P
    param a: f32[P], x: f32[T, P]
    rec t in T..0 {
      h[T, i in 0..P] = a[i]
      g[t, i in 0..P] = tanh(h[t + 1, i]) * x[t, i]
      h[t, i in 0..P] = g[t, i] * h[t + 1, i] + 0.1 * g[t, i]^2
    }
    loss l = sum[i] h[0, i]^2 + sum[t, i] g[t, i]`,
  "two lags": `dim T = 7, P
    param a: f32[P], b: f32[P]
    rec t in 0..T {
      s[0, i in 0..P] = a[i]
      s[1, i in 0..P] = b[i]
      q[t, i in 0..P] = s[t, i] * s[t + 1, i]
      s[t + 2, i in 0..P] = sin(q[t, i]) + 0.5 * s[t + 1, i]
    }
    loss l = sum[i] s[T + 1, i]^2`,
  neighbours: `dim T = 4, N
    param u0: f32[N]
    rec t in 0..T {
      u[0, i in 0..N] = u0[i]
      f[t, i in 0..N] = u[t, i]^2 / 2
      u[t + 1, i in 0..N] = u[t, i] - 0.1 * (f[t, i] - (f[t, i - 1] ?? 0)) + 0.05 * ((u[t, i + 1] ?? 0) - u[t, i])
    }
    loss l = sum[i] u[T, i]^2`,
  "points in space": `dim N
    param x: f32[N, 3]
    d[i, j, k] = x[i, k] - x[j, k]
    r[i, j] = sum[k] d[i, j, k]^2 + 0.1
    f[i, k] = sum[j] d[i, j, k] / r[i, j]
    v[i, k] = tanh(f[i, k]) * x[i, k]
    loss l = sum[i, k] v[i, k]^2 + sum[i] (sum[k] v[i, k])^2`,
};
describe("recurrences of many points", () => {
  test.each(Object.entries(PROGRAMS))("%s", async (_, source) => {
    const open = /dim [^\n]*\bN\b/.test(source) ? "N" : "P";
    await agrees(
      source,
      [1, 21, 34].map((points) => ({ [open]: points })),
    );
  });
});

const saved = (source: string, target: TargetDescription): readonly string[] => {
  const optimized = compile(source).program;
  if (!optimized) throw new Error("a program without errors");
  const { program, backward } = schedule(optimized, target);
  const { launches } = backward.get("l") ?? { launches: [] };
  return [...new Set(launches.flatMap((l) => l.tensors.map((id) => program.values.get(id)?.name ?? "")))];
};
test("stages of a step are made again where a number kept costs more, the state is kept", () => {
  const names = saved(BATCH, { ...WASM_TARGET, keepCost: 24 });
  expect(names).toContain("z");
  expect(names.filter((n) => n.includes("rk4"))).toEqual([]);
});
test("one number goes from step to step of an adjoint", () => {
  const carried = saved(BATCH, JS_TARGET).filter((n) => n.startsWith("d_z"));
  expect(carried).toEqual(["d_z.last"]);
});
test("a state of few numbers keeps its stages: they are in the cache", () => {
  const single = `import { rk4 } from "std/ode"
    dim T = 5
    param th: f32[2], u: f32[2]
    fn field(z: f32[2]) -> dz: f32[2] { dz = [th[0] * z[0] - z[0] * z[1], z[0] * z[1] - th[1] * z[1]] }
    rec t in 0..T {
      z[0] = u
      z[t + 1] = rk4(field, z[t], 0.1)
    }
    loss l = sum[t in 0..T, s] (z[t + 1, s] - 0.3)^2`;
  expect(saved(single, { ...WASM_TARGET, keepCost: 24 }).some((n) => n.includes("rk4"))).toBe(true);
});
test("first coordinates lie side by side", () => {
  const strides = (off: readonly string[]): boolean =>
    compile(BATCH, { off }).stage("js").includes(" * 2 + at");
  expect([strides([]), strides(["layout"])]).toEqual([false, true]);
});
