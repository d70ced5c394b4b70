import { createRequire } from "node:module";
import { dirname } from "node:path";
import { LeftOut } from "./left-out.mjs";

/** TensorFlow.js on its WebAssembly backend, SIMD, one thread; the whole package, so every gradient is registered. */
export async function prepare(workload) {
  const require = createRequire(import.meta.url);
  const log = console.warn;
  // It advises to install another backend.
  console.warn = console.log = () => {};
  const tf = require("@tensorflow/tfjs");
  const wasm = require("@tensorflow/tfjs-backend-wasm");
  console.warn = log;
  wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  await tf.setBackend("wasm");
  await tf.ready();
  const { LOSSES } = await import("../peers/tfjs-losses.mjs");
  const loss = LOSSES[workload.name];
  if (!loss) throw new LeftOut("not written for TensorFlow.js");
  const { param, data } = workload.inputs();
  const tensors = (given) => Object.values(given).map((t) => tf.tensor(t.data, t.shape));
  const names = Object.keys(param);
  const params = tensors(param);
  const given = Object.fromEntries(
    Object.entries(data).map(([name, t]) => [name, tf.tensor(t.data, t.shape)]),
  );
  const both = tf.valueAndGrads((...p) =>
    loss(tf, { ...given, ...Object.fromEntries(names.map((name, k) => [name, p[k]])) }),
  );
  const read = (list) => Object.fromEntries(names.map((name, k) => [name, list[k].dataSync()]));
  const { steps, rate } = workload;
  if (steps) {
    const train = () => {
      let current = params.map((p) => p.clone());
      for (let k = 0; k < steps; k++) {
        const next = tf.tidy(() => both(current).grads.map((g, n) => current[n].sub(g.mul(rate))));
        tf.dispose(current);
        current = next;
      }
      const found = read(current);
      tf.dispose(current);
      return found;
    };
    return { results: async () => train(), run: () => void train(), dispose() {} };
  }
  const once = () => tf.tidy(() => both(params));
  return {
    async results() {
      const { value, grads } = once();
      return { ...read(grads), l: value.dataSync() };
    },
    run() {
      // Computed when called, on this backend.
      const { value, grads } = once();
      tf.dispose([value, grads]);
    },
    dispose() {},
  };
}
