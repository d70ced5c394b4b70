import type { Span } from "../../src/diagnostics/span.js";
import { Poly } from "../../src/ir/poly.js";
import type { Definition, Program, Value } from "../../src/ir/program.js";
import type { Kernel, Launch, ScheduledModule } from "../../src/schedule/kernel/ir.js";
import { at, f, float, int, kernel, load, loop, reads, set, store, v, writes } from "./kernels.js";

/** `y[b] = sum[i] x[b, i] * w[i]`, `mse = mean[b] (y[b] - t[b])^2`, trained with sgd: scheduled by hand. */
export const SOURCE = `dim B, I = 2
input x: f32[B, I], t: f32[B]
/// one for each feature
param w: f32[I]
output y[b] = sum[i] x[b, i] * w[i]
loss mse = mean[b] (y[b] - t[b])^2
train mse with sgd(rate = 0.1)
`;
const line = (number: number): Span => ({
  file: "regression.grad",
  start: { line: number, column: 1, offset: 0 },
  end: { line: number, column: 2, offset: 1 },
});

const [B, I] = [Poly.dim("B"), Poly.dim("I")];
const computed: Definition = {
  kind: "equation",
  axes: [],
  operator: null,
  body: { op: "constant", id: -1, dtype: "f32", value: 0 },
};
const values: readonly Value[] = [
  { id: 0, name: "x", dtype: "f32", shape: [B, I], definition: { kind: "leaf", role: "input" } },
  { id: 1, name: "t", dtype: "f32", shape: [B], definition: { kind: "leaf", role: "input" } },
  {
    id: 2,
    name: "w",
    dtype: "f32",
    shape: [I],
    definition: { kind: "leaf", role: "param", init: { kind: "fill", value: 0 } },
    doc: "one for each feature",
  },
  {
    id: 3,
    name: "train/mse/rate",
    dtype: "f32",
    shape: [],
    definition: { kind: "leaf", role: "input", init: { kind: "fill", value: 0.1 } },
  },
  { id: 4, name: "y", dtype: "f32", shape: [B], definition: computed, span: line(5) },
  { id: 5, name: "mse", dtype: "f32", shape: [], definition: computed, span: line(6) },
  { id: 6, name: "d_w", dtype: "f32", shape: [I], definition: computed, span: line(3) },
  { id: 7, name: "w_next", dtype: "f32", shape: [I], definition: computed, span: line(7) },
  {
    id: 8,
    name: "column",
    dtype: "f32",
    shape: [B, Poly.constant(1)],
    definition: { kind: "reshape", of: 4 },
  },
];

const F = (name: string) => v(name, "f32");
const accumulate = (name: string, term: ReturnType<typeof f>) => set(name, f("add", F(name), term));
const kernels: readonly Kernel[] = [
  kernel(
    "k_y",
    [reads("x"), reads("w"), writes("y")],
    { sizes: ["B", "I"], grid: [["b", v("B")]], notes: ["y[b] = sum[i] x[b, i] * w[i]"] },
    [
      { kind: "var", name: "acc", init: float(0) },
      loop("i", v("I"), [
        accumulate(
          "acc",
          f("mul", load("x", at("add", at("mul", v("b"), v("I")), v("i"))), load("w", v("i"))),
        ),
      ]),
      store("y", v("b"), F("acc")),
    ],
  ),
  kernel(
    "k_mse",
    [reads("y"), reads("t"), writes("mse")],
    { sizes: ["B"], grid: [], notes: ["mse = mean[b] (y[b] - t[b])^2"] },
    [
      { kind: "var", name: "acc", init: float(0) },
      loop("b", v("B"), [
        { kind: "let", name: "e", value: f("sub", load("y", v("b")), load("t", v("b"))) },
        accumulate("acc", f("powi", F("e"), float(2))),
      ]),
      store("mse", int(0), f("div", F("acc"), { op: "cast", dtype: "f32", arg: v("B") })),
    ],
  ),
  ...(["d_w", "w_next"] as const).map((result) => {
    const gradient = f("div", f("mul", float(2), F("acc")), { op: "cast", dtype: "f32", arg: v("B") });
    const next = f("sub", load("w", v("i")), f("mul", load("rate", int(0)), gradient));
    const leaves = result === "w_next" ? [reads("w"), reads("rate")] : [];
    return kernel(
      `k_${result}`,
      [reads("x"), reads("y"), reads("t"), ...leaves, writes(result)],
      { sizes: ["B", "I"], grid: [["i", v("I")]] },
      [
        { kind: "var", name: "acc", init: float(0) },
        loop("b", v("B"), [
          accumulate(
            "acc",
            f(
              "mul",
              f("sub", load("y", v("b")), load("t", v("b"))),
              load("x", at("add", at("mul", v("b"), v("I")), v("i"))),
            ),
          ),
        ]),
        store(result, v("i"), result === "w_next" ? next : gradient),
      ],
    );
  }),
];

const forward: readonly Launch[] = [
  { kernel: "k_y", tensors: [0, 2, 4] },
  { kernel: "k_mse", tensors: [4, 1, 5] },
];
const results = [
  { name: "y", value: 4 },
  { name: "column", value: 8 },
  { name: "mse", value: 5 },
];
const updates = [{ leaf: 2, value: 7 }];

export const PROGRAM: Program = {
  dims: [{ name: "B" }, { name: "I", default: 2 }],
  values: new Map(values.map((value) => [value.id, value])),
  items: [4, 8, 5, 6, 7],
  outputs: results,
  losses: ["mse"],
  gradients: [{ loss: "mse", wrt: "w", value: 6 }],
  trains: [{ loss: "mse", optimizer: "sgd", args: [{ name: "rate", leaf: 3, value: 0.1 }], updates }],
  stateUpdates: [],
  checks: [],
};
export const SCHEDULED: ScheduledModule = {
  program: PROGRAM,
  kernels: new Map(kernels.map((k) => [k.name, k])),
  aliases: new Map([[8, 4]]),
  forward: { kept: new Map(), launches: forward, results, gradients: [], updates: [] },
  backward: new Map([
    [
      "mse",
      {
        kept: new Map(),
        launches: [...forward, { kernel: "k_d_w", tensors: [0, 4, 1, 6] }],
        results,
        gradients: [{ name: "w", value: 6 }],
        updates: [],
      },
    ],
  ]),
  step: new Map([
    [
      "mse",
      {
        kept: new Map(),
        launches: [...forward, { kernel: "k_w_next", tensors: [0, 4, 1, 2, 3, 7] }],
        results,
        gradients: [],
        updates,
      },
    ],
  ]),
  decisions: new Map(),
};
