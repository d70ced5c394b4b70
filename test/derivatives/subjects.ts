import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { domainPoints, ENTRIES } from "../ir/scalar-helpers.js";
import type { Subject } from "./engines.js";

interface Tensor {
  readonly shape: readonly number[];
  readonly data: readonly (number | string)[];
}
type Tensors = Readonly<Record<string, Tensor>>;
const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** The programs of a folder with their data, at which PyTorch's values are known. */
export function programsOf(folder: string): Subject[] {
  return readdirSync(path(folder))
    .filter((file) => file.endsWith(".grad"))
    .map((file) => {
      const name = file.replace(/\.grad$/, "");
      const read = (suffix: string): string => readFileSync(path(`${folder}/${name}${suffix}`), "utf8");
      const numbers = (tensors: Tensors): Subject["inputs"] =>
        Object.fromEntries(
          Object.entries(tensors).map(([k, t]) => [k, { shape: t.shape, data: t.data.map(Number) }]),
        );
      const { dims, inputs, params } = JSON.parse(read(".data.json")) as {
        dims: Record<string, number>;
        inputs: Tensors;
        params: Tensors;
      };
      const { loss, wrt } = JSON.parse(read(".expected.json")) as { loss: string; wrt: string[] };
      return {
        name,
        source: read(".grad"),
        dims,
        inputs: numbers(inputs),
        params: numbers(params),
        loss,
        wrt,
      };
    });
}

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
