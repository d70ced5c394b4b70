import { dimsOf, formatOf, type Options } from "./options.js";
import { SourceFiles } from "./source.js";

/** Diagnostics, on standard output; with `--tests` the files' `check` declarations are run too. */
export async function checkFiles(files: readonly string[], options: Options): Promise<number> {
  const format = formatOf(options);
  let failed = false;
  for (const file of files) {
    const sources = new SourceFiles(file);
    const dims = dimsOf(options);
    const { diagnostics, program, checks } = sources.analyse({ dims });
    sources.report(diagnostics, format, process.stdout);
    failed ||= program === null;
    if (!options.tests || program === null || checks.length === 0) continue;
    // Only this needs the rest of the compiler.
    const { runChecks } = await import("./check-tests.js");
    failed = (await runChecks(checks, sources, dims)) > 0 || failed;
  }
  return failed ? 1 : 0;
}
