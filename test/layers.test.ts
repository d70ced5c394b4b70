import { readdirSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { components } from "../src/ir/components.js";

/** Who may import whom below src/, folders or parts of one; the same table stands in ARCHITECTURE.md. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  diagnostics: [],
  parser: ["diagnostics"],
  format: ["parser", "diagnostics"],
  ir: ["diagnostics"],
  std: [],
  check: ["parser", "ir", "diagnostics", "std"],
  raise: ["parser", "ir", "diagnostics"],
  autodiff: ["ir", "diagnostics"],
  optimize: ["ir", "diagnostics"],
  schedule: ["ir", "optimize", "diagnostics"],
  "schedule/kernel": ["ir", "diagnostics"],
  "schedule/passes": ["schedule/axes.js", "schedule/targets.js", "ir", "optimize", "diagnostics"],
  "schedule/plan": ["schedule/kernel/ir.js", "schedule/axes.js", "schedule/targets.js", "ir", "diagnostics"],
  "schedule/lower": [
    "schedule/plan",
    "schedule/kernel",
    "schedule/axes.js",
    "schedule/targets.js",
    "ir",
    "diagnostics",
  ],
  codegen: ["schedule/kernel", "ir", "runtime", "diagnostics"],
  runtime: [],
  eager: ["ir/scalar", "ir/expr.js", "runtime/npy.js"],
  "eager-run": ["eager", "ir", "autodiff/primal.js", "diagnostics"],
  plugins: ["index.js", "read-import.js"],
};
const filesBelow = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = `${folder}/${name}`;
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });

for (const [layer, allowed] of Object.entries(LAYERS))
  test(`${layer} imports ${allowed.join(", ") || "nothing outside itself"}`, () => {
    const wrong: string[] = [];
    for (const file of filesBelow(`src/${layer}`).filter((f) => f.endsWith(".ts")))
      for (const [, target = ""] of readFileSync(file, "utf8").matchAll(/from "(\.[^"]+)"/g)) {
        const path = new URL(target, `file:///${file}`).pathname.slice(1);
        const to = path.replace("src/", "");
        const within = (part: string): boolean => to === part || to.startsWith(`${part}/`);
        if (!within(layer) && !allowed.some(within)) wrong.push(`${file} imports ${path}`);
      }
    expect(wrong).toEqual([]);
  });

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
