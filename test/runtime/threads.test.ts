import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it, vi } from "vitest";
import { compile, type CompileOptions } from "../../src/compile.js";
import type { CreateOptions, HostInput, Model, ThreadWorker } from "../../src/runtime/index.js";
import { forThreads } from "../../src/schedule/kernel/threads.js";
import { verifyScheduled } from "../../src/schedule/kernel/verify.js";
import { differing, numbers, resultsOf } from "../bits.js";
import { createFrom } from "../module.js";

const made: Model[] = [];
afterEach(() => made.splice(0).forEach((model) => model.dispose()));

let started = 0;
const worker = (): Worker => {
  started++;
  return new Worker(new URL("../../dist/worker.js", import.meta.url));
};

async function create(
  source: string,
  options: CreateOptions,
  compiled: CompileOptions = { threads: true },
): Promise<Model> {
  const { ok, code } = compile(source, { targets: ["wasm"], ...compiled });
  expect(ok).toBe(true);
  const model = await createFrom(code)({ worker, ...options });
  made.push(model);
  return model;
}

interface Case {
  readonly source: string;
  readonly dims: Readonly<Record<string, number>>;
  readonly leaves: Readonly<Record<string, HostInput>>;
  readonly inputs: Readonly<Record<string, HostInput>>;
}
const workload = (name: string): string => readFileSync(`bench/workloads/${name}.grad`, "utf8");
/** Large enough for threads, and of sizes that no block divides. */
const CASES: Readonly<Record<string, Case>> = {
  "one sum of many terms": {
    source: workload("W1"),
    dims: { N: 100_003 },
    leaves: { x: numbers(100_003), a: 0.3, b: 0.2, c: 0.7 },
    inputs: {},
  },
  "a product and its adjoints": {
    source:
      "dim M, N, K\nparam A: f32[M, K], B: f32[K, N]\nC[m, n] = sum[k] A[m, k] * B[k, n]\nloss l = mean[m, n] C[m, n]^2",
    dims: { M: 203, N: 131, K: 97 },
    leaves: { A: numbers(203 * 97), B: numbers(97 * 131) },
    inputs: {},
  },
  "rows with a softmax": {
    source:
      "dim R, C\nparam w: f32[R, C]\ninput y: i32[R] in 0..C\nloss l = mean[r] (logsumexp[c] w[r, c] - w[r, y[r]])\noutput p[r, c] = softmax[c] w[r, c]",
    dims: { R: 411, C: 257 },
    leaves: { w: numbers(411 * 257, 4) },
    inputs: { y: Int32Array.from({ length: 411 }, (_, k) => (k * 7) % 257) },
  },
  "a map of two axes": {
    source:
      "dim N, M\nparam x: f32[N, M]\noutput y[n, m] = tanh(x[n, m]) * exp(-x[n, m]^2)\nloss l = sum[n, m] y[n, m]",
    dims: { N: 3, M: 50_021 },
    leaves: { x: numbers(150_063, 3) },
    inputs: {},
  },
};

describe("threads", () => {
  it.each(Object.entries(CASES))("%s: the same bits with any number of them", async (_, one) => {
    const { source, dims, leaves: params, inputs } = one;
    const plain = await resultsOf(await create(source, { dims, params }, {}), inputs);
    for (const threads of [1, 2, 3, 5]) {
      started = 0;
      const model = await create(source, { dims, params, threads });
      expect(started).toBe(threads - 1);
      // Again and again, as who does what is chance.
      for (let round = 0; round < 5; round++)
        expect(differing(plain, await resultsOf(model, inputs))).toEqual([]);
    }
  });

  it("are as many as there are cores where nothing is said, and join when they are there", async () => {
    const { source, dims, leaves: params, inputs } = CASES["one sum of many terms"]!;
    const model = await create(source, { dims, params });
    const first = (await model.backward(inputs)["l"]?.item()) ?? NaN;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await model.backward(inputs)["l"]?.item()).toBe(first);
  });

  it.each([
    ["cannot be loaded", () => new Worker(new URL("./none.js", import.meta.url)), /Cannot find module/],
    ["fails", () => new Worker("throw new Error('no room')", { eval: true }), /no room/],
    [
      "is refused",
      (): Worker => {
        throw new Error("not of this origin");
      },
      /not of this origin/,
    ],
  ])("are missed with one warning where the worker %s", async (_, failing, why) => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const { source, dims, leaves: params, inputs } = CASES["one sum of many terms"]!;
    const alone = await create(source, { dims, params, threads: 1 });
    const model = await create(source, { dims, params, threads: 3, worker: failing });
    expect(warn.mock.calls.length).toBe(1);
    expect(warn.mock.calls[0]![0]).toMatch(why);
    expect(await model.backward(inputs)["l"]?.item()).toBe(await alone.backward(inputs)["l"]?.item());
    warn.mockRestore();
  });

  it("end when the model is disposed of, as their own doing", async () => {
    const { source, dims, leaves: params } = CASES["one sum of many terms"]!;
    let ended: Promise<unknown> = Promise.resolve();
    const left = (): ThreadWorker => {
      const one = new Worker(new URL("../../dist/worker.js", import.meta.url));
      ended = new Promise((resolve) => one.once("exit", resolve));
      return { postMessage: (message) => one.postMessage(message), terminate() {} };
    };
    const model = await create(source, { dims, params, threads: 2, worker: left });
    model.dispose();
    expect(await ended).toBe(0);
  });

  it("take part in training, with memory that grows in between", async () => {
    const source =
      "dim B, I, O\ninput x: f32[B, I]\nparam w: f32[I, O] = uniform(-0.1, 0.1)\nh[b, o] = tanh(sum[i] x[b, i] * w[i, o])\nloss l = mean[b, o] (h[b, o] - 0.5)^2\ntrain l with adam(rate = 1e-2)";
    const run = async (threads: number): Promise<number[]> => {
      const model = await create(source, { dims: { I: 100, O: 80 }, threads });
      const losses: number[] = [];
      for (const batch of [64, 300, 1500, 64, 2000]) {
        const x = { shape: [batch, 100], data: numbers(batch * 100) };
        losses.push((await model.step({ x })["l"]?.item()) ?? NaN);
      }
      return losses;
    };
    const alone = await run(1);
    expect(await run(3)).toEqual(alone);
    expect(alone.every(Number.isFinite)).toBe(true);
  });

  it("leave alone what calls functions of the host", async () => {
    const source = "dim N\nparam x: f32[N]\nloss l = sum[n] lgamma(2 + x[n]^2)";
    started = 0;
    const params = { x: numbers(50_000) };
    const model = await create(source, { params, threads: 4 }, { threads: true, precision: "f64" });
    expect(Number.isFinite(await model.forward({})["l"]?.item())).toBe(true);
    expect(started).toBeLessThanOrEqual(3);
  });

  it("cut kernels that verify, and no step of a recurrence", () => {
    for (const name of ["W2", "W3", "W4", "W5", "W7", "W8b", "W9"])
      verifyScheduled(forThreads(compile(workload(name)).scheduled("wasm")));
  });

  it("cost a module that is compiled without them nothing", () => {
    const { code } = compile(workload("W2"), { targets: ["wasm"] });
    expect(code).not.toMatch(/threadPool|spread/);
  });
});
