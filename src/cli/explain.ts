import { CATALOGUE } from "../diagnostics/catalogue.js";
import type { Options } from "./main.js";
import { dimsOf, formatOf, oneFile } from "./options.js";
import { compileOrFail } from "./source.js";
import { UserError } from "./usage.js";

/** A code's page, or the plan of a file: its launches with what they read and write. */
export async function explain(files: readonly string[], options: Options): Promise<number> {
  const what = oneFile(files);
  if (/^GRAD\d+$/.test(what)) {
    const entry = Object.entries(CATALOGUE).find(([code]) => code === what)?.[1];
    if (!entry) throw new UserError(`there is no code ${what}`);
    process.stdout.write(`${what}\n\n${entry.page}\n`);
    return 0;
  }
  const result = await compileOrFail(what, { dims: dimsOf(options) }, formatOf(options));
  process.stdout.write(result.stage("plan"));
  return 0;
}
