import { EOF, tokenMatcher, type IToken } from "chevrotain";
import { diagnose, type Diagnostic } from "../diagnostics/diagnostic.js";
import type { Span } from "../diagnostics/span.js";
import type { Name as NameNode } from "./ast.js";
import { FunctionParser } from "./function-parser.js";
import { DEFINING_WORDS, faultHelp, wantedAfter, type Fault } from "./help.js";
import { endOf, Token } from "./token.js";
import {
  Boundary,
  Check,
  Colon,
  Equals,
  LeftCurly,
  LeftParen,
  LeftSquare,
  Name,
  Output,
  RightCurly,
  RightParen,
  RightSquare,
  statementWords,
  Train,
} from "./vocabulary.js";

export const shorten = (image: string): string => (image.length > 40 ? `${image.slice(0, 39)}…` : image);

/** What is said of a text that does not follow the grammar, and which names it would have defined. */
export abstract class FaultParser extends FunctionParser {
  /** The end of the text was reached while recovering: what is missing there is no news. */
  protected gaveUp = false;

  /** "expected X, found Y" at the token, or right after the last one where that began a new line. */
  protected unexpected(wanted: string, token: IToken = this.LA(1)): Diagnostic {
    const last = this.lastBefore(token);
    const atEnd = token.tokenType === EOF;
    // A statement's word that no name follows was read as a name itself.
    const expected =
      wanted === "`=`" &&
      last !== undefined &&
      statementWords.has(last.tokenType) &&
      this.beginsStatement(last)
        ? wantedAfter(last)
        : wanted;
    const fresh =
      last !== undefined &&
      expected !== "a declaration or an equation" &&
      (atEnd || token.tokenType === Boundary || (token as Token).beginsLine);
    const found = atEnd
      ? "the end of the file"
      : fresh
        ? "the end of the line"
        : `\`${shorten(token.image)}\``;
    if (atEnd && this.gaveUp === false) this.gaveUp = true;
    const span = fresh ? this.placeAfter(last) : this.spanOf(token);
    const opening = expected === "`)`" || expected === "`]`" ? this.openBefore(token) : undefined;
    const isCut = fresh || atEnd || ")]};".includes(token.image);
    const help = faultHelp({
      expected,
      token,
      span,
      last,
      caller: this.before(
        opening ?? (/^an? (name|index)$/.test(expected) ? this.openBefore(token) : undefined),
      ),
      isOutput: this.before(last)?.tokenType === Output,
      entry: last && this.beginsEntry(token) ? { span: this.placeAfter(last), text: "," } : undefined,
      annotation: this.annotationAt(token),
    });
    const related = opening &&
      isCut && [{ message: `the \`${opening.image}\` that stays open`, span: this.spanOf(opening) }];
    return diagnose("GRAD1001", span, { expected, found }, { ...help, ...(related ? { related } : {}) });
  }
  /** `x:`, an entry of a declaration. */
  private beginsEntry(token: IToken | undefined): boolean {
    if (!(token instanceof Token) || !tokenMatcher(token, Name)) return false;
    return this.input[token.place + 1]?.tokenType === Colon;
  }
  /** A type, as other languages write it in front of a `=`, with the colon. */
  private annotationAt(token: IToken): Fault["annotation"] {
    if (!(token instanceof Token) || token.image !== ":") return undefined;
    const dtype = this.input[token.place + 1];
    let k = token.place + 2;
    if (this.input[k]?.tokenType === LeftSquare) {
      while (this.input[k] && ![RightSquare, Equals, Boundary].includes(this.input[k]!.tokenType)) k++;
      k++;
    }
    const [last, next] = [this.input[k - 1], this.input[k]];
    if (!dtype || !tokenMatcher(dtype, Name) || !last || next?.tokenType !== Equals) return undefined;
    const before = this.before(token);
    const start = before ? endOf(before) : token.startOffset;
    return { dtype: dtype.image, span: this.source.span(start, endOf(last)) };
  }
  private before(token: IToken | undefined): IToken | undefined {
    return token instanceof Token ? this.input[token.place - 1] : undefined;
  }
  private beginsStatement(token: IToken): boolean {
    const before = this.before(token);
    return before === undefined || (token as Token).beginsLine || ";{}".includes(before.image);
  }
  /** The innermost bracket that is open before a token. */
  private openBefore(token: IToken): IToken | undefined {
    let closed = 0;
    for (
      let k = (token instanceof Token && token.tokenType !== EOF ? token.place : this.input.length) - 1;
      k >= 0;
      k--
    ) {
      const at = this.input[k];
      if (at === undefined || at.tokenType === Boundary) return undefined;
      if (at.tokenType === RightParen || at.tokenType === RightSquare || at.tokenType === RightCurly)
        closed++;
      else if (at.tokenType === LeftParen || at.tokenType === LeftSquare || at.tokenType === LeftCurly) {
        if (closed === 0) return at.tokenType === LeftCurly ? undefined : at;
        closed--;
      }
    }
    return undefined;
  }
  private lastBefore(token: IToken): IToken | undefined {
    for (let k = 0; k > -4; k--) {
      const last = this.LA(k);
      if (last === undefined || last.tokenType === EOF) return undefined;
      if (last !== token && last.tokenType !== Boundary) return last;
    }
    return undefined;
  }
  private placeAfter(token: IToken): Span {
    const end = endOf(token);
    return this.source.span(end, end);
  }
  protected placeAfterLast(): Span {
    const last = this.lastBefore(this.LA(1));
    return last ? this.placeAfter(last) : this.source.span(0, 0);
  }

  /** The names that the statement begun at `start` would have defined. */
  protected namesFrom(start: number): NameNode[] {
    const names: NameNode[] = [];
    const token = (k: number): IToken | undefined => this.input[k];
    const isName = (k: number): boolean => {
      const at = token(k);
      return at !== undefined && tokenMatcher(at, Name);
    };
    const first = token(start);
    if (!first) return names;
    if (first.tokenType === Train || first.tokenType === Check) return names;
    if (DEFINING_WORDS.has(first.image) && isName(start + 1)) return [this.nameOf(token(start + 1)!)];
    const declares = statementWords.has(first.tokenType) && isName(start + 1);
    let k = declares ? start + 1 : start;
    while (isName(k)) {
      names.push(this.nameOf(token(k)!));
      // `param a: f32 = 1, b`: on to the next entry.
      let depth = 0;
      for (const limit = k + 200; ++k < limit;) {
        const image = token(k)?.image ?? "";
        if (declares && depth === 0 && this.beginsEntry(token(k))) break;
        if (image === "" || (depth === 0 && (image === "," || image === ";"))) break;
        if ("([{".includes(image)) depth++;
        else if (")]}".includes(image)) depth--;
        if (!declares && image === "=") break;
      }
      if (token(k)?.image === ",") k++;
      else if (!declares || !this.beginsEntry(token(k))) break;
    }
    return names;
  }
  /** The names on the left of equations in what was skipped: of a block whose head does not parse. */
  protected targetsBetween(from: number, to: number): NameNode[] {
    const names: NameNode[] = [];
    for (let k = from + 1; k < to; k++) {
      const [before, token, next] = [this.input[k - 1], this.input[k], this.input[k + 1]];
      if (!token || !next || !tokenMatcher(token, Name)) continue;
      const begins = (token as Token).beginsLine || before?.tokenType === LeftCurly || before?.image === ";";
      if (begins && (next.tokenType === Equals || next.tokenType === LeftSquare))
        names.push(this.nameOf(token));
    }
    return names;
  }
}
