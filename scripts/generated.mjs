// What the scripts have in common that write documents from the sources.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = new URL("..", import.meta.url);

/** A module of the sources (from the root), with all that it imports: nothing has to be built. */
export async function importSource(entry) {
  const bundled = await build({
    absWorkingDir: fileURLToPath(root),
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    write: false,
    logLevel: "error",
  });
  const code = Buffer.from(bundled.outputFiles[0].text).toString("base64");
  return import(`data:text/javascript;base64,${code}`);
}

/** Writes the file; with --check, fails where it is not as the text. */
export function writeOrCheck(file, text, script) {
  const path = new URL(file, root);
  if (!process.argv.includes("--check")) return writeFileSync(path, text);
  if (readFileSync(path, "utf8") === text) return;
  console.error(`${file} is out of date: run node scripts/${script}`);
  process.exit(1);
}
