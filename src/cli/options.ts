import { parseArgs } from "node:util";
import type { CompileOptions, Target } from "../compile.js";
import { STAGES } from "../stages.js";
import { ENGINE_NAMES } from "./engine.js";
import { FORMATS, type Format } from "./report.js";
import { UsageError } from "./usage.js";

const TARGETS: readonly Target[] = ["js", "wasm", "wgsl"];

/** Every option, as `parseArgs` wants it, with what `--help` says of it. */
export const OPTIONS = {
  tests: { type: "boolean", does: "run the `check` declarations too" },
  out: { type: "string", short: "o", value: "DIR", does: "where to write" },
  target: { type: "string", value: "T", does: `${TARGETS.join(", ")}: some of them, by commas` },
  threads: { type: "boolean", does: "WebAssembly: large kernels on several threads" },
  watch: { type: "boolean", does: "again whenever the file or one of its imports changes" },
  stage: { type: "string", value: "S", does: STAGES.join(" ") },
  data: {
    type: "string",
    multiple: true,
    value: "D",
    does: "inputs: .json .npz .safetensors .csv, or x=FILE.npy; several are put together",
  },
  params: { type: "string", value: "P", does: "params and states, over those of the data" },
  dim: { type: "string", multiple: true, value: "N=8", does: "the size of a dim, over the data's" },
  engine: { type: "string", value: "E", does: ENGINE_NAMES.join(", ") },
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
  format: { type: "string", value: "F", does: `of diagnostics: ${FORMATS.join(", ")}` },
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

/** @throws TypeError of Node for what the options do not know */
export const parse = (args: string[]) =>
  parseArgs({ args, options: OPTIONS, allowPositionals: true, strict: true });
export type Options = ReturnType<typeof parse>["values"];

export function formatOf(options: Options): Format {
  const format = options.format ?? "pretty";
  const found = FORMATS.find((f) => f === format);
  if (found) return found;
  throw new UsageError(`--format is pretty, json or github, not ${format}`);
}
/** `--target js,wgsl`. */
export const targetsOf = (text: string): Target[] =>
  text.split(",").map((name) => {
    const found = TARGETS.find((t) => t === name);
    if (found) return found;
    throw new UsageError(`--target takes js, wasm and wgsl, not ${name}`);
  });
/** The one target of a verb that shows what was made for it. */
export function oneTarget(verb: string, text: string): Target {
  const [target = "js", ...more] = targetsOf(text);
  if (more.length) throw new UsageError(`${verb} takes one target`);
  return target;
}
export function precisionOf(options: Options): "f32" | "f64" {
  const precision = options.precision ?? "f32";
  if (precision === "f32" || precision === "f64") return precision;
  throw new UsageError(`--precision is f32 or f64, not ${precision}`);
}
/** `--wrt params`, `all` or names; nothing where it is not given. */
export function wrtOf({ wrt }: Options): { wrt?: "params" | "all" | string[] } {
  if (wrt === undefined) return {};
  return { wrt: wrt === "params" || wrt === "all" ? wrt : wrt.split(",").filter(Boolean) };
}
/** `--off PASS`, any number of times: optimisations to leave out. */
async function offOf(options: Options): Promise<{ off?: string[] }> {
  if (!options.off) return {};
  const { OPTIMIZATIONS } = await import("../compile.js");
  const off = options.off.flatMap((o) => o.split(","));
  for (const name of off)
    if (!OPTIMIZATIONS.includes(name))
      throw new UsageError(`--off wants some of ${OPTIMIZATIONS.join(", ")}, not ${name}`);
  return off.length ? { off } : {};
}
/** What is compiled and how, but for targets and dims. A verb refuses what is no option of its own: then it has its default. */
export async function compileOptionsOf(
  options: Options,
): Promise<Pick<CompileOptions, "precision" | "threads" | "wrt" | "off">> {
  return {
    precision: precisionOf(options),
    threads: options.threads ?? false,
    ...wrtOf(options),
    ...(await offOf(options)),
  };
}
/** `--dim B=8`, any number of times. */
export function dimsOf(options: Options): Record<string, number> {
  const dims: Record<string, number> = {};
  for (const item of (options.dim ?? []).flatMap((d) => d.split(","))) {
    const [name, text, ...more] = item.split("=");
    const value = Number(text);
    if (!name || !text?.trim() || more.length > 0 || !Number.isSafeInteger(value) || value < 0)
      throw new UsageError(`--dim wants NAME=SIZE, not ${item}`);
    dims[name] = value;
  }
  return dims;
}
export function numberOf(options: Options, name: "rate"): number | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value))
    throw new UsageError(`--${name} wants a number, not ${text}`);
  return value;
}
export function wholeOf(
  options: Options,
  name: "epochs" | "batch" | "seed",
  least: number,
): number | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < least)
    throw new UsageError(`--${name} wants a whole number from ${least} on, not ${text}`);
  return value;
}
export function oneFile(files: readonly string[]): string {
  const [file] = files;
  if (file === undefined || files.length > 1) throw new UsageError("this verb takes one file");
  return file;
}
