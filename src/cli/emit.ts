import { STAGES, type Target } from "../compile.js";
import type { Options } from "./main.js";
import { dimsOf, formatOf, oneFile, precisionOf } from "./options.js";
import { compileFile, report } from "./source.js";
import { UsageError, UserError } from "./usage.js";

/** Prints one stage on standard output. Early stages print even where later ones would fail. */
export function emit(files: readonly string[], options: Options): number {
  const file = oneFile(files);
  const stage = options.stage;
  if (stage === undefined || !(STAGES as readonly string[]).includes(stage))
    throw new UsageError(`--stage is one of ${STAGES.join(", ")}`);
  const targets: Target[] = stage === "wgsl" ? ["wgsl"] : ["js"];
  const { source, result } = compileFile(file, {
    targets,
    dims: dimsOf(options),
    precision: precisionOf(options),
  });
  report(result, source, file, formatOf(options), process.stderr);
  if (!result.ok && stage !== "tokens" && stage !== "ast") throw new UserError("");
  process.stdout.write(result.stage(stage));
  return 0;
}
