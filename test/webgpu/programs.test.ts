import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { EXAMPLES } from "./programs.js";

type Values = Readonly<Record<string, readonly (number | string)[]>>;
type Answer = { readonly js: Values; readonly webgpu: Values } | { readonly error: string };

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
function runAll(): readonly Answer[] | null {
  const input = JSON.stringify({
    compiler: path("../../dist/index.js"),
    runtime: path("../../dist/runtime/index.js"),
    programs: EXAMPLES,
  });
  const { stdout, stderr, status } = spawnSync(process.execPath, [path("run-programs.mjs")], {
    input,
    encoding: "utf8",
    timeout: 100_000,
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`the programs did not run to their end: ${stderr}`);
  return JSON.parse(stdout) as readonly Answer[] | null;
}
const answers = runAll();

it("an adapter answers (npm test sets up a software one)", () => expect(answers).not.toBeNull());
describe.skipIf(!answers)("js and WebGPU agree on", () => {
  it.each(EXAMPLES.map((e, k) => [e.title, k] as const))("%s", (_, k) => {
    const answer = answers?.[k];
    if (!answer || "error" in answer) throw new Error(answer?.error ?? "no answer");
    expect(Object.keys(answer.webgpu)).toEqual(Object.keys(answer.js));
    for (const [name, wanted] of Object.entries(answer.js)) {
      const got = answer.webgpu[name] ?? [];
      expect(got.length, name).toBe(wanted.length);
      const scale = Math.max(1, ...wanted.map(Number).filter(Number.isFinite).map(Math.abs));
      wanted.forEach((want, i) => {
        const [a, b] = [Number(got[i]), Number(want)];
        const close = Object.is(a, b) || a === b || Math.abs(a - b) <= 2e-5 * scale;
        expect(close, `${name}[${i}] is ${a}, on js ${b}`).toBe(true);
      });
    }
  });
});
