import { type CaseFolder, readCases, withNumbers } from "../cases.js";
import { domainPoints, ENTRIES } from "../ir/scalar-helpers.js";
import type { Subject } from "./engines.js";

/** The programs of a folder with their data, at which PyTorch's values are known. */
export const programsOf = (folder: CaseFolder): Subject[] =>
  readCases(folder).map(({ name, source, data: { dims, inputs, params }, expected: { loss, wrt } }) => ({
    name,
    source,
    dims,
    inputs: withNumbers(inputs),
    params: withNumbers(params),
    loss,
    wrt,
  }));

/** Each differentiable scalar function over points of its domain, as a weighted sum. */
export const SCALAR_SUBJECTS: readonly Subject[] = ENTRIES.filter(
  (f) => f.visible && (f.type === "float" || f.type === "arithmetic") && f.domain.intervals.length > 0,
).map((f) => {
  const points = domainPoints(f, 8, false).filter((p) => f.domain.smooth?.(p, 1e-3) ?? true);
  const names = f.domain.intervals.map((_, k) => `x${k}`);
  // An argument that is a literal, or an order, is no variable.
  const fixed = new Map(f.domain.intervals.flatMap(([lo, hi], k) => (lo === hi ? [[k, lo] as const] : [])));
  const free = names.filter((_, k) => !fixed.has(k));
  const args = names.map((name, k) => (fixed.has(k) ? String(fixed.get(k)) : `${name}[n]`));
  const column = (k: number) => ({ shape: [points.length], data: points.map((p) => p[k] ?? 0) });
  return {
    name: f.name,
    source: `dim N\ninput ${[...free, "w"].map((n) => `${n}: f32[N]`).join(", ")}
y[n] = ${f.name}(${args.join(", ")})
loss l = sum[n] w[n] * y[n]`,
    inputs: {
      ...Object.fromEntries(names.flatMap((n, k) => (fixed.has(k) ? [] : [[n, column(k)] as const]))),
      w: { shape: [points.length], data: points.map((_, k) => 1 + ((k * 0.618) % 1)) },
    },
    params: {},
    loss: "l",
    wrt: free,
  };
});

const spread = (...shape: number[]): { shape: number[]; data: number[] } => ({
  shape,
  data: Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    (_, k) => Math.sin(3 * k + 1) + ((k * 0.618) % 1),
  ),
});
/** Functions of the library that no program beside PyTorch takes by name. */
export const LIBRARY_SUBJECTS: readonly Subject[] = [
  {
    name: "normalized and attention",
    source: `import { attention, normalized } from "std/nn"
dim T, E
input q: f32[T, E], k: f32[T, E], v: f32[T, E]
o = attention(q, k, v, causal = true)
y[t] = normalized(o[t])
loss l = sum[t, e] y[t, e] * sin(t + 2 * e) + sum[t, e] o[t, e]^2`,
    inputs: { q: spread(3, 4), k: spread(3, 4), v: spread(3, 4) },
    params: {},
    loss: "l",
    wrt: ["q", "k", "v"],
  },
];
