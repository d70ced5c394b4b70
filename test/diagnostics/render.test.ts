import { expect, test } from "vitest";
import { diagnose } from "../../src/diagnostics/diagnostic.js";
import { renderGithub, renderJson, renderPretty } from "../../src/diagnostics/render.js";
import { SourceText } from "../../src/diagnostics/span.js";

function at(
  text: string,
  part: string,
  more: { note?: string; help?: string } = {},
): { text: string; shown: string } {
  const source = new SourceText("model.grad", text);
  const from = text.indexOf(part);
  const related =
    more.note === undefined
      ? []
      : [
          {
            message: "first here",
            span: source.span(text.indexOf(more.note), text.indexOf(more.note) + more.note.length),
          },
        ];
  const made = diagnose(
    "GRAD2004",
    source.span(from, from + part.length),
    { name: "i" },
    { related, help: more.help },
  );
  return { text, shown: `\n${renderPretty(made, text)}\n` };
}

test("the line stands above carets of the span's width", () => {
  const text = `${"\n".repeat(8)}h[b, j] = relu(x[b, i] * W1[i, j] + b1[j])\n`;
  expect(at(text, "x[b, i]", { help: "`sum[i] x[b, i] * W1[i, j]` adds over it" }).shown).toBe(`
error[GRAD2004]: index \`i\` is bound by no reducer
  model.grad:9:16
    9 | h[b, j] = relu(x[b, i] * W1[i, j] + b1[j])
      |                ^^^^^^^
  help: \`sum[i] x[b, i] * W1[i, j]\` adds over it
`);
});

test("tabs, wide and combining characters keep the carets under their text", () => {
  expect(at("\tx\t= y", "= y").shown.split("\n").slice(3, 5)).toEqual([
    "    1 |     x   = y",
    "      |         ^^^",
  ]);
  expect(at("a = 変数 + y", "y").shown.split("\n").slice(3, 5)).toEqual([
    "    1 | a = 変数 + y",
    "      |            ^",
  ]);
  expect(at("a = 変数 + y", "変数").shown.split("\n")[4]).toBe("      |     ^^^^");
  expect(at("a = e\u0301 + y", "y").shown.split("\n")[4]).toBe("      |         ^");
});

test("a span over lines shows its first and its last", () => {
  expect(at("y = f(a,\n\n  b)\n", "f(a,\n\n  b)").shown).toBe(`
error[GRAD2004]: index \`i\` is bound by no reducer
  model.grad:1:5
    1 | y = f(a,
      |     ^^^^
      | …
    3 |   b)
      |   ^^
`);
});

test("what a message refers to in the same file is shown too", () => {
  expect(at("a = 1\nb = 2\na = 3", "a = 3", { note: "a = 1" }).shown).toContain(
    "  note: first here\n  model.grad:1:1\n    1 | a = 1\n      | ^^^^^",
  );
});

test("a very long line is cut around its span", () => {
  const { shown } = at(`y = ${"1 + ".repeat(100_000)}x + ${"1 + ".repeat(100_000)}1`, "x");
  expect(shown.length).toBeLessThan(500);
  const [line = "", carets = ""] = shown.split("\n").slice(3, 5);
  expect(line[carets.indexOf("^")]).toBe("x");
});

test("empty spans and places past the end have a frame or only a place", () => {
  const source = new SourceText("m.grad", "y =");
  expect(renderPretty(diagnose("GRAD2004", source.span(3, 3), { name: "i" }), "y =")).toContain(
    "    1 | y =\n      |    ^",
  );
  expect(renderPretty(diagnose("GRAD2004", source.span(3, 3), { name: "i" }), "")).not.toContain("undefined");
});

test("JSON is the diagnostic's own fields, GitHub's line escapes what would break it", () => {
  const source = new SourceText("a,b.grad", "y = x");
  const made = diagnose(
    "GRAD2002",
    source.span(0, 1),
    { name: "y" },
    { help: "50%\nmore", fix: { span: source.span(0, 1), text: "z" } },
  );
  expect(JSON.parse(renderJson(made))).toEqual({
    code: "GRAD2002",
    severity: "error",
    message: "`y` is defined twice",
    file: "a,b.grad",
    span: { start: { line: 1, column: 1, offset: 0 }, end: { line: 1, column: 2, offset: 1 } },
    related: [],
    help: "50%\nmore",
    fix: {
      span: { start: { line: 1, column: 1, offset: 0 }, end: { line: 1, column: 2, offset: 1 } },
      text: "z",
    },
  });
  expect(renderGithub(made)).toBe(
    "::error file=a%2Cb.grad,line=1,col=1,endLine=1,endColumn=2,title=GRAD2002::`y` is defined twice%0A50%25%0Amore",
  );
});

test("lines end in \\n, \\r\\n or \\r, and columns count UTF-16 units", () => {
  const source = new SourceText("m.grad", "a\r\n𝛼b\rc\nd");
  expect(source.position(5)).toEqual({ line: 2, column: 3, offset: 5 });
  expect([1, 2, 3, 4, 5].map((line) => source.line(line))).toEqual(["a", "𝛼b", "c", "d", ""]);
  expect(source.lineCount).toBe(4);
});
