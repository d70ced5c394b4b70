import type { IToken, TokenType } from "chevrotain";
import { diagnose, type Diagnostic } from "../diagnostics/diagnostic.js";
import type { SourceText } from "../diagnostics/span.js";
import type { Comment } from "./ast.js";
import { Dot, Name, NumberLiteral, StringLiteral, symbols, words } from "./vocabulary.js";

/** Chevrotain's token with no more fields than are used: a large file has millions. Lines are `SourceText`'s business. */
export class Token implements IToken {
  readonly tokenTypeIdx: number;
  /** Its number among the parser's tokens; the end of the file has none. */
  place = 0;
  constructor(
    readonly tokenType: TokenType,
    readonly image: string,
    readonly startOffset: number,
    /** First on its line. */
    readonly beginsLine: boolean,
    /** The `///` lines before it, without their marks. */
    readonly doc: string | undefined,
  ) {
    this.tokenTypeIdx = tokenType.tokenTypeIdx!;
  }
  get endOffset(): number {
    return this.startOffset + this.image.length - 1;
  }
}

const NAME = /[\p{L}_][\p{L}\p{N}\p{M}_]*/uy;
/** A decimal point has a digit on both sides, so `0..T` is `0 .. T`. */
const NUMBER = /0[xX][0-9a-fA-F][0-9a-fA-F_]*|[0-9][0-9_]*(?:\.[0-9][0-9_]*)?(?:[eE][+-]?[0-9]+)?/y;
/** After a dot, as in `m.2.W`. */
const ORDINAL = /[0-9]+/y;
const STRING = /"[^"\r\n]*"?/y;
const BLANK = /[ \t\u00a0\ufeff\v\f\u2000-\u200a\u202f\u205f\u3000]+/y;
const COMMENT = /\/\/[^\r\n]*/y;

/** One more than are shown, so that the list says that it was cut. */
const MOST_DIAGNOSTICS = 101;

export interface Lexed {
  readonly tokens: Token[];
  readonly comments: Comment[];
  readonly diagnostics: Diagnostic[];
}

/** Cuts a text into tokens. What is none is reported, a run of such characters once, and left out. */
export function lex(source: SourceText): Lexed {
  const { text } = source;
  const tokens: Token[] = [];
  const comments: Comment[] = [];
  const diagnostics: Diagnostic[] = [];
  let at = 0;
  let beginsLine = true;
  let doc: string[] = [];

  const report = (diagnostic: () => Diagnostic): void => {
    if (diagnostics.length < MOST_DIAGNOSTICS) diagnostics.push(diagnostic());
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  const push = (type: TokenType, image: string): void => {
    tokens.push(new Token(type, image, at, beginsLine, doc.length ? doc.join("\n") : undefined));
    at += image.length;
    beginsLine = false;
    if (doc.length) doc = [];
  };
  const comment = (kind: Comment["kind"], image: string): void => {
    comments.push({ kind, text: image, span: source.span(at, at + image.length) });
    at += image.length;
  };

  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === LINE_FEED || code === CARRIAGE_RETURN) {
      beginsLine = true;
      at++;
    } else if (code === SPACE) {
      at++;
    } else if (code === SLASH && text.charCodeAt(at + 1) === SLASH) {
      const image = match(COMMENT) ?? "//";
      // Four slashes are a ruler, not documentation.
      const isDoc = image.startsWith("///") && !image.startsWith("////");
      if (isDoc) doc.push(image.slice(3).trim());
      comment(isDoc ? "doc" : "line", image);
    } else if (code === SLASH && text.charCodeAt(at + 1) === ASTERISK) {
      const close = text.indexOf("*/", at + 2);
      const opening = at;
      if (close < 0) report(() => diagnose("GRAD1005", source.span(opening, opening + 2), {}));
      comment("block", text.slice(at, close < 0 ? text.length : close + 2));
    } else if (ALONE[code]) {
      push(ALONE[code], text.charAt(at));
    } else if (isDigit(code)) {
      const previous = tokens[tokens.length - 1];
      const ordinal = previous?.tokenType === Dot && previous.startOffset === at - 1;
      const image = match(ordinal ? ORDINAL : NUMBER) ?? text.charAt(at);
      push(NumberLiteral, image);
    } else if (isAsciiLetter(code)) {
      const image = match(NAME) ?? text.charAt(at);
      push(words.get(image) ?? Name, image);
    } else if (code === QUOTE) {
      const image = match(STRING) ?? '"';
      const opening = at;
      if (image.length < 2 || !image.endsWith('"'))
        report(() => diagnose("GRAD1012", source.span(opening, opening + image.length), {}));
      push(StringLiteral, image);
    } else {
      other();
    }
  }
  return { tokens, comments, diagnostics };

  /** Symbols, names that begin with a letter beyond ASCII, odd blanks, and what is no token. */
  function other(): void {
    const two = text.slice(at, at + 2);
    const long = two.length === 2 ? symbols.get(two) : undefined;
    if (long) return push(long, two);
    const short = symbols.get(text.charAt(at));
    if (short) return push(short, text.charAt(at));
    const name = match(NAME);
    if (name !== undefined) return push(Name, name);
    const blank = match(BLANK);
    if (blank !== undefined) {
      at += blank.length;
      return;
    }
    const from = at;
    do at += String.fromCodePoint(text.codePointAt(at) ?? 0).length;
    while (at < text.length && isStray());
    const stray = text.slice(from, at);
    report(() => diagnose("GRAD1002", source.span(from, at), { text: quote(stray) }, strayHelp(stray)));
  }
  function isStray(): boolean {
    const code = text.charCodeAt(at);
    if (code <= SPACE && (code === LINE_FEED || code === CARRIAGE_RETURN || code === SPACE || code === 9))
      return false;
    return (
      !isDigit(code) &&
      code !== QUOTE &&
      !symbols.has(text.charAt(at)) &&
      match(NAME) === undefined &&
      match(BLANK) === undefined
    );
  }
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
const ASTERISK = 42;
const SLASH = 47;
/** By character code, the symbols that begin no longer one. */
const ALONE: (TokenType | undefined)[] = [];
for (const [text, type] of symbols)
  if (text.length === 1 && ![...symbols.keys()].some((other) => other.length > 1 && other.startsWith(text)))
    ALONE[text.charCodeAt(0)] = type;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isAsciiLetter = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;

/** Shown so that invisible characters are seen. */
function quote(stray: string): string {
  const shown = JSON.stringify(stray.slice(0, 20)).slice(1, -1);
  return `\`${shown.replace(/[\u007f-\u00a0\u200b-\u200f\u2028-\u202e\ufff0-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)}\``;
}

const LOOKALIKES: Readonly<Record<string, string>> = {
  "×": "*",
  "·": "*",
  "÷": "/",
  "−": "-",
  "–": "-",
  "≤": "<=",
  "≥": ">=",
  "≠": "!=",
  "→": "->",
  "?": "if … then … else …",
  "||": "or",
  "&&": "and",
  "&": "and",
  "!": "not",
  "∧": "and",
  "∨": "or",
  "¬": "not",
  "“": '"',
  "”": '"',
  "∞": "inf",
  "#": "//",
};
function strayHelp(stray: string): { help?: string } {
  const meant = LOOKALIKES[stray];
  return meant === undefined ? {} : { help: `write \`${meant}\`` };
}
