import { expect, test } from "vitest";
import { compile } from "../src/index.js";

const lines = (n: number, line: (k: number) => string): string =>
  Array.from({ length: n }, (_, k) => line(k)).join("\n");
const PROGRAMS: Readonly<Record<string, (n: number) => string>> = {
  "a chain of equations": (n) =>
    `dim N\ninput x: f32[N]\nh0[n] = x[n]\n${lines(n, (k) => `h${k + 1}[n] = tanh(h${k}[n]) * x[n] + x[n]`)}\noutput y = h${n}`,
  "a chain with its gradient": (n) =>
    `dim N\ninput x: f32[N]\nparam w: f32[N]\nh0[n] = x[n]\n${lines(n, (k) => `h${k + 1}[n] = tanh(h${k}[n]) * w[n] + x[n]`)}\nloss l = sum[n] h${n}[n]`,
  "independent equations": (n) =>
    `dim N\ninput x: f32[N]\n${lines(n, (k) => `output h${k}[n] = tanh(x[n] + ${k}.5)`)}`,
  "one loss of many params": (n) =>
    `dim N\ninput x: f32[N]\n${lines(n, (k) => `param w${k}: f32[N]\nh${k} = sum[n] x[n] * w${k}[n]`)}\nloss l = ${Array.from({ length: n }, (_, k) => `h${k}`).join(" + ")}`,
  "one long sum": (n) =>
    `input x: f32\noutput y = ${Array.from({ length: 5 * n }, (_, k) => `x * ${k}`).join(" + ")}`,
};

function milliseconds(source: string): number {
  const start = process.cpuUsage();
  expect(compile(source).ok).toBe(true);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

// Four times the program in less than eight times the time; quadratic would be sixteen. Nodes visited are four times as many,
// but a small program fits the caches and the young heap, so five to six times the time is what linear work takes. The best of
// a few rounds, as a machine is busy with other things at times.
test.each(Object.keys(PROGRAMS))("%s compiles in linear time", { timeout: 60_000 }, (name) => {
  const program = PROGRAMS[name];
  if (!program) throw new Error(name);
  const [small, large] = [program(250), program(1000)];
  milliseconds(small);
  let best = Infinity;
  for (let round = 0; round < 4 && best >= 8; round++) {
    const base = Math.max(20, Math.min(milliseconds(small), milliseconds(small)));
    best = Math.min(best, milliseconds(large) / base);
  }
  expect(best).toBeLessThan(8);
});
