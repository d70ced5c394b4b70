import type { Diagnostic } from "./diagnostic.js";

/** Colours as functions, so that the caller decides (identity: none). */
export interface Palette {
  readonly error: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}
const same = (text: string): string => text;
export const PLAIN: Palette = { error: same, warning: same, dim: same, bold: same };
const MOST_SHOWN = 160;

/** The message, the place, the line with carets under the span, and the help. */
export function renderPretty(d: Diagnostic, source: string, palette: Palette = PLAIN): string {
  const head = `${(d.severity === "error" ? palette.error : palette.warning)(`${d.severity}[${d.code}]`)}: ${palette.bold(d.message)}`;
  const lines = [head, ...frame(d.file, d.span, source, palette)];
  for (const r of d.related) lines.push(`  note: ${r.message}`, `    ${r.file}:${r.span.start.line}:${r.span.start.column}`);
  if (d.help) lines.push(`  help: ${d.help}`);
  return lines.join("\n");
}
function frame(file: string, span: Diagnostic["span"], source: string, palette: Palette): string[] {
  const { line, column } = span.start;
  const text = (source.split("\n", line)[line - 1] ?? "").replace(/\r$/, "");
  // A very long line is cut around the span.
  const from = Math.max(0, Math.min(column - 1 - MOST_SHOWN / 2, text.length - MOST_SHOWN));
  const shown = text.slice(from, from + MOST_SHOWN).replaceAll("\t", " ");
  const number = String(line);
  const endColumn = span.end.line === line ? span.end.column : text.length + 1;
  const width = Math.max(1, Math.min(endColumn, from + MOST_SHOWN + 1) - column);
  const gutter = " ".repeat(number.length);
  return [
    `  ${palette.dim(`${file}:${line}:${column}`)}`,
    `  ${palette.dim(`${gutter}${number} |`)} ${shown}`,
    `  ${palette.dim(`${gutter}${gutter} |`)} ${" ".repeat(column - 1 - from)}${(span.start === span.end ? palette.dim : palette.error)("^".repeat(width))}`,
  ];
}

export const renderJson = (d: Diagnostic): string => JSON.stringify(d);

/** GitHub's workflow commands. */
export function renderGithub(d: Diagnostic): string {
  const escape = (s: string): string => s.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  const property = (s: string): string => escape(s).replaceAll(":", "%3A").replaceAll(",", "%2C");
  return `::${d.severity} file=${property(d.file)},line=${d.span.start.line},col=${d.span.start.column},endLine=${d.span.end.line},endColumn=${d.span.end.column},title=${d.code}::${escape(d.help ? `${d.message}\n${d.help}` : d.message)}`;
}
