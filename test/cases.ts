import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// Programs beside the same computation in PyTorch: NAME.grad, NAME.data.json and NAME.expected.json.

export interface CaseTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  /** Infinities and NaN are strings. */
  readonly data: readonly (number | string)[];
}
type CaseTensors = Readonly<Record<string, CaseTensor>>;
export interface CaseData {
  readonly dims: Readonly<Record<string, number>>;
  readonly inputs: CaseTensors;
  readonly params: CaseTensors;
}
export interface Expected {
  readonly loss: string;
  readonly wrt: readonly string[];
  readonly outputs: CaseTensors;
  /** By loss and leaf. */
  readonly grads: Readonly<Record<string, CaseTensors>>;
}
export interface Case {
  readonly name: string;
  readonly source: string;
  readonly data: CaseData;
  readonly expected: Expected;
}

/** The example models, which the goals of the project name, and the programs of single features. */
export type CaseFolder = "models" | "programs";
const pathOf = (folder: CaseFolder, file = ""): string =>
  fileURLToPath(new URL(`${folder}/${file}`, import.meta.url));

export const caseNames = (folder: CaseFolder): string[] =>
  readdirSync(pathOf(folder)).flatMap((file) => (file.endsWith(".grad") ? [file.slice(0, -5)] : []));
export function readCase(folder: CaseFolder, name: string): Case {
  const read = (suffix: string): string => readFileSync(pathOf(folder, name + suffix), "utf8");
  return {
    name,
    source: read(".grad"),
    data: JSON.parse(read(".data.json")) as CaseData,
    expected: JSON.parse(read(".expected.json")) as Expected,
  };
}
export const readCases = (folder: CaseFolder): Case[] =>
  caseNames(folder).map((name) => readCase(folder, name));

export const numbersOf = (t: CaseTensor): number[] => t.data.map(Number);
export const withNumbers = (
  tensors: CaseTensors,
): Record<string, CaseTensor & { readonly data: readonly number[] }> =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, { ...t, data: numbersOf(t) }]));

/** Everything that is wanted, by name; gradients as `d NAME`. */
export const wantedOf = ({ loss, outputs, grads }: Expected): ReadonlyMap<string, CaseTensor> =>
  new Map([
    ...Object.entries(outputs),
    ...Object.entries(grads[loss] ?? {}).map(([name, t]): [string, CaseTensor] => [`d ${name}`, t]),
  ]);

const largest = (t: CaseTensor): number => Math.max(0, ...numbersOf(t).map(Math.abs));
/** What errors of a tensor are relative to: its largest entry beside a thousandth of the case's. */
export function yardstick(wanted: ReadonlyMap<string, CaseTensor>): (t: CaseTensor) => number {
  const scale = Math.max(...[...wanted.values()].map(largest), 1e-30);
  return (t) => largest(t) + 1e-3 * scale;
}
