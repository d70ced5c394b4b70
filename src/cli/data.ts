import { readFileSync } from "node:fs";
import { UserError } from "./usage.js";

/** A tensor as data files give it. */
export type DataTensor = { readonly shape: readonly number[]; readonly data: readonly number[] };
export interface LoadedData {
  readonly dims: Record<string, number>;
  readonly inputs: Record<string, DataTensor>;
  readonly params: Record<string, DataTensor>;
}

/**
 * The contents of `--data` files, later ones over earlier ones.
 * @throws UserError naming the file and what is wrong with it
 */
export async function loadData(files: readonly string[]): Promise<LoadedData> {
  const all: LoadedData = { dims: {}, inputs: {}, params: {} };
  for (const file of files) {
    if (!file.endsWith(".json")) throw new UserError(`${file}: only .json data can be read yet`);
    let parsed: unknown;
    try {
      parsed = JSON.parse(readFileSync(file, "utf8"));
    } catch (error) {
      throw new UserError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
    const parts = record(parsed, file);
    for (const key of Object.keys(parts)) if (!["dims", "inputs", "params"].includes(key)) throw new UserError(`${file}: unknown part \`${key}\`; parts are dims, inputs and params`);
    for (const [name, value] of Object.entries(record(parts["dims"] ?? {}, `${file}: dims`))) {
      if (typeof value !== "number" || !Number.isInteger(value) || value < 0) throw new UserError(`${file}: dim \`${name}\` is no size`);
      all.dims[name] = value;
    }
    for (const part of ["inputs", "params"] as const)
      for (const [name, value] of Object.entries(record(parts[part] ?? {}, `${file}: ${part}`))) all[part][name] = tensor(value, `${file}: ${part}.${name}`);
  }
  return all;
}

function record(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new UserError(`${where} is not an object`);
  return Object.fromEntries(Object.entries(value));
}
const WORDS: Readonly<Record<string, number>> = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };
function element(value: unknown, where: string): number {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  const word = typeof value === "string" ? WORDS[value] : undefined;
  if (word === undefined) throw new UserError(`${where}: ${JSON.stringify(value)} is not a number`);
  return word;
}
/** A number, a nested list, or {shape, dtype, data}. */
function tensor(value: unknown, where: string): DataTensor {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const parts = record(value, where);
    const { shape, data } = parts;
    if (!Array.isArray(shape) || !Array.isArray(data)) throw new UserError(`${where} wants "shape" and "data"`);
    const sizes = shape.map((s) => element(s, where));
    const length = sizes.reduce((a, b) => a * b, 1);
    if (data.length !== length) throw new UserError(`${where}: shape [${sizes.join(", ")}] wants ${length} values, not ${data.length}`);
    return { shape: sizes, data: data.map((d) => element(d, where)) };
  }
  const shape: number[] = [];
  for (let v: unknown = value; Array.isArray(v); v = v[0]) shape.push(v.length);
  const data: number[] = [];
  const walk = (v: unknown, depth: number): void => {
    if (depth === shape.length) data.push(element(v, where));
    else {
      if (!Array.isArray(v) || v.length !== shape[depth]) throw new UserError(`${where} is ragged`);
      for (const inner of v) walk(inner, depth + 1);
    }
  };
  walk(value, 0);
  return { shape, data };
}
