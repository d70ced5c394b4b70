import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SourceText } from "../../src/diagnostics/span.js";
import { format } from "../../src/format/format.js";
import { lex } from "../../src/parser/lexer.js";
import { parse } from "../../src/parser/parse.js";
import { shape } from "../parser/support.js";

function formatted(source: string): string {
  const result = format(source, "m.grad");
  if ("diagnostics" in result) throw new Error(result.diagnostics.map((d) => d.message).join("\n"));
  return result.text;
}
const below = (folder: string): [string, string][] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".grad"))
    .map((name) => [`${folder}/${name}`, readFileSync(`${folder}/${name}`, "utf8")]);
const models = below("test/models");
const all = [...models, ...below("test/programs"), ...below("grammar"), ...below("src/std")];

test.each(models)("%s stands as it is laid out", (_, source) => {
  expect(formatted(source)).toBe(source);
});

test.each(all)("%s: formatting keeps tree and comments, and twice is once", (name, source) => {
  const once = formatted(source);
  expect(formatted(once)).toBe(once);
  const [before, after] = [parse(source, name).file, parse(once, name).file];
  expect(shape(after.statements)).toEqual(shape(before.statements));
  expect(after.comments.map((c) => c.text.trimEnd())).toEqual(before.comments.map((c) => c.text.trimEnd()));
});

describe("blanks, line breaks and comments anywhere", () => {
  const sources = all.filter(([, source]) => source.length < 4000);
  const filler = fc.constantFrom(
    "",
    " ",
    " ",
    "  ",
    "\n",
    "\n\n\n",
    " // note\n",
    "\n// alone\n",
    " /* in\n   two */ ",
    "\t",
  );
  test("lose nothing, and formatting twice is formatting once", () => {
    fc.assert(
      fc.property(fc.constantFrom(...sources), fc.infiniteStream(filler), ([name, source], fillers) => {
        const text = new SourceText(name, source);
        let end = 0;
        let made = "";
        for (const token of lex(text).tokens) {
          const between = source.slice(end, token.startOffset);
          const [more = ""] = fillers;
          // Tokens that touch may be one thing (`m.2.W`); line breaks may end a statement too early.
          made += between.trim() || (between === "" && !/[\n ]/.test(more)) ? between : between + more;
          made += token.image;
          end = token.startOffset + token.image.length;
        }
        made += source.slice(end);
        if (parse(made, name).diagnostics.length) return;
        const once = formatted(made);
        expect(formatted(once)).toBe(once);
      }),
      { numRuns: 150 },
    );
  });
});

test.each([
  ["blanks around operators", "y=a*b+c^2-  -d", "y = a * b + c^2 - -d\n"],
  ["-a % b is said with brackets", "y = -a % b * c", "y = -(a % b * c)\n"],
  ["brackets that are there stay alone", "y = -(a % b) + -(a) % (b)", "y = -(a % b) + -((a) % (b))\n"],
  ["ranges are tight", "y[u in 0 .. R / 2] = x[2*u]", "y[u in 0..R/2] = x[2 * u]\n"],
  ["reducers", "y=sum[i,j|i<j]x[i]*(x[j])", "y = sum[i, j | i < j] x[i] * (x[j])\n"],
  [
    "sizes in angles",
    "fn f < A , B >(x:f32[A,B])=g<O=2*A>(x)",
    "fn f<A, B>(x: f32[A, B]) = g<O = 2 * A>(x)\n",
  ],
  ["a statement a line", "a = 1; b = 2 c = 3", "a = 1\nb = 2\nc = 3\n"],
  ["a short block stays on its line", "fn f(x: f32) -> y: f32 {y=x}", "fn f(x: f32) -> y: f32 { y = x }\n"],
  [
    "a longer one does not",
    "rec t in 0..T {z[0]=1 z[t+1]=z[t]}",
    "rec t in 0..T {\n  z[0] = 1\n  z[t + 1] = z[t]\n}\n",
  ],
  ["one blank line between groups", "\n\na = 1\n\n\n\nb = 2\n\n", "a = 1\n\nb = 2\n"],
  [
    "alignment that was begun is finished",
    "a  = 1\nlonger = 2\nb = 3",
    "a      = 1\nlonger = 2\nb      = 3\n",
  ],
  ["none is imposed", "a = 1\nlong_name = 2", "a = 1\nlong_name = 2\n"],
  ["trailing comments are aligned alike", "a = 1    // x\nbcd = 2  // y", "a = 1   // x\nbcd = 2 // y\n"],
  ["what a bracket holds hangs under it", "v = [a,\nb]", "v = [a,\n     b]\n"],
  ["line ends are one kind", "a = 1\r\nb = 2\r\n", "a = 1\nb = 2\n"],
  ["primes and dotted names", "m ' = h . W", "m' = h.W\n"],
  ["an empty text", "", ""],
  ["comments only", "// a\n\n\n/* b */", "// a\n\n/* b */\n"],
])("%s", (_, source, expected) => {
  expect(formatted(source)).toBe(expected);
  expect(formatted(expected)).toBe(expected);
});

test("a long line is broken where its parts hang together least", () => {
  const term = "first_factor[n, k] * second_factor[n, k]";
  expect(formatted(`y[n, k] = ${term} + ${term} + exp(${term}) + ${term}`)).toBe(
    `y[n, k] = ${term} + ${term}\n  + exp(${term}) + ${term}\n`,
  );
});

test("a text with a syntax error is reported, not laid out", () => {
  const result = format("y = = 2", "m.grad");
  expect("diagnostics" in result && result.diagnostics.map((d) => d.code)).toEqual(["GRAD1001"]);
});
