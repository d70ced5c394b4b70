import { describe, expect, it } from "vitest";
import type { CallExpr, DType } from "../../src/ir/expr.js";
import { call, constant, isFloat } from "../../src/ir/expr.js";
import { castJs, castValue } from "../../src/ir/scalar/cast.js";
import { power } from "../../src/ir/scalar/exponential.js";
import { JS_HELPERS, jsHelpers } from "../../src/ir/scalar/helpers-js.js";
import { WGSL_HELPERS, wgslHelpers } from "../../src/ir/scalar/helpers-wgsl.js";
import { threefry2x32 } from "../../src/ir/scalar/random.js";
import { ANYTHING, type Range } from "../../src/ir/scalar/range.js";
import { evaluateScalar, mayHavePole, rangeOf, SCALARS } from "../../src/ir/scalar/table.js";
import type { ScalarFunction } from "../../src/ir/scalar/types.js";
import { domainPoints, ENTRIES, evaluateExpr, operandsOf, operandType } from "./scalar-helpers.js";

const USER_FUNCTIONS =
  `abs sign floor ceil round trunc sqrt rsqrt cbrt exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan atan2
   sinh cosh tanh asinh acosh atanh erf erfc lgamma digamma polygamma sigmoid log_sigmoid softplus relu leaky_relu elu selu
   gelu silu mish square hypot min max clamp select step mod`.split(/\s+/);
const SINGULAR =
  "div mul0 sqrt rsqrt cbrt log log2 log10 log1p powi pow hypot atan2 asin acos acosh atanh".split(" ");

const entry = (name: string): ScalarFunction => {
  const found = SCALARS[name];
  if (!found) throw new Error(`no ${name}`);
  return found;
};
const close = (a: number, b: number, relative: number, absolute: number): boolean =>
  Object.is(a, b) ||
  a === b ||
  (Number.isNaN(a) && Number.isNaN(b)) ||
  Math.abs(a - b) <= absolute + relative * Math.abs(b);
/** Partials at a point; 0 where none passes. */
function partialsAt(name: string, args: readonly number[], dtype: DType = "f64"): number[] {
  const operands = operandsOf(args.length, dtype);
  const partials = entry(name).derivative({ args: operands, y: call(name, operands, dtype) });
  return args.map((_, k) => {
    const partial = partials[k];
    return partial ? evaluateExpr(partial, args) : 0;
  });
}

describe("the table", () => {
  it("shows users exactly the functions of the language", () => {
    expect(
      ENTRIES.filter((f) => f.visible)
        .map((f) => f.name)
        .sort(),
    ).toEqual([...USER_FUNCTIONS].sort());
  });
  it("guards an exactly zero cotangent for the functions whose partials may be infinite", () => {
    expect(
      ENTRIES.filter((f) => f.zeroCotangentGivesZero)
        .map((f) => f.name)
        .sort(),
    ).toEqual([...SINGULAR].sort());
  });
  it("has no entry for a property of Object", () => {
    expect(SCALARS["constructor"]).toBeUndefined();
    expect(SCALARS["toString"]).toBeUndefined();
  });
  it("names only helpers that exist", () => {
    for (const f of ENTRIES) {
      for (const name of f.js.helpers ?? []) expect(JS_HELPERS.has(name), `${f.name}: ${name}`).toBe(true);
      for (const name of f.wgsl.helpers ?? [])
        expect(WGSL_HELPERS.has(name), `${f.name}: ${name}`).toBe(true);
    }
  });
  it("takes no remainder of negative integers in WGSL, which Vulkan leaves open", () =>
    expect(wgslHelpers("gradc_mod_i32")).not.toContain("%"));
  it("has no helper that nothing names", () => {
    const named = (helpers: "js" | "wgsl"): string =>
      ENTRIES.flatMap((f) => f[helpers].helpers ?? []).join(" ");
    const casts = "gradc_to_i32 gradc_to_u32";
    const js = jsHelpers(`${named("js")} ${casts} gradc_to_f16`);
    for (const name of JS_HELPERS.keys()) expect(js).toContain(`function ${name}(`);
    const wgsl = wgslHelpers(`${named("wgsl")} ${casts}`);
    for (const name of WGSL_HELPERS.keys()) expect(wgsl).toContain(`fn ${name}(`);
  });
});

describe("what the table says of a function", () => {
  const exactly = (x: number): Range => ({ sign: x > 0 ? 2 : x === 0 ? 1 : 0, floor: x });
  /** Points where functions have their edges: every choice of these for each argument that varies. */
  const edges = ({ domain: { intervals } }: ScalarFunction): number[][] =>
    intervals.reduce<number[][]>(
      (points, [lo, hi]) => points.flatMap((p) => (lo === hi ? [lo] : [-1, 0, 1, 2.5]).map((x) => [...p, x])),
      [[]],
    );
  const callsAt = (f: ScalarFunction, point: readonly number[]): CallExpr[] =>
    [operandsOf(point.length), point.map((x) => constant(x, "f64"))].flatMap((args) => {
      const literals = args.map((arg, k) =>
        f.parameters[k]?.literal ? constant(point[k] ?? 0, "f64") : arg,
      );
      const e = call(f.name, literals, "f64");
      return e.op === "call" ? [e] : [];
    });

  it.each(ENTRIES.map((f) => [f.name, f] as const))("of %s's poles and its range holds", (_, f) => {
    const points = [...domainPoints(f, 100), ...(f.domain.intervals.length ? edges(f) : [])];
    for (const point of points.filter((p) => p.every(Number.isFinite))) {
      const value = f.evaluate(...point);
      for (const e of callsAt(f, point))
        for (const ranges of [point.map(exactly), point.map(() => ANYTHING)]) {
          const seen = `${f.name}(${point}) = ${value}`;
          if (!mayHavePole(e, ranges)) expect(value, seen).toSatisfy(Number.isFinite);
          if (!Number.isFinite(value)) continue;
          const { sign, floor } = rangeOf(e, ranges);
          expect(value, seen).toBeGreaterThanOrEqual(floor);
          // What is positive may underflow.
          if (sign > 0) expect(value, seen).toBeGreaterThanOrEqual(0);
        }
    }
  });
  it("of its symmetries holds", () => {
    for (const f of ENTRIES)
      for (const point of domainPoints(f, 60)) {
        const value = f.evaluate(...point);
        if (f.isCommutative)
          expect(close(f.evaluate(...[...point].reverse()), value, 1e-15, 0), `${f.name}(${point})`).toBe(
            true,
          );
        if (f.isEven) expect(f.evaluate(...point.map((x) => -x)), `${f.name}(${point})`).toBe(value);
      }
  });
  it("of its derivative holds: where it is tame, partials are finite", () => {
    for (const f of ENTRIES.filter((g) => g.isTame))
      for (const point of domainPoints(f, 60))
        expect(partialsAt(f.name, point), `${f.name}(${point})`).toSatisfy((all: number[]) =>
          all.every(Number.isFinite),
        );
  });
});

describe("derivatives", () => {
  const tested = ENTRIES.filter(
    (f) => ["float", "arithmetic"].includes(f.type) && f.domain.intervals.length > 0,
  );
  it.each(tested.map((f) => [f.name, f] as const))("of %s agree with differences of its values", (_, f) => {
    const points = domainPoints(f, 60, false).filter((p) => f.domain.smooth?.(p, 2e-3) ?? true);
    expect(points.length).toBeGreaterThan(10);
    const last = f.domain.intervals.length;
    for (const point of points) {
      const args =
        f.name === "powi" ? operandsOf(1).concat(constant(point[1] ?? 0, "f64")) : operandsOf(last);
      const partials = f.derivative({ args, y: call(f.name, args, "f64") });
      for (let k = 0; k < last; k++) {
        const [lo, hi] = f.domain.intervals[k] ?? [0, 0];
        if (lo === hi) continue; // an integer that is no variable
        const h = 1e-3;
        const at = (d: number): number => f.evaluate(...point.map((x, j) => (j === k ? x + d * h : x)));
        const difference = (45 * (at(1) - at(-1)) - 9 * (at(2) - at(-2)) + (at(3) - at(-3))) / (60 * h); // sixth order
        const rule = partials[k];
        const partial = rule ? evaluateExpr(rule, point) : 0;
        const scale = Math.max(1, Math.abs(at(0)));
        expect(
          close(partial, difference, 1e-7, 1e-9 * scale),
          `${f.name}(${point}) ${k}: ${partial} ${difference}`,
        ).toBe(true);
      }
    }
  });
  it.each(ENTRIES.filter((f) => f.expand && f.domain.intervals.length > 0).map((f) => [f.name, f] as const))(
    "%s means the same expanded",
    (_, f) => {
      for (const point of domainPoints(f, 20)) {
        const args = operandsOf(point.length);
        const expanded = f.expand?.(
          f.name === "powi" ? [args[0] ?? constant(0), constant(point[1] ?? 0, "f64")] : args,
        );
        expect(
          expanded && close(evaluateExpr(expanded, point), f.evaluate(...point), 1e-15, 0),
          `${point}`,
        ).toBe(true);
      }
    },
  );
  it("follow the conventions at kinks and ties", () => {
    expect(partialsAt("relu", [0])).toEqual([0]);
    expect(partialsAt("abs", [0])).toEqual([0]);
    expect(partialsAt("max", [2, 2])).toEqual([0.5, 0.5]);
    expect(partialsAt("min", [2, 2])).toEqual([0.5, 0.5]);
    expect(partialsAt("max", [1, 2])).toEqual([0, 1]);
    expect(partialsAt("min", [1, 2])).toEqual([1, 0]);
    expect(partialsAt("clamp", [1, -1, 1])).toEqual([0.5, 0, 0.5]);
    expect(partialsAt("mod", [-7, 3])).toEqual([1, 3]);
    expect(partialsAt("floor", [0.5])).toEqual([0]);
    expect(partialsAt("leaky_relu", [0, 0.01])).toEqual([0.01, 0]);
  });
  it("of powers are exact at base 0", () => {
    expect(partialsAt("pow", [0, 2])).toEqual([0, 0]);
    expect(partialsAt("pow", [0, 1])).toEqual([1, 0]);
    expect(partialsAt("pow", [0, 0])).toEqual([0, 0]);
    expect(partialsAt("pow", [-2, 3])[0]).toBe(12);
    const [x] = operandsOf(1);
    if (!x) return;
    const square = power(x, constant(2, "f64"));
    const partial = entry("powi").derivative({ args: square.op === "call" ? square.args : [], y: square })[0];
    expect(partial && evaluateExpr(partial, [0])).toBe(0);
    expect(power(x, constant(0, "f64"))).toBe(constant(1, "f64"));
    expect(evaluateExpr(power(x, constant(-2, "f64")), [4])).toBe(1 / 16);
  });
  it("do not overflow in the arm that is not chosen", () => {
    expect(partialsAt("elu", [1000, 1])).toEqual([1, 0]);
    expect(partialsAt("gelu", [-100])[0]).toBeCloseTo(0);
    expect(partialsAt("asinh", [1e300])[0]).toBeCloseTo(0);
  });
});

describe("values", () => {
  // At 40 digits by mpmath.
  it.each([
    ["erf", [0.5], 0.5204998778130465377],
    ["erf", [1.5], 0.96610514647531072707],
    ["erfc", [2], 0.0046777349810472658379],
    ["erfc", [10], 2.088487583762544757e-45],
    ["erfc", [-3], 1.9999779095030014146],
    ["lgamma", [0.5], 0.57236494292470008707],
    ["lgamma", [10.5], 13.940625219403763416],
    ["lgamma", [-1.5], 0.86004701537648101451],
    ["lgamma", [1], 0],
    ["lgamma", [2], 0],
    ["lgamma", [-2], Infinity],
    ["digamma", [1], -0.57721566490153286061],
    ["digamma", [0.25], -4.2274535333762654081],
    ["digamma", [-0.5], 0.036489973978576520559],
    ["polygamma", [1, 1], 1.6449340668482264365],
    ["polygamma", [1, 0.5], 4.9348022005446793094],
    ["polygamma", [2, 1], -2.4041138063191885708],
    ["polygamma", [3, 1], 6.4939394022668291491],
    ["gelu", [1], 0.84134474606854294859],
    ["selu", [-1], -1.1113307378125627337],
    ["mish", [1], 0.86509838826731034],
    ["log_sigmoid", [-1000], -1000],
    ["softplus", [1000], 1000],
    ["expm1", [1e-10], 1.00000000005e-10],
  ] as const)("%s(%s) = %s", (name, args, expected) => {
    expect(
      close(entry(name).evaluate(...args), expected, 2e-15, 0),
      String(entry(name).evaluate(...args)),
    ).toBe(true);
  });
  it("round halves to even", () => {
    expect([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.4999].map((x) => entry("round").evaluate(x))).toEqual([
      -2, -2, -0, 0, 2, 2, 3,
    ]);
  });
  it("take the remainder with the sign of the divisor", () => {
    expect(
      [
        [7, 3],
        [-7, 3],
        [7, -3],
        [-7, -3],
        [6, 3],
      ].map((p) => entry("mod").evaluate(...p)),
    ).toEqual([1, 2, -2, -1, 0]);
  });
  it("divide integers downwards, and by 0 to 0", () => {
    const quotient = (x: number, y: number): number => evaluateScalar("floor_div", [x, y], "i32");
    expect([quotient(7, 2), quotient(-7, 2), quotient(7, -2), quotient(7, 0)]).toEqual([3, -4, -4, 0]);
    expect(evaluateScalar("mod", [7, 0], "i32")).toBe(7);
  });
  it("wrap integers", () => {
    expect(evaluateScalar("add", [2147483647, 1], "i32")).toBe(-2147483648);
    expect(evaluateScalar("mul", [123456789, 987654321], "i32")).toBe(Math.imul(123456789, 987654321));
    expect(evaluateScalar("sub", [0, 1], "u32")).toBe(4294967295);
    expect(evaluateScalar("neg", [-2147483648], "i32")).toBe(-2147483648);
  });
  it("follow C's pow", () => {
    const pow = entry("pow").evaluate;
    expect([pow(0, 0), pow(-2, 3), pow(1, Infinity), pow(-1, -Infinity), pow(1, NaN)]).toEqual([
      1, -8, 1, 1, 1,
    ]);
    expect(pow(-2, 0.5)).toBeNaN();
  });
  it("give sign(0) = 0", () => expect(entry("sign").evaluate(0)).toBe(0));
});

describe("random values", () => {
  it("give Threefry's known answers", () => {
    const hex = (words: readonly number[]): string[] => words.map((w) => w.toString(16).padStart(8, "0"));
    expect(hex(threefry2x32(0, 0, 0, 0))).toEqual(["6b200159", "99ba4efe"]);
    expect(hex(threefry2x32(-1, -1, -1, -1))).toEqual(["1cb996fc", "bb002be7"]);
    expect(hex(threefry2x32(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3))).toEqual([
      "c4923a9c",
      "483df7a0",
    ]);
  });
  it("have the moments of their distributions", () => {
    const n = 20000;
    const mean = (f: (i: number) => number): number =>
      Array.from({ length: n }, (_, i) => f(i)).reduce((a, b) => a + b) / n;
    expect(mean((i) => entry("rand").evaluate(5, i))).toBeCloseTo(0.5, 1.9);
    expect(mean((i) => entry("randn").evaluate(5, i))).toBeCloseTo(0, 1.5);
    expect(mean((i) => entry("randn").evaluate(5, i) ** 2)).toBeCloseTo(1, 1.5);
  });
});

/** A function of the same arguments from generated text. */
function compiled(expression: string, parameters: readonly string[]): (...args: number[]) => number {
  return new Function(`${jsHelpers(expression)}\nreturn (${parameters.join(", ")}) => ${expression};`)() as (
    ...args: number[]
  ) => number;
}
describe("JavaScript code", () => {
  it.each(ENTRIES.map((f) => [f.name, f] as const))("of %s gives the reference's values", (_, f) => {
    const points = domainPoints(f, 100);
    expect(points.length).toBeGreaterThan(1);
    for (const point of points) {
      const names = point.map((__, k) => "abc"[k] ?? `a${k}`);
      const texts = f.name === "powi" ? ["a", String(point[1])] : names;
      // In double: single.test.ts has what f32 takes instead.
      const type = operandType(f) === "f32" ? "f64" : operandType(f);
      const value = Number(compiled(f.js.expression(texts, type), names)(...point));
      const expected = f.evaluate(...point);
      expect(close(value, expected, 5e-15, 1e-300), `${f.name}(${point}) = ${value}, not ${expected}`).toBe(
        true,
      );
    }
  });
  it.each(["i32", "u32"] as const)("of integer functions wraps to %s", (dtype) => {
    const values =
      dtype === "i32" ? [-2147483648, -7, -1, 0, 1, 3, 2147483647] : [0, 1, 3, 7, 2147483648, 4294967295];
    for (const f of ENTRIES.filter((g) =>
      ["arithmetic", "integer", "comparison", "equality"].includes(g.type),
    )) {
      const count = f.domain.intervals.length;
      const names = ["a", "b", "c"].slice(0, count);
      const made = compiled(f.js.expression(names, dtype), names);
      for (const a of values)
        for (const b of values) {
          const args = [a, b, 3].slice(0, count);
          expect(Number(made(...args)) + 0, `${f.name}(${args})`).toBe(
            evaluateScalar(f.name, args, dtype) + 0,
          );
        }
    }
  });
  it("converts as the language says", () => {
    const types: DType[] = ["f64", "f32", "f16", "i32", "u32", "bool"];
    const floats = [
      0,
      -0.5,
      1.75,
      -2.75,
      3e9,
      -3e9,
      5e9,
      NaN,
      Infinity,
      -Infinity,
      1 / 3,
      65519,
      65520,
      1e-8,
      2 ** -24,
    ];
    const integers = [0, 1, -1, 7, 2147483647, -2147483648];
    for (const from of types)
      for (const to of types)
        for (const x of isFloat(from) ? floats : from === "bool" ? [0, 1] : integers) {
          const value =
            from === "u32" ? x >>> 0 : from === "f32" ? Math.fround(x) : castValue("f64", from, x);
          if (from === to) continue;
          const made = compiled(castJs(from, to, "a"), ["a"]);
          const rounded = to === "f32" ? Math.fround(Number(made(value))) : Number(made(value));
          expect(rounded + 0, `${from} ${value} to ${to}`).toBe(castValue(from, to, value) + 0);
        }
    expect(castValue("f32", "i32", NaN)).toBe(0);
    expect(castValue("f32", "i32", -2.9)).toBe(-2);
    expect(castValue("f32", "i32", 1e20)).toBe(2147483647);
  });
});
