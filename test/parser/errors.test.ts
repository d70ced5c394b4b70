import { expect, test } from "vitest";
import { parse } from "../../src/parser/parse.js";
import { report } from "./support.js";

/** What is reported, and what still stands beside it. */
function check(source: string): string {
  const { file } = parse(source, "m.grad");
  const kept = file.statements.map((s) =>
    s.kind === "equation" ? s.targets.map((t) => t.name.text).join() : s.kind,
  );
  return `\n${report(source)}\nkept: ${kept.join(" ")}\nbroken: ${file.broken.map((n) => n.text).join(" ")}\n`;
}

test("an unfinished line is the error, not the line after it", () => {
  expect(check("y =\nz = 3")).toMatchInlineSnapshot(`
    "
    error[GRAD1001]: expected an expression, found the end of the line
      m.grad:1:4
        1 | y =
          |    ^
    kept: z
    broken: y
    "
  `);
  expect(check("y = 2 *\n\n// why\nz[i] = x[i]\n")).toMatchInlineSnapshot(`
    "
    error[GRAD1001]: expected an expression, found the end of the line
      m.grad:1:8
        1 | y = 2 *
          |        ^
    kept: z
    broken: y
    "
  `);
  expect(check("y = f(a\nz = 3")).toMatchInlineSnapshot(`
    "
    error[GRAD1001]: expected \`)\`, found the end of the line
      m.grad:1:8
        1 | y = f(a
          |        ^
      note: the \`(\` that stays open
      m.grad:1:6
        1 | y = f(a
          |      ^
    kept: z
    broken: y
    "
  `);
  expect(check("param a: f32[\nloss l = 1")).toMatchInlineSnapshot(`
    "
    error[GRAD1001]: expected \`]\`, found the end of the line
      m.grad:1:14
        1 | param a: f32[
          |              ^
      note: the \`[\` that stays open
      m.grad:1:13
        1 | param a: f32[
          |             ^
    kept: l
    broken: a
    "
  `);
});

test("a line may go on where it cannot begin a statement", () => {
  expect(report("y =\n  x\n  + f(a,\n b = 3)\ndim A,\n B = 2\nq,\n r = f(x)\nz = dense<\n O = 1>(x)")).toBe(
    "",
  );
});

test("one mistake in a block leaves the others standing", () => {
  expect(check("rec t in 0..T {\n  a[0] = *\n  a[t + 1] = a[t]\n}\ny = 1")).toMatchInlineSnapshot(`
    "
    error[GRAD1001]: expected an expression, found \`*\`
      m.grad:2:10
        2 |   a[0] = *
          |          ^
    kept: rec y
    broken: a
    "
  `);
});

test("a brace that was forgotten is asked for where the next declaration begins", () => {
  expect(check("rec t in 0..T {\n  z[0] = 1\n\ninput y: f32\nloss l = y")).toMatchInlineSnapshot(`
    "
    error[GRAD1013]: a block is never closed: expected \`}\`
      m.grad:2:11
        2 |   z[0] = 1
          |           ^
      note: the \`{\` that stays open
      m.grad:1:15
        1 | rec t in 0..T {
          |               ^
    kept: rec input l
    broken: 
    "
  `);
});

test("what needs brackets is told with both readings or a fix", () => {
  expect(check("p[c] = softmax[c] a[c] * b[c] + 1")).toMatchInlineSnapshot(`
    "
    error[GRAD1006]: what \`softmax\` applies to needs brackets
      m.grad:1:8
        1 | p[c] = softmax[c] a[c] * b[c] + 1
          |        ^^^^^^^^^^^^^^^^^^^^^^
      help: write \`softmax[c] (a[c] * b[c])\` or \`(softmax[c] a[c]) * b[c]\`
    kept: p
    broken: 
    "
  `);
  expect(check("r = mean[b] if c[b] then 1 else 0")).toMatchInlineSnapshot(`
    "
    error[GRAD1009]: an \`if\` among operators needs brackets
      m.grad:1:13
        1 | r = mean[b] if c[b] then 1 else 0
          |             ^^^^^^^^^^^^^^^^^^^^^
      help: put the \`if\` in brackets
    kept: r
    broken: 
    "
  `);
  expect(check("t = x ^ sum[i] a[i]")).toMatchInlineSnapshot(`
    "
    error[GRAD1008]: \`sum\` after \`^\` or \`??\` needs brackets
      m.grad:1:9
        1 | t = x ^ sum[i] a[i]
          |         ^^^^^^^^^^^
      help: put the reducer in brackets
    kept: t
    broken: 
    "
  `);
  expect(check("s = a == not b")).toMatchInlineSnapshot(`
    "
    error[GRAD1010]: \`not\` as operand needs brackets
      m.grad:1:10
        1 | s = a == not b
          |          ^^^
      help: put the \`not\` in brackets
    kept: s
    broken: 
    "
  `);
  const source = "r = mean[b] if c[b] then 1 else 0";
  expect(parse(source, "m.grad").diagnostics[0]?.fix).toMatchObject({
    text: "(if c[b] then 1 else 0)",
    span: { start: { offset: 12 }, end: { offset: 33 } },
  });
});

test("comparisons do not chain", () => {
  expect(check("q = a < b < c")).toMatchInlineSnapshot(`
    "
    error[GRAD1004]: comparisons do not chain
      m.grad:1:11
        1 | q = a < b < c
          |           ^
      help: join two comparisons: \`a < b and b < c\`
    kept: q
    broken: 
    "
  `);
});

test("what follows a statement on its line begins another or is an error", () => {
  expect(report("a = 1 b = 2; c = 3 dim D")).toBe("");
  expect(check("y = 2 x")).toMatchInlineSnapshot(`
    "
    error[GRAD1001]: expected an operator or the end of the statement, found \`x\`
      m.grad:1:7
        1 | y = 2 x
          |       ^
      help: a product is written with \`*\`; a reducer's index in square brackets, \`sum[i] x[i]\`
    kept: 
    broken: y
    "
  `);
});

test("characters that are no token are one error, with what was meant", () => {
  expect(check("y = 2 × x\nz = 1")).toMatchInlineSnapshot(`
    "
    error[GRAD1002]: unexpected character \`×\`
      m.grad:1:7
        1 | y = 2 × x
          |       ^
      help: write \`*\`
    kept: y z
    broken: 
    "
  `);
});

test("keywords, types and texts", () => {
  expect(
    check(
      'train l wiht adam\ninput x f32\nfn g(x: f32) { y = x }\nimport { a } from "x\nu = sum x\noutput y[b]\nw = if a then b',
    ),
  ).toMatchInlineSnapshot(`
    "
    error[GRAD1001]: expected \`with\`, found \`wiht\`
      m.grad:1:9
        1 | train l wiht adam
          |         ^^^^
      help: an optimizer is named: \`train loss with adam(rate = 1e-3)\`
    error[GRAD1001]: expected \`:\`, found \`f32\`
      m.grad:2:9
        2 | input x f32
          |         ^^^
      help: it has a type: \`x: f32\` or \`x: f32[N, M]\`
    error[GRAD1001]: expected \`->\` or \`=\`, found \`{\`
      m.grad:3:14
        3 | fn g(x: f32) { y = x }
          |              ^
      help: results are named: \`fn f(x: f32) -> y: f32 { y = … }\`, or \`fn f(x: f32) = …\`
    error[GRAD1012]: a text in quotes ends on its line
      m.grad:4:19
        4 | import { a } from "x
          |                   ^^
    error[GRAD1007]: \`sum\` needs its index in square brackets
      m.grad:5:5
        5 | u = sum x
          |     ^^^
      help: \`sum[i] x[i]\`
    error[GRAD1011]: \`y\` cannot be written like this after \`output\`
      m.grad:6:8
        6 | output y[b]
          |        ^^^^
      help: \`output y\` marks what is defined elsewhere; \`output y[i] = …\` defines it
    error[GRAD1001]: expected \`else\`, found the end of the file
      m.grad:7:16
        7 | w = if a then b
          |                ^
      help: \`if\` is an expression and always has an \`else\`
    kept: import
    broken: x g y u y w
    "
  `);
});

test("a name that objects have a property of is a name like others", () => {
  expect(check("toString x: f32\nconstructor = 1")).toMatchInlineSnapshot(`
    "
    error[GRAD1001]: expected \`=\`, found \`x\`
      m.grad:1:10
        1 | toString x: f32
          |          ^
    kept: constructor
    broken: toString
    "
  `);
});
