import { OPTIONS, type Option, type OptionName, type Options } from "./options.js";

export interface Verb {
  /** What stands behind it. */
  readonly takes: string;
  readonly does: string;
  readonly options: readonly OptionName[];
  readonly run: (files: readonly string[], options: Options) => Promise<number> | number;
}

const COMPILED: readonly OptionName[] = ["dim", "precision", "wrt"];
const RUN: readonly OptionName[] = ["data", "params", "dim", "seed"];
export const VERBS: Readonly<Record<string, Verb>> = {
  check: {
    takes: "FILE…",
    does: "reports what is wrong",
    options: ["tests", "dim"],
    run: async (f, o) => (await import("./check.js")).checkFiles(f, o),
  },
  build: {
    takes: "FILE… -o DIR",
    does: "writes modules, their typings and source maps",
    options: ["out", "target", "threads", "watch", ...COMPILED],
    run: async (f, o) => (await import("./build.js")).build(f, o),
  },
  emit: {
    takes: "FILE --stage S",
    does: "prints one stage of the compilation",
    options: ["stage", "target", "threads", ...COMPILED, "off"],
    run: async (f, o) => (await import("./emit.js")).emit(f, o),
  },
  explain: {
    takes: "FILE | CODE",
    does: "says what each kernel does and why, or prints an error's page",
    options: ["target", ...COMPILED],
    run: async (f, o) => (await import("./explain.js")).explain(f, o),
  },
  run: {
    takes: "FILE --data D",
    does: "runs once, forward or with --grad backward too",
    options: [...RUN, "engine", "precision", "grad", "wrt", "json", "off"],
    run: async (f, o) => (await import("./run.js")).run(f, o),
  },
  train: {
    takes: "FILE --data D",
    does: "trains by the file's `train` declaration",
    options: [
      ...RUN,
      "of",
      "epochs",
      "batch",
      "batch-dim",
      "rate",
      "validate",
      "save",
      "log",
      "engine",
      "threads",
      "precision",
    ],
    run: async (f, o) => (await import("./train.js")).train(f, o),
  },
  gradcheck: {
    takes: "FILE [--data D]",
    does: "holds gradients against differences and another engine, in f64",
    options: [...RUN, "engine", "grad", "wrt", "json", "off"],
    run: async (f, o) => (await import("./gradcheck.js")).gradcheck(f, o),
  },
  compare: {
    takes: "FILE [--data D]",
    does: "runs on every engine, beside the eager one",
    options: [...RUN, "engine", "precision", "grad", "wrt", "json", "off"],
    run: async (f, o) => (await import("./compare.js")).compare(f, o),
  },
  bench: {
    takes: "FILE",
    does: "times forward, backward and step: medians after warm-up",
    options: [...RUN, "engine", "threads", "precision", "of", "json", "off"],
    run: async (f, o) => (await import("./bench.js")).bench(f, o),
  },
  paths: {
    takes: "FILE --of L --wrt a",
    does: "lays the chain rule open: each path and its product",
    options: ["of", "wrt", ...RUN],
    run: async (f, o) => (await import("./paths.js")).showPaths(f, o),
  },
  fmt: {
    takes: "FILE…",
    does: "lays files out in place; `-` goes from input to output",
    options: ["check"],
    run: async (f, o) => (await import("./fmt.js")).fmt(f, o),
  },
};
/** Those that every verb has. */
export const COMMON: readonly OptionName[] = ["format", "help"];

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, does]) => `  ${name.padEnd(width)}  ${does}`);
}

export function help(): string {
  return [
    "Usage: gradc VERB FILE [options]",
    "",
    ...table(Object.entries(VERBS).map(([name, { takes, does }]) => [`gradc ${name} ${takes}`, does])),
    "",
    "`-` as FILE is standard input. `gradc VERB --help` lists a verb's options.",
    "Exit status: 0 fine, 1 the file or the data is wrong, 2 the command line is, 3 a fault of the compiler.",
    "",
  ].join("\n");
}

export function helpOf(name: string, { takes, does, options }: Verb): string {
  const rows = [...options, ...COMMON].map((option): [string, string] => {
    const { value, short, does: says }: Option = OPTIONS[option];
    return [`${short ? `-${short}, ` : ""}--${option}${value ? ` ${value}` : ""}`, says];
  });
  return [`Usage: gradc ${name} ${takes} [options]`, "", `${does}.`, "", ...table(rows), ""].join("\n");
}
