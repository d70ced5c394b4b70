import { expect, test } from "vitest";
import { explainModule, type FileReport } from "../../src/cli/explain-file.js";
import { printReport } from "../../src/cli/explain-text.js";
import { compile } from "../../src/index.js";

const SOURCE = `dim B, I, H
input x: f32[B, I]
param W: f32[I, H], v: f32[H]
h[b, j] = tanh(sum[i] x[b, i] * W[i, j])
z[b] = sum[j] h[b, j] * v[j]
loss l = sum[b] z[b]^2
`;
const RECURRENT = `dim T, H
input x: f32[T, H]
param w: f32[H]
rec t in 0..T {
  z[0, j in 0..H] = 0
  z[t + 1, j] = tanh(w[j] * z[t, j] + x[t, j])
}
loss l = sum[j] z[T, j]
`;
function report(source: string, dims: Readonly<Record<string, number>> = {}, off: string[] = []): FileReport {
  const result = compile(source, { off });
  if (!result.program) throw new Error(result.diagnostics.map((d) => d.message).join("\n"));
  return explainModule(result.scheduled("js"), result.program, "js", new Map(Object.entries(dims)));
}

test("a contraction's flops, bytes and intensity are those of the formula", () => {
  // By itself, without what else could be computed of its rows.
  const { kernels } = report(SOURCE, { B: 8, I: 16, H: 4 }, ["product-rows"]);
  const first = kernels.find((k) => k.computes.includes("h"));
  expect(first).toMatchObject({
    computes: ["h.sum", "h"],
    lines: ["model.grad:4"],
    bytesRead: 4 * (8 * 16 + 16 * 4),
    bytesWritten: 4 * 8 * 4,
    because: ["reads no computed value"],
  });
  // A multiplication and an addition for each of B * I * H, and a tanh for each of B * H.
  const perEntry = (Number(first?.flops) - 2 * 8 * 16 * 4) / (8 * 4);
  expect(perEntry).toBeGreaterThan(0);
  expect(perEntry).toBeLessThan(40);
  expect(first?.intensity).toBeCloseTo(Number(first?.flops) / (4 * (8 * 16 + 16 * 4 + 8 * 4)));
  expect(first?.loops.map((l) => l.extent)).toEqual([8, 4, 16]);
});

test("open dims leave formulas", () => {
  const { kernels, entries } = report(SOURCE, {}, ["product-rows"]);
  expect(kernels.find((k) => k.computes.includes("h"))?.bytesWritten).toBe("4 * B * H");
  expect(entries[0]?.memory.peak).toBeNull();
});

test("the gradient says what it keeps of the forward pass, with its line", () => {
  const { entries } = report(SOURCE, { B: 8, I: 16, H: 4 });
  const backward = entries.find((e) => e.name === "backward l");
  expect(backward?.saved).toEqual([{ name: "h", line: "model.grad:4", bytes: 128 }]);
  expect(backward?.memory.peak).toBeGreaterThanOrEqual(128);
});

test("a recurrence says its steps, members and storage", () => {
  const { recurrences } = report(RECURRENT, { T: 10, H: 3 });
  expect(recurrences).toMatchObject([
    { name: "t", line: "model.grad:4", steps: "0..T", direction: "up", members: ["z"], bytes: 4 * 11 * 3 },
    { direction: "down" },
  ]);
});

test("the text fits a terminal and names every kernel", () => {
  for (const source of [SOURCE, RECURRENT]) {
    const made = report(source, { B: 8, I: 16, H: 4, T: 10 });
    const text = printReport(made);
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(110);
    for (const k of made.kernels) expect(text).toContain(k.name);
  }
});

const along = (equations: string): string => `dim T, H\nparam x: f32[T, H]\n${equations}`;
test.each([
  ["a recurrence", RECURRENT.replace("sum[j] z[T, j]", "sum[t in 0..T, j] z[t + 1, j]^2")],
  ["cumsum", along("y[t, h] = cumsum[t] sin(x[t, h])\nloss l = sum[t, h] y[t, h]^2")],
  ["cumprod", along("y[t, h] = cumprod[t] x[t, h]\nloss l = sum[t, h] sin(y[t, h])")],
  ["prod", along("y[h] = prod[t | x[t, h] != 0] x[t, h]\nloss l = sum[h] y[h]^2")],
  ["prod over both", along("loss l = prod[h, t] x[t, h]")],
  ["prod, forward", along("y[h] = prod[t] x[t, h]\nloss l = sum[h] jvp(y[h], x, x)^2")],
])("the gradient of %s costs twice as much for twice the steps, in the same code", (_, source) => {
  const cost = (T: number): { flops: number; read: number } => {
    const { kernels, entries } = report(source, { T, H: 8 });
    const launched = entries.find((e) => e.name === "backward l");
    expect(launched).toBeDefined();
    return kernels.reduce(
      (sum, k) => ({ flops: sum.flops + Number(k.flops), read: sum.read + Number(k.bytesRead) }),
      { flops: 0, read: 0 },
    );
  };
  const [short, long] = [cost(200), cost(400)];
  expect(short.flops).toBeGreaterThan(200 * 8);
  expect(long.flops / short.flops).toBeGreaterThan(1.97);
  expect(long.flops / short.flops).toBeLessThan(2.02);
  expect(long.read / short.read).toBeLessThan(2.02);
  // One body for any number of steps; each step adds to the param's sum once.
  const { text } = { text: compile(source, { dims: { T: 400 } }).code };
  expect(text.length).toBeLessThan(1.02 * compile(source, { dims: { T: 200 } }).code.length);
});
