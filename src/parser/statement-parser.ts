import { EOF, isRecognitionException, type IToken } from "chevrotain";
import { diagnose, type Diagnostic } from "../diagnostics/diagnostic.js";
import type { SourceText } from "../diagnostics/span.js";
import { didYouMean, suggest } from "../diagnostics/suggest.js";
import type { Name as NameNode, Statement } from "./ast.js";
import { FaultParser, shorten } from "./fault-parser.js";
import { StatementFault } from "./fault.js";
import { DECLARING_WORDS, NEEDLESS_WORDS } from "./help.js";
import { Token } from "./token.js";
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
  words,
} from "./vocabulary.js";
import { STATEMENT_WORDS } from "./words.js";

/** Statements that stand only at the top of a file. In a block at the file's own column they tell of a lost `}`. */
const TOP_LEVEL = new Set([Dim, Input, Output, Loss, Train, Fn, Layer, Optimizer, Import, Check]);

/** One more than are shown, so that the list says that it was cut. */
const MOST_FAULTS = 100;

/** Statements and blocks, and what happens where one does not parse: it is reported once, and the next one is read. */
export class StatementParser extends FaultParser {
  private broken: NameNode[] = [];
  private closing: ReadonlyMap<Token, number> = new Map();
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
      this.mendWord();
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
        this.resynchronise(opening !== undefined);
        if (found.length === standing)
          this.broken.push(...this.namesFrom(start), ...this.targetsBetween(start, this.position()));
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

  /** `inpt x: f32`, `let y = 2`: a word that begins no statement, before a name, is reported and read as meant. */
  private mendWord(): void {
    const word = this.LA(1);
    const next = this.LA(2);
    if (word.tokenType !== Name || !(word instanceof Token) || !(next instanceof Token)) return;
    if (!this.ahead(2, Name) || next.beginsLine) return;
    const needless = NEEDLESS_WORDS.has(word.image);
    const near = DECLARING_WORDS.get(word.image.toLowerCase()) ?? suggest(word.image, STATEMENT_WORDS);
    const meant = near === undefined ? undefined : words.get(near);
    if (!needless && !meant) return;
    const span = needless ? this.source.span(word.startOffset, next.startOffset) : this.spanOf(word);
    this.report(
      diagnose(
        "GRAD1001",
        this.spanOf(word),
        { expected: "a declaration or an equation", found: `\`${shorten(word.image)}\`` },
        needless
          ? { help: `an equation needs no keyword: \`${next.image} = …\``, fix: { span, text: "" } }
          : { help: didYouMean(near ?? ""), fix: { span, text: near ?? "" } },
      ),
    );
    if (needless) this.SKIP_TOKEN();
    else if (meant) word.retype(meant);
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
    const next = this.LA(1);
    const reached = next.tokenType === EOF ? Infinity : Math.max(fault.span.start.offset, next.startOffset);
    return this.strays.some((at) => at >= start.startOffset && at <= reached);
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
}
