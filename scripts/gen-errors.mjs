// Writes docs/errors.md from the catalogue of diagnostics. With --check: fails where the file is out of date.
import { importSource, writeOrCheck } from "./generated.mjs";

const { CATALOGUE } = await importSource("src/diagnostics/catalogue.ts");
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

writeOrCheck("docs/errors.md", text, "gen-errors.mjs");
