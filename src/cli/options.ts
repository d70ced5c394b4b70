import type { Options } from "./main.js";
import type { Format } from "./report.js";
import { UsageError } from "./usage.js";

export function formatOf(options: Options): Format {
  const format = options.format ?? "pretty";
  if (format === "pretty" || format === "json" || format === "github") return format;
  throw new UsageError(`--format is pretty, json or github, not ${format}`);
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
export async function offOf(options: Options): Promise<{ off?: string[] }> {
  const { OPTIMIZATIONS } = await import("../compile.js");
  const off = (options.off ?? []).flatMap((o) => o.split(","));
  for (const name of off)
    if (!OPTIMIZATIONS.includes(name))
      throw new UsageError(`--off wants some of ${OPTIMIZATIONS.join(", ")}, not ${name}`);
  return off.length ? { off } : {};
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
