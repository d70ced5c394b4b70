import { prepare as prepareAnchor } from "./anchor.mjs";
import { prepare as prepareGradc } from "./gradc.mjs";
import { prepare as prepareJax } from "./jax.mjs";
import { prepare as prepareOrt } from "./ort.mjs";
import { prepare as prepareTfjs } from "./tfjs.mjs";
import { prepare as prepareHand } from "./hand.mjs";

/** Those that are packages of bench/. */
export const PEERS = ["jax", "tfjs", "ort"];

/** By name; `about` is the line under the table. */
export const CONTENDERS = {
  js: { about: "gradc, JavaScript", prepare: (w, options) => prepareGradc("js", w, options) },
  wasm: {
    about: "gradc, WebAssembly SIMD, one thread",
    prepare: (w, options) => prepareGradc("wasm", w, options),
  },
  wasm2: {
    about: "gradc, WebAssembly SIMD, two threads",
    prepare: (w, options) => prepareGradc("wasm", w, { ...options, threads: 2 }),
  },
  webgpu: { about: "gradc, WebGPU", prepare: (w, options) => prepareGradc("webgpu", w, options) },
  eager: { about: "gradc's define-by-run engine", prepare: (w) => prepareGradc("eager", w) },
  reference: {
    about: "gradc, JavaScript in float64: what results are held against",
    prepare: (w) => prepareGradc("js", w, { precision: "f64" }),
  },
  c: { about: "C with SIMD intrinsics as WebAssembly: the anchor", prepare: prepareAnchor },
  jax: { about: "jax-js, WebAssembly, jit", prepare: prepareJax },
  tfjs: { about: "TensorFlow.js, WebAssembly SIMD, one thread", prepare: prepareTfjs },
  ort: {
    about: "onnxruntime-web, WebAssembly SIMD, one thread, gradients derived by hand",
    prepare: prepareOrt,
  },
  hand: { about: "typed-array JavaScript fused by hand", prepare: prepareHand },
};

/**
 * A contender is a name, with a variant of our engines behind it: `wasm@../other` runs another checkout's build,
 * `wasm-cse` leaves the optimisation `cse` out, `wasm+arrays` passes inputs as arrays.
 * @throws Error for an unknown name
 */
export function parseContender(text) {
  const [, name = "", flag, off, checkout] = /^(\w+)(\+arrays)?(?:-([\w,-]+))?(?:@(.+))?$/.exec(text) ?? [];
  if (!Object.hasOwn(CONTENDERS, name))
    throw new Error(`there is no contender \`${text}\`; there are ${Object.keys(CONTENDERS).join(", ")}`);
  const options = {
    ...(flag && { arrays: true }),
    ...(off && { off: off.split(",") }),
    ...(checkout && { checkout }),
  };
  return { name, options };
}

export async function prepareContender(text, workload) {
  const { name, options } = parseContender(text);
  if (name === "webgpu") await startWebGpu();
  return CONTENDERS[name].prepare(workload, options);
}

async function startWebGpu() {
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, "navigator", { value: { gpu: create([]) }, configurable: true });
}
