import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { SourceText, type Span } from "../diagnostics/span.js";
import { lex } from "./lexer.js";
import { Name, NumberLiteral, StringLiteral } from "./vocabulary.js";
import { isReservedWord } from "./words.js";
import { tokenMatcher } from "chevrotain";

export type TokenKind = "name" | "word" | "number" | "string" | "symbol" | "end";

/** The tokens of a source as text, for `emit --stage tokens`. */
export function tokenize(
  source: string,
  file: string,
): { tokens: { kind: TokenKind; text: string; span: Span }[]; diagnostics: Diagnostic[] } {
  const text = new SourceText(file, source);
  const { tokens, diagnostics } = lex(text);
  const listed = tokens.map((token) => ({
    kind: kindOf(token),
    text: token.image,
    span: text.span(token.startOffset, token.end),
  }));
  return {
    tokens: [...listed, { kind: "end", text: "", span: text.span(source.length, source.length) }],
    diagnostics,
  };
}

function kindOf(token: ReturnType<typeof lex>["tokens"][number]): TokenKind {
  if (tokenMatcher(token, Name)) return "name";
  if (token.tokenType === NumberLiteral) return "number";
  if (token.tokenType === StringLiteral) return "string";
  return isReservedWord(token.image) ? "word" : "symbol";
}
