import { tokenMatcher, type TokenType } from "chevrotain";
import { Token } from "./token.js";
import {
  As,
  At,
  Boundary,
  Check,
  Checkpoint,
  Colon,
  Comma,
  Equals,
  For,
  From,
  Import,
  LeftCurly,
  LeftParen,
  LeftSquare,
  Less,
  Name,
  NumberLiteral,
  Prime,
  RightCurly,
  RightParen,
  RightSquare,
  statementWords,
  Train,
  While,
  With,
} from "./vocabulary.js";

/**
 * Line breaks mean nothing to the grammar, but they tell where a statement was meant to begin. A `Boundary` is put
 * before each line that cannot go on with the statement before it in any valid program: `name =`, `name[…] =`,
 * `name' =`, `a, b =`, `name: type =`, or a declaration's word and a name. So an unfinished statement ends where its author thought.
 */
export function withBoundaries(tokens: readonly Token[]): { tokens: Token[]; closing: Map<Token, number> } {
  const partners = matchBrackets(tokens);
  const result: Token[] = [];
  const closing = new Map<Token, number>();
  const opened: { close: number; token: Token }[] = [];
  /** Bracket kinds that stand open: inside `(` and `[` a comma list goes on where a block would begin a statement. */
  const open: TokenType[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const inBrackets = open.length > 0 && open[open.length - 1] !== LeftCurly;
    if (token.beginsLine && i > 0 && certainlyBegins(tokens, i, partners, inBrackets)) {
      // A certain statement inside ( or [ means that these were never closed.
      while (open.length > 0 && open[open.length - 1] !== LeftCurly) open.pop();
      const mark = new Token(Boundary, "", token.startOffset, true, undefined);
      mark.place = result.length;
      result.push(mark);
    }
    const type = token.tokenType;
    if (type === LeftParen || type === LeftSquare || type === LeftCurly) open.push(type);
    else if (type === RightCurly) {
      while (open.length > 0 && open.pop() !== LeftCurly);
    } else if (type === RightParen || type === RightSquare) {
      if (open[open.length - 1] === (type === RightParen ? LeftParen : LeftSquare)) open.pop();
    }
    const close = partners[i]!;
    if (type === LeftCurly && close > i) opened.push({ close, token });
    while (opened.length > 0 && opened[opened.length - 1]!.close === i)
      closing.set(opened.pop()!.token, result.length);
    token.place = result.length;
    result.push(token);
  }
  return { tokens: result, closing };
}

/** For each opening bracket the place of its partner, or -1. */
function matchBrackets(tokens: readonly Token[]): Int32Array {
  const partners = new Int32Array(tokens.length).fill(-1);
  const open: number[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const type = tokens[i]!.tokenType;
    if (type === LeftParen || type === LeftSquare || type === LeftCurly) open.push(i);
    else if (type === RightParen || type === RightSquare || type === RightCurly) {
      const wanted = type === RightParen ? LeftParen : type === RightSquare ? LeftSquare : LeftCurly;
      // A brace closes what was forgotten inside it; the others close only their own kind.
      if (type === RightCurly)
        while (open.length > 0 && tokens[open[open.length - 1]!]!.tokenType !== LeftCurly) open.pop();
      const last = open[open.length - 1];
      if (last !== undefined && tokens[last]!.tokenType === wanted) {
        partners[last] = i;
        open.pop();
      }
    }
  }
  return partners;
}

const AFTER_A_NAME: ReadonlySet<TokenType> = new Set([With, At, For, As, From, Checkpoint, While]);

function certainlyBegins(
  tokens: readonly Token[],
  i: number,
  partners: Int32Array,
  inBrackets: boolean,
): boolean {
  const token = tokens[i]!;
  if (!tokenMatcher(token, Name)) return false;
  const type = (k: number): TokenType | undefined => tokens[k]?.tokenType;
  const isName = (k: number): boolean => tokens[k] !== undefined && tokenMatcher(tokens[k]!, Name);
  const before = type(i - 1);
  if (statementWords.has(token.tokenType) && before !== Train && before !== Check) {
    if (isName(i + 1) && !AFTER_A_NAME.has(type(i + 1)!)) return true;
    if (token.tokenType === Import && type(i + 1) === LeftCurly) return true;
    // No program has a name directly before a number.
    if (type(i + 1) === NumberLiteral) return true;
  }
  // In a list (`f(a,⏎ b = 1)`, `dim A,⏎ B = 2`, `<⏎ O = 64>`) a name and `=` go on with it.
  if (before === Comma || before === Less || before === LeftParen || before === LeftSquare) return false;
  if (statementWords.has(before!)) return false;
  let next = i + 1;
  if (!inBrackets) while (type(next) === Comma && isName(next + 1)) next += 2;
  if (type(next) === Prime) next++;
  const overBrackets = (): boolean => {
    if (type(next) === LeftSquare) {
      if (partners[next]! < 0) return false;
      next = partners[next]! + 1;
    }
    return true;
  };
  if (!overBrackets()) return false;
  // A type on the left, which no equation has.
  if (type(next) === Colon && isName(next + 1)) {
    next += 2;
    if (!overBrackets()) return false;
  }
  return type(next) === Equals;
}
