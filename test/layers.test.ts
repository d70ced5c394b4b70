import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { components } from "../src/ir/components.js";

/** The folders of ARCHITECTURE.md and what each may import: folders or files below src; null for everything. */
const LAYERS: ReadonlyMap<string, readonly string[] | null> = new Map(
  [...readFileSync("ARCHITECTURE.md", "utf8").matchAll(/^\| `src\/([\w/-]+)` +\|[^|]*\|([^|]*)\|$/gm)].map(
    ([, folder = "", allowed = ""]) => [
      folder,
      allowed.trim() === "everything"
        ? null
        : [...allowed.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => path),
    ],
  ),
);
const filesBelow = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = `${folder}/${name}`;
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });

test("every folder below src has a row in ARCHITECTURE.md, and every row a folder", () => {
  const folders = readdirSync("src").filter((name) => statSync(`src/${name}`).isDirectory());
  expect([...LAYERS.keys()].filter((name) => !name.includes("/")).sort()).toEqual(folders.sort());
  for (const [layer, allowed] of LAYERS)
    for (const path of [layer, ...(allowed ?? [])]) expect(existsSync(`src/${path}`), path).toBe(true);
});

for (const [layer, allowed] of LAYERS) {
  if (!allowed) continue;
  test(`${layer} imports ${allowed.join(", ") || "nothing outside itself"}`, () => {
    const wrong: string[] = [];
    for (const file of filesBelow(`src/${layer}`).filter((f) => f.endsWith(".ts")))
      for (const [, target = ""] of readFileSync(file, "utf8").matchAll(/from "(\.[^"]+)"/g)) {
        const path = new URL(target.replace(/\.js$/, ".ts"), `file:///${file}`).pathname.slice(1);
        const to = path.replace("src/", "");
        const within = (part: string): boolean => to === part || to.startsWith(`${part}/`);
        if (!within(layer) && !allowed.some(within)) wrong.push(`${file} imports ${path}`);
      }
    expect(wrong).toEqual([]);
  });
}

test("no files import each other in a circle, but for types", () => {
  const files = filesBelow("src").filter((f) => f.endsWith(".ts"));
  const imported = (file: string): string[] => {
    const clauses = readFileSync(file, "utf8").matchAll(
      /^(?:im|ex)port (?!type )([^;]*?) from "(\.[^"]+)"/gm,
    );
    return [...clauses].flatMap(([, what = "", from = ""]) => {
      const names = what
        .replace(/[{}]/g, "")
        .split(",")
        .filter((name) => name.trim());
      const path = new URL(from.replace(/\.js$/, ".ts"), `file:///${file}`).pathname.slice(1);
      return names.every((name) => name.trim().startsWith("type ")) || !files.includes(path) ? [] : [path];
    });
  };
  const circles = components(files, imported).filter((found) => found.circular);
  expect(circles.map((circle) => circle.members)).toEqual([]);
});
