import type { Expr } from "../expr.js";
import { add, compare, fn, literal, mul, neg, select, sub } from "../expr.js";
import { callOf, define, jsCall, one, points, two, wgslCall } from "./define.js";
import { gelu, mish, SELU_ALPHA, SELU_SCALE, sigmoid, silu, softplus } from "./numeric.js";
import { magnitude, POSITIVE } from "./range.js";
import type { Domain, ScalarFunction } from "./types.js";

const line: Domain = { intervals: [[-8, 8]], special: points(0, 1e-6, -1e-6, 30, -30, 200, -200) };
const kinkAtZero = ([x = 0]: readonly number[], h: number): boolean => Math.abs(x) > 8 * h;
const positive = (x: Expr): Expr => compare("lt", literal(0, x), x);

export const ACTIVATIONS: readonly ScalarFunction[] = [
  define("sigmoid", {
    arity: 1,
    doc: "`1 / (1 + exp(-x))`, stable on both sides.",
    evaluate: (x = 0) => sigmoid(x),
    derivative: ({ y }) => [mul(y, sub(literal(1, y), y))],
    poles: "nowhere",
    range: POSITIVE,
    isTame: true,
    cost: 15,
    domain: line,
    js: jsCall("gradc_sigmoid", "gradc_sigmoid_single"),
    wgsl: wgslCall("gradc_sigmoid", { relative: 1e-5, absolute: 1e-37 }),
  }),
  define("log_sigmoid", {
    arity: 1,
    doc: "`log(sigmoid(x)) = min(x, 0) - log1p(exp(-|x|))`",
    evaluate: (x = 0) => -softplus(-x),
    derivative: ({ args }) => [fn("sigmoid", neg(one(args)))],
    poles: "nowhere",
    cost: 25,
    domain: line,
    js: jsCall("gradc_log_sigmoid", "gradc_log_sigmoid_single"),
    wgsl: wgslCall("gradc_log_sigmoid", { relative: 1e-5, absolute: 1e-37 }),
  }),
  define("softplus", {
    arity: 1,
    doc: "`log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))`",
    evaluate: (x = 0) => softplus(x),
    derivative: ({ args }) => [fn("sigmoid", one(args))],
    poles: "nowhere",
    range: POSITIVE,
    cost: 25,
    domain: line,
    js: jsCall("gradc_softplus", "gradc_softplus_single"),
    wgsl: wgslCall("gradc_softplus", { relative: 1e-5, absolute: 1e-37 }),
  }),
  define("relu", {
    arity: 1,
    doc: "`max(x, 0)`, with derivative 0 at 0.",
    evaluate: (x = 0) => Math.max(x, 0),
    // Of the result, so that the argument need not be kept: one is positive where the other is.
    derivative: ({ y }) => [select(positive(y), literal(1, y), literal(0, y))],
    poles: "nowhere",
    range: magnitude,
    isTame: true,
    cost: 1,
    domain: { ...line, smooth: kinkAtZero },
    js: { expression: ([x]) => `Math.max(${x}, 0)` },
    wgsl: { expression: ([x], dtype) => `max(${x}, ${dtype === "f16" ? "0.0h" : "0.0f"})` },
  }),
  define("leaky_relu", {
    arity: 2,
    parameters: ["x", { name: "slope", default: 0.01 }],
    doc: "`if x > 0 then x else slope * x`, with derivative slope at 0.",
    evaluate: (x = 0, slope = 0.01) => (x > 0 ? x : slope * x),
    derivative: ({ args }) => {
      const [x, slope] = two(args);
      return [select(positive(x), literal(1, x), slope), select(positive(x), literal(0, x), x)];
    },
    poles: "nowhere",
    cost: 2,
    domain: {
      intervals: [
        [-8, 8],
        [0, 0.5],
      ],
      special: [
        [0, 0.01],
        [-3, 0.01],
        [3, 0.01],
      ],
      smooth: kinkAtZero,
    },
    js: callOf("gradc_leaky_relu"),
    wgsl: wgslCall("gradc_leaky_relu"),
  }),
  define("elu", {
    arity: 2,
    parameters: ["x", { name: "alpha", default: 1 }],
    doc: "`if x > 0 then x else alpha * expm1(x)`",
    evaluate: (x = 0, alpha = 1) => (x > 0 ? x : alpha * Math.expm1(x)),
    derivative: ({ args, y }) => {
      const [x, alpha] = two(args);
      const zero = literal(0, x);
      return [
        select(positive(x), literal(1, x), add(y, alpha)),
        // Of min(x, 0): the arm not chosen does not overflow either.
        select(positive(x), zero, fn("expm1", fn("min", x, zero))),
      ];
    },
    poles: "nowhere",
    cost: 15,
    domain: {
      intervals: [
        [-8, 8],
        [0.5, 2],
      ],
      special: [
        [0, 1],
        [-30, 1],
        [30, 1],
        [-1e-6, 1],
      ],
      smooth: kinkAtZero,
    },
    js: callOf("gradc_elu"),
    wgsl: wgslCall("gradc_elu"),
  }),
  define("selu", {
    arity: 1,
    doc: "`1.0507… * elu(x, 1.6732…)` (Klambauer et al., Self-Normalizing Neural Networks, 2017).",
    evaluate: (x = 0) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
    derivative: ({ args, y }) => [
      select(positive(one(args)), literal(SELU_SCALE, y), add(y, literal(SELU_SCALE * SELU_ALPHA, y))),
    ],
    poles: "nowhere",
    cost: 15,
    domain: { ...line, smooth: kinkAtZero },
    js: {
      expression: ([x]) => `(${SELU_SCALE} * gradc_elu(${x}, ${SELU_ALPHA}))`,
      helpers: ["gradc_elu"],
    },
    wgsl: {
      expression: ([x], dtype) =>
        dtype === "f16"
          ? `f16(1.05070099f * gradc_elu(f32(${x}), 1.67326324f))`
          : `(1.05070099f * gradc_elu(${x}, 1.67326324f))`,
      helpers: ["gradc_elu"],
    },
  }),
  define("gelu", {
    arity: 1,
    doc: "`x * Φ(x) = 0.5 * x * erfc(-x / sqrt(2))` (Hendrycks and Gimpel, 2016), the erf form.",
    evaluate: (x = 0) => gelu(x),
    derivative: ({ args }) => {
      const x = one(args);
      const density = mul(
        literal(1 / Math.sqrt(2 * Math.PI), x),
        fn("exp", mul(literal(-0.5, x), mul(x, x))),
      );
      const cumulative = mul(literal(0.5, x), fn("erfc", mul(literal(-Math.SQRT1_2, x), x)));
      return [add(cumulative, mul(x, density))];
    },
    poles: "nowhere",
    cost: 35,
    domain: line,
    js: callOf("gradc_gelu"),
    wgsl: wgslCall("gradc_gelu", { relative: 2e-5, absolute: 1e-35 }),
  }),
  define("silu", {
    arity: 1,
    doc: "`x * sigmoid(x)`, also called swish.",
    evaluate: (x = 0) => silu(x),
    derivative: ({ args, y }) => {
      const s = fn("sigmoid", one(args));
      return [add(s, mul(y, sub(literal(1, s), s)))];
    },
    poles: "nowhere",
    cost: 16,
    domain: line,
    js: jsCall("gradc_silu", "gradc_silu_single"),
    wgsl: wgslCall("gradc_silu", { relative: 1e-5, absolute: 1e-35 }),
  }),
  define("mish", {
    arity: 1,
    doc: "`x * tanh(softplus(x))` (Misra, 2019).",
    evaluate: (x = 0) => mish(x),
    derivative: ({ args }) => {
      const x = one(args);
      const t = fn("tanh", fn("softplus", x));
      return [add(t, mul(mul(x, sub(literal(1, x), mul(t, t))), fn("sigmoid", x)))];
    },
    poles: "nowhere",
    cost: 25,
    domain: line,
    js: callOf("gradc_mish"),
    wgsl: wgslCall("gradc_mish", { relative: 1e-5, absolute: 1e-35 }),
  }),
];
