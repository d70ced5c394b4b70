import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

const HERE = new URL("../../", import.meta.url);
/** Of a checkout, this one or another: `path` names its root. */
const distOf = (path) => new URL("dist/", path ? pathToFileURL(`${resolve(path)}/`) : HERE);
const typed = ({ data }) => data;
const arrays = (tensors) => Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, typed(t)]));

/** Inputs of fewer bytes are copied sooner than a tensor is looked at. */
const SMALL = 65536;

/**
 * Our own engines. The compiled ones get large inputs as tensors that are already on the device, as the peers do; small
 * ones and the steps of a training loop get arrays, as a user passes them.
 * @param {"js" | "wasm" | "webgpu" | "eager"} engine
 * @param {object} workload a Workload of workloads.mjs
 * @param {{ checkout?: string, off?: string[], precision?: "f32" | "f64", arrays?: boolean, threads?: number }} options `off` names
 *   optimisations to leave out, `arrays` passes arrays in every case, `threads` says how many there are (wasm)
 */
export async function prepare(engine, workload, options = {}) {
  const dist = distOf(options.checkout);
  if (engine === "eager") return eager(dist, workload);
  const model = await modelOf(dist, workload, engine, options);
  const { param, data } = workload.inputs();
  const inputs =
    workload.steps || options.arrays || bytesOf(data) < SMALL
      ? arrays(data)
      : resident(await import(new URL("runtime/index.js", dist)), model, data);
  const prepared = workload.steps ? stepping(model, workload, param, inputs) : backward(model, inputs);
  return engine === "wasm"
    ? { ...prepared, functionNames: () => wasmNames(dist, workload, options) }
    : prepared;
}

/** Of the functions of the module, in the order of their numbers. */
async function wasmNames(dist, workload, options) {
  const compiled = await compiledOf(dist, workload, "wasm", options);
  return [...compiled.stage("wat").matchAll(/\(func \$([^\s()]+)/g)].map(([, name]) => name);
}

const bytesOf = (data) => Object.values(data).reduce((sum, t) => sum + t.data.byteLength, 0);

async function compiledOf(dist, workload, target, { precision = "f32", off, threads }) {
  const [{ compile }, { RUNTIME_URL }] = await Promise.all([
    import(new URL("index.js", dist)),
    import(new URL("cli/model.js", dist)),
  ]);
  const compiled = compile(workload.source, {
    filename: `${workload.name}.grad`,
    targets: [target],
    runtimeImport: RUNTIME_URL,
    precision,
    ...(off && { off }),
    ...(threads && { threads: true }),
  });
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join("; "));
  return compiled;
}

async function modelOf(dist, workload, backend, options) {
  const compiled = await compiledOf(dist, workload, backend === "webgpu" ? "wgsl" : backend, options);
  const { instantiate } = await import(new URL("cli/model.js", dist));
  return instantiate(compiled, {
    backend,
    dims: workload.dims,
    params: arrays(workload.inputs().param),
    ...(options.threads && { threads: options.threads }),
  });
}

/** Inputs as tensors of the model's device. A model gives out no others than its results, so this goes past the typings. */
function resident({ Tensor }, model, data) {
  const [param] = model.store.names;
  const { device } = model.store.get(param).place.life;
  return Object.fromEntries(
    Object.entries(data).map(([name, { shape, data: values }]) => {
      const { dtype } = model.meta.inputs[name];
      const memory = device.allocate(device.bytes(dtype, values.length), name);
      // Of a life of its own: what is another model's is read in place.
      const place = { name, dtype, shape, length: values.length, memory, life: { device, call: 0 } };
      device.upload(place, values);
      return [name, new Tensor(place)];
    }),
  );
}

function backward(model, inputs) {
  const loss = model.meta.losses[0];
  const finish = async (out) => (model.backend === "webgpu" ? void (await out[loss].item()) : undefined);
  return {
    async results() {
      const out = model.backward(inputs);
      const list = Object.entries(out.grads).map(async ([name, t]) => [name, await t.read()]);
      return { ...Object.fromEntries(await Promise.all(list)), [loss]: await out[loss].read() };
    },
    run:
      model.backend === "webgpu" ? () => finish(model.backward(inputs)) : () => void model.backward(inputs),
    dispose: () => model.dispose(),
  };
}

function stepping(model, { steps, rate }, param, inputs) {
  const options = { rate };
  const names = Object.keys(param);
  const run = () => {
    for (const name of names) model.store.set(name, param[name].data);
    for (let k = 0; k < steps; k++) model.step(inputs, options);
  };
  const results = async () => {
    const list = names.map(async (name) => [name, await model.store.get(name).read()]);
    return Object.fromEntries(await Promise.all(list));
  };
  const waiting = async () => {
    run();
    await results();
  };
  return {
    results: async () => {
      run();
      return results();
    },
    run: model.backend === "webgpu" ? waiting : run,
    dispose: () => model.dispose(),
  };
}

async function eager(dist, workload) {
  const { runEagerly } = await import(new URL("eager-run/run.js", dist));
  const compiled = await compiledOf(dist, workload, "js", {});
  const { param, data } = workload.inputs();
  const { steps, rate } = workload;
  const primal = compiled.primal();
  const loss = compiled.meta.losses[0];
  const sizes = await boundDims(workload, dist);
  const others = initial(primal.program, sizes);
  const once = (params) =>
    runEagerly(primal, sizes, new Map([...others, ...Object.entries({ ...arrays(data), ...params })]), {
      loss,
      float: "f32",
    });
  const read = (tensors) =>
    Object.fromEntries([...tensors].map(([n, t]) => [n, Float64Array.from(t.numbers())]));
  const train = () => {
    const current = Object.fromEntries(
      Object.entries(param).map(([name, t]) => [name, Float32Array.from(t.data)]),
    );
    for (let k = 0; k < steps; k++)
      for (const [name, gradient] of once(current).gradients) {
        const values = gradient.numbers();
        current[name].forEach((w, n) => (current[name][n] = w - rate * values[n]));
      }
    return current;
  };
  const given = arrays(param);
  return {
    results: async () =>
      steps
        ? train()
        : (({ outputs, gradients }) => ({ ...read(gradients), [loss]: read(outputs)[loss] }))(once(given)),
    run: steps ? () => void train() : () => void once(given),
    dispose() {},
  };
}

/** All dims as the data binds them, those that depend on others included. */
export async function boundDims(workload, dist = distOf()) {
  const model = await modelOf(dist, workload, "js", {});
  model.forward(arrays(workload.inputs().data));
  const { dims } = model;
  model.dispose();
  return dims;
}

/** What leaves begin with: constants' values, and zeros for those of the update, which has no part in the gradients. */
function initial({ values }, dims) {
  const size = (axis) => axis.evaluate((atom) => (atom.kind === "dim" ? dims[atom.name] : NaN));
  const content = ({ definition: { init }, shape }) =>
    init?.kind === "values" ? init.data : new Float64Array(shape.reduce((n, axis) => n * size(axis), 1));
  return [...values.values()].flatMap((v) => (v.definition.kind === "leaf" ? [[v.name, content(v)]] : []));
}
