import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { importedName } from "./check/modules.js";

/** Where an imported file lies: a path is taken from the file that imports it. */
export const importedPath = (specifier: string, importer: string): string =>
  resolve(dirname(importer), specifier);

/**
 * A `resolve` for the compiler that reads files, null where there is none. What it has read stands in `texts` by the name that
 * diagnostics give it.
 */
export function importReader(
  texts: Map<string, string>,
): (specifier: string, importer: string) => string | null {
  return (specifier, importer) => {
    try {
      const text = readFileSync(importedPath(specifier, importer), "utf8");
      texts.set(importedName(specifier, importer), text);
      return text;
    } catch {
      return null;
    }
  };
}
