import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Target } from "../compile.js";
import type { Options } from "./main.js";
import { dimsOf, formatOf, precisionOf } from "./options.js";
import { compileOrFail } from "./source.js";
import { UsageError, UserError } from "./usage.js";

export function targetsOf(text: string): Target[] {
  return text.split(",").map((name) => {
    if (name === "js" || name === "wgsl") return name;
    throw new UsageError(`--target takes js and wgsl, not ${name}`);
  });
}

/** Writes DIR/NAME.js and DIR/NAME.d.ts for each file. */
export function build(files: readonly string[], options: Options): number {
  const folder = options.out;
  if (folder === undefined) throw new UsageError("build wants -o DIR");
  const targets = targetsOf(options.target ?? "js");
  const names = new Set<string>();
  for (const file of files) {
    const name = basename(file).replace(/\.grad$/, "");
    if (names.has(name)) throw new UserError(`two files are called ${name}`);
    names.add(name);
  }
  for (const file of files) {
    const result = compileOrFail(
      file,
      { targets, dims: dimsOf(options), precision: precisionOf(options) },
      formatOf(options),
    );
    const name = basename(file).replace(/\.grad$/, "");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.js`), result.code);
    writeFileSync(join(folder, `${name}.d.ts`), result.dts);
  }
  return 0;
}
