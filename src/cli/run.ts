import type { Primal } from "../autodiff/primal.js";
import type { Tensor } from "../eager/index.js";
import { runEagerly } from "../eager-run/run.js";
import { interpret } from "../ir/interpret.js";
import type { Program, Value } from "../ir/program.js";
import type { Model } from "../runtime/index.js";
import type { NamedTensor } from "../runtime/store.js";
import { loadData, resultToJson, type LoadedData, type RunResult } from "./data.js";
import type { Options } from "./main.js";
import { engineOf, engineParts, instantiate, RUNTIME_URL } from "./model.js";
import { dimsOf, formatOf, numberOf, oneFile, precisionOf, wrtOf } from "./options.js";
import { compileOrFail } from "./source.js";
import { prepareWebGpu } from "./webgpu.js";

type Tensors = Readonly<Record<string, NamedTensor>>;

/** Runs a file once: forward, or forward and backward with `--grad`. */
export async function run(files: readonly string[], options: Options): Promise<number> {
  const file = oneFile(files);
  const engine = engineOf(options.engine);
  const precision = engine === "interpreter" ? "f64" : precisionOf(options);
  if (engine === "webgpu") {
    const status = await prepareWebGpu();
    if (status !== null) return status;
  }
  const data = await loadData(options.data ?? []);
  const params = options.params === undefined ? {} : (await loadData([options.params], "params")).params;
  const result = await compileOrFail(
    file,
    {
      precision,
      ...wrtOf(options),
      targets: [engineParts(engine).target],
      runtimeImport: RUNTIME_URL,
    },
    formatOf(options),
  );
  const seed = numberOf(options, "seed");
  const model = await instantiate(result, {
    backend: engineParts(engine).backend,
    dims: { ...data.dims, ...dimsOf(options) },
    ...(seed === undefined ? {} : { seed }),
    params: { ...data.params, ...params },
  });
  const of = options.grad ?? null;
  const { grads, ...outputs } =
    of === null ? { ...model.forward(data.inputs), grads: {} } : model.backward(data.inputs, { of });
  let all: RunResult = {
    engine,
    dims: model.dims,
    outputs: await readAll(outputs),
    grads: of === null ? {} : { [of]: await readAll(grads) },
  };
  if (engine === "interpreter" && result.program)
    all = await interpreted(all, result.program, data, model, of);
  const primal = engine === "eager" ? result.primal() : null;
  if (primal) all = await eagerly(all, primal, data, model, of, precision);
  model.dispose();
  process.stdout.write(options.json ? `${resultToJson(all)}\n` : pretty(all));
  return 0;
}

type Readable = Pick<NamedTensor, "shape" | "dtype"> & { read(): Promise<NamedTensor["data"]> };
async function readAll(tensors: Readonly<Record<string, Readable>>): Promise<Tensors> {
  const list = await Promise.all(
    Object.entries(tensors).map(
      async ([name, t]) => [name, { shape: t.shape, dtype: t.dtype, data: await t.read() }] as const,
    ),
  );
  return Object.fromEntries(list);
}

/** The same results from the interpreter, with the leaves that the model has bound and initialised. */
async function interpreted(
  all: RunResult,
  program: Program,
  data: LoadedData,
  model: Model,
  of: string | null,
): Promise<RunResult> {
  const tensors = interpret(program, all.dims, await leavesOf(program, all.dims, data, model));
  const at = (id: number): NamedTensor => {
    const t = tensors.get(id);
    const dtype = program.values.get(id)?.dtype ?? "f64";
    return { shape: t?.shape ?? [], dtype, data: Float64Array.from(t?.data ?? []) };
  };
  const grads = program.gradients
    .filter((g) => g.loss === of)
    .map((g): [string, NamedTensor] => [g.wrt, at(g.value)]);
  return {
    ...all,
    outputs: Object.fromEntries(program.outputs.map((o) => [o.name, at(o.value)])),
    grads: of === null ? {} : { [of]: Object.fromEntries(grads) },
  };
}

/** The same results from the eager engine, whose gradients are its tape's. */
async function eagerly(
  all: RunResult,
  primal: Primal,
  data: LoadedData,
  model: Model,
  of: string | null,
  float: "f32" | "f64",
): Promise<RunResult> {
  const leaves = await leavesOf(primal.program, all.dims, data, model);
  const { outputs, gradients } = runEagerly(primal, all.dims, leaves, { loss: of, float });
  const named = (tensors: ReadonlyMap<string, Tensor>, like: Tensors = {}): Tensors =>
    Object.fromEntries(
      [...tensors].map(([name, t]) => {
        const { shape } = t;
        return [name, { shape, dtype: like[name]?.dtype ?? float, data: Float64Array.from(t.numbers()) }];
      }),
    );
  return {
    ...all,
    outputs: named(outputs, all.outputs),
    grads: of === null ? {} : { [of]: named(gradients, all.grads?.[of]) },
  };
}

/** Values of a program's leaves, from the data, the store, or how they begin. */
async function leavesOf(
  program: Program,
  dims: Readonly<Record<string, number>>,
  data: LoadedData,
  model: Model,
): Promise<Map<string, ArrayLike<number>>> {
  const leaves = new Map<string, ArrayLike<number>>();
  const args = new Map(program.trains.flatMap((t) => t.args).map((a) => [a.leaf, a.value]));
  const filled = ({ shape }: Value, with_: number): Float64Array =>
    new Float64Array(
      shape.reduce((n, s) => n * s.evaluate((a) => (a.kind === "dim" ? (dims[a.name] ?? 0) : 0)), 1),
    ).fill(with_);
  for (const value of program.values.values()) {
    const { definition } = value;
    if (definition.kind !== "leaf") continue;
    const given = data.inputs[value.name];
    const { role, init } = definition;
    if (given) leaves.set(value.name, given.data);
    else if (role === "param" || role === "state")
      leaves.set(value.name, await model.store.get(value.name).read());
    else if (role !== "optimizer" && init?.kind === "values") leaves.set(value.name, init.data);
    else
      leaves.set(
        value.name,
        filled(
          value,
          role === "optimizer" ? 0 : (args.get(value.id) ?? (init?.kind === "fill" ? init.value : 0)),
        ),
      );
  }
  return leaves;
}

function pretty(all: RunResult): string {
  const line = (name: string, t: NamedTensor): string => {
    const shown = Array.from(t.data.slice(0, 8), (x) => Number(x.toPrecision(7)));
    return `${name}: ${t.dtype}${t.shape.length ? `[${t.shape.join(", ")}]` : ""} = ${shown.join(" ")}${t.data.length > 8 ? " …" : ""}\n`;
  };
  const outputs = Object.entries(all.outputs).map(([name, t]) => line(name, t));
  const grads = Object.entries(all.grads ?? {}).flatMap(([loss, list]) =>
    Object.entries(list).map(([name, t]) => line(`d${loss}/d${name}`, t)),
  );
  return [...outputs, ...grads].join("");
}
