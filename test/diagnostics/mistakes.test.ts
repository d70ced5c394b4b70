import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { analyse } from "../../src/analyse.js";
import { CATALOGUE } from "../../src/diagnostics/catalogue.js";
import type { Diagnostic } from "../../src/diagnostics/diagnostic.js";
import { renderGithub, renderJson, renderPretty } from "../../src/diagnostics/render.js";
import { compile } from "../../src/index.js";

/**
 * Wrong programs as they are written by people, and what they are answered, a file a topic: `mistakes/NAME.txt` holds the
 * programs, `mistakes/NAME.answers.txt` the answers (`npx vitest run -u test/diagnostics/mistakes.test.ts` writes them
 * anew; read what changed).
 */
const folder = new URL("mistakes/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), "utf8");
const topics = readdirSync(folder)
  .filter((name) => name.endsWith(".txt") && !name.endsWith(".answers.txt"))
  .map((name) => name.replace(/\.txt$/, ""));

const imported = new Map(
  readdirSync(new URL("imported/", folder)).map((name) => [`./${name}`, `imported/${name}`]),
);
const resolve = (specifier: string): string | null => {
  const file = imported.get(specifier);
  return file === undefined ? null : read(file);
};
const FILE = "model.grad";
const answer = (source: string): readonly Diagnostic[] =>
  compile(source, { filename: FILE, resolve }).diagnostics;

interface Case {
  readonly title: string;
  readonly source: string;
}
const casesOf = (topic: string): Case[] =>
  read(`${topic}.txt`)
    .split(/^--- /m)
    .slice(1)
    .map((text) => {
      const [title = ""] = text.split("\n", 1);
      return { title, source: text.slice(title.length + 1) };
    });

/** A text with a fix made. */
const fixed = (source: string, { span, text }: NonNullable<Diagnostic["fix"]>): string =>
  source.slice(0, span.start.offset) + text + source.slice(span.end.offset);

test("there are some hundred", () => {
  expect(topics.flatMap(casesOf).length).toBeGreaterThan(350);
});

describe.each(topics)("%s", (topic) => {
  const cases = casesOf(topic);
  test("are answered as they were judged", async () => {
    const answers = cases.map(({ title, source }) => {
      const shown = answer(source).map((d) => {
        const fix = d.fix
          ? `\n  fix: ${JSON.stringify(d.fix.text)} at ${d.fix.span.start.line}:${d.fix.span.start.column}-${d.fix.span.end.line}:${d.fix.span.end.column}`
          : "";
        return renderPretty(d, d.file === FILE ? source : (resolve(`./${d.file}`) ?? "")) + fix;
      });
      return `--- ${title}\n${shown.join("\n")}\n`;
    });
    await expect(answers.join("")).toMatchFileSnapshot(`mistakes/${topic}.answers.txt`);
  });

  test.each(cases)("$title", ({ source }) => {
    const found = answer(source);
    expect(found.length).toBeGreaterThan(0);
    for (const d of found) {
      expect(Object.keys(CATALOGUE)).toContain(d.code);
      expect(d.code).not.toBe("GRAD5001");
      for (const { span, file } of [d, ...d.related]) {
        const text = file === FILE ? source : undefined;
        expect(span.start.offset).toBeLessThanOrEqual(span.end.offset);
        if (text !== undefined) expect(span.end.offset).toBeLessThanOrEqual(text.length);
      }
      expect(JSON.parse(renderJson(d))).toEqual(JSON.parse(JSON.stringify(d)));
      expect(renderGithub(d)).toMatch(/^::(error|warning) file=[^\n]+::[^\n]+$/);
      // Names that the compiler makes are nobody's.
      expect(`${d.message} ${d.help ?? ""}`).not.toMatch(/\w\.(sum|alive|test|stop|direction|product)\b/);
      if (!d.fix) continue;
      const mended = analyse(fixed(source, d.fix), { filename: FILE, resolve }).diagnostics;
      expect(mended.map((m) => `${m.code} ${m.span.start.offset} ${m.message}`)).not.toContain(
        `${d.code} ${d.span.start.offset} ${d.message}`,
      );
    }
  });
});
