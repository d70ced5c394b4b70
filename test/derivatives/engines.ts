import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildSync } from "esbuild";
import { leavesOf } from "../../src/cli/engines.js";
import type { DataTensor } from "../../src/cli/data.js";
import { compile } from "../../src/compile.js";
import { runEagerly } from "../../src/eager-run/run.js";
import { interpret } from "../../src/ir/interpret.js";
import type { CreateOptions, Model } from "../../src/runtime/index.js";

/** A program at a point. */
export interface Subject {
  readonly name: string;
  readonly source: string;
  readonly dims?: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, DataTensor>>;
  readonly params: Readonly<Record<string, DataTensor>>;
  readonly loss: string;
  readonly wrt: readonly string[];
}
export type Values = Readonly<Record<string, readonly number[]>>;
export type Engine = "interpreter" | "eager" | "eager:f64" | Compiled;
/** A backend's module and its precision. */
type Compiled = "js" | "js:f64" | "wasm" | "wasm:f64";
/** In double. The compiled module first: its first call binds the dims. */
export const ENGINES: readonly Engine[] = ["js:f64", "interpreter", "eager:f64"];
const precisionOf = (engine: Engine): "f32" | "f64" =>
  engine === "interpreter" || engine.endsWith(":f64") ? "f64" : "f32";

const folder = fileURLToPath(new URL("../../node_modules/.cache/gradc-tests/derivatives", import.meta.url));
const runtime = join(folder, "runtime.mjs");
mkdirSync(folder, { recursive: true });
buildSync({
  entryPoints: [fileURLToPath(new URL("../../src/runtime/index.ts", import.meta.url))],
  outfile: runtime,
  bundle: true,
  platform: "neutral",
  format: "esm",
});

let count = 0;
/** A subject compiled for one backend, to be moved about there and differentiated on it and on the engines that compile nothing. */
export async function prepare(subject: Subject, more = "", on: Compiled = "js:f64"): Promise<Prepared> {
  const { name, source, dims, params, wrt } = subject;
  const compiled = compile(`${source}\n${more}`, {
    filename: `${name}.grad`,
    precision: precisionOf(on),
    targets: [on.startsWith("js") ? "js" : "wasm"],
    wrt,
    ...(dims && { dims }),
    runtimeImport: pathToFileURL(runtime).href,
  });
  const errors = compiled.diagnostics.filter((d) => d.severity === "error");
  if (errors.length || !compiled.program)
    throw new Error(errors.map((d) => `${d.code} ${d.span.start.line}: ${d.message}`).join("\n"));
  const file = join(folder, `${process.pid}-${++count}.mjs`);
  writeFileSync(file, compiled.code);
  const module = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
    create(options: CreateOptions): Promise<Model>;
  };
  const model = await module.create({
    backend: on.startsWith("js") ? "js" : "wasm",
    params,
    ...(dims && { dims }),
  });
  return new Prepared(subject, compiled, model, precisionOf(on) === "f32" ? Float32Array : Float64Array);
}

export class Prepared {
  constructor(
    readonly subject: Subject,
    private readonly compiled: ReturnType<typeof compile>,
    readonly model: Model,
    private readonly array: typeof Float32Array | typeof Float64Array,
  ) {}

  /** A leaf's size as the language writes it, `[B, 784]`; empty for a scalar. */
  axes(name: string): string {
    const { spec } = this.compiled;
    const leaf = spec?.input[name] ?? spec?.param[name];
    const sizes = leaf?.shape ?? [];
    return sizes.length ? `[${sizes.join(", ")}]` : "";
  }

  /** The leaves that are moved, as they begin. */
  async start(): Promise<Values> {
    const { inputs, wrt } = this.subject;
    const at = async (name: string): Promise<number[]> => {
      const given = inputs[name];
      return Array.from(given ? given.data : await this.model.store.get(name).read());
    };
    return Object.fromEntries(await Promise.all(wrt.map(async (name) => [name, await at(name)] as const)));
  }

  /** Outputs of the compiled module, and with `grads` the loss's gradients as `d NAME`, with leaves replaced. */
  async values(moved: Values, extra: Subject["inputs"], grads = false): Promise<Values> {
    const { inputs, loss } = this.subject;
    const given: Record<string, DataTensor> = { ...inputs, ...extra };
    for (const [name, data] of Object.entries(moved)) {
      const input = inputs[name];
      if (input) given[name] = { shape: input.shape, data };
      else this.model.store.set(name, this.array.from(data));
    }
    const { grads: gradients, ...outputs } = grads
      ? this.model.backward(given, { of: loss })
      : { ...this.model.forward(given), grads: {} };
    const entries = [
      ...Object.entries(outputs),
      ...Object.entries(gradients).map(([name, t]) => [`d ${name}`, t] as const),
    ];
    return Object.fromEntries(
      await Promise.all(
        entries.map(async ([name, t]) => [name, Array.from<number>(await t.read())] as const),
      ),
    );
  }

  /** Outputs and gradients on one engine. */
  async run(engine: Engine, start: Values, extra: Subject["inputs"] = {}): Promise<Values> {
    if (engine.startsWith("js") || engine.startsWith("wasm")) return this.values(start, extra, true);
    const { inputs, params, loss } = this.subject;
    const { program } = this.compiled;
    const primal = this.compiled.primal();
    if (!program || !primal) throw new Error("what compiled has a program");
    const { dims } = this.model;
    const data = { dims: {}, inputs: { ...inputs, ...extra }, params };
    if (engine === "interpreter") {
      const values = interpret(program, dims, await leavesOf(program, dims, data, this.model));
      const at = (id: number): number[] => Array.from(values.get(id)?.data ?? []);
      return Object.fromEntries([
        ...program.outputs.map((o) => [o.name, at(o.value)] as const),
        ...program.gradients.filter((g) => g.loss === loss).map((g) => [`d ${g.wrt}`, at(g.value)] as const),
      ]);
    }
    const leaves = await leavesOf(primal.program, dims, data, this.model);
    const { outputs, gradients } = runEagerly(primal, dims, leaves, {
      loss,
      float: precisionOf(engine),
    });
    return Object.fromEntries([
      ...[...outputs].map(([name, t]) => [name, Array.from<number>(t.numbers())] as const),
      ...[...gradients].map(([name, t]) => [`d ${name}`, Array.from<number>(t.numbers())] as const),
    ]);
  }
}
