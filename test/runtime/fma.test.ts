import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test, vi } from "vitest";
import { compile } from "../../src/compile.js";
import type { CreateOptions, Model } from "../../src/runtime/index.js";
import { differing, numbers, resultsOf } from "../bits.js";
import { createOf } from "../module.js";

// Node 20 has relaxed SIMD behind a flag, which later ones do not know. This file has a process of its own.
if (process.version.startsWith("v20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");

const made: Model[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  made.splice(0).forEach((model) => model.dispose());
});

/** Of sizes that no tile and no vector divides. */
const PROGRAMS: Readonly<Record<string, { source: string; options: CreateOptions }>> = {
  "a product and its adjoints": {
    source:
      "dim M, N, K\nparam A: f32[M, K], B: f32[K, N]\nC[m, n] = sum[k] A[m, k] * B[k, n]\nloss l = mean[m, n] C[m, n]^2",
    options: { dims: { M: 203, N: 131, K: 97 }, params: { A: numbers(203 * 97), B: numbers(97 * 131) } },
  },
  "a softmax": {
    source: "dim R, C\nparam w: f32[R, C]\nloss l = mean[r] sum[c] (softmax[c] w[r, c]) * tanh(w[r, c])",
    options: { dims: { R: 211, C: 257 }, params: { w: numbers(211 * 257, 4) } },
  },
  "sums of pairs": {
    source:
      "dim N, D = 3\nparam x: f32[N, D]\nr[i, j] = sum[d] (x[i, d] - x[j, d])^2\nloss l = sum[i, j] 1 / (r[i, j] + 0.1)",
    options: { dims: { N: 307 }, params: { x: numbers(921) } },
  },
};

function results(model: Model): ReturnType<typeof resultsOf> {
  made.push(model);
  return resultsOf(model);
}
function distance(a: Float32Array, b: Float32Array): number {
  const square = (each: (k: number) => number): number => a.reduce((sum, _, k) => sum + each(k) ** 2, 0);
  return Math.sqrt(square((k) => a[k]! - b[k]!) / square((k) => b[k]!));
}

describe.each(Object.entries(PROGRAMS))("%s", (_, { source, options }) => {
  test("fused differs in last bits alone; unfused has the bits of a module without marks", async () => {
    const create = await createOf(source, { targets: ["wasm"] });
    const bare = await createOf(source, { targets: ["wasm"], off: ["madd"] });
    const validate = vi.spyOn(WebAssembly, "validate");
    const fused = await results(await create(options));
    expect(validate).toHaveReturnedWith(true);
    const plain = await results(await create({ ...options, fma: false }));
    expect(differing(await results(await bare(options)), plain)).toEqual([]);
    for (const [name, values] of Object.entries(fused))
      expect(distance(values, plain[name]!), name).toBeLessThan(1e-6);
  });

  test("fused, the same bits with any number of threads, again and again", async () => {
    const create = await createOf(source, { targets: ["wasm"], threads: true });
    const alone = await results(await (await createOf(source, { targets: ["wasm"] }))(options));
    const worker = (): Worker => new Worker(new URL("../../dist/worker.js", import.meta.url));
    for (const threads of [1, 2, 3]) {
      const model = await create({ ...options, threads, worker });
      // Code that is called often is compiled anew.
      for (let round = 0; round < 20; round++) expect(differing(alone, await results(model))).toEqual([]);
    }
  });

  test("an engine without relaxed SIMD gets the module as it is", async () => {
    const create = await createOf(source, { targets: ["wasm"] });
    const plain = await results(await create({ ...options, fma: false }));
    vi.spyOn(WebAssembly, "validate").mockReturnValue(false);
    expect(differing(plain, await results(await create(options)))).toEqual([]);
  });
});

test("a module whose numbers read like marks goes without", async () => {
  // As f32 the bytes of f32x4.mul and a nop.
  const y = "y[n] = max[k] (sum[i] x[n, i] * w[i, k]) + 2.385928397294357e-38";
  const source = `dim N, I, K\nparam x: f32[N, I], w: f32[I, K]\n${y}\nloss l = sum[n] y[n]`;
  const options = { dims: { N: 5, I: 7, K: 9 }, params: { x: numbers(35), w: numbers(63) } };
  const create = await createOf(source, { targets: ["wasm"] });
  expect(create.toString()).not.toContain("fusing");
  const plain = await results(await create({ ...options, fma: false }));
  expect(differing(plain, await results(await create(options)))).toEqual([]);
});

test("modules of pages are fused, too", () => {
  for (const { source } of Object.values(PROGRAMS))
    expect(compile(source, { targets: ["wasm"], compact: true }).code).toContain("fusing(fromDense)");
});
