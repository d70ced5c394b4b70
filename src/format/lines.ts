import type { Marks } from "./marks.js";
import { spaced, type Item } from "./spacing.js";

export interface Piece {
  readonly item: Item;
  readonly space: boolean;
}
/** One line of the result. A line that goes on with a statement hangs from what it goes on with. */
export interface Line {
  readonly pieces: Piece[];
  /** Depth of blocks. */
  readonly depth: number;
  /** The line goes on with the statement that the line at this place begins. */
  readonly continues: boolean;
  readonly blankBefore: boolean;
}

const INLINE_LIMIT = 90;

/** Cuts items into lines: where the source breaks, and wherever a statement or block begins and ends. */
export function linesOf(items: readonly Item[], marks: Marks): Line[] {
  const lines: Line[] = [];
  let current: Line | undefined;
  let depth = 0;
  /** Of each open bracket: whether it is a block written over several lines. */
  const open: ("block" | "inline block" | "bracket")[] = [];
  const fresh = (item: Item, continues: boolean, blank: boolean): void => {
    current = { pieces: [{ item, space: false }], depth, continues, blankBefore: blank && lines.length > 0 };
    lines.push(current);
  };
  let previous: Item | undefined;
  let dropped = 0;
  for (let k = 0; k < items.length; k++) {
    const source = items[k]!;
    const item = dropped ? { ...source, breaks: source.breaks + dropped } : source;
    dropped = 0;
    if (item.text === ";" && !item.comment) {
      dropped = item.breaks;
      continue;
    }
    const innermost = open[open.length - 1];
    const closesBlock = item.text === "}" && !item.comment && innermost === "block";
    if (item.text === "}" && !item.comment) {
      open.pop();
      if (innermost === "block") depth--;
    } else if ((item.text === ")" || item.text === "]") && !item.comment) open.pop();
    const afterOpening = previous?.text === "{" && !previous.comment && innermost === "block" && !closesBlock;
    const blank = item.breaks > 1 && !afterOpening && !closesBlock;
    const next = item.comment ? following(items, k) : item;
    const between = !next || marks.statements.has(next.start) || (next.text === "}" && innermost === "block");
    const begins =
      !current ||
      closesBlock ||
      afterOpening ||
      (marks.statements.has(item.start) && innermost !== "inline block");
    if (begins && !item.comment) fresh(item, false, blank);
    else if (item.comment && (!current || item.breaks > 0 || (afterOpening && item.breaks > 0)))
      fresh(item, !between, blank && between);
    else if (previous && endsLine(previous)) fresh(item, !between, blank && between);
    else if (item.breaks > 0 && !item.comment && !joins(item, previous)) fresh(item, true, false);
    else current!.pieces.push({ item, space: previous ? spaced(previous, item, marks) : false });
    if (!item.comment && (item.text === "(" || item.text === "[")) open.push("bracket");
    else if (!item.comment && item.text === "{") {
      const kind = braceKind(items, k, previous, marks);
      open.push(kind);
      if (kind === "block") depth++;
    }
    previous = item;
  }
  return lines;
}

const endsLine = (item: Item): boolean => item.comment === "line" || item.comment === "doc";
/** A block begins on the line of its head, an empty one ends there, and an adjoint follows on its function's. */
const joins = (item: Item, previous: Item | undefined): boolean =>
  item.text === "{" || (item.text === "adjoint" && previous?.text === "}");

function following(items: readonly Item[], from: number): Item | undefined {
  for (let k = from + 1; k < items.length; k++)
    if (!items[k]!.comment && items[k]!.text !== ";") return items[k];
  return undefined;
}

/** A short block of one statement that its author kept on one line stays there. Lists in braces are brackets. */
function braceKind(
  items: readonly Item[],
  at: number,
  previous: Item | undefined,
  marks: Marks,
): "block" | "inline block" | "bracket" {
  if (previous?.text === "import" || previous?.text === "at") return "bracket";
  let width = 0;
  let statements = 0;
  let nested = 0;
  for (let k = at + 1; k < items.length; k++) {
    const item = items[k]!;
    if (item.text === "}" && nested-- === 0)
      return item.breaks === 0 && statements < 2 ? "inline block" : "block";
    if (item.text === "{") nested++;
    if (marks.statements.has(item.start)) statements++;
    width += item.text.length + 1;
    if (item.breaks > 0 || item.comment || width > INLINE_LIMIT || statements > 1) return "block";
  }
  return "block";
}
