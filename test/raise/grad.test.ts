import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { analyse } from "../../src/analyse.js";
import { expandDerivatives } from "../../src/autodiff/expand.js";
import { compile } from "../../src/compile.js";
import { evaluated, readData, type Data } from "../evaluate.js";

const files = ["test/models", "test/programs"].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".grad"))
    .map((name) => `${folder}/${name}`),
);

/** Params of layers have a point in their name, which a declared name cannot have. */
const renamed = (data: Data): Data => ({
  ...data,
  params: Object.fromEntries(
    Object.entries(data.params ?? {}).map(([name, t]) => [name.replace(/[^\p{L}\p{N}_]+/gu, "_"), t]),
  ),
});

describe("the derived program as a file compiles by itself and computes the same", () => {
  test.each(files)("%s", (file) => {
    const source = readFileSync(file, "utf8");
    const data = readData(file.replace(".grad", ".data.json"));
    const options = { filename: file, ...(data.dims ? { dims: data.dims } : {}) };
    const { program } = analyse(source, options);
    if (!program) throw new Error("the program is wrong");
    const { stage } = compile(source, options);
    const text = stage("grad");
    const raised = analyse(text, { ...options, filename: "derived.grad" });
    const lines = text.split("\n");
    const errors = raised.diagnostics.filter((d) => d.severity === "error");
    expect(errors.map((d) => `${d.message}: ${lines[d.span.start.line - 1]}`)).toEqual([]);
    if (!raised.program) return;
    expect(compile(text, options).ok).toBe(true);
    const got = evaluated(expandDerivatives(raised.program), renamed(data));
    const several = program.losses.length > 1;
    const want = evaluated(expandDerivatives(program), data);
    for (const [name, values] of Object.entries(want)) {
      const [loss = "", wrt] = name.split("/");
      const plain = (n: string): string => n.replace(/[^\p{L}\p{N}_]+/gu, "_");
      const key = wrt === undefined ? plain(name) : plain(several ? `d${loss}_d${wrt}` : `d${wrt}`);
      const found = got[key];
      expect(found?.length, key).toBe(values.length);
      const scale = Math.max(1, ...values.filter(Number.isFinite).map(Math.abs));
      values.forEach((v, k) => {
        const g = found?.[k] ?? NaN;
        const same = Object.is(g, v) || g === v || Math.abs(g - v) <= 1e-12 * scale;
        if (!same) expect(g, `${key}[${k}]`).toBe(v);
      });
    }
  });
});

test("the derivative of a small network reads as one would write it", () => {
  const source = `dim B, I, H
input x: f32[B, I], y: f32[B]
param W: f32[I, H] = he_normal(), v: f32[H], b: f32
h[n, j] = tanh(sum[i] x[n, i] * W[i, j])
p[n] = sum[j] h[n, j] * v[j] + b
loss l = sum[n] (p[n] - y[n])^2
train l with sgd(rate = 0.1)`;
  expect(compile(source).stage("grad")).toMatchInlineSnapshot(`
    "// model.grad with its gradients, as equations.
    dim B
    dim I
    dim H
    input x: f32[B, I]
    input y: f32[B]
    param W: f32[I, H] = he_normal()
    param v: f32[H] = fill(0.0)
    param b: f32 = fill(0.0)
    h_sum[n, j] = sum[i] x[n, i] * W[i, j]
    h[n, j] = tanh(h_sum[n, j])
    p_sum[n] = sum[j] h[n, j] * v[j]
    p[n] = p_sum[n] + b
    output l = sum[n] (p[n] - y[n])^2
    dp[n] = 2.0 * (p[n] - y[n])
    output db = sum[n] dp[n]
    output dv[j] = sum[n] dp[n] * h[n, j]
    dh[n, j] = dp[n] * v[j]
    dh_sum[n, j] = dh[n, j] * (1.0 + -h[n, j] * h[n, j])
    output dW[i, j] = sum[n] dh_sum[n, j] * x[n, i]
    "
  `);
});
