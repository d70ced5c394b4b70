import { diagnose, type Diagnostic } from "../diagnostics/diagnostic.js";
import type { Position, Span } from "../diagnostics/span.js";

export type TokenKind = "name" | "number" | "string" | "symbol" | "end";
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly span: Span;
  /** First on its line. */
  readonly lineStart: boolean;
  /** `///` lines before it. */
  readonly doc?: string;
}

const NAME = /[\p{L}_][\p{L}\p{N}\p{M}_]*/uy;
const NUMBER = /0[xX][0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9][0-9_]*)?(?:[eE][+-]?[0-9]+)?/y;
const SYMBOL = /\.\.|->|\?\?|==|!=|<=|>=|[-+*/%@^()[\]{}<>=,:;|.']/y;
const STRING = /"[^"\n]*"/y;
const MOST_DIAGNOSTICS = 100;

/** Cuts a source into tokens; what is no token is reported (at most 100 times) and skipped. */
export function tokenize(source: string, file: string): { tokens: Token[]; diagnostics: Diagnostic[] } {
  const lineStarts = [0];
  for (let i = source.indexOf("\n"); i >= 0; i = source.indexOf("\n", i + 1)) lineStarts.push(i + 1);
  let line = 0;
  const position = (offset: number): Position => {
    while ((lineStarts[line + 1] ?? Infinity) <= offset) line++;
    while ((lineStarts[line] ?? 0) > offset) line--;
    return { line: line + 1, column: offset - (lineStarts[line] ?? 0) + 1, offset };
  };
  const span = (from: number, to: number): Span => ({ file, start: position(from), end: position(to) });
  const tokens: Token[] = [];
  const diagnostics: Diagnostic[] = [];
  const report = (d: Diagnostic): void => {
    if (diagnostics.length < MOST_DIAGNOSTICS) diagnostics.push(d);
  };
  let at = 0;
  let fresh = true;
  let doc: string[] = [];
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  const push = (kind: TokenKind, text: string): void => {
    tokens.push({ kind, text, span: span(at, at + text.length), lineStart: fresh, ...(doc.length ? { doc: doc.join("\n") } : {}) });
    at += text.length;
    fresh = false;
    doc = [];
  };
  while (at < source.length) {
    const c = source[at];
    if (c === "\n") {
      fresh = true;
      at++;
    } else if (c === " " || c === "\t" || c === "\r" || c === "\uFEFF") at++;
    else if (source.startsWith("//", at)) {
      const end = source.indexOf("\n", at);
      const text = source.slice(at, end < 0 ? source.length : end);
      if (text.startsWith("///")) doc.push(text.slice(3).trim());
      at += text.length;
    } else if (source.startsWith("/*", at)) {
      const end = source.indexOf("*/", at + 2);
      if (end < 0) report(diagnose("GRAD1005", span(at, at + 2), {}));
      at = end < 0 ? source.length : end + 2;
    } else {
      const name = match(NAME);
      const number = name === undefined ? match(NUMBER) : undefined;
      const string = name ?? number ?? match(STRING);
      const symbol = string ?? match(SYMBOL);
      if (name !== undefined) push("name", name);
      else if (number !== undefined) push("number", number);
      else if (string !== undefined) push("string", string);
      else if (symbol !== undefined) push("symbol", symbol);
      else {
        const bad = String.fromCodePoint(source.codePointAt(at) ?? 0);
        report(diagnose("GRAD1002", span(at, at + bad.length), { text: JSON.stringify(bad) }));
        at += bad.length;
      }
    }
  }
  tokens.push({ kind: "end", text: "", span: span(source.length, source.length), lineStart: true });
  return { tokens, diagnostics };
}
