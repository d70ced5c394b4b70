import { whole } from "../../src/runtime/host.js";
import { normal } from "../../src/runtime/initialise.js";
import type { Entries, Entry, Kernels, ModuleSpec, TypedArray } from "../../src/runtime/types.js";

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

/** `isGpu`: with the number of invocations as each call's last argument. */
export function entriesFor(isGpu: boolean): Entries {
  const entry =
    (isBackward: boolean, isStep: boolean): Entry =>
    (k, t, v, { B = NaN, I = NaN }) => {
      type A = (typeof t)[number];
      const call = (
        name: string,
        tensors: readonly (A | undefined)[],
        sizes: number[],
        points: number,
      ): void => k[name]!(...tensors.map((tensor) => tensor!), ...sizes, ...(isGpu ? [points] : []));
      const [y, mse, dy, dw, dbias] = [v(B), v(1), v(B), v(I), v(1)];
      const [velocity, bias, steps, before] = [v(I), v(1), v(1, "i32"), v(I)];
      const run = (): void => {
        k["copy"]!(before, t[W]!, 4 * I);
        call("predict", [t[X], t[W], t[BIAS], y], [B, I], B);
        call("loss", [y, t[T], mse], [B], 1);
        if (!isBackward) return;
        call("residual", [y, t[T], dy], [B], B);
        call("weight_grad", [t[X], dy, dw], [B, I], I);
        call("bias_grad", [dy, dbias], [B], 1);
        if (!isStep) return;
        call("momentum", [dw, t[VELOCITY], velocity, t[RATE], t[W]], [I], I);
        call("descend", [dbias, t[BIAS], t[RATE], t[STEPS], bias, steps], [], 1);
        k["copy"]!(t[VELOCITY]!, velocity, 4 * I);
        k["copy"]!(t[BIAS]!, bias, 4);
        k["copy"]!(t[STEPS]!, steps, 4);
      };
      const results = [mse, y, y, before];
      return isBackward && !isStep ? [run, results, [dw, dbias]] : [run, results];
    };
  return {
    forward: entry(false, false),
    backward: { mse: entry(true, false) },
    step: { mse: entry(true, true) },
  };
}

const kernel = (
  buffers: readonly string[],
  written: readonly number[],
  sizes: readonly string[],
  count: string,
  body: string,
): string =>
  [
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
  ].join("\n");

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
  (buffers: number, run: (b: Buffers, sizes: readonly number[]) => void): Kernels<TypedArray>[string] =>
  (...args) =>
    run(
      args.slice(0, buffers).filter((a) => typeof a !== "number"),
      args.slice(buffers).map(Number),
    );

export const kernels: Kernels<TypedArray> = {
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

export const spec: ModuleSpec = {
  version: "0.1.0",
  dims: { B: null, I: null, C: 3 },
  checks: ({ B = NaN }) => [[B - 1, "GRAD3100", "the mean over B is of nothing"]],
  input: {
    x: { dtype: "f32", shape: ["B", "I"], doc: "features" },
    t: { dtype: "f32", shape: ["B"] },
    kind: { dtype: "i32", shape: ["B"], range: [0, "C"], default: 0, check: whole },
  },
  param: {
    w: { dtype: "f32", shape: ["I"], init: normal(1, () => 0.1) },
    bias: { dtype: "f32", shape: [] },
  },
  state: { steps: { dtype: "i32", shape: [], check: whole } },
  optimizer: { "mse/v/w": { dtype: "f32", shape: ["I"] } },
  const: {},
  trains: [{ of: "mse", optimizer: "momentum", args: { rate: 0.1 } }],
  results: {
    mse: { dtype: "f32", shape: [] },
    y: { dtype: "f32", shape: ["B"] },
    column: { dtype: "f32", shape: ["B", 1] },
    weights: { dtype: "f32", shape: ["I"] },
  },
  losses: ["mse"],
};
