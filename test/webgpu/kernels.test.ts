import { describe, expect, it } from "vitest";
import { printWgslKernel, WORKGROUP_SIZE } from "../../src/codegen/wgsl/kernel.js";
import type { Kernel } from "../../src/schedule/kernel/ir.js";
import { type Data, type Run, RUNS } from "../codegen/runs.js";
import { runOnAll } from "./child.js";

const points = ({ kernel, sizes }: Run): number =>
  kernel.grid.reduce((n, { extent, step }) => {
    const size =
      extent.op === "variable" ? sizes[kernel.sizes.findIndex((s) => s.name === extent.name)] : undefined;
    return n * Math.ceil((extent.op === "constant" ? extent.value : (size ?? 0)) / step);
  }, 1);
/** Bools are words there. */
const wordsOf = (data: Data): number[] =>
  data instanceof Uint8Array ? [...data] : [...new Uint32Array(data.buffer, data.byteOffset, data.length)];
function valuesOf(words: readonly number[], kernel: Kernel, n: number): readonly number[] {
  const { buffer } = Uint32Array.from(words);
  const dtype = kernel.buffers[n]?.dtype;
  return [...(dtype === "f32" ? new Float32Array(buffer) : dtype === "i32" ? new Int32Array(buffer) : words)];
}

type Answer = { readonly buffers: readonly (readonly number[])[] } | { readonly error: string };
/** Each run twice: along x, and folded into a second dimension with invocations to spare. */
const jobs = RUNS.flatMap((run) => {
  const wanted = Math.ceil(points(run) / WORKGROUP_SIZE);
  const job = { code: printWgslKernel(run.kernel), buffers: run.buffers.map(wordsOf), sizes: run.sizes };
  return [[wanted, 1] as const, [1, wanted + 1] as const].map((workgroups) => ({ ...job, workgroups }));
});
const runs = await runOnAll<Answer[]>("run-kernels.mjs", jobs);
describe.each(runs)("WGSL kernels with $compiler", ({ answer: answers }) => {
  it("find an adapter (npm test sets up a software one)", () => expect(answers).not.toBeNull());
  it.skipIf(!answers).each(RUNS.map((r, k) => [r.kernel.name, r, k] as const))(
    "give what the language says: %s",
    (_, { kernel, expected }, k) => {
      for (const answer of answers?.slice(2 * k, 2 * k + 2) ?? []) {
        if ("error" in answer) throw new Error(`${answer.error}\n${printWgslKernel(kernel)}`);
        const written = answer.buffers
          .map((words, n) => valuesOf(words, kernel, n))
          .filter((__, n) => kernel.buffers[n]?.access !== "read");
        expect(written.length).toBe(expected.length);
        written.forEach((got, n) =>
          got.forEach((value, i) => {
            const want = expected[n]?.[i] ?? NaN;
            const close = value === want || Math.abs(value - want) <= 1e-5 * (1 + Math.abs(want));
            expect(close, `${value} at ${i}, not ${want}`).toBe(true);
          }),
        );
      }
    },
  );
});
