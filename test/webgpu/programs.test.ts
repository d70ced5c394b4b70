import { describe, expect, it } from "vitest";
import { runPrograms } from "./child.js";
import { EXAMPLES } from "./programs.js";

interface Tensor {
  readonly shape: readonly number[];
  readonly data: readonly (number | string)[];
}
type Values = Readonly<Record<string, Tensor>>;
type Answer = { readonly js: Values; readonly webgpu: Values } | { readonly error: string };

// As bundlers get them: the other tests have shaders under long names.
const runs = await runPrograms<Answer>(EXAMPLES.map((example) => ({ ...example, compact: true })));
describe.each(runs)("js and WebGPU agree with $compiler on", ({ answer: answers }) => {
  it("an adapter (npm test sets up a software one)", () => expect(answers).not.toBeNull());
  it.skipIf(!answers).each(EXAMPLES.map((e, k) => [e.title, k] as const))("%s", (_, k) => {
    const answer = answers?.[k];
    if (!answer || "error" in answer) throw new Error(answer?.error ?? "no answer");
    expect(Object.keys(answer.webgpu)).toEqual(Object.keys(answer.js));
    for (const [name, { shape, data: wanted }] of Object.entries(answer.js)) {
      const got = answer.webgpu[name]?.data ?? [];
      expect(answer.webgpu[name]?.shape, name).toEqual(shape);
      const scale = Math.max(1, ...wanted.map(Number).filter(Number.isFinite).map(Math.abs));
      wanted.forEach((want, i) => {
        const [a, b] = [Number(got[i]), Number(want)];
        const close = Object.is(a, b) || a === b || Math.abs(a - b) <= 2e-5 * scale;
        expect(close, `${name}[${i}] is ${a}, on js ${b}`).toBe(true);
      });
    }
  });
});
