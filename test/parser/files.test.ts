import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { renderPretty } from "../../src/diagnostics/render.js";
import { DTYPES } from "../../src/ir/dtypes.js";
import { parse } from "../../src/parser/parse.js";
import { printFile } from "../../src/parser/print.js";
import { AXIS_OPERATORS, REDUCERS, RESERVED, TYPES } from "../../src/parser/words.js";
import { shape } from "./support.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const FOLDERS = ["grammar", "src/std", "test/models", "examples", "bench"];

function gradFiles(folder: string): string[] {
  const path = `${root}/${folder}`;
  if (!statSync(path, { throwIfNoEntry: false })) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    return entry.isDirectory() ? gradFiles(name) : entry.name.endsWith(".grad") ? [name] : [];
  });
}
const files = FOLDERS.flatMap(gradFiles);

test("the example models are there", () => {
  expect(files).toContain("grammar/kitchen-sink.grad");
  expect(files.length).toBeGreaterThan(10);
});

test.each(files)("%s parses, and its print parses to the same tree", (name) => {
  const source = readFileSync(`${root}/${name}`, "utf8");
  const { file, diagnostics } = parse(source, name);
  expect(diagnostics.map((d) => renderPretty(d, source))).toEqual([]);
  const printed = printFile(file);
  const again = parse(printed, name);
  expect(again.diagnostics.map((d) => renderPretty(d, printed))).toEqual([]);
  expect(shape(again.file.statements)).toEqual(shape(file.statements));
  expect(printFile(again.file)).toBe(printed);
});

test("every production of the grammar is a method of the parser, and the other way round", async () => {
  const { StatementParser } = await import("../../src/parser/statement-parser.js");
  const grammar = readFileSync(`${root}/grammar/grad.ebnf`, "utf8").replace(/\(\*[\s\S]*?\*\)/g, "");
  const productions = [...grammar.matchAll(/^([a-z]\w*)\s*=/gm)].map((match) => match[1]);
  expect(productions.sort()).toEqual(Object.keys(new StatementParser().getGAstProductions()).sort());
});

test("the grammar's words are the parser's", () => {
  const grammar = readFileSync(`${root}/grammar/grad.ebnf`, "utf8");
  const [, reserved, reducers, operators] =
    /not one of\s+([a-z ]+)\.[^]*^ *REDUCER +([a-z ]+),[^]*^ *AXIS +([a-z_ ]+),/m.exec(grammar) ?? [];
  expect(reserved?.split(" ")).toEqual([...RESERVED]);
  expect(reducers?.split(" ")).toEqual([...REDUCERS]);
  expect(operators?.split(" ")).toEqual([...AXIS_OPERATORS]);
});

test("the types of sources are those of programs", () => {
  expect([...TYPES]).toEqual(DTYPES);
});
