import { LeftOut } from "./left-out.mjs";

/** onnxruntime-web on WebAssembly, one thread, over graphs that hold their gradients. */
export async function prepare(workload) {
  const { graphOf } = await import("../peers/ort-graphs.mjs");
  const { param, data } = workload.inputs();
  const model = graphOf(workload.name, { ...param, ...data }, workload.rate);
  if (!model) throw new LeftOut("onnxruntime-web has no gradients, and these were not derived by hand");
  const { default: ort } = await import("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });
  const tensors = (given) =>
    Object.fromEntries(
      Object.entries(given).map(([name, { shape, data }]) => [name, new ort.Tensor("float32", data, shape)]),
    );
  const fixed = tensors(data);
  const params = tensors(param);
  const read = (found) =>
    Object.fromEntries(Object.entries(found).map(([name, t]) => [name.replace("out:", ""), t.data]));
  if (workload.steps) {
    const names = Object.keys(param);
    const train = async () => {
      let current = params;
      for (let k = 0; k < workload.steps; k++) {
        const next = await session.run({ ...fixed, ...current });
        current = Object.fromEntries(names.map((name) => [name, next[`out:${name}`]]));
      }
      return read(current);
    };
    return { results: train, run: train, dispose() {} };
  }
  const once = () => session.run({ ...fixed, ...params });
  return { results: async () => read(await once()), run: once, dispose() {} };
}
