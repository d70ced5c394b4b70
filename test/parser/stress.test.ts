import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "../../src/parser/parse.js";

/** Bounds are for a slow machine under load; on a quiet one each takes a tenth or less. */
function within(limit: number, source: string): ReturnType<typeof parse> {
  const begun = performance.now();
  const result = parse(source, "m.grad");
  expect(performance.now() - begun).toBeLessThan(limit);
  return result;
}
const codes = (source: string, limit = 5000): string[] =>
  within(limit, source).diagnostics.map((d) => d.code);
const many = (text: string, count: number): string => text.repeat(count);

test.each([
  ["brackets", `y = ${many("(", 3000)}1${many(")", 3000)}`],
  ["subscripts", `y = x${many("[0]", 3000)}`],
  ["nested subscripts", `y = ${many("x[", 3000)}0${many("]", 3000)}`],
  ["lists", `y = ${many("[", 3000)}`],
  ["calls", `y = ${many("f(", 3000)}`],
  ["minus signs", `y = ${many("-", 3000)}1`],
  ["not", `y = ${many("not ", 3000)}a`],
  ["powers", `y = a${many("^b", 3000)}`],
  ["padding values", `y = a${many(" ?? b", 3000)}`],
  ["reducers", `y = ${many("sum[i] ", 3000)}a`],
  ["reducers in products", `y = a${many(" * sum[i] b", 3000)}`],
  ["axis operators", `y = ${many("softmax[i] ", 3000)}a`],
  ["conditions", `y = ${many("if a then b else ", 3000)}c`],
  ["mixed", `y = ${many("-(not ", 3000)}1`],
  ["blocks", many("rec t in 0..T {\n", 3000)],
])("%s nested 3,000 deep are one diagnostic", (_, source) => {
  expect(codes(`${source}\nz = 1`)).toEqual(["GRAD1003"]);
});

test("64 brackets are fine, and what stands side by side does not nest", () => {
  expect(codes(`y = ${many("(", 64)}1${many(")", 64)}`)).toEqual([]);
  expect(codes(`y = ${many("-a^-b * (c) + ", 500)}1`)).toEqual([]);
  expect(codes(`y = ${many("(-x[0] * -y)^2 * ", 500)}1`)).toEqual([]);
  expect(
    codes(`y = ${many("sum[i] -x[i] + ", 500)}not a and ${many("not b or ", 500)}c`).filter(
      (c) => c !== "GRAD1010",
    ),
  ).toEqual([]);
});

test("a sum of a megabyte on one line parses", () => {
  const { file, diagnostics } = within(5000, `y = ${many("1+", 500_000)}1`);
  expect(diagnostics).toEqual([]);
  expect(file.statements).toHaveLength(1);
});

test("5,000 equations parse in well under a second", () => {
  const source = Array.from(
    { length: 5000 },
    (_, k) => `y${k}[b, j] = relu(sum[i] x[b, i] * W[i, j] + b1[j])\n`,
  ).join("");
  const { file, diagnostics } = within(3000, source);
  expect(diagnostics).toEqual([]);
  expect(file.statements).toHaveLength(5000);
});

test("diagnostics are capped, and the last one says so", () => {
  for (const source of [
    many("y = *\n", 20_000),
    many("§$ ", 20_000),
    many("rec t in 0..T {\n y = *\n}\n", 5000),
  ]) {
    const found = codes(source);
    expect(found).toHaveLength(100);
    expect(found[99]).toBe("GRAD1014");
  }
});

test.each([
  "",
  " \n",
  "// only a comment",
  "/*",
  '"',
  "///",
  "\0",
  "\uFEFF",
  "\ud800",
  "}",
  "{",
  "=",
  "y",
  "y =",
  "dim",
  "dim dim",
  "import",
  "fn f<",
  "a.",
  "0x",
  "1e",
  "1_",
])("%j is no accident", (source) => {
  expect(() => parse(source, "m.grad")).not.toThrow();
});

const PIECES = [
  "y",
  "x",
  "sum",
  "[i]",
  "softmax[c] ",
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
  "=",
  "==",
  "<",
  ">",
  ",",
  ";",
  ":",
  "|",
  "'",
  ".",
  "..",
  "->",
  "+",
  "-",
  "*",
  "^",
  "??",
  "@",
  "if ",
  "then ",
  "else ",
  "not ",
  "and ",
  "in ",
  "0",
  "1.5",
  '"',
  "\n",
  " ",
  "\t",
  "dim ",
  "input ",
  "param ",
  "rec ",
  "fn ",
  "layer ",
  "optimizer ",
  "train ",
  "check ",
  "output ",
  "loss ",
  "import ",
  "with ",
  "at ",
  "for ",
  "adjoint",
  "checkpoint ",
  "while ",
  "///d\n",
  "/*",
  "*/",
  "é",
  "𝛼",
  "\u0000",
];

test("any text gives diagnostics inside it, never an exception", () => {
  const anything = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => new TextDecoder("latin1").decode(bytes)),
    fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((pieces) => pieces.join("")),
  );
  fc.assert(
    fc.property(anything, (source) => {
      const { diagnostics } = parse(source, "m.grad");
      for (const { span } of diagnostics) {
        expect(span.start.offset).toBeGreaterThanOrEqual(0);
        expect(span.end.offset).toBeGreaterThanOrEqual(span.start.offset);
        expect(span.end.offset).toBeLessThanOrEqual(source.length);
      }
    }),
    { numRuns: 1000 },
  );
});
