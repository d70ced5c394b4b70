import { EOF, isRecognitionException, tokenMatcher, type IToken } from "chevrotain";
import { diagnose, type Diagnostic, type DiagnosticExtras } from "../diagnostics/diagnostic.js";
import type { SourceText, Span } from "../diagnostics/span.js";
import type { Name as NameNode, Statement } from "./ast.js";
import { FunctionParser } from "./function-parser.js";
import { StatementFault } from "./fault.js";
import { Token } from "./lexer.js";
import {
  Boundary,
  Check,
  Dim,
  Equals,
  Fn,
  Import,
  Input,
  Layer,
  LeftCurly,
  Loss,
  Name,
  Optimizer,
  Output,
  RightCurly,
  Semicolon,
  statementWords,
  Train,
} from "./vocabulary.js";

/** Statements that stand only at the top of a file. In a block at the file's own column they tell of a lost `}`. */
const TOP_LEVEL = new Set([Dim, Input, Output, Loss, Train, Fn, Layer, Optimizer, Import, Check]);

/** One more than are shown, so that the list says that it was cut. */
const MOST_FAULTS = 100;

/** Statements and blocks, and what happens where one does not parse: it is reported once, and the next one is read. */
export class StatementParser extends FunctionParser {
  private broken: NameNode[] = [];
  private closing: ReadonlyMap<Token, number> = new Map();
  /** The end of the text was reached while recovering: what is missing there is no news. */
  private gaveUp = false;
  private faults = 0;
  /** Where characters that are no token were left out. */
  private strays: readonly number[] = [];

  constructor() {
    super();
    this.performSelfAnalysis();
  }

  read(
    source: SourceText,
    tokens: Token[],
    closing: ReadonlyMap<Token, number>,
    strays: readonly number[],
    report: (d: Diagnostic) => void,
  ): { statements: Statement[]; broken: NameNode[] } {
    this.source = source;
    this.report = report;
    this.broken = [];
    this.closing = closing;
    this.gaveUp = false;
    this.faults = 0;
    this.strays = strays;
    this.nesting = 0;
    this.input = tokens;
    const statements = this.file();
    const { broken } = this;
    // The parser outlives the text, which it should not keep alive.
    this.input = [];
    this.closing = new Map();
    return { statements, broken };
  }

  file = this.RULE("file", (): Statement[] => this.statements(undefined));

  block = this.RULE("block", (): Statement[] => {
    const opening = this.CONSUME(LeftCurly);
    this.deeper(opening);
    const statements = this.statements(opening);
    this.ACTION(() => {
      if (this.ahead(1, RightCurly) || this.gaveUp) return;
      this.gaveUp = this.LA(1).image === "" && !this.ahead(1, Boundary);
      const related = [{ message: "the `{` that stays open", span: this.spanOf(opening) }];
      this.report(diagnose("GRAD1013", this.placeAfterLast(), {}, { related }));
    });
    this.OPTION(() => this.CONSUME(RightCurly));
    this.shallower();
    return statements;
  });

  /** Statements up to the end of the file, or the `}` that answers `opening`. */
  private statements(opening: IToken | undefined): Statement[] {
    const found: Statement[] = [];
    if (this.RECORDING_PHASE) {
      this.MANY(() => this.SUBRULE(this.statement));
      return found;
    }
    const nesting = this.nesting;
    // Blocks that are too deep stand one after the other once the first is left out.
    let tooDeep = false;
    for (;;) {
      const next = this.LA(1);
      if (this.ahead(1, Boundary) || this.ahead(1, Semicolon)) {
        this.SKIP_TOKEN();
        continue;
      }
      if (next.tokenType === EOF) return found;
      if (opening && (this.ahead(1, RightCurly) || this.lostBrace(next, opening))) return found;
      const start = this.position();
      const standing = found.length;
      try {
        const statement = this.SUBRULE(this.statement);
        found.push(statement);
        try {
          this.checkEnd();
        } catch (error) {
          // What is read of a broken equation or declaration means something else than its author does.
          if (statement.kind !== "rec" && statement.kind !== "fn" && statement.kind !== "layer") found.pop();
          throw error;
        }
      } catch (error) {
        const diagnostic = this.explain(error);
        const repeated = diagnostic.code === "GRAD1003" && tooDeep;
        tooDeep ||= diagnostic.code === "GRAD1003";
        if (!repeated && !this.followsStray(this.input[start]!, diagnostic)) this.report(diagnostic);
        if (++this.faults > MOST_FAULTS) return this.abandon(found);
        this.nesting = nesting;
        if (this.position() === start) this.SKIP_TOKEN();
        if (found.length === standing) this.broken.push(...this.namesFrom(start));
        this.resynchronise(opening !== undefined);
      }
    }
  }

  statement = this.RULE("statement", (): Statement => {
    const declares = (): boolean =>
      statementWords.has(this.LA(1).tokenType) && (this.ahead(2, Name) || this.ahead(2, LeftCurly));
    return this.OR({
      DEF: [
        { GATE: declares, ALT: () => this.SUBRULE(this.dimStatement) },
        { GATE: declares, ALT: () => this.SUBRULE(this.inputStatement) },
        { GATE: declares, ALT: () => this.SUBRULE(this.paramStatement) },
        { GATE: declares, ALT: () => this.SUBRULE(this.constStatement) },
        { GATE: declares, ALT: () => this.SUBRULE(this.outputStatement) },
        { GATE: declares, ALT: () => this.SUBRULE(this.lossStatement) },
        { GATE: declares, ALT: () => this.SUBRULE(this.trainStatement) },
        { GATE: declares, ALT: () => this.SUBRULE(this.checkStatement) },
        { GATE: declares, ALT: () => this.SUBRULE(this.importStatement) },
        { GATE: declares, ALT: () => this.SUBRULE(this.recStatement) },
        { GATE: declares, ALT: () => this.SUBRULE(this.fnStatement) },
        { GATE: declares, ALT: () => this.SUBRULE(this.optimizerStatement) },
        { ALT: () => this.SUBRULE(this.equation) },
      ],
      IGNORE_AMBIGUITIES: true,
      // A name begins an equation whatever follows, so that what follows is the error.
      MAX_LOOKAHEAD: 1,
      ERR_MSG: "a declaration or an equation",
    });
  });

  // ------------------------------------------------------------------------------------------- after an error

  /** So many errors that this is no program: the rest is not read. */
  private abandon(found: Statement[]): Statement[] {
    this.gaveUp = true;
    while (this.LA(1).tokenType !== EOF) this.SKIP_TOKEN();
    return found;
  }

  private position(): number {
    const next = this.LA(1);
    return next instanceof Token ? next.place : this.input.length;
  }
  private lostBrace(next: IToken, opening: IToken): boolean {
    if (!TOP_LEVEL.has(next.tokenType) || !(this.ahead(2, Name) || this.ahead(2, LeftCurly))) return false;
    // The brace has a partner, so it is not lost; the statement is out of place, which the checker says.
    if (this.closing.has(opening as Token)) return false;
    return this.source.position(next.startOffset).column === 1;
  }

  /** What follows a statement on its line must be able to begin one. */
  private checkEnd(): void {
    const next = this.LA(1) as Token;
    if (next.image === "" || next.beginsLine || this.ahead(1, Semicolon) || this.ahead(1, RightCurly)) return;
    const begins = this.ahead(1, Name) && (statementWords.has(next.tokenType) || this.beginsEquation());
    if (!begins) throw new StatementFault(this.unexpected("an operator or the end of the statement"));
  }
  private beginsEquation(): boolean {
    for (let k = 2; k < 100; k++) {
      if (this.ahead(k, Equals)) return true;
      if (this.ahead(k, Boundary) || (this.LA(k) as Token).beginsLine || this.LA(k).image === "")
        return false;
    }
    return false;
  }

  private explain(error: unknown): Diagnostic {
    if (error instanceof StatementFault) return error.diagnostic;
    if (error instanceof Error && isRecognitionException(error)) {
      this.errors = [];
      return this.unexpected(error.message, (error as Error & { token: IToken }).token);
    }
    throw error;
  }
  /** Whether the fault only follows from characters left out in the same statement, which are reported themselves. */
  private followsStray(start: IToken, fault: Diagnostic): boolean {
    return this.strays.some((at) => at >= start.startOffset && at <= fault.span.start.offset);
  }
  /** "expected X, found Y" at the token, or right after the last one where that began a new line. */
  private unexpected(expected: string, token: IToken = this.LA(1)): Diagnostic {
    const last = this.lastBefore(token);
    const atEnd = token.tokenType === EOF;
    const fresh =
      last !== undefined && (atEnd || token.tokenType === Boundary || (token as Token).beginsLine);
    const found = atEnd
      ? "the end of the file"
      : fresh
        ? "the end of the line"
        : `\`${shorten(token.image)}\``;
    if (atEnd && this.gaveUp === false) this.gaveUp = true;
    return diagnose(
      "GRAD1001",
      fresh ? this.placeAfter(last) : this.spanOf(token),
      { expected, found },
      helpFor(token, expected, last),
    );
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
    const end = token.startOffset + token.image.length;
    return this.source.span(end, end);
  }
  private placeAfterLast(): Span {
    const last = this.lastBefore(this.LA(1));
    return last ? this.placeAfter(last) : this.source.span(0, 0);
  }

  /** On to the next boundary or `;`, over whole blocks, or before the `}` of the block at hand. */
  private resynchronise(inBlock: boolean): void {
    for (;;) {
      const next = this.LA(1);
      if (next.tokenType === EOF) {
        this.gaveUp = true;
        return;
      }
      if (this.ahead(1, Boundary) || this.ahead(1, Semicolon)) return;
      if (this.ahead(1, RightCurly)) {
        if (inBlock) return;
        this.SKIP_TOKEN();
        if ((this.LA(1) as Token).beginsLine) return;
        continue;
      }
      const close = this.closing.get(next as Token);
      do this.SKIP_TOKEN();
      while (close !== undefined && this.position() < close);
    }
  }

  /** The names that the statement begun at `start` would have defined. */
  private namesFrom(start: number): NameNode[] {
    const names: NameNode[] = [];
    const token = (k: number): IToken | undefined => this.input[k];
    const isName = (k: number): boolean => {
      const at = token(k);
      return at !== undefined && tokenMatcher(at, Name);
    };
    const first = token(start);
    if (!first) return names;
    if (first.tokenType === Train || first.tokenType === Check) return names;
    const declares = statementWords.has(first.tokenType) && isName(start + 1);
    let k = declares ? start + 1 : start;
    while (isName(k)) {
      names.push(this.nameOf(token(k)!));
      // `param a: f32 = 1, b`: on to the next entry.
      let depth = 0;
      for (const limit = k + 200; ++k < limit;) {
        const image = token(k)?.image ?? "";
        if (image === "" || (depth === 0 && (image === "," || image === ";"))) break;
        if ("([{".includes(image)) depth++;
        else if (")]}".includes(image)) depth--;
        if (!declares && image === "=") break;
      }
      if (token(k)?.image !== ",") break;
      k++;
    }
    return names;
  }
}

const shorten = (image: string): string => (image.length > 40 ? `${image.slice(0, 39)}…` : image);

/** Words with which other languages begin a statement, and what does their work here. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  def: "a function is written `fn f(x: f32) -> y: f32 { y = … }`",
  function: "a function is written `fn f(x: f32) -> y: f32 { y = … }`",
  let: "an equation needs no keyword: `y = 2`",
  var: "an equation needs no keyword: `y = 2`",
  for: "nothing loops here: an equation holds for all its indices, `sum[i] x[i]` adds, `rec t in 0..T { … }` goes step by step",
  while: "a loop that stops is `rec t in 0..T while condition { … }`",
  return: "a function's results are named, and defined by equations",
  class: "what owns params is a `layer`",
  print: "`output y` gives a value to the caller",
};

function helpFor(token: IToken, expected: string, last: IToken | undefined): DiagnosticExtras {
  const before = last?.image;
  const word = OTHER_WORDS[before ?? ""];
  if (expected === "`=`" && word !== undefined) return { help: word };
  if (before === "*" && token.image === "*") return { help: "a power is written `x^2`" };
  if (token.image === "=" && before !== undefined && /^[-+*/%]$/.test(before))
    return { help: "nothing is changed in place: give the new value a name of its own" };
  if (expected === "`=`" && token.image === ":")
    return { help: "an equation is written `y = …`, a declaration `input y: f32[N]` or `param y: f32[N]`" };
  if (expected === "`]`" && token.image === ":")
    return { help: "there are no slices: an index ranges over the part, `y[i in 0..5] = x[i]`" };
  if (expected === "`:`") return { help: "it has a type: `x: f32` or `x: f32[N, M]`" };
  if (expected === "`with`") return { help: "an optimizer is named: `train loss with adam(rate = 1e-3)`" };
  if (expected === "`{`" && before === "import") return { help: 'write `import { name } from "std/ode"`' };
  if (
    expected.startsWith("an operator") &&
    token.image === "(" &&
    before !== undefined &&
    /^[fiu]\d\d$/.test(before)
  )
    return { help: `sizes stand in square brackets: \`${before}[…]\`` };
  if (expected.startsWith("an operator") && token.image === "[")
    return { help: "a declaration has a type: `param W: f32[N, M]`" };
  if (expected.startsWith("an operator") && (tokenMatcher(token, Name) || token.image === "("))
    return { help: "a product is written with `*`; a reducer's index in square brackets, `sum[i] x[i]`" };
  if (expected === "`=`" && token.image === "==") return { help: "an equation has one `=`" };
  if (expected === "`then`") return { help: "write `if condition then a else b`" };
  if (expected === "`else`") return { help: "`if` is an expression and always has an `else`" };
  return {};
}
