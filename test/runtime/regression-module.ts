import type { EntrySpec, JsKernel, JsKernels, ModuleSpec, TypedArray } from "../../src/runtime/types.js";

/**
 * Linear regression by hand: `y[b] = sum[i] x[b, i] * w[i] + bias`, `mse = mean[b] (y[b] - t[b])^2`, momentum, a
 * state that counts steps, and a class input with a range. What the compiler would write.
 */
const X = 0;
const T = 1;
const W = 3;
const BIAS = 4;
const STEPS = 5;
const VELOCITY = 6;
const RATE = 7;
const Y = 8;
const MSE = 9;
const DY = 10;
const DW = 11;
const DBIAS = 12;
const NEW_VELOCITY = 13;
const NEW_BIAS = 14;
const NEW_STEPS = 15;
const Y_COLUMN = 16;

const forward = [
  {
    kernel: "predict",
    tensors: [X, W, BIAS, Y],
    writes: [3],
    sizes: ["B", "I"],
    grid: [{ extent: "B", step: 1 }],
  },
  { kernel: "loss", tensors: [Y, T, MSE], writes: [2], sizes: ["B"], grid: [] },
];
const adjoint = [
  ...forward,
  { kernel: "residual", tensors: [Y, T, DY], writes: [2], sizes: ["B"], grid: [{ extent: "B", step: 1 }] },
  {
    kernel: "weight_grad",
    tensors: [X, DY, DW],
    writes: [2],
    sizes: ["B", "I"],
    grid: [{ extent: "I", step: 1 }],
  },
  { kernel: "bias_grad", tensors: [DY, DBIAS], writes: [1], sizes: ["B"], grid: [] },
];
const results = { mse: MSE, y: Y, column: Y_COLUMN, weights: W };
const step: EntrySpec = {
  launches: [
    ...adjoint,
    {
      kernel: "momentum",
      tensors: [DW, VELOCITY, NEW_VELOCITY, RATE, W],
      writes: [2, 4],
      sizes: ["I"],
      grid: [{ extent: "I", step: 1 }],
    },
    {
      kernel: "descend",
      tensors: [DBIAS, BIAS, RATE, STEPS, NEW_BIAS, NEW_STEPS],
      writes: [4, 5],
      sizes: [],
      grid: [],
    },
  ],
  results,
  grads: {},
  updates: [
    { leaf: W, value: W },
    { leaf: VELOCITY, value: NEW_VELOCITY },
    { leaf: BIAS, value: NEW_BIAS },
    { leaf: STEPS, value: NEW_STEPS },
  ],
};
const target = {
  forward: { launches: forward, results, grads: {}, updates: [] },
  backward: { mse: { launches: adjoint, results, grads: { w: DW, bias: DBIAS }, updates: [] } },
  step: { mse: step },
};

const kernel = (
  buffers: readonly string[],
  written: readonly number[],
  sizes: readonly string[],
  count: string,
  body: string,
): { code: string; workgroupSize: number } => ({
  workgroupSize: 64,
  code: [
    ...buffers.map((name, k) => {
      const [id = "", type = "f32"] = name.split(":");
      return `@group(0) @binding(${k}) var<storage, ${written.includes(k) ? "read_write" : "read"}> ${id}: array<${type}>;`;
    }),
    sizes.length ? `@group(0) @binding(${buffers.length}) var<uniform> sizes: array<vec4<u32>, 1>;` : "",
    "@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {",
    ...sizes.map((name, k) => `let ${name} = sizes[0].${"xyzw"[k]};`),
    `let i = gid.y * (groups.x * 64u) + gid.x; if (i >= ${count}) { return; }`,
    body,
    "}",
  ].join("\n"),
});

export const shaders = {
  predict: kernel(
    ["x", "w", "bias", "y"],
    [3],
    ["B", "I"],
    "B",
    "var s = bias[0]; for (var k = 0u; k < I; k++) { s += x[i * I + k] * w[k]; } y[i] = s;",
  ),
  loss: kernel(
    ["y", "t", "mse"],
    [2],
    ["B"],
    "1u",
    "var s = 0.0; for (var b = 0u; b < B; b++) { let r = y[b] - t[b]; s += r * r; } mse[0] = s / f32(B);",
  ),
  residual: kernel(["y", "t", "dy"], [2], ["B"], "B", "dy[i] = 2.0 * (y[i] - t[i]) / f32(B);"),
  weight_grad: kernel(
    ["x", "dy", "dw"],
    [2],
    ["B", "I"],
    "I",
    "var s = 0.0; for (var b = 0u; b < B; b++) { s += x[b * I + i] * dy[b]; } dw[i] = s;",
  ),
  bias_grad: kernel(
    ["dy", "db"],
    [1],
    ["B"],
    "1u",
    "var s = 0.0; for (var b = 0u; b < B; b++) { s += dy[b]; } db[0] = s;",
  ),
  momentum: kernel(
    ["dw", "v", "nv", "rate", "w"],
    [2, 4],
    ["I"],
    "I",
    "let n = 0.5 * v[i] + dw[i]; nv[i] = n; w[i] -= rate[0] * n;",
  ),
  descend: kernel(
    ["db", "bias", "rate", "steps:i32", "nb", "ns:i32"],
    [4, 5],
    [],
    "1u",
    "nb[0] = bias[0] - rate[0] * db[0]; ns[0] = steps[0] + 1i;",
  ),
};

type Buffers = readonly TypedArray[];
const js =
  (buffers: number, run: (b: Buffers, sizes: readonly number[]) => void): JsKernel =>
  (...args) =>
    run(
      args.slice(0, buffers).filter((a) => typeof a !== "number"),
      args.slice(buffers).map(Number),
    );

export const kernels: JsKernels = {
  predict: js(4, ([x, w, bias, y], [B = 0, I = 0]) => {
    for (let b = 0; b < B; b++) {
      let s = bias![0]!;
      for (let i = 0; i < I; i++) s += x![b * I + i]! * w![i]!;
      y![b] = s;
    }
  }),
  loss: js(3, ([y, t, mse], [B = 0]) => {
    let s = 0;
    for (let b = 0; b < B; b++) s += (y![b]! - t![b]!) ** 2;
    mse![0] = s / B;
  }),
  residual: js(3, ([y, t, dy], [B = 0]) => {
    for (let b = 0; b < B; b++) dy![b] = (2 * (y![b]! - t![b]!)) / B;
  }),
  weight_grad: js(3, ([x, dy, dw], [B = 0, I = 0]) => {
    for (let i = 0; i < I; i++) {
      let s = 0;
      for (let b = 0; b < B; b++) s += x![b * I + i]! * dy![b]!;
      dw![i] = s;
    }
  }),
  bias_grad: js(2, ([dy, db], [B = 0]) => {
    let s = 0;
    for (let b = 0; b < B; b++) s += dy![b]!;
    db![0] = s;
  }),
  momentum: js(5, ([dw, v, nv, rate, w], [I = 0]) => {
    for (let i = 0; i < I; i++) {
      nv![i] = 0.5 * v![i]! + dw![i]!;
      w![i]! -= rate![0]! * nv![i]!;
    }
  }),
  descend: js(6, ([db, bias, rate, steps, nb, ns]) => {
    nb![0] = bias![0]! - rate![0]! * db![0]!;
    ns![0] = steps![0]! + 1;
  }),
};

const value = (name: string, shape: readonly string[], dtype: "f32" | "i32" = "f32") =>
  ({ name, role: "value", dtype, shape }) as const;

export const spec: ModuleSpec = {
  version: "0.1.0",
  name: "regression",
  precision: "f32",
  dims: [{ name: "B" }, { name: "I" }, { name: "C", default: 3 }],
  checks: [
    {
      value: { terms: [[1, "B"], [-1]] },
      kind: "non-negative",
      code: "GRAD3100",
      message: "the mean over B is of nothing",
    },
  ],
  tensors: [
    { name: "x", role: "input", dtype: "f32", shape: ["B", "I"], doc: "features" },
    { name: "t", role: "input", dtype: "f32", shape: ["B"] },
    {
      name: "kind",
      role: "input",
      dtype: "i32",
      shape: ["B"],
      range: [0, "C"],
      init: { kind: "fill", value: 0 },
    },
    { name: "w", role: "param", dtype: "f32", shape: ["I"], init: { kind: "normal", a: 0, b: 0.1 } },
    { name: "bias", role: "param", dtype: "f32", shape: [] },
    { name: "steps", role: "state", dtype: "i32", shape: [] },
    { name: "mse/v/w", role: "optimizer", dtype: "f32", shape: ["I"] },
    { name: "train/mse/rate", role: "input", dtype: "f32", shape: [], init: { kind: "fill", value: 0.1 } },
    value("y", ["B"]),
    value("mse", []),
    value("dy", ["B"]),
    value("dw", ["I"]),
    value("dbias", []),
    value("v'", ["I"]),
    value("bias'", []),
    value("steps'", [], "i32"),
    { name: "column", role: "value", dtype: "f32", shape: ["B", 1], alias: Y },
  ],
  losses: ["mse"],
  trains: [{ of: "mse", optimizer: "momentum", args: { rate: 0.1 }, argTensors: { rate: RATE } }],
  wrt: ["w", "bias"],
  targets: { js: target, wgsl: { ...target, shaders } },
};
