import { columnOf, type Stop } from "./align.js";
import type { Line, Piece } from "./lines.js";
import type { Marks } from "./marks.js";

/** Longest line that is left alone. */
const LINE_WIDTH = 132;
const STEP = 2;

interface Written {
  text: string;
  readonly blankBefore: boolean;
  /** Trailing comment, its blanks in the source, and its column there. */
  comment?: { readonly text: string; readonly gap: number };
}
interface Bracket {
  /** Column of what follows the bracket on its line; undefined while its line is being written, null where it ended it. */
  content: number | undefined | null;
  readonly lineIndent: number;
}

/** Lines as text: indented, aligned, and broken where they are too long. */
export function writeLines(lines: readonly Line[], marks: Marks): string {
  const padding = alignEquals(lines, marks);
  const written: Written[] = [];
  let brackets: Bracket[] = [];
  for (const line of lines) {
    if (!line.continues) brackets = [];
    let pieces = line.pieces;
    let continues = line.continues;
    let blankBefore = line.blankBefore;
    while (pieces.length) {
      const first = pieces[0]!.item.text;
      const indent = continues ? hanging(brackets, first, line.depth * STEP) : line.depth * STEP;
      const count = fitting(pieces, indent, padding, marks, brackets);
      const row = put(pieces.slice(0, count), indent, padding, brackets, marks);
      written.push({ ...row, blankBefore });
      pieces = pieces.slice(count);
      continues = true;
      blankBefore = false;
    }
  }
  alignComments(written);
  return written
    .map(({ text, blankBefore, comment }) => {
      const end = comment ? `${text}${comment.text}` : text;
      return `${blankBefore ? "\n" : ""}${end.trimEnd()}\n`;
    })
    .join("");
}

/** Under what follows the innermost bracket, or a step in where the bracket ended its line. */
function hanging(brackets: readonly Bracket[], first: string, base: number): number {
  const innermost = brackets[brackets.length - 1];
  if (!innermost) return base + STEP;
  const closes = first === ")" || first === "]" || first === "}";
  if (typeof innermost.content === "number") return closes ? innermost.content - 1 : innermost.content;
  return innermost.lineIndent + (closes ? 0 : STEP);
}

const textOf = (piece: Piece, marks: Marks): string =>
  `${"(".repeat(marks.opens.get(piece.item.start) ?? 0)}${piece.item.text}${")".repeat(marks.closes.get(piece.item.start) ?? 0)}`;
const gapBefore = (piece: Piece, padding: ReadonlyMap<number, number>): number =>
  (piece.space ? 1 : 0) + (padding.get(piece.item.start) ?? 0);

function put(
  pieces: readonly Piece[],
  indent: number,
  padding: ReadonlyMap<number, number>,
  brackets: Bracket[],
  marks: Marks,
): Written {
  let text = " ".repeat(indent);
  for (const [k, piece] of pieces.entries()) {
    const { item } = piece;
    if (k > 0 && k === pieces.length - 1 && item.comment === "line") {
      endLine(brackets);
      return { text, blankBefore: false, comment: { text: item.text.trimEnd(), gap: item.gap } };
    }
    if (k > 0) text += " ".repeat(gapBefore(piece, padding));
    const innermost = brackets[brackets.length - 1];
    const closes = !item.comment && (item.text === ")" || item.text === "]" || item.text === "}");
    if (closes) brackets.pop();
    else if (innermost && innermost.content === undefined && k > 0 && !item.comment)
      innermost.content = text.length;
    text +=
      item.comment === "block"
        ? item.text.replace(/[ \t]+(?=\r?\n)/g, "").replaceAll("\r\n", "\n")
        : textOf(piece, marks);
    if (!item.comment && (item.text === "(" || item.text === "[" || item.text === "{"))
      brackets.push({ content: undefined, lineIndent: indent });
  }
  return { text, blankBefore: false };
}

function endLine(brackets: readonly Bracket[]): void {
  const last = brackets[brackets.length - 1];
  if (last) last.content ??= null;
}

/** Looser ones first: a long line is broken where its parts hang together least. */
const BREAKS: readonly ((before: string, text: string) => boolean)[] = [
  (before, text) => before === "," || text === "then" || text === "else" || text === "with" || text === "for",
  (_, text) => text === "or",
  (_, text) => text === "and",
  (_, text) => ["==", "!=", "<", "<=", ">", ">="].includes(text),
  (_, text) => text === "+" || text === "-",
  (_, text) => ["*", "/", "%", "@"].includes(text),
  (before) => before === "=",
];

/** How many pieces go on one line: all where they fit, else those before the best break. */
function fitting(
  pieces: readonly Piece[],
  indent: number,
  padding: ReadonlyMap<number, number>,
  marks: Marks,
  brackets: readonly Bracket[],
): number {
  const ends: number[] = [];
  const depths: number[] = [];
  let column = indent;
  let depth = 0;
  for (const [k, piece] of pieces.entries()) {
    const { text, comment } = piece.item;
    if (comment === "line" && k === pieces.length - 1) {
      ends.push(column);
      depths.push(depth);
      break;
    }
    if (comment === "block" && text.includes("\n")) return pieces.length;
    if (k > 0) column += gapBefore(piece, padding);
    if (text === ")" || text === "]" || text === "}") depth--;
    depths.push(depth);
    if (text === "(" || text === "[" || text === "{") depth++;
    column += textOf(piece, marks).length;
    ends.push(column);
  }
  if (column <= LINE_WIDTH || pieces.some((p) => p.item.comment === "doc")) return pieces.length;
  let best: { at: number; score: number } | undefined;
  for (let k = 1; k < pieces.length; k++) {
    const { item, space } = pieces[k]!;
    if (!space || item.comment || marks.prefix.has(item.start) || (ends[k - 1] ?? Infinity) > LINE_WIDTH)
      continue;
    const before = pieces[k - 1]!.item.text;
    const looseness = BREAKS.findIndex((rule) => rule(before, item.text));
    // A break after `=` helps only if what follows begins much farther to the left.
    if (looseness < 0 || (before === "=" && (ends[k - 1] ?? 0) < indent + 3 * STEP)) continue;
    const score = Math.max(0, depths[k] ?? 0) * BREAKS.length + looseness;
    if (hangs(pieces, k, indent, ends, brackets) < (ends[k - 1] ?? 0) && (!best || score <= best.score))
      best = { at: k, score };
  }
  return best?.at ?? pieces.length;
}

/** Where the rest would begin if the line were broken before piece `k`. */
function hangs(
  pieces: readonly Piece[],
  k: number,
  indent: number,
  ends: readonly number[],
  outer: readonly Bracket[],
): number {
  let depth = 0;
  for (let j = k - 1; j >= 0; j--) {
    const { text } = pieces[j]!.item;
    if (text === ")" || text === "]" || text === "}") depth++;
    else if ((text === "(" || text === "[" || text === "{") && depth-- === 0) return ends[j] ?? 0;
  }
  return outer[outer.length - 1]?.content ?? indent + STEP;
}

/** Additional blanks before each aligned `=`, by its offset. */
function alignEquals(lines: readonly Line[], marks: Marks): Map<number, number> {
  const padding = new Map<number, number>();
  let run: (Stop & { start: number })[] = [];
  let depth = -1;
  const finish = (): void => {
    const column = columnOf(run);
    if (column !== undefined)
      for (const { width, start } of run) if (width + 1 < column) padding.set(start, column - width - 1);
    run = [];
  };
  for (const line of lines) {
    if (line.continues) continue;
    const stop =
      line.blankBefore || line.depth !== depth ? (finish(), stopOf(line, marks)) : stopOf(line, marks);
    depth = line.depth;
    if (stop) run.push(stop);
    else finish();
  }
  finish();
  return padding;
}

function stopOf(line: Line, marks: Marks): (Stop & { start: number }) | undefined {
  let width = 0;
  let column = 0;
  for (const [k, piece] of line.pieces.entries()) {
    const { item } = piece;
    if (marks.equals.has(item.start) && k > 0)
      return { width, column: column + item.gap, padded: item.gap > 1, start: item.start };
    if (item.comment) return undefined;
    if (k > 0) {
      width += piece.space ? 1 : 0;
      column += piece.space ? 1 : 0;
    }
    width += textOf(piece, marks).length;
    column += textOf(piece, marks).length;
  }
  return undefined;
}

function alignComments(written: Written[]): void {
  for (let from = 0; from < written.length; from++) {
    let to = from;
    while (to < written.length && written[to]!.comment && (to === from || !written[to]!.blankBefore)) to++;
    if (to === from) continue;
    const run = written.slice(from, to);
    const column = columnOf(
      run.map(({ text, comment }) => ({
        width: text.length,
        column: text.length + (comment?.gap ?? 1),
        padded: (comment?.gap ?? 1) > 1,
      })),
    );
    for (const row of run) row.text = row.text.padEnd(Math.max(column ?? 0, row.text.length + 1));
    from = to - 1;
  }
}
