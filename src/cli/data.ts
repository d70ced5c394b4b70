import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { DTYPES, isDType } from "../ir/dtypes.js";
import { HOST_ARRAYS } from "../runtime/device.js";
import { DataError } from "../runtime/errors.js";
import { WHOLE } from "../runtime/host.js";
import { readNpy, readNpz, readSafetensors, type NamedTensor } from "../runtime/index.js";
import { nearest } from "./names.js";
import { jsonFault } from "./json-fault.js";
import { whyUnreadable } from "./report.js";

/** Values with their shape, as the runtime takes them; `data` is a typed array where the file says a dtype. */
export interface DataTensor {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}
export interface LoadedData {
  readonly dims: Record<string, number>;
  readonly inputs: Record<string, DataTensor>;
  readonly params: Record<string, DataTensor>;
}
type Section = keyof LoadedData;

const SECTIONS: readonly string[] = ["dims", "inputs", "params"] satisfies Section[];

/**
 * Files of `--data` (or, `as` params, of `--params`), put together: .json, .npz, .safetensors, .csv, and .npy as
 * `x=FILE.npy`.
 * @throws DataError naming the file and the position in it
 */
export async function loadData(
  args: readonly string[],
  as: "inputs" | "params" = "inputs",
): Promise<LoadedData> {
  const all: LoadedData = { dims: {}, inputs: {}, params: {} };
  const origin = new Map<string, string>();
  for (const arg of args) {
    const { dims, inputs, params } = await loadFile(arg, as);
    const add = <T>(into: Record<string, T>, section: Section, values: Readonly<Record<string, T>>): void => {
      for (const [name, value] of Object.entries(values)) {
        const other = origin.get(`${section} ${name}`);
        if (other !== undefined)
          throw new DataError("GRAD6007", `${arg}: \`${name}\` of ${section} is given by ${other} too`);
        origin.set(`${section} ${name}`, arg);
        into[name] = value;
      }
    };
    add(all.dims, "dims", dims);
    add(all.inputs, "inputs", inputs);
    add(all.params, "params", params);
  }
  return all;
}

async function loadFile(arg: string, as: "inputs" | "params"): Promise<LoadedData> {
  const [, name, named] = /^([^=/\\]+)=(.*)$/s.exec(arg) ?? [];
  const file = named ?? arg;
  const bytes = await readBytes(file);
  const kind = extname(file).toLowerCase();
  if (name !== undefined && kind !== ".npy")
    throw new DataError("GRAD6010", `${file}: only an .npy file is given as NAME=FILE`);
  const tensors = (values: Iterable<readonly [string, DataTensor]>): LoadedData => ({
    dims: {},
    inputs: {},
    params: {},
    [as]: Object.fromEntries(values),
  });
  const plain = ({ shape, data }: NamedTensor): DataTensor => ({ shape, data });
  switch (kind) {
    case ".json":
      return parseJsonData(new TextDecoder().decode(bytes), file);
    case ".npz":
      return tensors([...(await readNpz(bytes, file))].map(([key, value]) => [key, plain(value)]));
    case ".npy":
      if (name === undefined) throw new DataError("GRAD6010", `${file}: say which input it is: NAME=${file}`);
      return tensors([[name, plain(readNpy(bytes, file))]]);
    case ".safetensors":
      try {
        return tensors([...readSafetensors(bytes)].map(([key, value]) => [key, plain(value)]));
      } catch (error) {
        throw error instanceof DataError ? new DataError(error.code, `${file}: ${error.message}`) : error;
      }
    case ".csv":
      return tensors(Object.entries(parseCsv(new TextDecoder().decode(bytes), file)));
    default:
      throw new DataError("GRAD6010", `${file}: data is read from .json .npz .npy .safetensors .csv`);
  }
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    throw new DataError("GRAD6010", `${file}: ${whyUnreadable(error)}`);
  }
}

/** Line and column from 1. */
function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

/** `{ "dims": …, "inputs": …, "params": … }`, each of them optional. */
export function parseJsonData(text: string, file: string): LoadedData {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new DataError("GRAD6010", `${file}:${lineAndColumn(text, jsonFault(text))}: ${message}`);
  }
  const bad = (path: string, message: string): DataError =>
    new DataError("GRAD6010", `${file}: ${path}: ${message}`);
  if (!isRecord(root)) throw bad("the whole", 'an object is wanted: { "dims": …, "inputs": …, "params": … }');
  const section = (name: Section): [string, unknown][] => {
    const value = root[name] ?? {};
    if (!isRecord(value)) throw bad(name, "an object is wanted");
    return Object.entries(value);
  };
  for (const key of Object.keys(root))
    if (!SECTIONS.includes(key))
      throw bad(
        key,
        `not one of dims, inputs, params${nearest(key, SECTIONS) || `; inputs stand together, { "inputs": { "${key}": … } }`}`,
      );
  const dims = section("dims").map(([name, value]): [string, number] => {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return [name, value];
    throw bad(`dims.${name}`, `a whole number is wanted, not ${JSON.stringify(value)}`);
  });
  const tensors = (name: "inputs" | "params"): Record<string, DataTensor> =>
    Object.fromEntries(section(name).map(([key, value]) => [key, jsonTensor(value, `${name}.${key}`, bad)]));
  return { dims: Object.fromEntries(dims), inputs: tensors("inputs"), params: tensors("params") };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function jsonTensor(
  value: unknown,
  path: string,
  bad: (path: string, message: string) => DataError,
): DataTensor {
  const data: number[] = [];
  if (!isRecord(value)) {
    const shape: number[] = [];
    for (let level = value; Array.isArray(level); level = level[0]) shape.push(level.length);
    flatten(value, shape, 0, path, data, bad);
    return { shape, data };
  }
  for (const key of Object.keys(value))
    if (!["shape", "dtype", "data"].includes(key))
      throw bad(path, `\`${key}\` is not one of shape, dtype, data`);
  const { shape, dtype } = value;
  if (!Array.isArray(shape) || !shape.every((n): n is number => Number.isSafeInteger(n) && n >= 0))
    throw bad(`${path}.shape`, "a list of whole numbers is wanted");
  if (!Array.isArray(value["data"])) throw bad(`${path}.data`, "a flat list is wanted");
  flatten(value["data"], [value["data"].length], 0, `${path}.data`, data, bad);
  const length = shape.reduce((a, b) => a * b, 1);
  if (length !== data.length)
    throw bad(path, `shape [${shape.join(", ")}] wants ${length} numbers, not ${data.length}`);
  if (dtype === undefined) return { shape, data };
  if (typeof dtype !== "string" || !isDType(dtype))
    throw bad(`${path}.dtype`, `${JSON.stringify(dtype)} is not one of ${DTYPES.join(" ")}`);
  const whole = WHOLE[dtype];
  const wrong = whole ? data.findIndex((value) => whole(value) !== value) : -1;
  if (wrong >= 0) throw bad(path, `${data[wrong]} at [${wrong}] is not ${dtype}`);
  return { shape, data: new HOST_ARRAYS[dtype](data) };
}

function flatten(
  value: unknown,
  shape: readonly number[],
  depth: number,
  path: string,
  out: number[],
  bad: (path: string, message: string) => DataError,
): void {
  if (depth < shape.length) {
    if (!Array.isArray(value) || value.length !== shape[depth])
      throw bad(
        path,
        `a list of ${shape[depth]} is wanted here, as for its neighbours, not ${JSON.stringify(value)?.slice(0, 40)}`,
      );
    value.forEach((item, i) => flatten(item, shape, depth + 1, `${path}[${i}]`, out, bad));
    return;
  }
  const number = typeof value === "boolean" || typeof value === "number" ? Number(value) : spelled(value);
  if (number === undefined) throw bad(path, `${JSON.stringify(value)?.slice(0, 40)} is not a number`);
  out.push(number);
}

const spelled = (value: unknown): number | undefined =>
  value === "NaN" || value === "Infinity" || value === "-Infinity" ? Number(value) : undefined;

/** A header, then a row for each entry of the first axis; `X.0, X.1, …` are the columns of one [rows, n]. */
export function parseCsv(text: string, file: string): Record<string, DataTensor> {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const cells = (line: string): string[] =>
    line.split(",").map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
  const header = cells(lines[0] ?? "");
  if (header.some((name) => !name) || header.every((name) => !Number.isNaN(Number(name))))
    throw new DataError("GRAD6010", `${file}:1: a header with a name for each column is wanted`);
  const other = [";", "\t"].find((mark) => header.length === 1 && header[0]?.includes(mark));
  if (other !== undefined)
    throw new DataError(
      "GRAD6010",
      `${file}:1: columns are separated by commas, not ${JSON.stringify(other)}`,
    );
  const rows: number[][] = [];
  lines.forEach((line, n) => {
    if (n === 0 || !line.trim()) return;
    const found = cells(line);
    if (found.length !== header.length)
      throw new DataError(
        "GRAD6010",
        `${file}:${n + 1}: ${found.length} cells, where the header has ${header.length}`,
      );
    rows.push(found.map((cell, k) => csvNumber(cell, `${file}:${n + 1}, column \`${header[k]}\``)));
  });
  const columns = new Map<string, number[]>();
  header.forEach((name, k) => {
    const [, base = name, part] = /^(.*)\.(\d+)$/.exec(name) ?? [];
    const group = columns.get(base) ?? [];
    columns.set(base, group);
    const at = part === undefined ? 0 : Number(part);
    if (group[at] !== undefined)
      throw new DataError("GRAD6010", `${file}:1: the column \`${name}\` stands there twice`);
    group[at] = k;
  });
  const split = new Set(header.flatMap((name) => /^(.*)\.\d+$/.exec(name)?.[1] ?? []));
  return Object.fromEntries(
    [...columns].map(([name, group]) => {
      for (let k = 0; k < group.length; k++)
        if (group[k] === undefined)
          throw new DataError("GRAD6010", `${file}:1: the column \`${name}.${k}\` is missing`);
      const data = rows.flatMap((row) => group.map((k) => row[k] ?? NaN));
      return [name, { shape: split.has(name) ? [rows.length, group.length] : [rows.length], data }];
    }),
  );
}

function csvNumber(cell: string, where: string): number {
  const known: Readonly<Record<string, number>> = {
    true: 1,
    false: 0,
    nan: NaN,
    inf: Infinity,
    "-inf": -Infinity,
  };
  const value = known[cell.toLowerCase()] ?? Number(cell);
  if (cell === "" || (Number.isNaN(value) && cell.toLowerCase() !== "nan"))
    throw new DataError("GRAD6010", `${where}: ${JSON.stringify(cell)} is not a number`);
  return value;
}
