import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runOnAll } from "./child.js";

// The example models and the programs beside PyTorch: every shader goes through both compilers of WGSL, the kernels
// run, and outputs and gradients are PyTorch's.
interface Tensor {
  readonly shape: readonly number[];
  readonly data: readonly (number | string)[];
}
type Tensors = Readonly<Record<string, Tensor>>;
interface Data {
  readonly dims: Readonly<Record<string, number>>;
  readonly inputs: Tensors;
  readonly params: Tensors;
}
interface Expected {
  readonly loss: string;
  readonly wrt: readonly string[];
  readonly outputs: Tensors;
  readonly grads: Readonly<Record<string, Tensors>>;
}
type Answer = { readonly webgpu: Tensors } | { readonly error: string };

/** Of a tensor's greatest magnitude beside a thousandth of the case's. */
const LIMIT = 5e-4;
const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const flat = (tensors: Tensors): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, { ...t, data: t.data.map(Number) }]));

const cases = ["../models", "../programs"].flatMap((folder) =>
  readdirSync(path(folder))
    .filter((file) => file.endsWith(".grad"))
    .map((file) => {
      const read = (suffix: string): string =>
        readFileSync(path(`${folder}/${file.replace(/\.grad$/, suffix)}`), "utf8");
      const expected = JSON.parse(read(".expected.json")) as Expected;
      const { dims, inputs, params } = JSON.parse(read(".data.json")) as Data;
      const job = { dims, inputs: flat(inputs), params: flat(params), wrt: expected.wrt, of: expected.loss };
      return { file, expected, job: { ...job, source: read(".grad"), backends: ["webgpu"] } };
    }),
);
const request = {
  compiler: path("../../dist/index.js"),
  runtime: path("../../dist/runtime/index.js"),
  programs: cases.map((c) => c.job),
};

const runs = await runOnAll<Answer[]>("run-programs.mjs", request, 500_000);
describe.each(runs)("models give PyTorch's outputs and gradients with $compiler", ({ answer: answers }) => {
  it("on an adapter (npm test sets up a software one)", () => expect(answers).not.toBeNull());
  it.skipIf(!answers).each(cases.map((c, k) => [c.file, c, k] as const))("%s", (_, { expected }, k) => {
    const answer = answers?.[k];
    if (!answer || "error" in answer) throw new Error(answer?.error ?? "no answer");
    const wanted = [
      ...Object.entries(expected.outputs),
      ...Object.entries(expected.grads[expected.loss] ?? {}).map(([n, t]) => [`d ${n}`, t] as const),
    ];
    const largest = (t: Tensor): number => Math.max(0, ...t.data.map((v) => Math.abs(Number(v))));
    const scale = Math.max(...wanted.map(([, t]) => largest(t)), 1e-30);
    for (const [name, want] of wanted) {
      const got = answer.webgpu[name];
      expect(got?.shape, name).toEqual(want.shape);
      const limit = LIMIT * (largest(want) + 1e-3 * scale);
      want.data.forEach((value, i) => {
        const gap = Math.abs(Number(got?.data[i]) - Number(value));
        expect(gap <= limit, `${name}[${i}] is ${got?.data[i]}, not ${value}`).toBe(true);
      });
    }
  });
});
