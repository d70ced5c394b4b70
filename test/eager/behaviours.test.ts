import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as E from "../../src/eager/index.js";
import { EagerError, Tensor, type TensorData } from "../../src/eager/index.js";

/**
 * The same small thing here and in PyTorch, side by side: behaviours/*.txt have a name, JavaScript (J) and Python (P).
 * behaviours.py has written down what the Python gives: a value, or that it is an error.
 */
type Flat = {
  readonly dtype: E.DType;
  readonly shape: number[];
  readonly data: (number | string | boolean)[];
};
type Result = Flat | { readonly error: string } | number | string | boolean | null | readonly Result[];

const folder = new URL("behaviours/", import.meta.url);
const expected = JSON.parse(readFileSync(new URL("expected.json", folder), "utf8")) as Record<string, Result>;
const cases = readdirSync(folder)
  .filter((file) => file.endsWith(".txt"))
  .flatMap((file) =>
    readFileSync(new URL(file, folder), "utf8")
      .trim()
      .split("\n\n")
      .map((text) => {
        const [, name = "", code = ""] = /^# (.*)\nJ ([^]*?)\nP /.exec(text) ?? [];
        return { file: file.replace(".txt", ""), name, code };
      }),
  );

const maker =
  (dtype: E.DType, requiresGrad = false) =>
  (data: TensorData): Tensor =>
    E.tensor(data, { dtype, requiresGrad });
/** As behaviours.py's. */
function train(make: (params: Tensor[]) => E.SGD | E.Adam | E.RMSprop): Tensor[] {
  const leaf = maker("f64", true);
  const [x, y, z] = [leaf([1, -2, 0.5]), leaf([[3]]), leaf([1])];
  let optimizer = make([x, y, z]);
  for (let k = 0; k < 6; k++) {
    if (k === 3) {
      const state = optimizer.stateDict();
      optimizer = make([x, y, z]);
      optimizer.loadStateDict(state);
    }
    optimizer.zeroGrad();
    const squares = x.square();
    (k === 4 ? squares.sum() : squares.mul(y).sum().add(y.square().sum())).backward();
    optimizer.step();
  }
  return [x, y, z].map((t) => t.detach());
}
const { Function: Fn, ...exports } = E;
const scope = {
  ...exports,
  Fn,
  train,
  T: maker("f32"),
  D: maker("f64"),
  L: maker("i64"),
  I: maker("i32"),
  B: maker("bool"),
  TR: maker("f32", true),
  DR: maker("f64", true),
};
function run(code: string): unknown {
  const body = /\breturn\b|;/.test(code) ? code : `return (${code})`;
  const f = new Function(...Object.keys(scope), body) as (...values: unknown[]) => unknown;
  return f(...Object.values(scope));
}

const plain = (x: number | bigint): number | string =>
  typeof x === "bigint"
    ? String(x)
    : Number.isFinite(x)
      ? x
      : String(x).toLowerCase().replace("infinity", "inf");
function resultOf(value: unknown): Result {
  if (value instanceof Tensor) {
    const { dtype, shape } = value;
    const data = Array.from(value.toTypedArray() as ArrayLike<number | bigint>, (x) =>
      dtype === "bool" ? x !== 0 : plain(x),
    );
    return { dtype, shape: [...shape], data };
  }
  if (Array.isArray(value)) return value.map(resultOf);
  if (typeof value === "number") return plain(value);
  if (typeof value === "object" && value !== null && "values" in value && "indices" in value)
    return [resultOf(value.values), resultOf(value.indices)];
  return (value ?? null) as Result;
}
/** Numbers within roundings of their type; -0 is 0. */
function expectClose(found: Result, wanted: Result, bound: number): void {
  if (typeof found === "number" && typeof wanted === "number")
    expect(Math.abs(found - wanted)).toBeLessThanOrEqual(bound * Math.max(1, Math.abs(wanted)));
  else if (Array.isArray(found) && Array.isArray(wanted)) {
    expect(found.length).toBe(wanted.length);
    found.forEach((x, k) => expectClose(x as Result, wanted[k] as Result, bound));
  } else if (isFlat(found) && isFlat(wanted)) {
    expect([found.dtype, found.shape]).toEqual([wanted.dtype, wanted.shape]);
    expectClose(found.data, wanted.data, wanted.dtype === "f32" ? 3e-6 : 1e-9);
  } else expect(found).toEqual(wanted);
}
const isFlat = (r: Result): r is Flat => typeof r === "object" && r !== null && "dtype" in r;

test("every behaviour has its answer", () => {
  expect(cases.map((c) => c.name).sort()).toEqual(Object.keys(expected).sort());
  expect(cases.length).toBeGreaterThan(500);
});
test.each(cases)("$file, as in PyTorch: $name", ({ name, code }) => {
  const wanted = expected[name]!;
  if (typeof wanted === "object" && wanted !== null && "error" in wanted)
    expect(() => run(code)).toThrow(EagerError);
  else expectClose(resultOf(run(code)), wanted, 3e-6);
});
