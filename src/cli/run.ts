import { interpret } from "../ir/interpret.js";
import type { Program } from "../ir/program.js";
import type { Model } from "../runtime/index.js";
import type { TypedArray } from "../runtime/types.js";
import { loadData, type LoadedData } from "./data.js";
import type { Options } from "./main.js";
import { engineOf, instantiate, RUNTIME_URL } from "./model.js";
import { dimsOf, formatOf, numberOf, oneFile, precisionOf } from "./options.js";
import { compileOrFail } from "./source.js";
import { prepareWebGpu } from "./webgpu.js";

interface ResultTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly data: ArrayLike<number>;
}
interface RunResult {
  readonly engine: string;
  readonly dims: Readonly<Record<string, number>>;
  readonly outputs: Readonly<Record<string, ResultTensor>>;
  readonly grads: Readonly<Record<string, Readonly<Record<string, ResultTensor>>>>;
}

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
  const dims = { ...data.dims, ...dimsOf(options) };
  const wrt = options.wrt === undefined ? "params" : options.wrt.split(",").filter(Boolean);
  const result = compileOrFail(
    file,
    { precision, wrt, targets: [engine === "webgpu" ? "wgsl" : "js"], runtimeImport: RUNTIME_URL },
    formatOf(options),
  );
  const seed = numberOf(options, "seed");
  const model = await instantiate(result, {
    backend: engine === "webgpu" ? "webgpu" : "js",
    dims,
    ...(seed === undefined ? {} : { seed }),
    params: { ...data.params, ...params },
  });
  const of = options.grad ?? null;
  const computed =
    of === null ? { ...model.forward(data.inputs), grads: {} } : model.backward(data.inputs, { of });
  const { grads, ...outputs } = computed;
  const collect = async (
    tensors: Readonly<
      Record<string, { shape: readonly number[]; dtype: string; read(): Promise<TypedArray> }>
    >,
  ): Promise<Record<string, ResultTensor>> => {
    const list = await Promise.all(
      Object.entries(tensors).map(async ([name, t]): Promise<[string, ResultTensor]> => [
        name,
        { shape: t.shape, dtype: t.dtype, data: await t.read() },
      ]),
    );
    return Object.fromEntries(list);
  };
  let all: RunResult = {
    engine,
    dims: model.dims,
    outputs: await collect(outputs),
    grads: of === null ? {} : { [of]: await collect(grads) },
  };
  if (engine === "interpreter" && result.program)
    all = await interpreted(all, result.program, data, model, of);
  model.dispose();
  process.stdout.write(options.json ? `${JSON.stringify(all, replacer)}\n` : pretty(all));
  return 0;
}

/** The same results from the interpreter, with the leaves that the model has bound and initialised. */
async function interpreted(
  all: RunResult,
  program: Program,
  data: LoadedData,
  model: Model,
  of: string | null,
): Promise<RunResult> {
  const leaves = new Map<string, ArrayLike<number>>();
  for (const value of program.values.values()) {
    const { definition } = value;
    if (definition.kind !== "leaf") continue;
    const given = data.inputs[value.name];
    if (given) leaves.set(value.name, given.data);
    else if (definition.role === "input" || definition.role === "const") {
      const arg = program.trains.flatMap((t) => t.args).find((a) => a.leaf === value.id);
      const init = definition.init;
      const size = value.shape.reduce(
        (n, s) => n * s.evaluate((a) => (a.kind === "dim" ? (all.dims[a.name] ?? 0) : 0)),
        1,
      );
      if (init?.kind === "values") leaves.set(value.name, init.data);
      else
        leaves.set(
          value.name,
          new Array<number>(size).fill(arg ? arg.value : init?.kind === "fill" ? init.value : 0),
        );
    } else if (definition.role === "optimizer") {
      const size = value.shape.reduce(
        (n, s) => n * s.evaluate((a) => (a.kind === "dim" ? (all.dims[a.name] ?? 0) : 0)),
        1,
      );
      leaves.set(value.name, new Array<number>(size).fill(0));
    } else leaves.set(value.name, await model.store.get(value.name).read());
  }
  const tensors = interpret(program, all.dims, leaves);
  const at = (id: number): ResultTensor => {
    const t = tensors.get(id);
    const dtype = program.values.get(id)?.dtype ?? "f64";
    return { shape: t?.shape ?? [], dtype, data: t?.data ?? [] };
  };
  const grads =
    of === null
      ? {}
      : {
          [of]: Object.fromEntries(
            program.gradients.filter((g) => g.loss === of).map((g) => [g.wrt, at(g.value)]),
          ),
        };
  return { ...all, outputs: Object.fromEntries(program.outputs.map((o) => [o.name, at(o.value)])), grads };
}

/** All digits; NaN and infinities as words. */
function replacer(_key: string, value: unknown): unknown {
  if (
    value instanceof Float32Array ||
    value instanceof Float64Array ||
    value instanceof Int32Array ||
    value instanceof Uint32Array ||
    value instanceof Uint8Array
  )
    return Array.from(value);
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return value;
}
function pretty(all: RunResult): string {
  const line = (name: string, t: ResultTensor): string => {
    const shown = Array.from({ length: Math.min(8, t.data.length) }, (_, k) =>
      Number((t.data[k] ?? 0).toPrecision(7)),
    );
    return `${name}: ${t.dtype}${t.shape.length ? `[${t.shape.join(", ")}]` : ""} = ${shown.join(" ")}${t.data.length > 8 ? " …" : ""}\n`;
  };
  const outputs = Object.entries(all.outputs).map(([name, t]) => line(name, t));
  const grads = Object.entries(all.grads).flatMap(([loss, list]) =>
    Object.entries(list).map(([name, t]) => line(`d${loss}/d${name}`, t)),
  );
  return [...outputs, ...grads].join("");
}
