import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { compile } from "../src/compile.js";
import { format } from "../src/format/format.js";

const text = readFileSync("docs/language.md", "utf8");
const snippets = [...text.matchAll(/```grad\n([^]*?)```/g)].map(([, code = ""]) => code);

test("the reference has right and wrong snippets", () => {
  expect(snippets.filter((s) => !s.startsWith("// GRAD")).length).toBeGreaterThan(8);
  expect(snippets.filter((s) => s.startsWith("// GRAD")).length).toBeGreaterThan(6);
});

test.each(snippets.map((code, k) => [k + 1, code.split("\n", 1)[0], code] as const))(
  "snippet %i of docs/language.md (%s) compiles, or gives the code that it names, alone",
  (_, first, code) => {
    const wanted = /^\/\/ (GRAD\d{4})$/.exec(first ?? "")?.[1];
    const errors = compile(code)
      .diagnostics.filter((d) => d.severity === "error")
      .map((d) => (wanted === d.code ? d.code : `${d.code} ${d.message}`));
    expect(errors).toEqual(wanted === undefined ? [] : [wanted]);
    const laidOut = format(code, "snippet.grad");
    if ("text" in laidOut) expect(laidOut.text).toBe(code);
  },
);

test("docs/errors.md is what the catalogue says", () => {
  expect(() =>
    execFileSync(process.execPath, ["scripts/gen-errors.mjs", "--check"], { stdio: "pipe" }),
  ).not.toThrow();
});

test("docs/functions.md is what the table of scalar functions says", () => {
  expect(() =>
    execFileSync(process.execPath, ["scripts/gen-functions.mjs", "--check"], { stdio: "pipe" }),
  ).not.toThrow();
});

test("README links the documents", () => {
  const readme = readFileSync("README.md", "utf8");
  for (const name of ["language.md", "tour.md", "errors.md", "functions.md", "glossary.md"])
    expect(readme).toContain(`docs/${name}`);
});

const filesBelow = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = `${folder}/${name}`;
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
test.each(["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/glossary.md"])(
  "the paths that %s names exist",
  (document) => {
    const sources = [
      ...filesBelow("src"),
      ...filesBelow("test"),
      ...filesBelow("bench/counts"),
      ...filesBelow("scripts"),
    ];
    const spans = [...readFileSync(document, "utf8").matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
    // Paths as they stand, below src, or the end of one.
    const paths = spans.filter((span) =>
      /^[\w./-]+\.(?:ts|mjs|md|grad|ebnf)$|^(?:src|test)(?:\/[\w-]+)+$/.test(span),
    );
    expect(paths.length).toBeGreaterThan(3);
    const isThere = (path: string): boolean =>
      existsSync(path) || existsSync(`src/${path}`) || sources.some((file) => file.endsWith(`/${path}`));
    expect(paths.filter((path) => !isThere(path))).toEqual([]);
  },
);
