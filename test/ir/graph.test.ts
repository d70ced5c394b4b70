import { expect, test } from "vitest";
import { compile } from "../../src/index.js";

const SOURCE = `dim B, I, T
input x: f32[B, I], y: f32[B], u: f32[T]
param w: f32[I], a: f32
h[n] = tanh(sum[i] x[n, i] * w[i])
rec t in 0..T {
  z[0] = 0.5
  z[t + 1] = tanh(a * z[t] + u[t])
}
loss l = z[T] * sum[n] (h[n] - y[n])^2
`;
const { stage } = compile(SOURCE);

test("the equation graph as Graphviz text: every value once, an edge for each read, recurrences in clusters", () => {
  const dot = stage("dot");
  expect(dot.startsWith("digraph {")).toBe(true);
  expect(dot).toContain('"h.sum\\nf32[B]\\nsum over i"');
  const id = (name: string): string => new RegExp(`(n\\d+) \\[label="${name}\\\\n`).exec(dot)?.[1] ?? name;
  for (const [from, to] of [
    ["x", "h\\.sum"],
    ["h\\.sum", "h"],
    ["z", "l"],
    ["h", "d_h\\.sum"],
  ] as const)
    expect(dot).toContain(`${id(from)} -> ${id(to)};`);
  expect(dot.match(/subgraph cluster_/g)).toHaveLength(2);
  const declared = [...dot.matchAll(/(n\d+) \[label/g)].map((m) => m[1]);
  expect(new Set(declared).size).toBe(declared.length);
});

test("the drawing has every node inside of it, readers below what they read, and nothing over another", () => {
  const svg = stage("svg");
  const [x0 = 0, , width = 0, tall = 0] = (/viewBox="([^"]+)"/.exec(svg)?.[1] ?? "").split(" ").map(Number);
  const boxes = [...svg.matchAll(/<rect x="([-\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g)].map(
    (m) => ({ x: Number(m[1]), y: Number(m[2]), w: Number(m[3]), h: Number(m[4]) }),
  );
  const nodes = [...stage("dot").matchAll(/\[label/g)].length - 0;
  expect(boxes).toHaveLength(nodes);
  for (const [k, a] of boxes.entries()) {
    expect(a.x).toBeGreaterThanOrEqual(x0);
    expect(a.x + a.w).toBeLessThanOrEqual(x0 + width);
    expect(a.y + a.h).toBeLessThanOrEqual(tall);
    for (const b of boxes.slice(k + 1)) {
      const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      expect(apart).toBe(true);
    }
  }
  expect(svg.match(/<path d="M[^"]* C/g)?.length).toBeGreaterThan(10);
  expect(svg).not.toMatch(/NaN|undefined/);
});
