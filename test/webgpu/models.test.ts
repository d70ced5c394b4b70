import { describe, expect, it } from "vitest";
import { type CaseTensor, readCases, wantedOf, withNumbers, yardstick } from "../cases.js";
import { runPrograms } from "./child.js";

// The example models and the programs beside PyTorch: every shader goes through both compilers of WGSL, the kernels
// run, and outputs and gradients are PyTorch's.
type Answer = { readonly webgpu: Readonly<Record<string, CaseTensor>> } | { readonly error: string };

/** Of a tensor's greatest magnitude beside a thousandth of the case's. */
const LIMIT = 5e-4;
const cases = (["models", "programs"] as const).flatMap((folder) =>
  readCases(folder).map(({ name, source, data: { dims, inputs, params }, expected }) => {
    const data = { dims, inputs: withNumbers(inputs), params: withNumbers(params) };
    const job = { ...data, wrt: expected.wrt, of: expected.loss, source, backends: ["webgpu"] };
    return { file: `${name}.grad`, expected, job };
  }),
);

const runs = await runPrograms<Answer>(
  cases.map((c) => c.job),
  500_000,
);
describe.each(runs)("models give PyTorch's outputs and gradients with $compiler", ({ answer: answers }) => {
  it("on an adapter (npm test sets up a software one)", () => expect(answers).not.toBeNull());
  it.skipIf(!answers).each(cases.map((c, k) => [c.file, c, k] as const))("%s", (_, { expected }, k) => {
    const answer = answers?.[k];
    if (!answer || "error" in answer) throw new Error(answer?.error ?? "no answer");
    const wanted = wantedOf(expected);
    const top = yardstick(wanted);
    for (const [name, want] of wanted) {
      const got = answer.webgpu[name];
      expect(got?.shape, name).toEqual(want.shape);
      const limit = LIMIT * top(want);
      want.data.forEach((value, i) => {
        const gap = Math.abs(Number(got?.data[i]) - Number(value));
        expect(gap <= limit, `${name}[${i}] is ${got?.data[i]}, not ${value}`).toBe(true);
      });
    }
  });
});
