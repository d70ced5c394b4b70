import type { Options } from "./main.js";
import { formatOf } from "./options.js";
import { compileFile, report } from "./source.js";

/** Diagnostics only, on standard output. */
export function checkFiles(files: readonly string[], options: Options): number {
  const format = formatOf(options);
  let failed = false;
  for (const file of files) {
    const { source, result } = compileFile(file, {});
    report(result, source, file, format, process.stdout);
    failed ||= !result.ok;
  }
  return failed ? 1 : 0;
}
