import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/compile.js";
import type { CreateOptions, Inputs, Model } from "../../src/runtime/index.js";
import { createFrom } from "../module.js";

const workload = (name: string, target: "js" | "wasm", options: CreateOptions): Promise<Model> =>
  createFrom(compile(readFileSync(`bench/workloads/${name}.grad`, "utf8"), { targets: [target] }).code)(
    options,
  );

describe.each(["js", "wasm"] as const)("steps on %s", (target) => {
  /** Bytes of heap that a call takes once the engine has compiled it, garbage collections left out; under `enough` ends it. */
  function allocated(call: () => void, enough: number): number {
    let least = Infinity;
    for (const start = performance.now(); least > enough && performance.now() - start < 3000;) {
      for (let k = 0; k < 5000; k++) call();
      const before = process.memoryUsage().heapUsed;
      for (let k = 0; k < 500; k++) call();
      const bytes = (process.memoryUsage().heapUsed - before) / 500;
      if (bytes >= 0) least = Math.min(least, bytes);
    }
    return least;
  }
  // On a busy machine the engine may settle for code that is not optimised: another model gets new code.
  it("allocate their results and nothing else", { timeout: 20_000, retry: 3 }, async () => {
    const tiny = await workload("W6a", target, { params: { p: [-1.2, 1] } });
    const options = { rate: 1e-3 };
    expect(allocated(() => tiny.step({}, options), 250)).toBeLessThan(250);
    const rows = await workload("W6b", target, { dims: { N: 100, D: 10 } });
    const inputs: Inputs = { X: new Float32Array(1000).fill(0.1), y: new Float32Array(100) };
    expect(allocated(() => rows.step(inputs, options), 250)).toBeLessThan(250);
  });
  it("make no arrays and no views once they have begun", async () => {
    const rows = await workload("W6b", target, { dims: { N: 100, D: 10 } });
    const inputs: Inputs = { X: new Float32Array(1000).fill(0.1), y: new Float32Array(100) };
    const first = rows.step(inputs, { rate: 1e-3 })["l"]!.data;
    for (const rate of [1e-3, 2e-3, 1e-3]) expect(rows.step(inputs, { rate })["l"]!.data).toBe(first);
  });
  it("take numbers that change, and keep the default where there is none", async () => {
    const run = async (rates: readonly (number | undefined)[]): Promise<number[]> => {
      const model = await workload("W6a", target, { params: { p: [-1.2, 1] } });
      for (const rate of rates) model.step({}, rate === undefined ? {} : { rate });
      return [...model.store.get("p").data];
    };
    expect(await run([1e-3, 1e-3])).toEqual(await run([undefined, undefined]));
    expect(await run([2e-3, undefined])).toEqual(await run([2e-3, 1e-3]));
    expect(await run([2e-3, undefined])).not.toEqual(await run([2e-3, 2e-3]));
  });
});
