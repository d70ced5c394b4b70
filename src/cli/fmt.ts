import { readFileSync, writeFileSync } from "node:fs";
import { format } from "../format/format.js";
import { formatOf, type Options } from "./options.js";
import { SourceFiles } from "./source.js";

/**
 * Lays files out in place, standard input to standard output. With `--check` writes nothing and names the files that
 * would change. A file with syntax errors is reported and left alone.
 */
export function fmt(files: readonly string[], options: Options): number {
  const diagnosticFormat = formatOf(options);
  let status = 0;
  for (const file of files) {
    const sources = new SourceFiles(file);
    const result = format(sources.source, file);
    if ("diagnostics" in result) {
      sources.report(result.diagnostics, diagnosticFormat, process.stderr);
      status = 1;
    } else if (options.check) {
      if (result.text === sources.source) continue;
      process.stdout.write(`${file} would change\n`);
      status = 1;
    } else if (file === "-") process.stdout.write(result.text);
    else if (result.text !== readFileSync(file, "utf8")) {
      writeFileSync(file, result.text);
      process.stdout.write(`${file}\n`);
    }
  }
  return status;
}
