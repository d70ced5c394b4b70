import type { Expr } from "../expr.js";
import { add, and, call, compare, constant, div, fn, literal, mul, neg, select } from "../expr.js";
import { callOf, define, jsCall, one, points, two, wgslCall } from "./define.js";
import { pow } from "./numeric.js";
import { ANYTHING, greatestSign, ifNegative, POSITIVE, unlessPositive } from "./range.js";
import type { Interval, ScalarFunction, TargetCode } from "./types.js";

const ABOVE_ZERO: readonly Interval[] = [[0.05, 20]];
const reciprocal = (e: Expr): Expr => div(literal(1, e), e);
/** Products for a small literal exponent of a plain name, else the helper. */
const powiCode = (integer: RegExp): TargetCode => ({
  expression: ([x = "", n = ""]) => {
    const exponent = integer.test(n) ? Number.parseInt(n.replace("(", ""), 10) : NaN;
    if (exponent === 0) return "1.0";
    if (exponent === 1) return x;
    const size = Math.abs(exponent);
    if (!/^\w+$/.test(x) || !(size >= 2 && size <= 4)) return `gradc_powi(${x}, ${n})`;
    const product = `(${Array(size).fill(x).join(" * ")})`;
    return exponent < 0 ? `(1.0 / ${product})` : product;
  },
  helpers: ["gradc_powi"],
});
const POWI_WGSL = powiCode(/^(\d+(\.0*)?f?|\(-\d+(\.0*)?f?\))$/);

/**
 * `base ^ exponent` of floats, as the language has it: products for a literal integer exponent, or 1 over them, C's pow
 * otherwise.
 */
export function power(base: Expr, exponent: Expr): Expr {
  if (exponent.op !== "constant" || !Number.isInteger(exponent.value) || Math.abs(exponent.value) > 1024)
    return call("pow", [base, exponent], base.dtype);
  const n = exponent.value;
  if (n === 0) return literal(1, base);
  if (n === 1) return base;
  return n === -1 ? reciprocal(base) : call("powi", [base, literal(n, base)], base.dtype);
}

export const EXPONENTIAL: readonly ScalarFunction[] = [
  define("powi", {
    visible: false,
    arity: 2,
    parameters: ["x", { name: "n", literal: true }],
    doc: "`x^n` for a literal integer n (a constant of x's type): repeated products, or 1 over them. Derivative `n * x^(n - 1)`; 0 for n = 0.",
    evaluate: (x = 0, n = 0) => x ** n,
    derivative: ({ args }) => {
      const [x, n] = two(args);
      if (n.op !== "constant" || n.value === 0) return [null, null];
      if (n.value === 1) return [literal(1, x), null];
      return [mul(n, power(x, literal(n.value - 1, x))), null];
    },
    expand: (args) => {
      const [x, n] = two(args);
      return n.op === "constant" ? power(x, n) : call("powi", [x, n], x.dtype);
    },
    // Of a negative exponent.
    zeroCotangentGivesZero: true,
    poles: ([x = ANYTHING], [, n]) => n?.op === "constant" && n.value < 0 && x.sign < 2,
    range: ([x = ANYTHING], [, n]) => {
      const isEven = n?.op === "constant" && n.value % 2 === 0;
      return {
        sign: isEven && x.sign === 0 ? 1 : x.sign,
        floor: isEven && n.value > 0 ? 0 : -Infinity,
      };
    },
    cost: 3,
    domain: {
      intervals: [
        [-3, 3],
        [3, 3],
      ],
      special: [
        [0, 0],
        [0, 2],
        [-2, 3],
        [2, 10],
        [-1.5, 5],
        [2, -2],
        [-2, -1],
      ],
    },
    js: powiCode(/^(\d+|\(-\d+\))$/),
    wgsl: {
      expression: (args, dtype) =>
        dtype === "f16"
          ? `f16(${POWI_WGSL.expression(
              args.map((a) => `f32(${a})`),
              "f32",
            )})`
          : POWI_WGSL.expression(args, dtype),
      helpers: ["gradc_powi"],
    },
  }),
  define("pow", {
    visible: false,
    arity: 2,
    doc: "`x^y` by C's rules: a negative base with an integral exponent is defined, `0^0 = 1`. The derivative for the exponent is 0 at base 0.",
    evaluate: (x = 0, y = 0) => pow(x, y),
    derivative: ({ args, y: result }) => {
      const [x, y] = two(args);
      const zero = literal(0, x);
      // x^(y - 1) by pow as well, so that its own derivative stays guarded at base 0.
      const less = y.op === "constant" ? literal(y.value - 1, y) : add(y, literal(-1, y));
      const lower = call("pow", [x, less], x.dtype);
      if (y.op === "constant") return [y.value === 0 ? null : mul(y, lower), null];
      // 0 for an exponent of 0, be x^-1 infinite; by a product, for a choice would have no derivative for the exponent.
      // So that a cotangent of 0 stays 0 in the second order too, where log x is infinite or NaN, both are products by mul0.
      const byBase = call("mul0", [y, lower], x.dtype);
      const both = and(compare("eq", x, zero), compare("eq", y, zero));
      return [
        select(both, zero, byBase),
        select(compare("eq", x, zero), zero, call("mul0", [result, fn("log", x)], x.dtype)),
      ];
    },
    zeroCotangentGivesZero: true,
    poles: unlessPositive(),
    range: ([x = ANYTHING]) => ({ sign: x.sign }),
    cost: 30,
    domain: {
      intervals: [
        [0.1, 5],
        [-3, 3],
      ],
      special: [
        [0, 0],
        [0, 2],
        [0, 0.5],
        [-2, 3],
        [-2, 2],
        [-2, -1],
        [1, 1000],
        [0.999, 1000],
        [-1, 7],
        [2, 0],
      ],
    },
    js: callOf("gradc_pow"),
    wgsl: wgslCall("gradc_pow", { relative: 2e-6, absolute: 1e-37 }),
  }),
  define("sqrt", {
    arity: 1,
    doc: "The square root.",
    evaluate: (x = 0) => Math.sqrt(x),
    derivative: ({ y }) => [div(literal(0.5, y), y)],
    zeroCotangentGivesZero: true,
    poles: ifNegative,
    range: ([x = ANYTHING]) => ({ sign: x.sign, floor: Math.sqrt(Math.max(0, x.floor)) }),
    cost: 4,
    domain: { intervals: ABOVE_ZERO, special: points(0, 1, 1e-30, 1e30) },
    js: callOf("Math.sqrt"),
    wgsl: wgslCall("sqrt"),
  }),
  define("rsqrt", {
    arity: 1,
    doc: "`1 / sqrt(x)`",
    evaluate: (x = 0) => 1 / Math.sqrt(x),
    // -1/2 x^(-3/2), without a division.
    derivative: ({ y }) => [mul(mul(literal(-0.5, y), y), mul(y, y))],
    zeroCotangentGivesZero: true,
    poles: unlessPositive(),
    range: ([x = ANYTHING]) => ({ sign: x.sign, floor: 0 }),
    cost: 5,
    domain: { intervals: ABOVE_ZERO, special: points(1, 1e-30, 1e30) },
    js: callOf("gradc_rsqrt"),
    wgsl: wgslCall("inverseSqrt"),
  }),
  define("cbrt", {
    arity: 1,
    doc: "The real cube root, odd in x.",
    evaluate: (x = 0) => Math.cbrt(x),
    derivative: ({ y }) => [div(literal(1, y), mul(literal(3, y), mul(y, y)))],
    zeroCotangentGivesZero: true,
    poles: "nowhere",
    range: ([x = ANYTHING]) => ({ sign: x.sign }),
    cost: 20,
    domain: {
      intervals: [[-20, 20]],
      special: points(0, 1, -8, 1e-30, -1e30),
      smooth: ([x = 0]) => Math.abs(x) > 0.05,
    },
    js: callOf("Math.cbrt"),
    wgsl: wgslCall("gradc_cbrt"),
  }),
  define("exp", {
    arity: 1,
    doc: "`e^x`",
    evaluate: (x = 0) => Math.exp(x),
    derivative: ({ y }) => [y],
    poles: "nowhere",
    range: POSITIVE,
    cost: 10,
    domain: { intervals: [[-10, 10]], special: points(0, 1, -80, 80, -200) },
    js: jsCall("Math.exp", "gradc_exp"),
    wgsl: wgslCall("exp", { relative: 2e-5, absolute: 1e-37 }),
  }),
  define("decay", {
    visible: false,
    variantOf: "exp",
    arity: 1,
    doc: "`e^x` for x <= 0.",
    evaluate: (x = 0) => Math.exp(x),
    derivative: ({ y }) => [y],
    poles: "nowhere",
    range: POSITIVE,
    cost: 10,
    domain: { intervals: [[-10, 0]], special: points(0, -1, -80, -200) },
    js: jsCall("Math.exp", "gradc_exp"),
    wgsl: wgslCall("exp", { relative: 2e-5, absolute: 1e-37 }),
  }),
  define("exp2", {
    arity: 1,
    doc: "`2^x`",
    evaluate: (x = 0) => 2 ** x,
    derivative: ({ y }) => [mul(y, literal(Math.LN2, y))],
    poles: "nowhere",
    range: POSITIVE,
    cost: 10,
    domain: { intervals: [[-10, 10]], special: points(0, 1, -100, 100, -200) },
    js: callOf("gradc_exp2"),
    wgsl: wgslCall("exp2", { relative: 2e-5, absolute: 1e-37 }),
  }),
  define("expm1", {
    arity: 1,
    doc: "`e^x - 1`, accurate next to 0.",
    evaluate: (x = 0) => Math.expm1(x),
    derivative: ({ y }) => [add(y, literal(1, y))],
    poles: "nowhere",
    cost: 12,
    domain: { intervals: [[-10, 10]], special: points(0, 1e-10, -1e-4, 0.3999, -0.4001, 80, -200) },
    js: callOf("Math.expm1"),
    wgsl: wgslCall("gradc_expm1"),
  }),
  define("log", {
    arity: 1,
    doc: "The natural logarithm.",
    evaluate: (x = 0) => Math.log(x),
    derivative: ({ args }) => [reciprocal(one(args))],
    zeroCotangentGivesZero: true,
    poles: unlessPositive(),
    cost: 10,
    domain: { intervals: ABOVE_ZERO, special: points(0, 1, 1e-30, 1e30) },
    js: jsCall("Math.log", "gradc_log"),
    wgsl: wgslCall("gradc_log", { relative: 2e-6, absolute: 1e-6 }),
  }),
  define("log2", {
    arity: 1,
    doc: "The logarithm to base 2.",
    evaluate: (x = 0) => Math.log2(x),
    derivative: ({ args }) => [div(literal(Math.LOG2E, one(args)), one(args))],
    zeroCotangentGivesZero: true,
    poles: unlessPositive(),
    cost: 10,
    domain: { intervals: ABOVE_ZERO, special: points(0, 1, 8, 1e-30, 1e30) },
    js: callOf("Math.log2"),
    wgsl: wgslCall("gradc_log2", { relative: 2e-6, absolute: 1e-6 }),
  }),
  define("log10", {
    arity: 1,
    doc: "The logarithm to base 10.",
    evaluate: (x = 0) => Math.log10(x),
    derivative: ({ args }) => [div(literal(Math.LOG10E, one(args)), one(args))],
    zeroCotangentGivesZero: true,
    poles: unlessPositive(),
    cost: 10,
    domain: { intervals: ABOVE_ZERO, special: points(0, 1, 1000, 1e-30, 1e30) },
    js: callOf("Math.log10"),
    wgsl: wgslCall("gradc_log10", { relative: 2e-6, absolute: 1e-6 }),
  }),
  define("log1p", {
    arity: 1,
    doc: "`log(1 + x)`, accurate next to 0.",
    evaluate: (x = 0) => Math.log1p(x),
    derivative: ({ args }) => [reciprocal(add(literal(1, one(args)), one(args)))],
    zeroCotangentGivesZero: true,
    poles: ifNegative,
    cost: 12,
    domain: { intervals: [[-0.9, 20]], special: points(0, 1e-10, -1e-5, 0.2999, -0.3001, 1e30) },
    js: callOf("Math.log1p"),
    wgsl: wgslCall("gradc_log1p"),
  }),
  define("hypot", {
    arity: 2,
    doc: "`sqrt(x^2 + y^2)` without overflow.",
    evaluate: (x = 0, y = 0) => Math.hypot(x, y),
    derivative: ({ args, y }) => {
      const [a, b] = two(args);
      return [div(a, y), div(b, y)];
    },
    zeroCotangentGivesZero: true,
    poles: "nowhere",
    range: (ranges) => ({ sign: greatestSign(...ranges) === 2 ? 2 : 1, floor: 0 }),
    isCommutative: true,
    cost: 10,
    domain: {
      intervals: [
        [-8, 8],
        [-8, 8],
      ],
      special: [
        [0, 0],
        [3, 4],
        [1e30, 1e30],
        [0, -2],
        [1e-30, 1e-30],
      ],
      smooth: ([x = 0, y = 0]) => Math.hypot(x, y) > 0.1,
    },
    js: callOf("gradc_hypot"),
    wgsl: wgslCall("gradc_hypot"),
  }),
  define("sinh", {
    arity: 1,
    doc: "`(e^x - e^-x) / 2`",
    evaluate: (x = 0) => Math.sinh(x),
    derivative: ({ args }) => [fn("cosh", one(args))],
    poles: "nowhere",
    cost: 20,
    domain: { intervals: [[-8, 8]], special: points(0, 1e-10, 0.3999, -0.4001, 88.9) },
    js: callOf("Math.sinh"),
    wgsl: wgslCall("gradc_sinh"),
  }),
  define("cosh", {
    arity: 1,
    doc: "`(e^x + e^-x) / 2`",
    evaluate: (x = 0) => Math.cosh(x),
    derivative: ({ args }) => [fn("sinh", one(args))],
    poles: "nowhere",
    range: () => ({ sign: 2, floor: 1 }),
    isEven: true,
    cost: 20,
    domain: { intervals: [[-8, 8]], special: points(0, 1e-10, 88.9) },
    js: callOf("Math.cosh"),
    wgsl: wgslCall("gradc_cosh"),
  }),
  define("tanh", {
    arity: 1,
    doc: "`sinh(x) / cosh(x)`",
    evaluate: (x = 0) => Math.tanh(x),
    derivative: ({ y }) => [add(literal(1, y), neg(mul(y, y)))],
    poles: "nowhere",
    isTame: true,
    cost: 20,
    domain: { intervals: [[-5, 5]], special: points(0, 1e-10, 0.5999, -0.6001, 100, -1e30) },
    js: jsCall("Math.tanh", "gradc_tanh"),
    wgsl: wgslCall("gradc_tanh"),
  }),
  define("asinh", {
    arity: 1,
    doc: "The inverse of sinh.",
    evaluate: (x = 0) => Math.asinh(x),
    derivative: ({ args }) => [reciprocal(fn("hypot", one(args), constant(1, one(args).dtype)))],
    poles: "nowhere",
    cost: 25,
    domain: { intervals: [[-8, 8]], special: points(0, 1e-10, -5000, 1e30) },
    js: callOf("Math.asinh"),
    wgsl: wgslCall("gradc_asinh"),
  }),
  define("acosh", {
    arity: 1,
    doc: "The inverse of cosh, for x >= 1.",
    evaluate: (x = 0) => Math.acosh(x),
    derivative: ({ args }) => {
      const x = one(args);
      // A factor is infinite at 1, where a cotangent of 0 has to stay 0 in the second order too.
      return [
        call("mul0", [fn("rsqrt", add(x, literal(-1, x))), fn("rsqrt", add(x, literal(1, x)))], x.dtype),
      ];
    },
    zeroCotangentGivesZero: true,
    poles: "somewhere",
    cost: 25,
    domain: { intervals: [[1.05, 20]], special: points(1, 1.0001, 5000, 1e30) },
    js: callOf("Math.acosh"),
    wgsl: wgslCall("gradc_acosh"),
  }),
  define("atanh", {
    arity: 1,
    doc: "The inverse of tanh, for |x| < 1.",
    evaluate: (x = 0) => Math.atanh(x),
    derivative: ({ args }) => {
      const x = one(args);
      const l = literal(1, x);
      return [reciprocal(mul(add(l, neg(x)), add(l, x)))];
    },
    zeroCotangentGivesZero: true,
    poles: "somewhere",
    cost: 25,
    domain: { intervals: [[-0.95, 0.95]], special: points(0, 1e-10, 0.9999, -0.9999), smooth: () => true },
    js: callOf("Math.atanh"),
    wgsl: wgslCall("gradc_atanh"),
  }),
];
