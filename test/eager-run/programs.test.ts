import { expect, test } from "vitest";
import { loadData, type LoadedData } from "../../src/cli/data.js";
import { runEagerly } from "../../src/eager-run/run.js";
import { compile } from "../../src/index.js";
import type { Program } from "../../src/ir/program.js";
import { caseNames, readCase } from "../cases.js";

/** Differences are judged as scripts/check-models.mjs does. */
function expectClose(found: readonly unknown[], wanted: readonly unknown[], what: string): void {
  expect(found.length, what).toBe(wanted.length);
  const [a, b] = [found.map(Number), wanted.map(Number)];
  const size = Math.max(1e-3, ...b.filter(Number.isFinite).map(Math.abs));
  b.forEach((w, i) => {
    if (Number.isFinite(w))
      expect(Math.abs(a[i]! - w) / size, `${what}[${i}]: ${a[i]} for ${w}`).toBeLessThan(1e-9);
    else expect(a[i], `${what}[${i}]`).toBe(w);
  });
}

/** Dims that the data say, by name or as axes of one dim, and those that follow. */
function dimsOf(program: Program, { dims, inputs, params }: LoadedData): Record<string, number> {
  const found: Record<string, number> = { ...dims };
  const at = (name: string): number => found[name] ?? NaN;
  for (const { name, shape } of program.values.values())
    (inputs[name] ?? params[name])?.shape.forEach((size, k) => {
      const [atom, ...others] = shape[k]!.atoms.values();
      if (atom?.kind !== "dim" || others.length) return;
      // An axis a D + b is of the size that the data say.
      const b = shape[k]!.evaluate(() => 0);
      found[atom.name] = (size - b) / (shape[k]!.evaluate(() => 1) - b);
    });
  for (const { name, default: value, definition } of program.dims) {
    const size = (p: { evaluate(f: (a: { kind: string }) => number): number }): number =>
      p.evaluate((a) => ("name" in a ? at(String(a.name)) : NaN));
    if (found[name] !== undefined) continue;
    if (value !== undefined) found[name] = value;
    else if (definition) found[name] = Math.floor(size(definition.numerator) / size(definition.divisor));
  }
  return found;
}

for (const folder of ["models", "programs"] as const)
  for (const name of caseNames(folder)) {
    test(`test/${folder}/${name}: the eager engine's outputs and gradients are PyTorch's`, async () => {
      const { source, expected: wanted } = readCase(folder, name);
      const data = await loadData([`test/${folder}/${name}.data.json`]);
      const primal = compile(source, { precision: "f64", wrt: wanted.wrt }).primal();
      if (!primal) throw new Error("does not compile");
      const dims = dimsOf(primal.program, data);
      const leaves = new Map<string, ArrayLike<number>>();
      for (const value of primal.program.values.values()) {
        if (value.definition.kind !== "leaf") continue;
        const given = data.inputs[value.name] ?? data.params[value.name];
        const { init } = value.definition;
        const size = value.shape.reduce(
          (n, p) => n * p.evaluate((a) => (a.kind === "dim" ? dims[a.name]! : NaN)),
          1,
        );
        if (given) leaves.set(value.name, given.data);
        else if (init?.kind === "values") leaves.set(value.name, init.data);
        else leaves.set(value.name, new Float64Array(size).fill(init?.kind === "fill" ? init.value : NaN));
      }
      const { outputs, gradients } = runEagerly(primal, dims, leaves, { loss: wanted.loss });
      for (const [output, { data: values }] of Object.entries(wanted.outputs))
        expectClose(Array.from(outputs.get(output)!.numbers()), values, output);
      for (const [param, { data: values }] of Object.entries(wanted.grads[wanted.loss]!))
        expectClose(Array.from(gradients.get(param)!.numbers()), values, `d${wanted.loss}/d${param}`);
    });
  }
