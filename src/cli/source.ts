import { readFileSync } from "node:fs";
import { dirname, resolve as resolvePath } from "node:path";
import { compile, type CompileOptions, type CompileResult } from "../compile.js";
import { PLAIN, renderGithub, renderJson, renderPretty, type Palette } from "../diagnostics/render.js";
import colors from "picocolors";
import { UserError } from "./usage.js";

export type Format = "pretty" | "json" | "github";

/** `-` is standard input. @throws UserError where the file cannot be read */
export function readSource(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new UserError(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Imports of other files, relative to the importing one; null where there is none. */
export function resolveImport(specifier: string, importer: string): string | null {
  try {
    return readFileSync(resolvePath(dirname(importer), specifier), "utf8");
  } catch {
    return null;
  }
}

export function compileFile(
  file: string,
  options: CompileOptions,
): { source: string; result: CompileResult } {
  const source = readSource(file);
  return { source, result: compile(source, { filename: file, resolve: resolveImport, ...options }) };
}

const palette = (stream: NodeJS.WriteStream): Palette =>
  stream.isTTY && !process.env["NO_COLOR"]
    ? { error: colors.red, warning: colors.yellow, dim: colors.dim, bold: colors.bold }
    : PLAIN;

/** Writes diagnostics in the format asked for; an import's line comes from its own file. */
export function report(
  result: CompileResult,
  source: string,
  file: string,
  format: Format,
  stream: NodeJS.WriteStream,
): void {
  for (const d of result.diagnostics) {
    const text = d.file === file ? source : (resolveImport(d.file, file) ?? "");
    stream.write(
      `${format === "json" ? renderJson(d) : format === "github" ? renderGithub(d) : `${renderPretty(d, text, palette(stream))}\n`}\n`,
    );
  }
}

/** @throws UserError after reporting, where the file has errors */
export function compileOrFail(file: string, options: CompileOptions, format: Format): CompileResult {
  const { source, result } = compileFile(file, options);
  report(result, source, file, format, process.stderr);
  if (!result.ok) throw new UserError("");
  return result;
}
