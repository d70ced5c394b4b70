import { CATALOGUE } from "../diagnostics/catalogue.js";
import { nearest } from "./names.js";
import { bindDims } from "../runtime/sizes.js";
import { explainModule } from "./explain-file.js";
import { printReport } from "./explain-text.js";
import { compileOptionsOf, dimsOf, formatOf, oneFile, oneTarget, type Options } from "./options.js";
import { compileOrFail } from "./source.js";
import { UserError } from "./usage.js";

/** A code's page, or what the schedule of a file does and why; `--target` chooses whose, js by default. */
export async function explain(files: readonly string[], options: Options): Promise<number> {
  const what = oneFile(files);
  if (/^GRAD\d+$/i.test(what)) {
    const wanted = what.toUpperCase();
    const entry = Object.entries(CATALOGUE).find(([code]) => code === wanted)?.[1];
    if (!entry) throw new UserError(`there is no code ${wanted}${nearest(wanted, Object.keys(CATALOGUE))}`);
    process.stdout.write(`${wanted}: ${entry.title}\n\n${entry.page}\n`);
    return 0;
  }
  const target = oneTarget("explain", options.target ?? "js");
  const format = formatOf(options);
  const result = await compileOrFail(
    what,
    { targets: [target], dims: dimsOf(options), ...(await compileOptionsOf(options)) },
    format,
  );
  if (!result.spec || !result.program) throw new UserError("");
  const dims = new Map(Object.entries(bindDims(result.spec, {}, [])));
  const report = explainModule(result.scheduled(target), result.program, target, dims);
  process.stdout.write(format === "json" ? `${JSON.stringify(report)}\n` : printReport(report));
  return 0;
}
