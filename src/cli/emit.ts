import { STAGES } from "../stages.js";
import { nearest } from "./names.js";
import { compileOptionsOf, dimsOf, formatOf, oneFile, oneTarget, type Options } from "./options.js";
import { SourceFiles } from "./source.js";
import { UsageError, UserError } from "./usage.js";

/** Prints one stage on standard output. Early stages print even where later ones would fail. */
export async function emit(files: readonly string[], options: Options): Promise<number> {
  const file = oneFile(files);
  const stage = STAGES.find((s) => s === options.stage);
  if (stage === undefined)
    throw new UsageError(
      `--stage is one of ${STAGES.join(", ")}${options.stage === undefined ? "" : `, not ${options.stage}${nearest(options.stage, STAGES)}`}`,
    );
  const made = stage === "wgsl" ? "wgsl" : stage === "wat" ? "wasm" : "js";
  const target = oneTarget("emit", options.target ?? made);
  const sources = new SourceFiles(file);
  const result = await sources.compile({
    targets: [target],
    dims: dimsOf(options),
    ...(await compileOptionsOf(options)),
  });
  sources.report(result.diagnostics, formatOf(options), process.stderr);
  if (!result.ok && stage !== "tokens" && stage !== "ast") throw new UserError("");
  process.stdout.write(result.stage(stage));
  return result.ok ? 0 : 1;
}
