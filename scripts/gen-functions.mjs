// Writes docs/functions.md from the table of scalar functions. With --check: fails where the file is out of date.
import { importSource, writeOrCheck } from "./generated.mjs";

const { SCALARS } = await importSource("src/ir/scalar/table.ts");

const cell = (text) => text.replaceAll("|", "\\|");
const signature = (f) => {
  const names = f.parameters.map((p) => (p.default === undefined ? p.name : `${p.name} = ${p.default}`));
  if (typeof f.arity === "object") names.push("…");
  return `${f.name}(${names.join(", ")})`;
};
const types = {
  float: "floats",
  arithmetic: "floats or integers",
  select: "bool, then any",
  random: "integers",
};
const error = ({ wgsl: { bound } }) =>
  [bound.relative ? `${bound.relative} of the value` : "", bound.absolute >= 1e-30 ? `${bound.absolute}` : ""]
    .filter(Boolean)
    .join(" + ") || "exact";
const rows = (functions) =>
  functions.map((f) => `| \`${signature(f)}\` | ${cell(f.doc)} | ${types[f.type]} | ${error(f)} |`);
const all = Object.values(SCALARS).sort((a, b) => (a.name < b.name ? -1 : 1));
const guarded = all.filter((f) => f.zeroCotangentGivesZero && f.visible).map((f) => `\`${f.name}\``);

const text = `<!-- Written by scripts/gen-functions.mjs from src/ir/scalar; do not edit. -->

# Scalar functions

They work element by element. Integer results wrap to their type. The last column is the greatest error of f32 on
WebGPU that the tests allow over the function's usual domain; generated JavaScript computes in double.

| function | meaning | of | f32 error |
| --- | --- | --- | --- |
${rows(all.filter((f) => f.visible)).join("\n")}
${rows(all.filter((f) => f.type === "random")).join("\n")}

Where the incoming derivative is exactly 0, nothing flows back through \`/\`, \`^\`, ${guarded.join(", ")}, even at a
point where their own derivative is infinite.
`;
writeOrCheck("docs/functions.md", text, "gen-functions.mjs");
