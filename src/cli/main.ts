import { InternalError } from "../diagnostics/invariant.js";
import { GradError } from "../runtime/errors.js";
import { VERSION } from "../version.js";
import { nearest, worded } from "./names.js";
import { formatOf, OPTIONS, parse, type OptionName, type Options } from "./options.js";
import { reportFault } from "./report.js";
import { UsageError, UserError } from "./usage.js";
import { COMMON, help, helpOf, VERBS, type Verb } from "./verbs.js";

/** @returns the exit status: 0 fine, 1 the user's file or data is wrong, 2 the command line is, 3 a fault of ours */
export async function main(args: readonly string[]): Promise<number> {
  let options: Options = {};
  let file = "";
  try {
    const { values, positionals } = parsed(args);
    options = values;
    const [word, ...files] = positionals;
    if (values.version) {
      process.stdout.write(`gradc ${VERSION}\n`);
      return 0;
    }
    if (word === undefined) {
      (values.help ? process.stdout : process.stderr).write(help());
      return values.help ? 0 : 2;
    }
    const verb = VERBS[word];
    if (!verb) {
      if (word === "help" && !values.help) return helpFor(files[0]);
      throw new UsageError(`there is no verb \`${word}\`${nearest(word, Object.keys(VERBS))}`);
    }
    if (values.help) {
      process.stdout.write(helpOf(word, verb));
      return 0;
    }
    for (const name of Object.keys(values)) refuseForeign(word, verb, name);
    if (files.length === 0) throw new UsageError(`usage: gradc ${word} ${verb.takes}; --help says more`);
    file = files[0] ?? "";
    return await verb.run(files, values);
  } catch (error) {
    return statusOf(error, options, file);
  }
}

function helpFor(name: string | undefined): number {
  const verb = name === undefined ? undefined : VERBS[name];
  process.stdout.write(name !== undefined && verb ? helpOf(name, verb) : help());
  return 0;
}

/** @throws UsageError for what the options do not know */
function parsed(args: readonly string[]): ReturnType<typeof parse> {
  try {
    return parse([...args]);
  } catch (error) {
    if (
      !(error instanceof TypeError) ||
      !("code" in error) ||
      !String(error.code).startsWith("ERR_PARSE_ARGS")
    )
      throw error;
    const [, lacking] = /^Option '(?:-\w, )?(--[\w-]+)[^']*' argument/.exec(error.message) ?? [];
    if (lacking !== undefined)
      throw new UsageError(
        `\`${lacking}\` wants an argument; one that begins with a dash is written \`${lacking}=-1\``,
      );
    const [, unknown] = /^Unknown option '(-[^']*)'/.exec(error.message) ?? [];
    if (unknown === undefined) throw new UsageError(error.message.split(". ")[0] ?? error.message);
    const known = Object.keys(OPTIONS).map((name) => `--${name}`);
    throw new UsageError(`there is no option \`${unknown}\`${nearest(unknown, known)}`);
  }
}

/** An option of another verb would be passed over in silence. */
function refuseForeign(word: string, verb: Verb, name: string): void {
  const allowed: readonly string[] = [...verb.options, ...COMMON] satisfies OptionName[];
  if (allowed.includes(name)) return;
  const others = Object.entries(VERBS).flatMap(([other, { options }]) =>
    options.some((o) => o === name) ? [other] : [],
  );
  throw new UsageError(
    `\`gradc ${word}\` has no option \`--${name}\`: it is one of ${others.join(", ") || "`gradc` alone"}`,
  );
}

function statusOf(error: unknown, options: Options, file: string): number {
  if (error instanceof UserError || error instanceof GradError) {
    const { code, message } = error;
    if (message) reportFault({ code, message: worded({ code, message }) }, formatOf(options), file);
    return 1;
  }
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  process.stderr.write(
    `${error instanceof InternalError ? error.message : `internal error (please report it): ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`}\n`,
  );
  return 3;
}
