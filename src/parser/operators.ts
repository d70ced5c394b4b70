import type { IToken } from "chevrotain";
import { diagnose, type Diagnostic } from "../diagnostics/diagnostic.js";
import { joinSpans, type SourceText, type Span } from "../diagnostics/span.js";
import { StatementFault } from "./fault.js";
import { endOf } from "./token.js";
import type {
  AxisName,
  BinaryExpression,
  BinaryOperator,
  Expression,
  Name,
  RangeSyntax,
  ReducerName,
} from "./ast.js";
import { COMPARISON, LEVELS, NOT, PAD, POWER, PRODUCT, TERM } from "./precedence.js";

/** A reducer or axis operator up to its `]`: `sum[i, j | i < j]`. */
export interface ReducerHead {
  readonly kind: "reducer";
  readonly reducer: ReducerName;
  readonly indices: readonly { readonly name: Name; readonly range?: RangeSyntax }[];
  readonly guard?: Expression;
  readonly span: Span;
}
export interface AxisHead {
  readonly kind: "axis";
  readonly operator: AxisName;
  readonly index: Name;
  readonly guard?: Expression;
  readonly span: Span;
}
export type Prefix = { readonly kind: "-" | "not"; readonly span: Span } | ReducerHead | AxisHead;

/** Below all levels. */
const PREFIX = -1;
const OPERAND = 0;

/**
 * One run of operands and operators, gathered flat and then made a tree by precedence climbing. A run of one level
 * is a loop, so a sum of a million terms is deep to the left only, and what recurses is counted by `pending`.
 */
export class OperatorRun {
  /** What stands at each place: OPERAND, PREFIX, or an operator's level. The things themselves wait in three queues. */
  private readonly kinds: number[] = [];
  private readonly operands: Expression[] = [];
  private readonly prefixes: Prefix[] = [];
  private readonly operators: IToken[] = [];
  private readonly bareIfs: Expression[] = [];
  private at = 0;
  private atOperand = 0;
  private atPrefix = 0;
  private atOperator = 0;
  /** Prefixes whose operand is still open at the end of the run so far: `not`, those of a term, those of a factor. */
  private openNots = 0;
  private openInTerm = 0;
  private openInFactor = 0;
  private inFirstFactor = true;

  constructor(
    private readonly source: SourceText,
    private readonly report: (diagnostic: Diagnostic) => void,
  ) {}

  /** How deep an operand added now stands below the run's top. */
  get pending(): number {
    return this.openNots + this.openInTerm + this.openInFactor;
  }

  /** `bare`: an `if` that no brackets enclose. */
  operand(value: Expression, bare: boolean): void {
    this.kinds.push(OPERAND);
    this.operands.push(value);
    if (bare) this.bareIfs.push(value);
  }
  prefix(prefix: Prefix): void {
    this.kinds.push(PREFIX);
    this.prefixes.push(prefix);
    if (prefix.kind === "not") this.openNots++;
    else if (prefix.kind === "reducer" || this.inFirstFactor) this.openInTerm++;
    else this.openInFactor++;
    if (prefix.kind === "reducer") this.inFirstFactor = true;
  }
  /** True where it is one whose operands nest. */
  binary(operator: IToken): boolean {
    const level = LEVELS[operator.image as BinaryOperator];
    this.kinds.push(level);
    this.operators.push(operator);
    if (level > PRODUCT) {
      this.openInFactor++;
      return true;
    }
    this.openInFactor = 0;
    this.inFirstFactor = level < PRODUCT;
    if (level < PRODUCT) this.openInTerm = 0;
    if (level < NOT) this.openNots = 0;
    return false;
  }

  tree(): Expression {
    const only = this.operands[0];
    if (this.kinds.length === 1 && only) return only;
    const tree = this.climb(1, "term");
    for (const { span } of this.bareIfs)
      this.report(
        diagnose("GRAD1009", span, {}, { help: "put the `if` in brackets", ...this.bracketed(span) }),
      );
    return tree;
  }

  private climb(level: number, place: "term" | "factor" | "tight"): Expression {
    let left = this.leftmost(level, place);
    let compared = false;
    for (;;) {
      const own = this.kinds[this.at] ?? PREFIX;
      if (own < level) return left;
      const token = this.operators[this.atOperator++]!;
      this.at++;
      const operatorSpan = this.source.span(token.startOffset, endOf(token));
      const right =
        own === POWER
          ? this.climb(POWER, "tight")
          : own === PAD
            ? this.climb(PAD + 1, "tight")
            : own === PRODUCT
              ? this.climb(POWER, "factor")
              : this.climb(own + 1, "term");
      const span = joinSpans(left.span, right.span);
      const operator = token.image as BinaryOperator;
      const chained = own === COMPARISON && compared && left.kind === "binary" ? left : undefined;
      compared = own === COMPARISON;
      if (!chained) left = { kind: "binary", operator, left, right, operatorSpan, span };
      else left = this.unchained(chained, operator, right, operatorSpan);
    }
  }

  /** `a < b < c` is an error, and read on as `a < b and b < c`. */
  private unchained(
    left: BinaryExpression,
    operator: BinaryOperator,
    right: Expression,
    operatorSpan: Span,
  ): Expression {
    const middle = left.right.kind === "binary" && left.operator === "and" ? left.right.right : left.right;
    const span = joinSpans(left.span, right.span);
    const second: Expression = {
      kind: "binary",
      operator,
      left: middle,
      right,
      operatorSpan,
      span: joinSpans(middle.span, right.span),
    };
    this.refuseUnnamedSize(left, operator, right);
    const said = (cut: (at: Span) => string): string =>
      `${cut(left.span)} and ${cut(middle.span)} ${operator} ${cut(right.span)}`;
    this.report(
      diagnose(
        "GRAD1004",
        operatorSpan,
        {},
        {
          help: `join two comparisons: \`${said((at) => this.text(at))}\``,
          fix: { span, text: said((at) => this.source.text.slice(at.start.offset, at.end.offset)) },
        },
      ),
    );
    return { kind: "binary", operator: "and", left, right: second, operatorSpan, span };
  }

  /** `f<64>(x)`, where no space says that it is a comparison, is a call whose size has no name. */
  private refuseUnnamedSize(
    { left, operator, right: size }: BinaryExpression,
    closing: string,
    args: Expression,
  ): void {
    const { text } = this.source;
    const isCall =
      left.kind === "name" &&
      operator === "<" &&
      closing === ">" &&
      size.span.start.offset === left.span.end.offset + 1 &&
      text[args.span.start.offset] === "(" &&
      args.span.start.offset === size.span.end.offset + 1;
    if (!isCall) return;
    const found = this.text(size.span);
    throw new StatementFault(
      diagnose(
        "GRAD1001",
        size.span,
        { expected: "a size by its name", found: `\`${found}\`` },
        {
          help: `the name is the one in the declaration: \`${left.name}<N = ${found}>${this.text(args.span)}\` for a size \`N\``,
        },
      ),
    );
  }

  private leftmost(level: number, place: "term" | "factor" | "tight"): Expression {
    if (this.kinds[this.at++] === OPERAND) return this.operands[this.atOperand++]!;
    const prefix = this.prefixes[this.atPrefix++]!;
    switch (prefix.kind) {
      case "not": {
        const operand = this.climb(NOT, "term");
        const span = joinSpans(prefix.span, operand.span);
        if (level > NOT)
          this.report(
            diagnose(
              "GRAD1010",
              prefix.span,
              {},
              { help: "put the `not` in brackets", ...this.bracketed(span) },
            ),
          );
        return { kind: "unary", operator: "not", operand, span };
      }
      case "-": {
        const operand = this.climb(level <= TERM ? TERM : level, place);
        return { kind: "unary", operator: "-", operand, span: joinSpans(prefix.span, operand.span) };
      }
      case "reducer": {
        const { reducer, indices, guard, span: headSpan } = prefix;
        const body = this.climb(TERM, "term");
        const span = joinSpans(headSpan, body.span);
        if (place === "tight")
          this.report(
            diagnose(
              "GRAD1008",
              span,
              { name: reducer },
              { help: "put the reducer in brackets", ...this.bracketed(span) },
            ),
          );
        return { kind: "reducer", reducer, indices, ...(guard ? { guard } : {}), body, headSpan, span };
      }
      case "axis":
        return this.axisOperator(prefix, place);
    }
  }

  private axisOperator(head: AxisHead, place: "term" | "factor" | "tight"): Expression {
    const { operator, index, guard, span: headSpan } = head;
    const overReducer = this.kinds[this.at] === PREFIX && this.prefixes[this.atPrefix]?.kind === "reducer";
    const body = this.climb(POWER, "factor");
    const span = joinSpans(headSpan, body.span);
    const expression: Expression = {
      kind: "axis",
      operator,
      index,
      ...(guard ? { guard } : {}),
      body,
      headSpan,
      span,
    };
    const name = operator;
    if (place === "tight") {
      this.report(
        diagnose(
          "GRAD1008",
          span,
          { name },
          { help: "put the operator in brackets", ...this.bracketed(span) },
        ),
      );
    } else if (overReducer) {
      this.report(
        diagnose(
          "GRAD1006",
          span,
          { name },
          {
            help: `write \`${this.text(headSpan)} (${this.text(body.span)})\``,
            ...this.bracketed(body.span),
          },
        ),
      );
    } else if (this.kinds[this.at] === PRODUCT) {
      const all = this.restOfProduct(body.span);
      const rest = this.text(all).slice(this.text(body.span).length).trim();
      const help = `write \`${this.text(headSpan)} (${this.text(all)})\` or \`(${this.text(span)}) ${rest}\``;
      this.report(diagnose("GRAD1006", joinSpans(headSpan, all), { name }, { help }));
    }
    return expression;
  }

  /** From `start` over all factors that follow. */
  private restOfProduct(start: Span): Span {
    let span = start;
    for (let k = this.at, operand = this.atOperand; k < this.kinds.length; k++) {
      const kind = this.kinds[k]!;
      if (kind > OPERAND && kind < PRODUCT) break;
      if (kind === OPERAND) span = joinSpans(span, this.operands[operand++]!.span);
    }
    return span;
  }
  private text(span: Span): string {
    const text = this.source.text.slice(span.start.offset, span.end.offset).replace(/\s+/g, " ");
    return text.length > 60 ? `${text.slice(0, 57)}…` : text;
  }
  private bracketed(span: Span): { fix: { span: Span; text: string } } {
    return { fix: { span, text: `(${this.source.text.slice(span.start.offset, span.end.offset)})` } };
  }
}
