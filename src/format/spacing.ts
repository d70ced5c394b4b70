import { isReservedWord } from "../parser/words.js";
import type { Marks } from "./marks.js";

export interface Item {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly comment?: "line" | "block" | "doc";
  /** Line breaks of the source between this and what stands before. */
  readonly breaks: number;
  /** Blanks of the source before it on its line. */
  readonly gap: number;
}

const TIGHT = new Set(["^", "..", ".", "'"]);
const NO_SPACE_BEFORE = new Set([",", ")", "]", ":", ";", "'", ".", "..", "^"]);
const NO_SPACE_AFTER = new Set(["(", "[", "..", ".", "^"]);
const OPERANDS_END = /^(?:[\p{L}\p{N}_)\]'"].*|.*[)\]'])$/u;

/** Whether a blank stands between two neighbours on one line. */
export function spaced(before: Item, item: Item, marks: Marks): boolean {
  if (before.comment || item.comment) return true;
  if (marks.tight.has(before.start) && isOperator(before.text)) return false;
  if (marks.tight.has(item.start) && isOperator(item.text)) return false;
  if (marks.prefix.has(before.start)) return false;
  if (marks.apart.has(item.start)) return true;
  if (before.text === "{" && item.text === "}") return false;
  if (NO_SPACE_AFTER.has(before.text) || NO_SPACE_BEFORE.has(item.text)) return false;
  if (item.text === "(" || item.text === "[")
    return !OPERANDS_END.test(before.text) || isReservedWord(before.text);
  return true;
}
const isOperator = (text: string): boolean => !TIGHT.has(text) && /^[<>+\-*/%@]$/.test(text);
