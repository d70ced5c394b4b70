import type { Primal } from "../autodiff/primal.js";
import type { CompileResult } from "../compile.js";
import type { Tensor } from "../eager/index.js";
import { runEagerly } from "../eager-run/run.js";
import { withDefinitions } from "../ir/dims.js";
import { interpret } from "../ir/interpret.js";
import type { Program, Value } from "../ir/program.js";
import type { Model } from "../runtime/index.js";
import type { NamedTensor } from "../runtime/index.js";
import { loadData, type LoadedData } from "./data.js";
import { ENGINES, type Engine } from "./engine.js";
import type { RunResult } from "./json.js";
import { modelWith, RUNTIME_URL } from "./model.js";
import { compileOptionsOf, formatOf, type Options } from "./options.js";
import { compileOrFail } from "./source.js";

type Tensors = Readonly<Record<string, NamedTensor>>;

/** What `--data` and `--params` give. */
export async function loadAll({ data: files = [], params: file }: Options): Promise<LoadedData> {
  const data = await loadData(files);
  const params = file === undefined ? {} : (await loadData([file], "params")).params;
  return { ...data, params: { ...data.params, ...params } };
}

export interface EngineRun {
  readonly result: RunResult;
  readonly compiled: CompileResult;
  /** The median of `repeat` runs, the results read; 0 where there was only the first. */
  readonly milliseconds: number;
  /** Bytes of what the eager engine or the interpreter keeps to the end; null for engines that plan their memory. */
  readonly kept: number | null;
}

/** One file on one engine; see `runCompiled`. The interpreter is always in f64. */
export async function runEngine(
  file: string,
  engine: Engine,
  precision: "f32" | "f64",
  data: LoadedData,
  of: string | null,
  options: Options,
  repeat = 1,
): Promise<EngineRun> {
  const compiled = await compileOrFail(
    file,
    {
      ...(await compileOptionsOf(options)),
      precision: engine === "interpreter" ? "f64" : precision,
      targets: [ENGINES[engine].target],
      runtimeImport: RUNTIME_URL,
    },
    formatOf(options),
  );
  return runCompiled(compiled, engine, precision, data, of, options, repeat);
}

/**
 * What was compiled for an engine's target on that engine: forward, or forward and backward where `of` names a loss. The
 * model on js binds dims and initialises params for the engines that are none.
 */
export async function runCompiled(
  compiled: CompileResult,
  engine: Engine,
  precision: "f32" | "f64",
  data: LoadedData,
  of: string | null,
  options: Options,
  repeat = 1,
): Promise<EngineRun> {
  const model = await modelWith(compiled, ENGINES[engine].backend, data, options);
  const onModel = async (): Promise<RunResult> => {
    const { grads, ...outputs } =
      of === null ? { ...model.forward(data.inputs), grads: {} } : model.backward(data.inputs, { of });
    return {
      engine,
      dims: model.dims,
      outputs: await readAll(outputs),
      grads: of === null ? {} : { [of]: await readAll(grads) },
    };
  };
  let kept: number | null = null;
  const bound = await onModel();
  const primal = engine === "eager" ? compiled.primal() : null;
  const once = async (): Promise<RunResult> => {
    const own =
      engine === "interpreter" && compiled.program
        ? await interpreted(bound, compiled.program, data, model, of)
        : primal && (await eagerly(bound, primal, data, model, of, precision));
    if (!own) return onModel();
    kept = own.bytes;
    return own.result;
  };
  const times: number[] = [];
  let result = bound;
  const isModel = engine !== "interpreter" && !primal;
  for (let k = 0; k < repeat && !(isModel && repeat === 1); k++) {
    const start = performance.now();
    result = await once();
    times.push(performance.now() - start);
  }
  model.dispose();
  return { result, compiled, milliseconds: times.sort((a, b) => a - b)[times.length >> 1] ?? 0, kept };
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

interface OwnRun {
  readonly result: RunResult;
  readonly bytes: number;
}
/** The same results from the interpreter, with the leaves that the model has bound and initialised. */
async function interpreted(
  all: RunResult,
  program: Program,
  data: LoadedData,
  model: Model,
  of: string | null,
): Promise<OwnRun> {
  const tensors = interpret(program, all.dims, await leavesOf(program, all.dims, data, model));
  const at = (id: number): NamedTensor => {
    const t = tensors.get(id);
    const dtype = program.values.get(id)?.dtype ?? "f64";
    return { shape: t?.shape ?? [], dtype, data: Float64Array.from(t?.data ?? []) };
  };
  const grads = program.gradients
    .filter((g) => g.loss === of)
    .map((g): [string, NamedTensor] => [g.wrt, at(g.value)]);
  const result = {
    ...all,
    outputs: Object.fromEntries(program.outputs.map((o) => [o.name, at(o.value)])),
    grads: of === null ? {} : { [of]: Object.fromEntries(grads) },
  };
  const computed = [...tensors].filter(([id]) => program.values.get(id)?.definition.kind !== "leaf");
  return { result, bytes: computed.reduce((n, [, t]) => n + 8 * t.data.length, 0) };
}

/** The same results from the eager engine, whose gradients are its tape's. */
async function eagerly(
  all: RunResult,
  primal: Primal,
  data: LoadedData,
  model: Model,
  of: string | null,
  float: "f32" | "f64",
): Promise<OwnRun> {
  const leaves = await leavesOf(primal.program, all.dims, data, model);
  const { outputs, gradients, bytes } = runEagerly(primal, all.dims, leaves, { loss: of, float });
  const named = (tensors: ReadonlyMap<string, Tensor>, like: Tensors = {}): Tensors =>
    Object.fromEntries(
      [...tensors].map(([name, t]) => {
        const { shape } = t;
        return [name, { shape, dtype: like[name]?.dtype ?? float, data: Float64Array.from(t.numbers()) }];
      }),
    );
  const result = {
    ...all,
    outputs: named(outputs, all.outputs),
    grads: of === null ? {} : { [of]: named(gradients, all.grads?.[of]) },
  };
  return { result, bytes };
}

/** Values of a program's leaves, from the data, the store, or how they begin. */
export async function leavesOf(
  program: Program,
  bound: Readonly<Record<string, number>>,
  data: LoadedData,
  model: Model,
): Promise<Map<string, ArrayLike<number>>> {
  const dims = withDefinitions(program.dims, bound);
  const leaves = new Map<string, ArrayLike<number>>();
  const args = new Map(program.trains.flatMap((t) => t.args).map((a) => [a.leaf, a.value]));
  const filled = ({ shape }: Value, with_: number): Float64Array =>
    new Float64Array(
      shape.reduce((n, s) => n * s.evaluate((a) => (a.kind === "dim" ? (dims[a.name] ?? NaN) : NaN)), 1),
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
