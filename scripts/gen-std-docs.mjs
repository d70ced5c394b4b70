// Writes docs/std.md from the doc comments of src/std/*.grad. With --check: fails where the file is out of date.
import { readdirSync, readFileSync } from "node:fs";
import { writeOrCheck } from "./generated.mjs";

const folder = new URL("../src/std/", import.meta.url);

/** Doc comments, each with the declaration's head up to its body, and what a layer or optimizer keeps. */
function entries(text) {
  const declaration = /((?:^\/\/\/.*\n)+)^(fn|layer|optimizer) (\w+)([^{]*?)\s*\{([\s\S]*?)\}$/gm;
  return [...text.matchAll(declaration)].map(([, doc, kind, name, head, body = ""]) => ({
    name,
    signature: `${kind} ${name}${head.replace(/\s+/g, " ")}`.trim(),
    doc: doc.replaceAll(/^\/\/\/ ?/gm, "").trim(),
    params: kind === "layer" ? [...body.matchAll(/^\s*param (.*)$/gm)].map(([, param]) => param) : [],
  }));
}
const section = (file) => {
  const text = readFileSync(new URL(file, folder), "utf8");
  const name = `std/${file.replace(/\.grad$/, "")}`;
  const intro = (/^(?:\/\/(?!\/).*\n)+/.exec(text)?.[0] ?? "").replaceAll(/^\/\/ ?/gm, "").trim();
  const one = ({ name, signature, doc, params }) =>
    [`### ${name}`, ["```", signature, ...params.map((p) => `  param ${p}`), "```"].join("\n"), doc].join(
      "\n\n",
    );
  const found = entries(text);
  const declared = text.match(/^(?:fn|layer|optimizer) /gm)?.length ?? 0;
  if (found.length !== declared)
    throw new Error(`${file}: ${declared} declarations, of which ${found.length} have a doc comment`);
  return [`## ${name}`, intro, ...found.map(one)].join("\n\n");
};
const files = readdirSync(folder)
  .filter((name) => name.endsWith(".grad"))
  .sort();
const text = `<!-- Written by scripts/gen-std-docs.mjs from src/std; do not edit. -->

# The library

Written in the language itself. \`import { dense } from "std/nn"\` brings a name in; the optimizers need no import.
\`f[b] = normalized(x[b])\` maps a function of one example over a batch.

${files.map(section).join("\n\n")}
`;
writeOrCheck("docs/std.md", text, "gen-std-docs.mjs");
