import { add, div, fn, literal, mul, neg } from "../expr.js";
import { callOf, define, jsCall, one, points, two, wgslCall } from "./define.js";
import type { ScalarFunction } from "./types.js";

/** f32 arguments are exact in the tests, so what counts is the reduction's absolute error. */
const CIRCULAR = { relative: 1e-6, absolute: 5e-7 };

export const TRIGONOMETRIC: readonly ScalarFunction[] = [
  define("sin", {
    arity: 1,
    doc: "The sine of x in radians.",
    evaluate: (x = 0) => Math.sin(x),
    derivative: ({ args }) => [fn("cos", one(args))],
    poles: "nowhere",
    isTame: true,
    cost: 20,
    domain: { intervals: [[-10, 10]], special: points(0, 1e-10, 1000, -5000, 3.140625) },
    js: jsCall("Math.sin", "gradc_sin"),
    wgsl: wgslCall("gradc_sin", CIRCULAR),
  }),
  define("cos", {
    arity: 1,
    doc: "The cosine of x in radians.",
    evaluate: (x = 0) => Math.cos(x),
    derivative: ({ args }) => [neg(fn("sin", one(args)))],
    poles: "nowhere",
    isEven: true,
    isTame: true,
    cost: 20,
    domain: { intervals: [[-10, 10]], special: points(0, 1e-10, 1000, -5000, 1.5) },
    js: jsCall("Math.cos", "gradc_cos"),
    wgsl: wgslCall("gradc_cos", CIRCULAR),
  }),
  define("tan", {
    arity: 1,
    doc: "The tangent of x in radians.",
    evaluate: (x = 0) => Math.tan(x),
    derivative: ({ y }) => [add(literal(1, y), mul(y, y))],
    poles: "nowhere",
    cost: 25,
    domain: { intervals: [[-1.4, 1.4]], special: points(0, 1e-10, 2.5, 4, 100) },
    js: callOf("Math.tan"),
    wgsl: wgslCall("gradc_tan", { relative: 5e-6, absolute: 1e-6 }),
  }),
  define("asin", {
    arity: 1,
    doc: "The inverse of sin, in [-pi / 2, pi / 2].",
    evaluate: (x = 0) => Math.asin(x),
    derivative: ({ args }) => {
      const x = one(args);
      const l = literal(1, x);
      return [fn("rsqrt", mul(add(l, neg(x)), add(l, x)))];
    },
    zeroCotangentGivesZero: true,
    poles: "somewhere",
    cost: 20,
    domain: { intervals: [[-0.95, 0.95]], special: points(0, 1e-10, 1, -1, 0.9999, 0.5001) },
    js: callOf("Math.asin"),
    wgsl: wgslCall("gradc_asin"),
  }),
  define("acos", {
    arity: 1,
    doc: "The inverse of cos, in [0, pi].",
    evaluate: (x = 0) => Math.acos(x),
    derivative: ({ args }) => {
      const x = one(args);
      const l = literal(1, x);
      return [neg(fn("rsqrt", mul(add(l, neg(x)), add(l, x))))];
    },
    zeroCotangentGivesZero: true,
    poles: "somewhere",
    cost: 20,
    domain: { intervals: [[-0.95, 0.95]], special: points(0, 1e-10, 1, -1, 0.9999, -0.5001) },
    js: callOf("Math.acos"),
    wgsl: wgslCall("gradc_acos"),
  }),
  define("atan", {
    arity: 1,
    doc: "The inverse of tan, in (-pi / 2, pi / 2).",
    evaluate: (x = 0) => Math.atan(x),
    derivative: ({ args }) => {
      const x = one(args);
      return [div(literal(1, x), add(literal(1, x), mul(x, x)))];
    },
    poles: "nowhere",
    cost: 20,
    domain: { intervals: [[-8, 8]], special: points(0, 1e-10, 1, -1, 1e30) },
    js: callOf("Math.atan"),
    wgsl: wgslCall("gradc_atan"),
  }),
  define("atan2", {
    arity: 2,
    parameters: ["y", "x"],
    doc: "The angle of the point (x, y), in [-pi, pi]; `atan2(0, 0) = 0`.",
    evaluate: (y = 0, x = 0) => Math.atan2(y, x),
    derivative: ({ args }) => {
      const [y, x] = two(args);
      const radius = fn("hypot", x, y);
      return [div(div(x, radius), radius), neg(div(div(y, radius), radius))];
    },
    zeroCotangentGivesZero: true,
    poles: "nowhere",
    cost: 25,
    domain: {
      intervals: [
        [-8, 8],
        [-8, 8],
      ],
      special: [
        [0, 0],
        [0, 1],
        [0, -1],
        [1, 0],
        [-1, 0],
        [1e30, 1e30],
        [-2, -3],
      ],
      smooth: ([y = 0, x = 0]) => Math.hypot(x, y) > 0.1 && (x > 0 || Math.abs(y) > 0.1),
    },
    js: callOf("Math.atan2"),
    wgsl: wgslCall("gradc_atan2"),
  }),
];
