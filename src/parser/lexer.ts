import type { TokenType } from "chevrotain";
import { diagnose, type Diagnostic } from "../diagnostics/diagnostic.js";
import type { SourceText } from "../diagnostics/span.js";
import type { Comment } from "./ast.js";
import {
  isInvisible,
  MAY_BE_MISSPELT,
  misspelt,
  numberMeant,
  shownStray,
  strayHelp,
  strayMeant,
  written,
} from "./lookalikes.js";
import { Token } from "./token.js";
import {
  Dot,
  Name,
  NumberLiteral,
  RightParen,
  RightSquare,
  StringLiteral,
  symbols,
  words,
} from "./vocabulary.js";

const NAME = /[\p{L}_][\p{L}\p{N}\p{M}_]*/uy;
/** A decimal point has a digit on both sides, so `0..T` is `0 .. T`. */
const NUMBER =
  /0[xX][0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|[0-9]+(?:_[0-9]+)*(?:\.[0-9]+(?:_[0-9]+)*)?(?:[eE][+-]?[0-9]+)?/y;
/** What stands directly after a number and is none of it: `2x`, `0.5f`, `1e`, or the point of `2.`. */
const AFTER_NUMBER = /[\p{L}_][\p{L}\p{N}\p{M}_]*|\.(?![.\p{L}\p{N}_])/uy;
const POINT_FIRST = /\.[0-9]+(?:[eE][+-]?[0-9]+)?/y;
/** After a dot, as in `m.2.W`. */
const ORDINAL = /[0-9]+/y;
const STRING = /"[^"\r\n]*"?/y;
/** A text in quotes of other languages. */
const OTHER_STRING = /'[^'"\r\n]*'|[“„«][^"”“»\r\n]*[”“»]/y;
const BLANK = /[ \t\u00a0\ufeff\v\f\u2000-\u200a\u202f\u205f\u3000]+/y;
const REST_OF_LINE = /[^\r\n]*/y;
const COMMENT = /\/\/[^\r\n]*/y;

/** One more than are shown, so that the list says that it was cut. */
const MOST_DIAGNOSTICS = 101;

export interface Lexed {
  readonly tokens: Token[];
  readonly comments: Comment[];
  readonly diagnostics: Diagnostic[];
  /** Offsets of what was left out without anything in its place: the statement around it cannot parse. */
  readonly strays: number[];
}

/**
 * Cuts a text into tokens. What is none is reported, a run of such characters once. Where it is plain what was meant,
 * that token stands in its place, so that the statement around it is read as well; else it is left out.
 */
export function lex(source: SourceText): Lexed {
  const { text } = source;
  const tokens: Token[] = [];
  const comments: Comment[] = [];
  const diagnostics: Diagnostic[] = [];
  const strays: number[] = [];
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
  const push = (type: TokenType, image: string, length = image.length): void => {
    tokens.push(new Token(type, image, at, beginsLine, doc.length ? doc.join("\n") : undefined, length));
    at += length;
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
    } else if ((MAY_BE_MISSPELT[code] && isMisspelt()) || (code === QUOTE_MARK && otherString())) {
      continue;
    } else if (ALONE[code]) {
      push(ALONE[code], text.charAt(at));
    } else if (isDigit(code)) {
      const previous = tokens[tokens.length - 1];
      const ordinal = previous?.tokenType === Dot && previous.startOffset === at - 1;
      if (ordinal) push(NumberLiteral, match(ORDINAL) ?? text.charAt(at));
      else number();
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
  return { tokens, comments, diagnostics, strays };

  /** A number, and what is written directly after it. */
  function number(): void {
    const image = match(NUMBER) ?? text.charAt(at);
    const from = at;
    push(NumberLiteral, image);
    const next = text.charCodeAt(at);
    const rest = isAsciiLetter(next) || next === POINT || next > 127 ? match(AFTER_NUMBER) : undefined;
    if (rest === undefined) return;
    const { help, meant, product } = numberMeant(image, rest);
    const span = source.span(from, at + rest.length);
    report(() =>
      diagnose(
        "GRAD1015",
        span,
        { text: image + rest },
        { help, ...(meant === undefined ? {} : { fix: { span, text: meant } }) },
      ),
    );
    if (product) push(TIMES, "*", 0);
    else at += rest.length;
  }
  /** `**`, `||` and the like: the operator that was meant. */
  function isMisspelt(): boolean {
    const found = misspelt(text, at);
    if (!found) return false;
    const { image, meant } = found;
    const span = source.span(at, at + image.length);
    report(() => diagnose("GRAD1002", span, { text: shownStray(image) }, written(meant, span)));
    push(words.get(meant) ?? symbols.get(meant) ?? Name, meant, image.length);
    return true;
  }
  /** A text in other quotes. Directly after a name `'` is the mark of a state's next value. */
  function otherString(): boolean {
    const quoted = match(OTHER_STRING);
    if (quoted === undefined || adjacent(NAMES)) return false;
    const span = source.span(at, at + quoted.length);
    const meant = `"${quoted.slice(1, -1)}"`;
    report(() => diagnose("GRAD1002", span, { text: shownStray(quoted.charAt(0)) }, written(meant, span)));
    push(StringLiteral, meant, quoted.length);
    return true;
  }
  /** Whether the token before ends here, and is one of these. */
  function adjacent(types: ReadonlySet<TokenType>): boolean {
    const before = tokens[tokens.length - 1];
    return before !== undefined && before.end === at && types.has(before.tokenType);
  }
  /** `.5`, where no name goes before that it would be a part of. */
  function pointFirst(): boolean {
    const image = match(POINT_FIRST);
    if (image === undefined || adjacent(PARTS)) return false;
    const span = source.span(at, at + image.length);
    const meant = `0${image}`;
    report(() =>
      diagnose(
        "GRAD1015",
        span,
        { text: image },
        { help: `a decimal point has a digit on both sides: \`${meant}\``, fix: { span, text: meant } },
      ),
    );
    push(NumberLiteral, meant, image.length);
    return true;
  }

  /** Symbols, names that begin with a letter beyond ASCII, odd blanks, and what is no token. */
  function other(): void {
    if (text.charCodeAt(at) === POINT && pointFirst()) return;
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
    if (text.charAt(at) === "#") {
      const span = source.span(at, at + 1);
      report(() => diagnose("GRAD1002", span, { text: "`#`" }, written("//", span)));
      return comment("line", match(REST_OF_LINE) ?? "#");
    }
    if (otherString()) return;
    const from = at;
    do at += String.fromCodePoint(text.codePointAt(at) ?? 0).length;
    while (at < text.length && isStray());
    const stray = text.slice(from, at);
    const span = source.span(from, at);
    report(() =>
      diagnose("GRAD1002", span, { text: shownStray(stray) }, strayHelp(stray, span, text.charAt(at))),
    );
    const meant = strayMeant(stray);
    if (meant !== undefined) {
      at = from;
      push(words.get(meant) ?? symbols.get(meant) ?? Name, meant, stray.length);
    } else if (!isInvisible(stray)) strays.push(from);
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
const QUOTE_MARK = 39;
const POINT = 46;
const SLASH = 47;
const TIMES = symbols.get("*") ?? Name;
const NAMES: ReadonlySet<TokenType> = new Set([Name, ...words.values()]);
/** What a dot and an ordinal may directly follow, as in `m.2.W`. */
const PARTS: ReadonlySet<TokenType> = new Set([...NAMES, NumberLiteral, RightParen, RightSquare]);
/** By character code, the symbols that begin no longer one. */
const ALONE: (TokenType | undefined)[] = [];
for (const [text, type] of symbols)
  if (text.length === 1 && ![...symbols.keys()].some((other) => other.length > 1 && other.startsWith(text)))
    ALONE[text.charCodeAt(0)] = type;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isAsciiLetter = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;
