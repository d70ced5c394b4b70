import { buildSync } from "esbuild";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { expandDerivatives } from "../../src/autodiff/expand.js";
import { check } from "../../src/check/index.js";
import { compile, type Target } from "../../src/compile.js";
import type { Program } from "../../src/ir/program.js";
import { parse } from "../../src/parser/parse.js";
import { evaluated } from "../evaluate.js";
import type { CreateOptions, Model } from "../../src/runtime/index.js";

// Programs beside the same computation in PyTorch (expected.py): every one is run by the interpreter, as
// JavaScript in float64 and float32, and as WebAssembly.
interface Tensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly data: readonly (number | string)[];
}
interface Data {
  readonly dims: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly params: Readonly<Record<string, Tensor>>;
}
interface Expected {
  readonly loss: string;
  readonly wrt: readonly string[];
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly grads: Readonly<Record<string, Readonly<Record<string, Tensor>>>>;
}
type Results = Map<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>;

const folder = fileURLToPath(new URL(".", import.meta.url));
const runtime = fileURLToPath(new URL("../../src/runtime/index.ts", import.meta.url));
const text = (name: string): string => readFileSync(`${folder}${name}`, "utf8");
const names = readdirSync(folder).flatMap((f) => (f.endsWith(".grad") ? [f.slice(0, -5)] : []));
const numbers = (t: Tensor): number[] => t.data.map(Number);

/** Everything that is wanted, by name; gradients as `d loss/d param`. */
function wanted(expected: Expected): Map<string, Tensor> {
  return new Map([
    ...Object.entries(expected.outputs),
    ...Object.entries(expected.grads[expected.loss] ?? {}).map(([n, t]): [string, Tensor] => [`d/${n}`, t]),
  ]);
}

/** Largest error of any tensor, relative to its largest entry beside a thousandth of the case's. */
function worst(results: Results, expected: Expected): number {
  const all = wanted(expected);
  const scale = Math.max(...[...all.values()].flatMap((t) => numbers(t).map(Math.abs)), 1e-30);
  let most = 0;
  for (const [name, want] of all) {
    const got = results.get(name);
    expect(got?.shape, name).toEqual(want.shape);
    const top = Math.max(0, ...numbers(want).map(Math.abs)) + 1e-3 * scale;
    numbers(want).forEach((w, k) => {
      const error = Math.abs((got?.data[k] ?? NaN) - w) / top;
      most = Math.max(most, Number.isNaN(error) ? Infinity : error);
    });
  }
  return most;
}

/** A program evaluated in float64 by the interpreter. */
function interpreted(program: Program, data: Data, { loss, outputs, grads }: Expected): Results {
  const results = evaluated(program, data);
  const of = (prefix: string, name: string, { shape }: Tensor) =>
    [prefix === "" ? name : `d/${name}`, { shape, data: results[`${prefix}${name}`] ?? [] }] as const;
  return new Map([
    ...Object.entries(outputs).map(([name, t]) => of("", name, t)),
    ...Object.entries(grads[loss] ?? {}).map(([name, t]) => of(`${loss}/`, name, t)),
  ]);
}
/** The derived program as it stands before any optimisation. */
function derived(source: string, data: Data, { wrt }: Expected): Program {
  const { program } = check(parse(source, "program.grad").file, { dims: data.dims, wrt });
  if (!program) throw new Error("the program is wrong");
  return expandDerivatives(program);
}

const arrays = (tensors: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, { ...t, data: numbers(t) }]));

/** A generated module in one file with the runtime, as a bundler makes it. */
async function module(
  source: string,
  wrt: readonly string[],
  targets: readonly Target[],
  precision: "f32" | "f64",
): Promise<(options: CreateOptions) => Promise<Model>> {
  const { code, diagnostics } = compile(source, {
    precision,
    wrt,
    targets,
    runtimeImport: runtime,
    compact: precision === "f32",
  });
  expect(diagnostics.filter((d) => d.severity === "error")).toEqual([]);
  const { outputFiles } = buildSync({
    stdin: { contents: code, resolveDir: folder, loader: "js" },
    bundle: true,
    format: "esm",
    write: false,
  });
  const url = `data:text/javascript;base64,${Buffer.from(outputFiles[0]?.text ?? "").toString("base64")}`;
  return ((await import(/* @vite-ignore */ url)) as { create(options: CreateOptions): Promise<Model> })
    .create;
}

async function resultsOf(model: Model, data: Data, expected: Expected): Promise<Results> {
  const { grads, ...outputs } = model.backward(arrays(data.inputs), { of: expected.loss });
  const results: Results = new Map();
  for (const [n, t] of Object.entries(outputs)) results.set(n, { shape: t.shape, data: await t.read() });
  for (const [n, t] of Object.entries(grads)) results.set(`d/${n}`, { shape: t.shape, data: await t.read() });
  return results;
}

describe("programs give PyTorch's outputs and gradients", () => {
  test.each(names)("%s", async (name) => {
    const source = text(`${name}.grad`);
    const data = JSON.parse(text(`${name}.data.json`)) as Data;
    const expected = JSON.parse(text(`${name}.expected.json`)) as Expected;
    for (const [precision, backends, limit] of [
      ["f64", ["js"], 1e-9],
      ["f32", ["js", "wasm"], 5e-4],
    ] as const) {
      const create = await module(source, expected.wrt, backends, precision);
      for (const backend of backends) {
        const model = await create({ backend, dims: data.dims, params: arrays(data.params) });
        const results = await resultsOf(model, data, expected);
        expect(worst(results, expected), `${backend} ${precision}`).toBeLessThan(limit);
        if (precision === "f64")
          expect(
            worst(interpreted(derived(source, data, expected), data, expected), expected),
            "interpreter",
          ).toBeLessThan(1e-9);
        model.dispose();
      }
    }
  });
});

/** The same program with a policy at each `rec` that has none. */
const withPolicy = (source: string, policy: string): string =>
  source.replace(/^(\s*rec \w+ in [^{\n]*?)(?=( while [^{\n]*)? \{)/gm, (line) =>
    line.includes("checkpoint") ? line : `${line} checkpoint ${policy}`,
  );

describe("steps computed again segment by segment change nothing", () => {
  const recurrent = names.filter((name) => /^\s*rec /m.test(text(`${name}.grad`)));
  test.each(recurrent.flatMap((name) => ["sqrt", "2"].map((policy) => [name, policy] as const)))(
    "%s, checkpoint %s",
    async (name, policy) => {
      const source = withPolicy(text(`${name}.grad`), policy);
      expect(source).toContain(`checkpoint ${policy}`);
      const data = JSON.parse(text(`${name}.data.json`)) as Data;
      const expected = JSON.parse(text(`${name}.expected.json`)) as Expected;
      const { program } = compile(source, { precision: "f64", wrt: expected.wrt, dims: data.dims });
      if (!program) throw new Error("the program is wrong");
      expect(worst(interpreted(program, data, expected), expected), "interpreter").toBeLessThan(1e-9);
      const [backend, precision, limit] =
        policy === "sqrt" ? (["js", "f64", 1e-9] as const) : (["wasm", "f32", 5e-4] as const);
      const create = await module(source, expected.wrt, [backend], precision);
      const model = await create({ backend, dims: data.dims, params: arrays(data.params) });
      expect(worst(await resultsOf(model, data, expected), expected), backend).toBeLessThan(limit);
    },
  );
});
