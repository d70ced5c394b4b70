import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { emitModule } from "../../src/codegen/module/emit.js";
import { buildModuleSpec } from "../../src/codegen/module/spec.js";
import { compile } from "../../src/compile.js";
import * as runtime from "../../src/runtime/index.js";
import type { CreateOptions, Inputs, Model } from "../../src/runtime/index.js";
import type { ScheduledModule } from "../../src/schedule/kernel/ir.js";
import { verifyScheduled } from "../../src/schedule/kernel/verify.js";
import { schedule } from "../../src/schedule/schedule.js";
import { JS_TARGET } from "../../src/schedule/targets.js";

const SOURCE = `
  dim N, T
  input a: f32[N], b: f32[N], c: f32, d: f32[3], k: i32[N] in 0..3, m: bool[N], z0: f32[N]
  param w: f32[N] = normal(0.5)
  y[i] = a[i] * w[i] + b[i] * c + d[k[i]] + (if m[i] then 1 else w[i])
  rec t in 0..T {
    z[0, i] = z0[i]
    z[t + 1, i] = z[t, i] * w[i] + a[i] * y[i] + b[i] * d[1]
  }
  output y, z
  loss l = sum[i] (z[T, i] - c)^2 + sum[i] y[i]^2
`;
const INPUTS = {
  a: [1, -2, 0.5, 3],
  b: [0.25, 1, -1, 2],
  c: 0.75,
  d: [3, -1, 2],
  k: [2, 0, 1, 2],
  m: [true, false, true, false],
  z0: [1, 0.5, -1, 0],
};

/** A generated module's `create`. */
function load(code: string): (options: CreateOptions) => Promise<Model> {
  const body = code
    .replace(/^import (\{.*\}) from .*$/m, "const $1 = runtime;")
    .replace(/^export const meta .*$/m, "")
    .replace("export const create =", "return");
  return new Function("runtime", body)(runtime) as (options: CreateOptions) => Promise<Model>;
}

function compiled(source: string) {
  const result = compile(source);
  expect(result.diagnostics.filter((d) => d.severity === "error")).toEqual([]);
  const { program } = result;
  if (!program) throw new Error("a program without errors");
  return (maxBuffers: number) => {
    const module = schedule(program, { ...JS_TARGET, maxBuffers });
    const run = async (inputs: Inputs, dims: Record<string, number>): Promise<Record<string, number[]>> => {
      const { code } = emitModule(
        buildModuleSpec(program, { version: "0", wrt: ["w"] }),
        { js: module },
        { name: "packed" },
      );
      const model = await load(code)({ dims, seed: 1 });
      const { grads, ...results } = model.backward(inputs);
      return Object.fromEntries(
        Object.entries({ ...results, ...grads }).map(([name, t]) => [name, [...t.data]]),
      );
    };
    return { module, run };
  };
}
const mostBuffers = (module: ScheduledModule): number =>
  Math.max(...[...module.kernels.values()].map((k) => k.buffers.length));

describe("a kernel of more buffers than the target binds", () => {
  it.each([6, 5, 4])("gets some of its tensors packed into one: %i buffers", async (limit) => {
    const at = compiled(SOURCE);
    const [free, tight] = [at(64), at(limit)];
    expect(mostBuffers(free.module)).toBeGreaterThan(limit);
    expect(mostBuffers(tight.module)).toBeLessThanOrEqual(limit);
    expect(() => verifyScheduled(tight.module)).not.toThrow();
    // Fewer buffers, fewer values in registers: those that go through memory are rounded to f32 there.
    for (const T of [0, 1, 3]) {
      const [got, want] = [await tight.run(INPUTS, { T }), await free.run(INPUTS, { T })];
      expect(Object.keys(got)).toEqual(Object.keys(want));
      for (const [name, values] of Object.entries(want)) {
        const scale = Math.max(...values.map(Math.abs));
        values.forEach((v, k) =>
          expect(Math.abs((got[name]?.[k] ?? NaN) - v)).toBeLessThanOrEqual(1e-6 * scale),
        );
      }
    }
  });
  it.each(["gru_language_model", "lotka_volterra", "transformer_block"])(
    "WebGPU's default of 8 holds for %s",
    (name) => {
      const result = compile(readFileSync(`test/models/${name}.grad`, "utf8"), { targets: ["wgsl"] });
      const module = result.scheduled("wgsl");
      expect(mostBuffers(module)).toBeLessThanOrEqual(8);
      expect(() => verifyScheduled(module)).not.toThrow();
    },
  );
});
