import type { Options } from "./main.js";

/** Every option, as `parseArgs` wants it, with what `--help` says of it. */
export const OPTIONS = {
  tests: { type: "boolean", does: "run the `check` declarations too" },
  out: { type: "string", short: "o", value: "DIR", does: "where to write" },
  target: { type: "string", value: "T", does: "js, wasm, wgsl: some of them, by commas" },
  threads: { type: "boolean", does: "WebAssembly: large kernels on several threads" },
  watch: { type: "boolean", does: "again whenever the file or one of its imports changes" },
  stage: {
    type: "string",
    value: "S",
    does: "tokens ast ir adjoint optimized kernels plan js wgsl wat dts dot svg grad",
  },
  data: {
    type: "string",
    multiple: true,
    value: "D",
    does: "inputs: .json .npz .safetensors .csv, or x=FILE.npy; several are put together",
  },
  params: { type: "string", value: "P", does: "params and states, over those of the data" },
  dim: { type: "string", multiple: true, value: "N=8", does: "the size of a dim, over the data's" },
  engine: { type: "string", value: "E", does: "js, wasm, webgpu, eager, interpreter" },
  precision: { type: "string", value: "f64", does: "what f32 is computed in" },
  grad: { type: "string", value: "LOSS", does: "gradients of this loss" },
  wrt: { type: "string", value: "A,B", does: "for these params and inputs; default all params" },
  of: { type: "string", value: "LOSS", does: "the loss; default the first" },
  seed: { type: "string", value: "N", does: "of initial params and of the order of the data; default 0" },
  epochs: { type: "string", value: "N", does: "how often over the data; default 1" },
  batch: { type: "string", value: "N", does: "examples a step; default all" },
  "batch-dim": {
    type: "string",
    value: "B",
    does: "the dim that batches are slices of; default the first axis of the first input",
  },
  rate: { type: "string", value: "R", does: "the optimizer's `rate`, over the one written" },
  validate: { type: "string", value: "D2", does: "data for the loss after each epoch" },
  save: { type: "string", value: "P", does: "write params and states there, as safetensors" },
  log: { type: "string", value: "FILE.jsonl", does: "append a line for each step" },
  check: { type: "boolean", does: "write nothing; status 1 where a file would change" },
  json: { type: "boolean", does: "one JSON object" },
  off: { type: "string", multiple: true, value: "PASS", does: "leave an optimisation out" },
  format: { type: "string", value: "F", does: "of diagnostics: pretty, json, github" },
  help: { type: "boolean", short: "h", does: "this" },
  version: { type: "boolean", does: "the version" },
} as const satisfies Record<string, Option>;
export interface Option {
  readonly type: "string" | "boolean";
  readonly short?: string;
  readonly multiple?: true;
  /** How its argument is called. */
  readonly value?: string;
  readonly does: string;
}
export type OptionName = keyof typeof OPTIONS;

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
