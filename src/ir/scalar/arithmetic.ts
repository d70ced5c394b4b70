import { invariant } from "../../diagnostics/invariant.js";
import type { Expr } from "../expr.js";
import { compare, div, fn, literal, mul, neg, select } from "../expr.js";
import {
  byType,
  callOf,
  define,
  infix,
  infixWrapped,
  one,
  PAIR,
  rule,
  TIES,
  two,
  wgslCall,
  wrapJs,
} from "./define.js";
import { ANYTHING, greatestSign, leastSign, sumOfFloors } from "./range.js";
import type { Domain, ScalarFunction, TargetCode } from "./types.js";

const quotient: Domain = { ...PAIR, smooth: ([, y = 0], h) => Math.abs(y) > 8 * h };

const floorMod = (x: number, y: number): number => {
  const r = x % y;
  return r !== 0 && r < 0 !== y < 0 ? r + y : r;
};
const nested = (callee: string): TargetCode => ({
  expression: (args) => args.reduce((a, b) => `${callee}(${a}, ${b})`),
});

/** max and min: the partial for the first of two operands. */
const tieHalves = (chosen: Expr, a: Expr, b: Expr): Expr =>
  select(chosen, select(compare("eq", a, b), literal(0.5, a), literal(1, a)), literal(0, a));
const extremum = (
  name: "max" | "min",
  doc: string,
  choose: (a: number, b: number) => number,
  chooseSign: typeof leastSign,
): ScalarFunction =>
  define(name, {
    type: "arithmetic",
    arity: { min: 2 },
    doc,
    evaluate: (...args) => args.reduce((a, b) => choose(a, b)),
    derivative: ({ args }) => {
      const [a, b] = two(args);
      invariant(args.length === 2, `${name} of more than two is expanded before it is differentiated`);
      const aWins = name === "max" ? compare("le", b, a) : compare("le", a, b);
      const bWins = name === "max" ? compare("le", a, b) : compare("le", b, a);
      return [tieHalves(aWins, a, b), tieHalves(bWins, a, b)];
    },
    expand: (args) => args.reduce((a, b) => fn(name, a, b)),
    poles: "nowhere",
    range: (ranges) => ({
      sign: chooseSign(...ranges),
      floor: ranges.map(({ floor }) => floor).reduce((a, b) => choose(a, b)),
    }),
    isCommutative: true,
    isTame: true,
    cost: 1,
    domain: { ...PAIR, special: TIES, smooth: ([a = 0, b = 0], h) => Math.abs(a - b) > 8 * h },
    js: nested(`Math.${name}`),
    wgsl: nested(name),
  });

export const ARITHMETIC: readonly ScalarFunction[] = [
  define("add", {
    ...rule("arithmetic"),
    arity: 2,
    doc: "`x + y`",
    evaluate: (x = 0, y = 0) => x + y,
    derivative: ({ y }) => [literal(1, y), literal(1, y)],
    poles: "nowhere",
    range: ([x = ANYTHING, y = ANYTHING]) => ({
      sign: leastSign(x, y) > 0 ? greatestSign(x, y) : 0,
      floor: sumOfFloors(x.floor, y.floor),
    }),
    isCommutative: true,
    isTame: true,
    cost: 1,
    domain: PAIR,
    js: infixWrapped("+"),
    wgsl: infix("+"),
  }),
  define("sub", {
    ...rule("arithmetic"),
    arity: 2,
    doc: "`x - y`",
    evaluate: (x = 0, y = 0) => x - y,
    derivative: ({ y }) => [literal(1, y), literal(-1, y)],
    poles: "nowhere",
    isTame: true,
    cost: 1,
    domain: PAIR,
    js: infixWrapped("-"),
    wgsl: infix("-"),
  }),
  define("mul", {
    ...rule("arithmetic"),
    arity: 2,
    doc: "`x * y`",
    evaluate: (x = 0, y = 0) => x * y,
    evaluateInteger: (x = 0, y = 0) => Math.imul(x, y),
    derivative: ({ args }) => [...two(args)].reverse(),
    poles: "nowhere",
    range: ([x = ANYTHING, y = ANYTHING], [a, b]) => ({
      sign: a === b && x.sign === 0 ? 1 : leastSign(x, y),
      floor: x.floor >= 0 && y.floor >= 0 ? x.floor * y.floor : a === b ? 0 : -Infinity,
    }),
    isCommutative: true,
    isTame: true,
    cost: 1,
    domain: PAIR,
    js: byType(infix("*"), { expression: ([a, b], dtype) => wrapJs(`Math.imul(${a}, ${b})`, dtype) }),
    wgsl: infix("*"),
  }),
  define("mul0", {
    ...rule("float"),
    arity: 2,
    doc: "`if x == 0 then 0 else x * y`: a cotangent times a partial that may be infinite.",
    evaluate: (x = 0, y = 0) => (x === 0 ? 0 : x * y),
    derivative: ({ args }) => [...two(args)].reverse(),
    zeroCotangentGivesZero: true,
    poles: "nowhere",
    cost: 2,
    domain: { ...PAIR, special: [...TIES, [0, Infinity]] },
    js: callOf("gradc_mul0"),
    wgsl: wgslCall("gradc_mul0"),
  }),
  define("div", {
    ...rule("float"),
    arity: 2,
    doc: "`x / y` of floats",
    evaluate: (x = 0, y = 0) => x / y,
    derivative: ({ args: [, divisor], y }) => {
      const d = divisor ?? y;
      return [div(literal(1, y), d), neg(div(y, d))];
    },
    zeroCotangentGivesZero: true,
    poles: ([, y = ANYTHING], [, divisor]) =>
      y.sign < 2 && !(divisor?.op === "constant" && divisor.value !== 0),
    range: ([x = ANYTHING, y = ANYTHING]) => ({
      sign: y.sign === 2 ? x.sign : 0,
      floor: x.floor >= 0 && y.floor >= 0 ? 0 : -Infinity,
    }),
    cost: 4,
    domain: quotient,
    js: infix("/"),
    wgsl: infix("/"),
  }),
  define("floor_div", {
    ...rule("integer"),
    arity: 2,
    doc: "`x / y` of integers: rounds down; 0 where y is 0.",
    evaluate: (x = 0, y = 0) => (y === 0 ? 0 : Math.floor(x / y)),
    derivative: () => [null, null],
    poles: "nowhere",
    isTame: true,
    cost: 6,
    domain: { ...PAIR, special: TIES },
    js: {
      expression: (args, dtype) => `gradc_floor_div${dtype === "u32" ? "_u32" : ""}(${args.join(", ")})`,
      helpers: ["gradc_floor_div", "gradc_floor_div_u32"],
    },
    wgsl: {
      expression: (args, dtype) => `gradc_floor_div_${dtype === "u32" ? "u32" : "i32"}(${args.join(", ")})`,
      helpers: ["gradc_floor_div_i32", "gradc_floor_div_u32"],
    },
  }),
  define("mod", {
    type: "arithmetic",
    arity: 2,
    doc: "`x - y * floor(x / y)`, of the sign of y, as NumPy's; also written `x % y`. Of integers, x where y is 0.",
    evaluate: floorMod,
    evaluateInteger: (x = 0, y = 0) => (y === 0 ? x : floorMod(x, y)),
    derivative: ({ args }) => {
      const [x, y] = two(args);
      return [literal(1, x), neg(fn("floor", div(x, y)))];
    },
    poles: "somewhere",
    isTame: true,
    cost: 8,
    domain: {
      intervals: [
        [-8, 8],
        [-8, 8],
      ],
      special: [
        [6, 3],
        [-6, 3],
        [7, -3],
        [-7, -3],
        [5.5, 2],
        [-5.5, 2],
        [0, 2],
      ],
      smooth: ([x = 0, y = 0], h) =>
        Math.abs(y) > 0.1 && Math.abs(x / y - Math.round(x / y)) * Math.abs(y) > 100 * h,
    },
    js: byType(callOf("gradc_mod"), callOf("gradc_mod_int")),
    wgsl: {
      expression: (args, dtype) =>
        dtype === "f16"
          ? `f16(gradc_mod_f32(${args.map((a) => `f32(${a})`).join(", ")}))`
          : `gradc_mod_${dtype === "i32" || dtype === "u32" ? dtype : "f32"}(${args.join(", ")})`,
      helpers: ["gradc_mod_f32", "gradc_mod_i32", "gradc_mod_u32"],
      bound: { relative: 2e-6, absolute: 2e-6 },
    },
  }),
  define("neg", {
    ...rule("arithmetic"),
    arity: 1,
    doc: "`-x`",
    evaluate: (x = 0) => -x,
    derivative: ({ y }) => [literal(-1, y)],
    poles: "nowhere",
    isTame: true,
    cost: 1,
    domain: { intervals: [[-8, 8]] },
    js: { expression: ([a], dtype) => wrapJs(`- ${a}`, dtype) },
    wgsl: { expression: ([a], dtype) => (dtype === "u32" ? `(0u - ${a})` : `(- ${a})`) },
  }),
  extremum(
    "min",
    "The least of two or more; the derivative of a tie is split in halves.",
    Math.min,
    leastSign,
  ),
  define("larger", {
    visible: false,
    variantOf: "max",
    type: "arithmetic",
    arity: 2,
    parameters: ["a", "b"],
    doc: "`b` where `a < b`, else `a`: of NaN in `b` nothing is seen.",
    evaluate: (a = 0, b = 0) => (a < b ? b : a),
    derivative: ({ args }) => {
      const [a, b] = two(args);
      const isSecond = compare("lt", a, b);
      return [select(isSecond, literal(0, a), literal(1, a)), select(isSecond, literal(1, a), literal(0, a))];
    },
    poles: "nowhere",
    cost: 1,
    domain: { ...PAIR, special: TIES, smooth: ([a = 0, b = 0], h) => Math.abs(a - b) > 8 * h },
    js: { expression: ([a, b]) => `(${a} < ${b} ? ${b} : ${a})` },
    wgsl: nested("max"),
  }),
  extremum(
    "max",
    "The greatest of two or more; the derivative of a tie is split in halves.",
    Math.max,
    greatestSign,
  ),
  define("square", {
    type: "arithmetic",
    arity: 1,
    doc: "`x * x`",
    evaluate: (x = 0) => x * x,
    evaluateInteger: (x = 0) => Math.imul(x, x),
    derivative: ({ args }) => [mul(literal(2, one(args)), one(args))],
    expand: (args) => mul(one(args), one(args)),
    poles: "nowhere",
    range: ([x = ANYTHING]) => ({ sign: x.sign === 2 ? 2 : 1, floor: Math.max(0, x.floor) ** 2 }),
    isEven: true,
    isTame: true,
    cost: 1,
    domain: { intervals: [[-8, 8]] },
    js: byType(callOf("gradc_square"), {
      expression: ([a], dtype) => wrapJs(`Math.imul(${a}, ${a})`, dtype),
    }),
    wgsl: { expression: ([a]) => `(${a} * ${a})` },
  }),
  define("clamp", {
    type: "arithmetic",
    arity: 3,
    parameters: ["x", "lo", "hi"],
    doc: "`min(max(x, lo), hi)`",
    evaluate: (x = 0, lo = 0, hi = 0) => Math.min(Math.max(x, lo), hi),
    derivative: ({ args: [x, lo, hi] }) => {
      const [a, b] = two([x, lo].flatMap((e) => e ?? []));
      const top = hi ?? b;
      const inner = fn("max", a, b);
      const outer = tieHalves(compare("le", inner, top), inner, top);
      const through = (own: Expr): Expr => mul(outer, own);
      return [
        through(tieHalves(compare("le", b, a), a, b)),
        through(tieHalves(compare("le", a, b), a, b)),
        tieHalves(compare("le", top, inner), inner, top),
      ];
    },
    expand: ([x, lo, hi]) => {
      const [a, b] = two([x, lo].flatMap((e) => e ?? []));
      return fn("min", fn("max", a, b), hi ?? b);
    },
    poles: "nowhere",
    range: ([x = ANYTHING, lo = ANYTHING, hi = ANYTHING]) => ({
      sign: leastSign({ ...x, sign: greatestSign(x, lo) }, hi),
    }),
    isTame: true,
    cost: 2,
    domain: {
      intervals: [
        [-4, 4],
        [-2, 0],
        [0.5, 2],
      ],
      special: [
        [-1, -1, 1],
        [1, -1, 1],
        [0, 2, 1],
      ],
      smooth: ([x = 0, lo = 0, hi = 0], h) => Math.abs(x - lo) > 8 * h && Math.abs(x - hi) > 8 * h,
    },
    js: { expression: ([x, lo, hi]) => `Math.min(Math.max(${x}, ${lo}), ${hi})` },
    wgsl: { expression: ([x, lo, hi]) => `min(max(${x}, ${lo}), ${hi})` },
  }),
];
