// Writes docs/errors.md from the catalogue of diagnostics. With --check: fails where the file is out of date.
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const bundled = await build({
  entryPoints: ["src/diagnostics/catalogue.ts"],
  bundle: true,
  format: "esm",
  write: false,
  logLevel: "error",
});
const { CATALOGUE } = await import(
  `data:text/javascript;base64,${Buffer.from(bundled.outputFiles[0].text).toString("base64")}`
);
const FAMILIES = [
  "Syntax",
  "Names and indices",
  "Sizes and types",
  "Derivatives",
  "Code generation and limits",
  "Data",
];
const entry = ([code, { title, page, severity }]) =>
  `### ${code}: ${title}\n\n${severity === "warning" ? "A warning. " : ""}${page}\n`;
const family = (name, k) =>
  `## ${name}\n\n${Object.entries(CATALOGUE)
    .filter(([code]) => code[4] === String(k + 1))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(entry)
    .join("\n")}`;
const text = `<!-- Written by scripts/gen-errors.mjs from src/diagnostics; do not edit. -->

# Diagnostics

\`gradc explain CODE\` prints the page of one. A code keeps its meaning.

${FAMILIES.map(family).join("\n")}`;

if (process.argv.includes("--check")) {
  if (readFileSync("docs/errors.md", "utf8") !== text) {
    console.error("docs/errors.md is out of date: run node scripts/gen-errors.mjs");
    process.exit(1);
  }
} else writeFileSync("docs/errors.md", text);
