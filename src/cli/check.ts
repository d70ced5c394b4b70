import type { Options } from "./main.js";
import { dimsOf, formatOf } from "./options.js";
import { SourceFiles } from "./source.js";

/** Diagnostics only, on standard output. */
export function checkFiles(files: readonly string[], options: Options): number {
  const format = formatOf(options);
  let failed = false;
  for (const file of files) {
    const sources = new SourceFiles(file);
    const { diagnostics, program } = sources.analyse({ dims: dimsOf(options) });
    sources.report(diagnostics, format, process.stdout);
    failed ||= program === null;
  }
  return failed ? 1 : 0;
}
