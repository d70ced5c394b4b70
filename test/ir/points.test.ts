import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile.js";
import { evaluated } from "../evaluate.js";
import { POINTS } from "./points.js";

/** A derivative made of the result, `1 - y^2` of tanh, keeps the accuracy of numbers about 1 in the tails, not more. */
const absolute = 3e-16;
/** Values are right to a relative error; gelu's tail has erfc's error at x / sqrt(2), which grows with its exponent. */
const valueLimit = (name: string): number => (name === "gelu" ? 1e-13 : 4e-15);

function errors(
  got: readonly number[],
  wanted: readonly number[],
  relative: number,
  absolute: number,
  points: readonly number[],
): string[] {
  return wanted.flatMap((want, k) => {
    const value = got[k] ?? NaN;
    // silu and mish multiply such a difference by x.
    const room = absolute * Math.min(32, Math.max(1, Math.abs(points[k] ?? 0)));
    return value === want || Math.abs(value - want) <= relative * Math.abs(want) + room
      ? []
      : [`at ${points[k]}: ${value}, not ${want}`];
  });
}

describe("values and derivatives of both orders are those of many digits", () => {
  test.each(Object.entries(POINTS))("%s", (name, rows) => {
    const source = `dim N
input x: f32[N]
y[n] = ${name}(x[n])
s = sum[n] y[n]
g = grad(s, x)
output value[n] = y[n]
output slope[n] = g[n]
loss l = sum[n] g[n]`;
    const { program, diagnostics } = compile(source, { wrt: "all", precision: "f64" });
    expect(diagnostics).toEqual([]);
    if (!program) throw new Error("no program");
    const column = (k: 0 | 1 | 2 | 3): number[] => rows.map((row) => row[k]);
    const got = evaluated(program, { inputs: { x: column(0) } });
    expect(errors(got["value"] ?? [], column(1), valueLimit(name), 0, column(0)), "values").toEqual([]);
    expect(errors(got["slope"] ?? [], column(2), 1e-13, absolute, column(0)), "first").toEqual([]);
    expect(errors(got["l/x"] ?? [], column(3), 1e-12, absolute, column(0)), "second").toEqual([]);
  });
});
