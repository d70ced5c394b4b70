import fc from "fast-check";
import { expect, test } from "vitest";
import { printExpression } from "../../src/parser/print.js";
import { expression, report, shape } from "./support.js";

const name = fc
  .constantFrom("a", "b", "x", "m.W", "σ")
  .map((text) => ({ kind: "name", name: text, prime: false }));
const number = fc.oneof(
  fc.nat(1000).map((value) => ({ kind: "number", value, integer: true })),
  fc
    .double({ min: 0, noNaN: true, noDefaultInfinity: true })
    .map((value) => ({ kind: "number", value: value === 0 ? 0 : value, integer: false })),
);
const word = fc.constantFrom("i", "j").map((text) => ({ text }));
/** Trees as the parser makes them, without their places. */
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    number,
    name,
    tie("binary"),
    tie("unary"),
    tie("reducer"),
    tie("axis"),
    tie("if"),
    tie("call"),
    tie("subscript"),
    tie("list"),
  ),
  binary: fc.record({
    kind: fc.constant("binary"),
    operator: fc.constantFrom("or", "and", "==", "<", "+", "-", "*", "/", "%", "@", "^", "??"),
    left: tie("tree"),
    right: tie("tree"),
  }),
  unary: fc.record({
    kind: fc.constant("unary"),
    operator: fc.constantFrom("-", "not"),
    operand: tie("tree"),
  }),
  reducer: fc.record({
    kind: fc.constant("reducer"),
    reducer: fc.constantFrom("sum", "max"),
    indices: fc.tuple(fc.record({ name: word })),
    body: tie("tree"),
  }),
  axis: fc.record({
    kind: fc.constant("axis"),
    operator: fc.constantFrom("softmax", "cumsum"),
    index: word,
    guard: tie("tree"),
    body: tie("tree"),
  }),
  if: fc.record({ kind: fc.constant("if"), condition: tie("tree"), then: tie("tree"), else: tie("tree") }),
  call: fc.record({
    kind: fc.constant("call"),
    callee: fc.constant({ text: "f" }),
    sizes: fc.constant([]),
    args: fc.tuple(fc.record({ value: tie("tree") }), fc.record({ name: word, value: tie("tree") })),
  }),
  subscript: fc.record({
    kind: fc.constant("subscript"),
    base: tie("tree"),
    subscripts: fc.tuple(tie("tree")),
  }),
  list: fc.record({ kind: fc.constant("list"), items: fc.array(tie("tree"), { maxLength: 3 }) }),
}));

test("a printed expression parses to the same tree", () => {
  fc.assert(
    fc.property(tree, (made) => {
      const text = printExpression(made as ReturnType<typeof expression>);
      expect(report(`y = ${text}`)).toBe("");
      expect(shape(expression(text))).toEqual(shape(made));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["((a + b)) + (c * d)", "a + b + c * d"],
  ["a - (b - c)", "a - (b - c)"],
  ["(-a) * b", "(-a) * b"],
  ["-(a % b)", "-(a % b)"],
  ["-a % b", "-(a % b)"],
  ["-0.5 * (sum[i] x * y)", "-0.5 * sum[i] x * y"],
  ["(sum[i] x) * y", "(sum[i] x) * y"],
  ["a * (-b) ^ (-d)", "a * (-b)^-d"],
  ["mean[b] (if c then 1 else 0)", "mean[b] (if c then 1 else 0)"],
])("%s is printed as %s", (source, wanted) => {
  expect(printExpression(expression(source))).toBe(wanted);
});
