import { readFileSync } from "node:fs";
import { inputs } from "./workloads/inputs.mjs";

/**
 * @typedef {{ shape: number[], data: Float32Array }} Tensor
 * @typedef {object} Workload
 * @property {string} name
 * @property {string} title
 * @property {string} source the program in the language
 * @property {Record<string, number>} dims
 * @property {number} steps 0: one unit is a backward pass (loss and the gradients of all params). Else one unit is that
 *   many steps of gradient descent from the given params, and times are per step
 * @property {number} rate of gradient descent
 * @property {number} tolerance the relative L2 error of the results beside float64 above which they count as wrong
 * @property {() => { param: Record<string, Tensor>, data: Record<string, Tensor> }} inputs
 * @property {{ js: number, wasm: number, wasm2: number, webgpu: number }} goals milliseconds, on the machine that the table of goals
 *   was measured on: hold them against `anchor` there
 * @property {number | null} anchor milliseconds that the C anchor took on that machine
 * @property {number | null} kernels at most so many launches in a call, on js and wasm
 */

const perSecond = (millions) => 1e-3 / millions;
/** name, title, dims, goals [js, wasm, webgpu] in ms, anchor in ms, kernels */
const TABLE = [
  ["W1", "elementwise chain, 1e6", { N: 1e6 }, [22, 5.5, 40], 5.9, 2],
  ["W2", "MLP 784-256-128-10", { B: 64 }, [15, 1.6, 40], null, 8],
  ["W3", "512³ product, both adjoints", { M: 512, K: 512, N: 512 }, [190, 17, 390], 26, 3],
  ["W4", "CNN on 28×28", { B: 32 }, [20, 3, 60], null, 12],
  ["W5", "transformer block", { B: 4, T: 64, D: 128 }, [90, 8, 190], null, 24],
  ["W6a", "Rosenbrock, steps", {}, [perSecond(5), perSecond(5), perSecond(0.005)], null, null],
  [
    "W6b",
    "logistic regression, steps",
    { N: 100, D: 10 },
    [perSecond(0.14), perSecond(0.5), perSecond(0.005)],
    null,
    null,
  ],
  ["W7", "512 particles", { N: 512 }, [1.5, 0.22, 20], 0.22, 2],
  ["W8", "ODE, 200 RK4 steps", { T: 200 }, [0.009, 0.009, 5], null, 2],
  ["W8b", "ODE, 1024 at once", { T: 200, P: 1024 }, [6, 1.4, 20], 1.4, null],
  ["W9", "softmax 4096×1024", { R: 4096, K: 1024 }, [45, 6.5, 150], 6.6, 1],
];

/** @type {ReadonlyMap<string, Workload>} */
export const WORKLOADS = new Map(
  TABLE.map(([name, title, dims, [js, wasm, webgpu], anchor, kernels]) => {
    const given = inputs[name];
    const { lr = 0, steps = 0 } = name.startsWith("W6") ? given() : {};
    const source = readFileSync(new URL(`workloads/${name}.grad`, import.meta.url), "utf8");
    // Two threads are for what is large, and to slow down nothing that is small.
    const goals = { js, wasm, wasm2: /^W[68]/.test(name) ? wasm : 0.6 * wasm, webgpu };
    const tolerance = 1e-3;
    return [
      name,
      { name, title, source, dims, steps, rate: lr, tolerance, inputs: given, goals, anchor, kernels },
    ];
  }),
);

/** @throws Error for an unknown name */
export function workload(name) {
  const found = WORKLOADS.get(name);
  if (!found)
    throw new Error(`there is no workload \`${name}\`; there are ${[...WORKLOADS.keys()].join(", ")}`);
  return found;
}
