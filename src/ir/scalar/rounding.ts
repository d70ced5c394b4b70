import { fn } from "../expr.js";
import { byType, callOf, define, one, points, wgslCall } from "./define.js";
import { roundHalfEven } from "./numeric.js";
import { magnitude } from "./range.js";
import type { Domain, ScalarFunction, TargetCode } from "./types.js";

const halves = points(-2.5, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2.5, 1e9);
const steps: Domain = {
  intervals: [[-8, 8]],
  special: halves,
  smooth: ([x = 0], h) => Math.abs(x - Math.round(2 * x) / 2) > 8 * h,
};
const stepFunction = (
  name: string,
  doc: string,
  evaluate: (x: number) => number,
  js: TargetCode,
): ScalarFunction =>
  define(name, {
    arity: 1,
    doc: `${doc} Passes no derivative.`,
    evaluate: (x = 0) => evaluate(x),
    derivative: () => [null],
    poles: "nowhere",
    cost: 1,
    domain: steps,
    js,
    wgsl: wgslCall(name),
  });

export const ROUNDING: readonly ScalarFunction[] = [
  define("abs", {
    type: "arithmetic",
    arity: 1,
    doc: "`|x|`, with derivative 0 at 0.",
    evaluate: (x = 0) => Math.abs(x),
    derivative: ({ args }) => [fn("sign", one(args))],
    poles: "nowhere",
    range: magnitude,
    isEven: true,
    cost: 1,
    domain: {
      intervals: [[-8, 8]],
      special: [[0], [-0], [1e30]],
      smooth: ([x = 0], h) => Math.abs(x) > 8 * h,
    },
    js: byType(callOf("Math.abs"), {
      expression: ([x], dtype) => (dtype === "u32" ? `${x}` : `(Math.abs(${x}) | 0)`),
    }),
    wgsl: wgslCall("abs"),
  }),
  define("sign", {
    type: "arithmetic",
    arity: 1,
    doc: "-1, 0 or 1; 0 at 0. Passes no derivative.",
    evaluate: (x = 0) => Math.sign(x),
    derivative: () => [null],
    poles: "nowhere",
    cost: 1,
    domain: steps,
    js: callOf("Math.sign"),
    wgsl: { expression: ([x], dtype) => (dtype === "u32" ? `min(${x}, 1u)` : `sign(${x})`) },
  }),
  stepFunction("floor", "The greatest integer that is at most x.", Math.floor, callOf("Math.floor")),
  stepFunction("ceil", "The least integer that is at least x.", Math.ceil, callOf("Math.ceil")),
  stepFunction("round", "The nearest integer, halves to even.", roundHalfEven, callOf("gradc_round")),
  stepFunction("trunc", "x without its fraction.", Math.trunc, callOf("Math.trunc")),
];
