import { parseArgs } from "node:util";
import { InternalError } from "../diagnostics/invariant.js";
import { GradError } from "../runtime/errors.js";
import { UsageError, UserError } from "./usage.js";

const OPTIONS = {
  format: { type: "string" },
  stage: { type: "string" },
  target: { type: "string" },
  out: { type: "string", short: "o" },
  data: { type: "string", multiple: true },
  params: { type: "string" },
  dim: { type: "string", multiple: true },
  engine: { type: "string" },
  precision: { type: "string" },
  grad: { type: "string" },
  wrt: { type: "string" },
  off: { type: "string", multiple: true },
  seed: { type: "string" },
  json: { type: "boolean" },
  watch: { type: "boolean" },
  tests: { type: "boolean" },
  check: { type: "boolean" },
  of: { type: "string" },
  epochs: { type: "string" },
  batch: { type: "string" },
  "batch-dim": { type: "string" },
  rate: { type: "string" },
  validate: { type: "string" },
  save: { type: "string" },
  log: { type: "string" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

export type Options = ReturnType<typeof parse>["values"];
const parse = (args: string[]) => parseArgs({ args, options: OPTIONS, allowPositionals: true, strict: true });

interface Verb {
  readonly usage: string;
  readonly does: string;
  readonly run: (files: readonly string[], options: Options) => Promise<number> | number;
}
const VERBS: Readonly<Record<string, Verb>> = {
  check: {
    usage: "check FILE… [--tests]",
    does: "reports what is wrong; --tests runs check declarations",
    run: async (f, o) => (await import("./check.js")).checkFiles(f, o),
  },
  build: {
    usage: "build FILE… -o DIR [--target js,wasm,wgsl] [--watch]",
    does: "writes the module, its typings and source map",
    run: async (f, o) => (await import("./build.js")).build(f, o),
  },
  emit: {
    usage: "emit FILE --stage S [--off PASS]",
    does: "prints one stage of the compilation",
    run: async (f, o) => (await import("./emit.js")).emit(f, o),
  },
  explain: {
    usage: "explain FILE | CODE",
    does: "explains each kernel, or an error's code",
    run: async (f, o) => (await import("./explain.js")).explain(f, o),
  },
  run: {
    usage: "run FILE --data D [--grad LOSS] [--engine E] [--json]",
    does: "runs once",
    run: async (f, o) => (await import("./run.js")).run(f, o),
  },
  train: {
    usage: "train FILE --data D [--epochs N --batch N --rate R --validate D2 --save P]",
    does: "trains",
    run: async (f, o) => (await import("./train.js")).train(f, o),
  },
  compare: {
    usage: "compare FILE [--data D] [--engine js,wasm] [--grad LOSS] [--json]",
    does: "runs on every engine, beside the eager one",
    run: async (f, o) => (await import("./compare.js")).compare(f, o),
  },
  gradcheck: {
    usage: "gradcheck FILE [--data D] [--engine E] [--grad LOSS] [--json]",
    does: "checks gradients against differences and the eager engine",
    run: async (f, o) => (await import("./gradcheck.js")).gradcheck(f, o),
  },
  paths: {
    usage: "paths FILE --of LOSS --wrt NAME [--data D]",
    does: "lays the chain rule open: each path and its product",
    run: async (f, o) => (await import("./paths.js")).showPaths(f, o),
  },
  fmt: {
    usage: "fmt FILE… [--check]",
    does: "lays files out; `-` goes from input to output",
    run: async (f, o) => (await import("./fmt.js")).fmt(f, o),
  },
};

function help(): string {
  const lines = Object.values(VERBS).map((v) => `  gradc ${v.usage.padEnd(62)} ${v.does}`);
  return ["Usage: gradc VERB FILE [options]", "", ...lines, ""].join("\n");
}

/** @returns the exit status: 0 fine, 1 the user's file or data is wrong, 2 the command line is, 3 a fault of ours */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parse([...args]);
    const [word, ...files] = positionals;
    if (values.version) {
      process.stdout.write("gradc 0.1.0\n");
      return 0;
    }
    if (values.help || word === undefined) {
      process.stdout.write(help());
      return values.help ? 0 : 2;
    }
    const verb = VERBS[word];
    if (!verb) throw new UsageError(`there is no verb \`${word}\``);
    if (files.length === 0) throw new UsageError(`usage: gradc ${verb.usage}`);
    return await verb.run(files, values);
  } catch (error) {
    if (error instanceof UserError || error instanceof GradError) {
      if (error.message) process.stderr.write(`error: ${error.message}\n`);
      return 1;
    }
    if (
      error instanceof UsageError ||
      (error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS"))
    ) {
      process.stderr.write(`${error.message}\n`);
      return 2;
    }
    process.stderr.write(
      `${error instanceof InternalError ? error.message : `internal error (please report it): ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`}\n`,
    );
    return 3;
  }
}
