import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

// What nothing reaches is not kept. A small scan of the sources, whose imports and exports are all of the usual forms.

/** What users of the package, and bundlers, begin with. */
const ENTRIES = /^src\/(index|cli|client\.d|runtime\/(?:index|worker)|plugins\/[\w-]+|eager\/index)\.ts$/;

const filesBelow = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name !== "node_modules")
    .flatMap((name) => {
      const path = `${folder}/${name}`;
      return statSync(path).isDirectory() ? filesBelow(path) : [path];
    });
const code = (file: string): boolean => /\.(ts|mts|mjs|js)$/.test(file);
const sources = filesBelow("src").filter(code);
const tests = [
  ...filesBelow("test"),
  ...filesBelow("scripts"),
  ...filesBelow("examples"),
  ...filesBelow("bench"),
].filter(code);

const CLAUSE =
  /(?:import|export)\s+(?:type\s+)?(?:[\w$]+\s*,\s*)?(\{[^}]*\}|\*(?:\s+as\s+(\w+))?)\s+from\s+"(\.[^"]+)"/g;
const DYNAMIC = /(?:\{([^{}]*)\}[^;={]*=\s*await\s+)?import\(\s*"(\.[^"]+)"\s*\)\)?(?:\.(\w+))?/g;
const EXPORT =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|const|let|class|enum)\s+(\w+)/gm;

function target(from: string, specifier: string): string | undefined {
  const path = normalize(join(dirname(from), specifier)).replaceAll("\\", "/");
  return [path.replace(/^dist\//, "src/").replace(/\.js$/, ".ts"), path.replace(/\.js$/, ".ts"), path].find(
    (p) => existsSync(p),
  );
}
/** The files that one imports with the names that it uses of each; `*` is all. */
function uses(file: string): { file: string; names: string[] }[] {
  const text = readFileSync(file, "utf8");
  const names = (list: string): string[] =>
    list
      .replace(/[{}]/g, "")
      .split(",")
      .map(
        (item) =>
          item
            .replace(/^\s*type\s/, "")
            .trim()
            .split(/\s+as\s+|\s*:\s*/)[0]
            ?.trim() ?? "",
      )
      .filter(Boolean);
  const found: { file: string; names: string[] }[] = [];
  for (const [statement, clause = "", space, specifier = ""] of text.matchAll(CLAUSE)) {
    const to = target(file, specifier);
    if (!to) continue;
    if (!clause.startsWith("*")) found.push({ file: to, names: names(clause) });
    else if (space === undefined || statement.startsWith("export")) found.push({ file: to, names: ["*"] });
    else {
      const members = text.matchAll(new RegExp(`\\b${space}\\.(\\w+)|\\{([^}]*)\\} = ${space}\\b`, "g"));
      found.push({ file: to, names: [...members].flatMap((m) => (m[1] ? [m[1]] : names(m[2] ?? ""))) });
    }
  }
  for (const [, list, specifier = "", member] of text.matchAll(DYNAMIC)) {
    const to = target(file, specifier);
    if (to)
      found.push({
        file: to,
        names: [...(list === undefined ? [] : names(list)), ...(member ? [member] : [])],
      });
  }
  return found;
}

const used = new Map<string, Set<string>>();
const reached = new Set([...sources.filter((f) => ENTRIES.test(f)), ...tests]);
for (const file of reached)
  for (const { file: to, names } of uses(file)) {
    reached.add(to);
    const all = used.get(to) ?? new Set();
    for (const name of names) all.add(name);
    used.set(to, all);
  }

test("every source file is reached from an entry point or a test", () => {
  expect(sources.filter((f) => !reached.has(f))).toEqual([]);
});

// Types are not asked for: those of an exported signature are part of it.
test("every exported value is used by another file", () => {
  const unused = sources
    .filter((f) => !ENTRIES.test(f))
    .flatMap((file) => {
      const names = used.get(file) ?? new Set();
      if (names.has("*")) return [];
      const exported = [...readFileSync(file, "utf8").matchAll(EXPORT)].map((m) => m[1] ?? "");
      return exported.filter((name) => !names.has(name)).map((name) => `${file}: ${name}`);
    });
  expect(unused).toEqual([]);
});

// Scripts and examples are not type-checked, and import what is built: a name that is gone would only show when they run.
test("every name that a script or an example imports exists", () => {
  const missing = tests
    .filter((file) => file.endsWith(".mjs"))
    .flatMap((file) =>
      uses(file).flatMap(({ file: to, names }) => {
        const text = readFileSync(to, "utf8");
        const exported = new Set([
          ...[...text.matchAll(EXPORT)].map((m) => m[1] ?? ""),
          ...[...text.matchAll(/^export\s*\{([^}]*)\}/gm)].flatMap((m) =>
            (m[1] ?? "").split(",").map(
              (item) =>
                item
                  .trim()
                  .split(/\s+as\s+/)
                  .at(-1) ?? "",
            ),
          ),
        ]);
        return names.filter((name) => !exported.has(name)).map((name) => `${file}: ${name} of ${to}`);
      }),
    );
  expect(missing).toEqual([]);
});
