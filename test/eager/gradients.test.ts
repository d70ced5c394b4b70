import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as eager from "../../src/eager/index.js";
import { tensor, Tensor } from "../../src/eager/index.js";
import { apply, camelCase } from "../../src/eager/ops/scalar.js";
import { SCALARS } from "../../src/ir/scalar/table.js";
import { CASES } from "./cases.js";
import { gradcheck, gradientOf } from "./gradcheck.js";

const shapes = Object.entries(
  (
    JSON.parse(readFileSync(new URL("torch.json", import.meta.url), "utf8")) as {
      cases: Record<string, { inputs: { shape: number[]; data: number[] }[] }>;
    }
  ).cases,
);
/** Kinks of the second derivative of these lie on the inputs' two decimals. */
for (const [name, { inputs }] of shapes) {
  const run = CASES[name]! as (...args: Tensor[]) => Tensor;
  const args = inputs.map(({ shape, data }) => tensor(Float64Array.from(data)).reshape(...shape));
  test(`${name}: gradients agree with finite differences`, () => {
    expect(gradcheck(run, args, 1e-3)).toEqual([]);
  });
  const size = args.reduce((n, t) => n + t.size, 0);
  if (size <= 60)
    test(`${name}: second derivatives agree with finite differences`, () => {
      args.forEach((_, k) =>
        expect(gradcheck(gradientOf(run, k), args, 1e-3), `of gradient ${k}`).toEqual([]),
      );
    });
}

for (const [name, entry] of Object.entries(SCALARS)) {
  if (entry.type === "random") continue;
  test(`${name} is there as a function`, () => {
    const common = entry.variantOf ?? name;
    const known: Readonly<Record<string, unknown>> = eager;
    const others: Readonly<Record<string, string>> = {
      powi: "pow",
      select: "where",
      min: "minimum",
      max: "maximum",
    };
    expect(known[others[common] ?? camelCase(common)]).toBeTypeOf("function");
  });
  if (entry.visible && entry.type === "float")
    test(`${name} is there as a method`, () => {
      const methods = eager.Tensor.prototype as unknown as Readonly<Record<string, unknown>>;
      expect(methods[camelCase(name)]).toBeTypeOf("function");
    });
  if (entry.type !== "float" && entry.type !== "arithmetic") continue;
  const { intervals, smooth } = entry.domain;
  const fixed = new Set(
    // An argument that is no variable has an interval of one point.
    entry.parameters.flatMap((p, k) => (p.literal || intervals[k]?.[0] === intervals[k]?.[1] ? [k] : [])),
  );
  const points = Array.from({ length: 6 }, (_, k) =>
    intervals.map(([lo, hi], j) =>
      fixed.has(j) ? lo : lo + (hi - lo) * ((0.137 + 0.61803 * (k + 1) * (j + 1)) % 1),
    ),
  ).filter((p) => !smooth || smooth(p, 0.01));
  test(`${name}: first and second derivatives agree with finite differences over its domain`, () => {
    expect(points.length).toBeGreaterThan(0);
    const columns = intervals.map((_, j) =>
      tensor(
        points.map((p) => p[j]!),
        { dtype: "f64" },
      ),
    );
    const free = columns.filter((_, j) => !fixed.has(j));
    const run = (...args: Tensor[]): Tensor => {
      const left = [...args];
      return apply(name, ...intervals.map(([lo], j) => (fixed.has(j) ? lo : left.shift()!)));
    };
    expect(gradcheck(run, free, 1e-3)).toEqual([]);
    free.forEach((_, k) => expect(gradcheck(gradientOf(run, k), free, 1e-3)).toEqual([]));
  });
}
