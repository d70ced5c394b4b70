import { existsSync, readFileSync, writeFileSync } from "node:fs";

const FILE = new URL("RESULTS.md", import.meta.url);
const SECTIONS = {
  Times: "npm run bench -- --write",
  Counts: "npm run bench -- --counts --write",
  "Odd sizes": "npm run bench -- --odd --write",
  Profiles: "npm run bench -- --profile --write",
  Ablations: "npm run bench -- --ablate --write",
};
const HEAD = `# Results

Written by the commands that stand over each section, on whatever machine they ran on last: hold ratios, not times,
against others.
`;

/** Puts the printed text of a run in the place of the section's last one in RESULTS.md. */
export function writeSection(title, text, { node, cores, commit }) {
  const old = existsSync(FILE) ? readFileSync(FILE, "utf8") : "";
  const bodies = new Map(
    [...old.matchAll(/^## (.+)\n([^]*?)(?=^## |(?![^]))/gm)].map(([, name, body]) => [name, body.trim()]),
  );
  const picture = title === "Times" ? "![The times, drawn](RESULTS.svg)\n\n" : "";
  const line = `\`${SECTIONS[title]}\`, at ${commit}, Node ${node}, ${cores} cores.`;
  bodies.set(title, `${line}\n\n${picture}\`\`\`text\n${text.trimEnd()}\n\`\`\``);
  const parts = Object.keys(SECTIONS).flatMap((name) =>
    bodies.has(name) ? [`## ${name}\n\n${bodies.get(name)}\n`] : [],
  );
  writeFileSync(FILE, [HEAD, ...parts].join("\n"));
}
