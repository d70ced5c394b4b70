import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CATALOGUE } from "../../src/diagnostics/catalogue.js";
import type { Entry } from "../../src/diagnostics/page.js";
import { suggest } from "../../src/diagnostics/suggest.js";
import { parse } from "../../src/parser/parse.js";

const entries: [string, Entry][] = Object.entries(CATALOGUE);

test.each(entries)("%s has a title, a page and a wording", (code, entry) => {
  expect(code).toMatch(/^GRAD[1-6]\d{3}$/);
  expect(entry.title).toMatch(/^[a-z]/);
  expect(entry.page.length).toBeGreaterThan(20);
  // Whatever a wording asks for reads as the text it is given.
  const anything = new Proxy({}, { get: () => "given" });
  const message = (entry.message as (args: object) => string)(anything);
  expect(message).not.toMatch(/undefined|\[object|NaN/);
  expect(message.length).toBeGreaterThan(4);
});

/** The examples of a page: what is indented under "Wrong:" and "Right:". */
function examples(page: string): { wrong: string; right: string } | undefined {
  const [, wrong, right] = /\n\nWrong:\n\n([\s\S]*?)\n\nRight:\n\n([\s\S]*)$/.exec(page) ?? [];
  if (wrong === undefined || right === undefined) return undefined;
  return { wrong: wrong.replace(/^ {4}/gm, ""), right: right.replace(/^ {4}/gm, "") };
}

test.each(entries.filter(([code]) => code < "GRAD5"))(
  "%s: the right example follows the grammar, the wrong one of a syntax error has it",
  (code, entry) => {
    const found = examples(entry.page);
    if (!found || code === "GRAD1003") return;
    if (!found.right.startsWith("{"))
      expect(
        parse(found.right.replace("inner = …\n", ""), "right.grad").diagnostics.map((d) => d.message),
      ).toEqual([]);
    if (code < "GRAD2")
      expect(parse(found.wrong, "wrong.grad").diagnostics.map((d) => d.code)).toContain(code);
  },
);

test("a wrong name finds the near one, and nothing far away", () => {
  expect(suggest("hiden", ["hidden", "label"])).toBe("hidden");
  expect(suggest("lable", ["hidden", "label"])).toBe("label");
  expect(suggest("X", ["x", "y"])).toBe("x");
  expect(suggest("quite_else", ["hidden", "label"])).toBeUndefined();
});

test("every code that the runtime and the commands throw has a page", () => {
  const thrown = new Set<string>();
  for (const folder of ["src/runtime", "src/cli", "src/plugins"])
    for (const file of readdirSync(folder).filter((f) => f.endsWith(".ts")))
      for (const [code] of readFileSync(`${folder}/${file}`, "utf8").matchAll(/GRAD\d{4}/g)) thrown.add(code);
  expect([...thrown].filter((code) => !(code in CATALOGUE))).toEqual([]);
  expect(thrown.size).toBeGreaterThan(10);
});
