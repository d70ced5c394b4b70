import { add, call, fn, literal, mul, neg } from "../expr.js";
import { callOf, define, one, points, two, wgslCall } from "./define.js";
import { digamma, erf, erfc, lgamma, polygamma } from "./numeric.js";
import { POSITIVE, unlessPositive } from "./range.js";
import type { ScalarFunction } from "./types.js";

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);
const awayFromPoles = ([x = 0]: readonly number[]): boolean => x > 0.1 || Math.abs(x - Math.round(x)) > 0.1;

export const SPECIAL: readonly ScalarFunction[] = [
  define("erf", {
    arity: 1,
    doc: "The error function, `2 / sqrt(pi)` times the integral of `exp(-t^2)` from 0 to x.",
    evaluate: (x = 0) => erf(x),
    derivative: ({ args }) => [
      mul(literal(TWO_OVER_SQRT_PI, one(args)), fn("exp", neg(mul(one(args), one(args))))),
    ],
    poles: "nowhere",
    isTame: true,
    cost: 30,
    domain: { intervals: [[-4, 4]], special: points(0, 1e-10, 1, -1, 0.9999, 10, -1e30) },
    js: callOf("gradc_erf"),
    wgsl: wgslCall("gradc_erf"),
  }),
  define("erfc", {
    arity: 1,
    doc: "`1 - erf(x)`, of full relative accuracy for large x.",
    evaluate: (x = 0) => erfc(x),
    derivative: ({ args }) => [
      mul(literal(-TWO_OVER_SQRT_PI, one(args)), fn("exp", neg(mul(one(args), one(args))))),
    ],
    poles: "nowhere",
    range: POSITIVE,
    cost: 30,
    domain: { intervals: [[-4, 6]], special: points(0, 1e-10, 1, -1, 0.9999, 9, 30, -1e30) },
    js: callOf("gradc_erfc"),
    wgsl: wgslCall("gradc_erfc", { relative: 3e-6, absolute: 1e-37 }),
  }),
  define("lgamma", {
    arity: 1,
    doc: "`log |gamma(x)|`; infinite at 0, -1, -2, …",
    evaluate: (x = 0) => lgamma(x),
    derivative: ({ args }) => [fn("digamma", one(args))],
    poles: unlessPositive(),
    cost: 40,
    domain: {
      intervals: [[-5, 20]],
      special: points(1, 2, 0.5, 1.0001, 1.9999, 1e-10, 3, 8.001, 1e6, -0.5, -2.5),
      smooth: awayFromPoles,
    },
    js: callOf("gradc_lgamma"),
    wgsl: wgslCall("gradc_lgamma", { relative: 2e-6, absolute: 2e-6 }),
  }),
  define("digamma", {
    arity: 1,
    doc: "The derivative of lgamma. Its own is `polygamma(1, x)`.",
    evaluate: (x = 0) => digamma(x),
    derivative: ({ args }) => [call("polygamma", [literal(1, one(args)), one(args)], one(args).dtype)],
    poles: unlessPositive(),
    cost: 40,
    domain: {
      intervals: [[-5, 20]],
      special: points(1, 2, 0.5, 1.4616321, 1e-10, 8.001, 1e6, -0.5, -2.25),
      smooth: awayFromPoles,
    },
    js: callOf("gradc_digamma"),
    wgsl: wgslCall("gradc_digamma", { relative: 3e-6, absolute: 3e-6 }),
  }),
  define("polygamma", {
    arity: 2,
    parameters: ["n", "x"],
    doc: "The n-th derivative of digamma, `(-1)^(n + 1) n! Σ (x + k)^-(n + 1)`, for n = 0, 1, 2, …, by Euler and Maclaurin's formula (DLMF 25.11.28). Passes no derivative for n.",
    evaluate: (n = 0, x = 0) => polygamma(n, x),
    derivative: ({ args }) => {
      const [n, x] = two(args);
      const next = n.op === "constant" ? literal(n.value + 1, n) : add(n, literal(1, n));
      return [null, call("polygamma", [next, x], x.dtype)];
    },
    poles: unlessPositive(1),
    cost: 150,
    domain: {
      intervals: [
        [1, 1],
        [0.2, 20],
      ],
      special: [
        [0, 2.5],
        [1, 1],
        [2, 0.5],
        [3, 4],
        [1, -1.5],
        [2, -0.25],
        [3, -2.5],
        [1, 100],
        [4, 7],
      ],
    },
    js: callOf("gradc_polygamma"),
    wgsl: wgslCall("gradc_polygamma", { relative: 6e-6, absolute: 1e-30 }),
  }),
];
