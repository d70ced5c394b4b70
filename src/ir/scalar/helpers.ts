import { invariant } from "../../diagnostics/invariant.js";

/** A function in a target's language. What it uses is read off its text. */
export interface Helper {
  readonly name: string;
  /** Declarations, without imports; `name` and nothing else is for others to call. */
  readonly text: string;
}
export type HelperTable = ReadonlyMap<string, Helper>;

export function helperTable(texts: Readonly<Record<string, string>>): HelperTable {
  return new Map(Object.entries(texts).map(([name, text]) => [name, { name, text: text.trim() }]));
}

const namesIn = (text: string): string[] => [...new Set(text.match(/\bgradc_\w+/g) ?? [])];

/**
 * The texts that `code` needs: every helper that it names and those that these name, dependencies first, each
 * once. `code` may be a whole kernel or only names; names that are not in the table are the caller's own.
 */
export function helpersFor(table: HelperTable, code: string): string {
  const texts: string[] = [];
  const state = new Map<string, "entered" | "done">();
  const enter = (name: string): void => {
    const helper = table.get(name);
    if (!helper || state.get(name) === "done") return;
    invariant(state.get(name) !== "entered", `helper ${name} does not call itself`);
    state.set(name, "entered");
    for (const used of namesIn(helper.text)) if (used !== name) enter(used);
    state.set(name, "done");
    texts.push(helper.text);
  };
  for (const name of namesIn(code)) enter(name);
  return texts.join("\n");
}

/** c0 + x (c1 + x (c2 + …)) */
export function horner(x: string, coefficients: readonly number[], suffix = ""): string {
  const text = (c: number): string => {
    const digits = String(c);
    return suffix && !/[.e]/.test(digits) ? `${digits}.0${suffix}` : digits + suffix;
  };
  return coefficients.reduceRight((sum, c) => (sum ? `${text(c)} + ${x} * (${sum})` : text(c)), "");
}
