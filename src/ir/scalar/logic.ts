import { compare, constant, literal, select } from "../expr.js";
import { define, infix, noDerivative, PAIR, rule, TIES, two } from "./define.js";
import type { ScalarFunction } from "./types.js";

const comparison = (
  name: string,
  doc: string,
  js: string,
  holds: (a: number, b: number) => boolean,
): ScalarFunction =>
  define(name, {
    ...rule(js.length === 3 ? "equality" : "comparison"),
    arity: 2,
    doc,
    evaluate: (a = 0, b = 0) => Number(holds(a, b)),
    derivative: () => [null, null],
    poles: "nowhere",
    ...(js.length === 3 && { isCommutative: true }),
    isTame: true,
    cost: 1,
    domain: { ...PAIR, special: TIES },
    js: {
      expression: ([a, b], dtype) => (dtype === "bool" ? `(!${a} ${js} !${b})` : `(${a} ${js} ${b})`),
    },
    wgsl: infix(js.slice(0, 2)),
  });

const connective = (
  name: "and" | "or",
  js: "&&" | "||",
  holds: (a: boolean, b: boolean) => boolean,
): ScalarFunction =>
  define(name, {
    ...rule("logic"),
    arity: 2,
    doc: `\`x ${name} y\``,
    evaluate: (a, b) => Number(holds(Boolean(a), Boolean(b))),
    derivative: () => [null, null],
    poles: "nowhere",
    isCommutative: true,
    isTame: true,
    cost: 1,
    domain: {
      intervals: [],
      special: [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ],
    },
    js: infix(js),
    wgsl: infix(js),
  });

export const LOGIC: readonly ScalarFunction[] = [
  comparison("eq", "`x == y`", "===", (a, b) => a === b),
  comparison("ne", "`x != y`", "!==", (a, b) => a !== b),
  comparison("lt", "`x < y`", "<", (a, b) => a < b),
  comparison("le", "`x <= y`", "<=", (a, b) => a <= b),
  connective("and", "&&", (a, b) => a && b),
  connective("or", "||", (a, b) => a || b),
  define("not", {
    ...rule("logic"),
    arity: 1,
    doc: "`not x`",
    evaluate: (a) => Number(!a),
    derivative: noDerivative,
    poles: "nowhere",
    isTame: true,
    cost: 1,
    domain: { intervals: [], special: [[0], [1]] },
    js: { expression: ([a]) => `(!${a})` },
    wgsl: { expression: ([a]) => `(!${a})` },
  }),
  define("select", {
    type: "select",
    arity: 3,
    parameters: ["c", "a", "b"],
    doc: "`if c then a else b`; the argument not chosen contributes nothing, not even a NaN.",
    evaluate: (c, a = 0, b = 0) => (c ? a : b),
    derivative: ({ args: [c, a], y }) => {
      const [condition] = two([c ?? y, a ?? y]);
      const [l, o] = [literal(1, y), literal(0, y)];
      return [null, select(condition, l, o), select(condition, o, l)];
    },
    expand: ([c, a, b]) => {
      const [condition, then] = two([c, a].flatMap((e) => e ?? []));
      return select(condition, then, b ?? then);
    },
    poles: "nowhere",
    cost: 1,
    domain: {
      intervals: [],
      special: [
        [0, 2, 3],
        [1, 2, 3],
      ],
    },
    js: { expression: ([c, a, b]) => `(${c} ? ${a} : ${b})` },
    wgsl: { expression: ([c, a, b]) => `select(${b}, ${a}, ${c})` },
  }),
  define("step", {
    arity: 2,
    parameters: ["edge", "x"],
    doc: "1 where `x >= edge`, else 0; passes no derivative.",
    evaluate: (edge = 0, x = 0) => Number(x >= edge),
    derivative: () => [null, null],
    expand: (args) => {
      const [edge, x] = two(args);
      return select(compare("le", edge, x), constant(1, x.dtype), constant(0, x.dtype));
    },
    poles: "nowhere",
    isTame: true,
    cost: 1,
    domain: { ...PAIR, special: TIES, smooth: ([a = 0, b = 0], h) => Math.abs(a - b) > 8 * h },
    js: { expression: ([edge, x]) => `(${x} >= ${edge} ? 1 : 0)` },
    wgsl: { expression: ([edge, x], dtype) => `${dtype === "f16" ? "f16" : "f32"}(${x} >= ${edge})` },
  }),
];
