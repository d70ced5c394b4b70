import colors from "picocolors";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { PLAIN, renderGithub, renderJson, renderPretty, type Palette } from "../diagnostics/render.js";

export const FORMATS = ["pretty", "json", "github"] as const;
export type Format = (typeof FORMATS)[number];

const palette = (stream: NodeJS.WriteStream): Palette =>
  stream.isTTY && !process.env["NO_COLOR"]
    ? { error: colors.red, warning: colors.yellow, dim: colors.dim, bold: colors.bold }
    : PLAIN;

/** Writes diagnostics in the format asked for; `texts` has the sources by the names that spans give them. */
export function reportAll(
  diagnostics: readonly Diagnostic[],
  texts: ReadonlyMap<string, string>,
  format: Format,
  stream: NodeJS.WriteStream,
): void {
  for (const d of diagnostics)
    stream.write(
      `${format === "json" ? renderJson(d) : format === "github" ? renderGithub(d) : `${renderPretty(d, texts.get(d.file) ?? "", palette(stream))}\n`}\n`,
    );
}

/** What was found wrong when running; it has no place in the source. */
export function reportFault(
  { code, message }: { readonly message: string; readonly code: string },
  format: Format,
  file: string,
): void {
  const { stderr } = process;
  if (format === "pretty") {
    stderr.write(`${palette(stderr).error(`error[${code}]`)}: ${message}\n`);
    return;
  }
  const start = { line: 1, column: 1, offset: 0 };
  reportAll(
    [{ code, severity: "error", message, file, span: { start, end: start }, related: [] }],
    new Map(),
    format,
    stderr,
  );
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "this is a folder",
  EACCES: "this may not be read",
};
/** Why a file cannot be read, in words. */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return REASONS[code] ?? `cannot be read (${error instanceof Error ? error.message : String(error)})`;
}
