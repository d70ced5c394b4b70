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
const TAB = 4;

/** The message, the place, the line with carets under the span, what it refers to in the same file, and the help. */
export function renderPretty(d: Diagnostic, source: string, palette: Palette = PLAIN): string {
  const colour = d.severity === "error" ? palette.error : palette.warning;
  const lines = [
    `${colour(`${d.severity}[${d.code}]`)}: ${palette.bold(d.message)}`,
    ...frame(d.file, d.span, source, palette, colour),
  ];
  for (const related of d.related) {
    lines.push(`  note: ${related.message}`);
    if (related.file === d.file)
      lines.push(...frame(related.file, related.span, source, palette, palette.dim));
    else
      lines.push(
        `  ${palette.dim(`${related.file}:${related.span.start.line}:${related.span.start.column}`)}`,
      );
  }
  if (d.help) lines.push(`  help: ${d.help}`);
  return lines.join("\n");
}

function frame(
  file: string,
  span: Diagnostic["span"],
  source: string,
  palette: Palette,
  colour: (text: string) => string,
): string[] {
  const { start, end } = span;
  const place = `  ${palette.dim(`${file}:${start.line}:${start.column}`)}`;
  const all = source.split(/\r\n|\n|\r/);
  const text = all[start.line - 1];
  if (text === undefined) return [place];
  // Of a span over several lines the first is underlined to its end, and the last is shown up to the span's end.
  const several = end.line > start.line;
  const width = String(several ? end.line : start.line).length;
  const row = (number: string, content: string): string =>
    `${palette.dim(`    ${number.padStart(width)} |`)}${content === "" ? "" : ` ${content}`}`;
  const underlined = (line: number, from: number, to: number): string[] => {
    const content = all[line - 1] ?? "";
    const cut = cutAround(content, from, to);
    const before = screenWidth(cut.text.slice(0, from - cut.from));
    const marked = screenWidth(cut.text.slice(from - cut.from, to - cut.from), before);
    return [
      row(String(line), expandTabs(cut.text)),
      row("", `${" ".repeat(before)}${colour("^".repeat(Math.max(1, marked)))}`),
    ];
  };
  const first = underlined(start.line, start.column - 1, several ? text.length : end.column - 1);
  if (!several || end.column === 1) return [place, ...first];
  const between = end.line - start.line > 1 ? [row("", "…")] : [];
  const last = all[end.line - 1] ?? "";
  return [
    place,
    ...first,
    ...between,
    ...underlined(end.line, last.length - last.trimStart().length, end.column - 1),
  ];
}

/** The part of a very long line that surrounds the span, with its offset in the line. */
function cutAround(text: string, from: number, to: number): { text: string; from: number } {
  if (text.length <= MOST_SHOWN) return { text, from: 0 };
  const middle = from + Math.min(to - from, MOST_SHOWN / 2) / 2;
  const begin = Math.max(0, Math.min(Math.floor(middle - MOST_SHOWN / 2), text.length - MOST_SHOWN));
  return { text: text.slice(begin, begin + MOST_SHOWN), from: begin };
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const NO_WIDTH = /[\p{Mn}\p{Me}\u200b-\u200f\u2060\ufeff]/u;

/** Columns of a terminal, tabs reaching to the next multiple of 4 counted from the line's beginning. */
function screenWidth(text: string, column = 0): number {
  let at = column;
  for (const character of text) {
    if (character === "\t") at += TAB - (at % TAB);
    else if (!NO_WIDTH.test(character)) at += WIDE.test(character) ? 2 : 1;
  }
  return at - column;
}
function expandTabs(text: string): string {
  let shown = "";
  for (const part of text.split(/(\t)/))
    shown += part === "\t" ? " ".repeat(TAB - (screenWidth(shown) % TAB)) : part;
  // Control characters would move the terminal's cursor.
  return shown.replace(/\p{Cc}/gu, "�");
}

/** One line of `--format json`. */
export const renderJson = (d: Diagnostic): string => JSON.stringify(d);

/** GitHub's workflow commands. */
export function renderGithub(d: Diagnostic): string {
  const escape = (s: string): string =>
    s.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  const property = (s: string): string => escape(s).replaceAll(":", "%3A").replaceAll(",", "%2C");
  const { start, end } = d.span;
  const place = `file=${property(d.file)},line=${start.line},col=${start.column},endLine=${end.line},endColumn=${end.column}`;
  return `::${d.severity} ${place},title=${d.code}::${escape(d.help ? `${d.message}\n${d.help}` : d.message)}`;
}
