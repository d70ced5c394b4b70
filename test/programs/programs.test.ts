import { describe, expect, test } from "vitest";
import { expandDerivatives } from "../../src/autodiff/expand.js";
import { check } from "../../src/check/index.js";
import { compile, type Target } from "../../src/compile.js";
import type { Program } from "../../src/ir/program.js";
import { parse } from "../../src/parser/parse.js";
import { evaluated } from "../evaluate.js";
import type { Model } from "../../src/runtime/index.js";
import {
  type CaseData,
  caseNames,
  type CaseTensor,
  type Expected,
  numbersOf,
  readCase,
  wantedOf,
  withNumbers,
  yardstick,
} from "../cases.js";
import { createOf } from "../module.js";

// Programs beside the same computation in PyTorch (expected.py): every one is run by the interpreter, as
// JavaScript in float64 and float32, and as WebAssembly.
type Results = Map<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>;

const names = caseNames("programs");
/** Largest error of any tensor, relative to its largest entry beside a thousandth of the case's. */
function worst(results: Results, expected: Expected): number {
  const wanted = wantedOf(expected);
  const top = yardstick(wanted);
  let most = 0;
  for (const [name, want] of wanted) {
    const got = results.get(name);
    expect(got?.shape, name).toEqual(want.shape);
    numbersOf(want).forEach((w, k) => {
      const error = Math.abs((got?.data[k] ?? NaN) - w) / top(want);
      most = Math.max(most, Number.isNaN(error) ? Infinity : error);
    });
  }
  return most;
}

/** A program evaluated in float64 by the interpreter. */
function interpreted(program: Program, data: CaseData, { loss, outputs, grads }: Expected): Results {
  const results = evaluated(program, data);
  const of = (prefix: string, name: string, { shape }: CaseTensor) =>
    [prefix === "" ? name : `d ${name}`, { shape, data: results[`${prefix}${name}`] ?? [] }] as const;
  return new Map([
    ...Object.entries(outputs).map(([name, t]) => of("", name, t)),
    ...Object.entries(grads[loss] ?? {}).map(([name, t]) => of(`${loss}/`, name, t)),
  ]);
}
/** The derived program as it stands before any optimisation. */
function derived(source: string, data: CaseData, { wrt }: Expected): Program {
  const { program } = check(parse(source, "program.grad").file, { dims: data.dims, wrt });
  if (!program) throw new Error("the program is wrong");
  return expandDerivatives(program);
}

const moduleOf = (
  source: string,
  wrt: readonly string[],
  targets: readonly Target[],
  precision: "f32" | "f64",
): ReturnType<typeof createOf> => createOf(source, { precision, wrt, targets, compact: precision === "f32" });

async function resultsOf(model: Model, data: CaseData, expected: Expected): Promise<Results> {
  const { grads, ...outputs } = model.backward(withNumbers(data.inputs), { of: expected.loss });
  const results: Results = new Map();
  for (const [n, t] of Object.entries(outputs)) results.set(n, { shape: t.shape, data: await t.read() });
  for (const [n, t] of Object.entries(grads)) results.set(`d ${n}`, { shape: t.shape, data: await t.read() });
  return results;
}

describe("programs give PyTorch's outputs and gradients", () => {
  test.each(names)("%s", async (name) => {
    const { source, data, expected } = readCase("programs", name);
    for (const [precision, backends, limit] of [
      ["f64", ["js"], 1e-9],
      ["f32", ["js", "wasm"], 5e-4],
    ] as const) {
      const create = await moduleOf(source, expected.wrt, backends, precision);
      for (const backend of backends) {
        const model = await create({ backend, dims: data.dims, params: withNumbers(data.params) });
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
  const recurrent = names.filter((name) => /^\s*rec /m.test(readCase("programs", name).source));
  test.each(recurrent.flatMap((name) => ["sqrt", "2"].map((policy) => [name, policy] as const)))(
    "%s, checkpoint %s",
    async (name, policy) => {
      const { source: written, data, expected } = readCase("programs", name);
      const source = withPolicy(written, policy);
      expect(source).toContain(`checkpoint ${policy}`);
      const { program } = compile(source, { precision: "f64", wrt: expected.wrt, dims: data.dims });
      if (!program) throw new Error("the program is wrong");
      expect(worst(interpreted(program, data, expected), expected), "interpreter").toBeLessThan(1e-9);
      const [backend, precision, limit] =
        policy === "sqrt" ? (["js", "f64", 1e-9] as const) : (["wasm", "f32", 5e-4] as const);
      const create = await moduleOf(source, expected.wrt, [backend], precision);
      const model = await create({ backend, dims: data.dims, params: withNumbers(data.params) });
      expect(worst(await resultsOf(model, data, expected), expected), backend).toBeLessThan(limit);
    },
  );
});
