import type { Target } from "../compile.js";
import { didYouMean } from "./names.js";
import { targetsOf } from "./build.js";
import type { Options } from "./main.js";
import { dimsOf, formatOf, offOf, oneFile, precisionOf, wrtOf } from "./options.js";
import { SourceFiles } from "./source.js";
import { UsageError, UserError } from "./usage.js";

/** Prints one stage on standard output. Early stages print even where later ones would fail. */
export async function emit(files: readonly string[], options: Options): Promise<number> {
  const file = oneFile(files);
  const { STAGES } = await import("../compile.js");
  const stage = STAGES.find((s) => s === options.stage);
  if (stage === undefined)
    throw new UsageError(
      `--stage is one of ${STAGES.join(", ")}${options.stage === undefined ? "" : `, not ${options.stage}${didYouMean(options.stage, STAGES)}`}`,
    );
  const [target, ...more] = targetsOf(
    options.target ?? (stage === "wgsl" ? "wgsl" : stage === "wat" ? "wasm" : "js"),
  );
  if (more.length) throw new UsageError("emit takes one target");
  const targets: Target[] = target ? [target] : [];
  const sources = new SourceFiles(file);
  const result = await sources.compile({
    targets,
    dims: dimsOf(options),
    precision: precisionOf(options),
    threads: options.threads ?? false,
    ...wrtOf(options),
    ...(await offOf(options)),
  });
  sources.report(result.diagnostics, formatOf(options), process.stderr);
  if (!result.ok && stage !== "tokens" && stage !== "ast") throw new UserError("");
  process.stdout.write(result.stage(stage));
  return result.ok ? 0 : 1;
}
