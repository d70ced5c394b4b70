import { EmbeddedActionsParser, tokenMatcher, type IToken, type TokenType } from "chevrotain";
import { diagnose, type Diagnostic } from "../diagnostics/diagnostic.js";
import { joinSpans, SourceText, type Span } from "../diagnostics/span.js";
import type { Argument, Expression, Name as NameNode, RangeSyntax } from "./ast.js";
import { StatementFault } from "./fault.js";
import { OperatorRun, type AxisHead, type ReducerHead } from "./operators.js";
import { endOf } from "./token.js";
import { expectation } from "./expectations.js";
import { operatorExample } from "./help.js";
import {
  AxisOperatorName,
  Bar,
  BinaryOperator as AnyOperator,
  Comma,
  DotDot,
  Dot,
  Else,
  Equals,
  False,
  Greater,
  If,
  In,
  LeftParen,
  LeftSquare,
  Less,
  Minus,
  Name,
  Not,
  NumberLiteral,
  Prime,
  ReducerName,
  RightParen,
  RightSquare,
  SizeOperator,
  Then,
  True,
  vocabulary,
} from "./vocabulary.js";
import { AXIS_OPERATORS, REDUCERS } from "./words.js";

const MOST_NESTED = 64;
type SizeArgument = { readonly name: NameNode; readonly value: Expression };
type ReducerIndex = { readonly name: NameNode; readonly range?: RangeSyntax };

/**
 * The expressions of grammar/grad.ebnf, a method a production. While chevrotain records the grammar, rules run
 * without tokens: whatever looks at one stands in ACTION.
 */
export abstract class ExpressionParser extends EmbeddedActionsParser {
  protected source = new SourceText("", "");
  protected report: (diagnostic: Diagnostic) => void = () => undefined;
  /** Brackets, blocks, `if`s and prefixes around the place at hand. */
  protected nesting = 0;

  protected constructor() {
    super(vocabulary, {
      recoveryEnabled: false,
      maxLookahead: 2,
      errorMessageProvider: expectation,
      skipValidations: true,
    });
  }

  protected spanOf(token: IToken): Span {
    return this.source.span(token.startOffset, endOf(token));
  }
  /** From `start` to the token consumed last. */
  protected since(start: IToken | Span): Span {
    const last = this.spanOf(this.LA(0));
    return joinSpans("image" in start ? this.spanOf(start) : start, last);
  }
  protected nameOf(token: IToken): NameNode {
    return { text: token.image, span: this.spanOf(token) };
  }
  protected ahead(howMuch: number, type: TokenType): boolean {
    return tokenMatcher(this.LA(howMuch), type);
  }
  /** Counts one level more, before anything descends into it. */
  protected deeper(token: IToken): void {
    if (!this.RECORDING_PHASE) this.nest(this.nesting + 1, this.spanOf(token));
  }
  private nest(depth: number, span: Span): void {
    if (depth > MOST_NESTED) throw new StatementFault(diagnose("GRAD1003", span, { limit: MOST_NESTED }));
    this.nesting = depth;
  }
  protected shallower(): void {
    if (!this.RECORDING_PHASE) this.nesting--;
  }

  expression = this.RULE("expression", (): Expression => this.run(AnyOperator));

  /** What stands in sizes and ranges: no comparisons, so that `>` and `..` end it. */
  size = this.RULE("size", (): Expression => this.run(SizeOperator));

  private run(operators: TokenType): Expression {
    const outer = this.nesting;
    const run = new OperatorRun(this.source, this.report);
    const rest = { ARGS: [run] as [OperatorRun] };
    this.SUBRULE(this.operand, rest);
    this.MANY(() => {
      const operator = this.CONSUME(operators);
      if (!this.RECORDING_PHASE) {
        const nests = run.binary(operator);
        this.nesting = outer + run.pending;
        if (nests) this.nest(this.nesting, this.spanOf(operator));
      }
      this.SUBRULE2(this.operand, rest);
    });
    return this.ACTION(() => {
      this.nesting = outer;
      return run.tree();
    });
  }

  operand = this.RULE("operand", (run: OperatorRun): void => {
    this.MANY({
      GATE: () => !(this.ahead(1, Name) && !this.headAhead()),
      DEF: () => this.SUBRULE(this.prefix, { ARGS: [run] }),
    });
    this.OR([
      {
        ALT: () => {
          const token = this.CONSUME(NumberLiteral);
          this.ACTION(() => run.operand(numberOf(token.image, this.spanOf(token)), false));
        },
      },
      {
        ALT: () => {
          const value = this.SUBRULE(this.conditional);
          this.ACTION(() => run.operand(value, true));
        },
      },
      {
        ALT: () => {
          const value = this.SUBRULE(this.postfix);
          this.ACTION(() => run.operand(value, false));
        },
      },
    ]);
  });

  private headAhead(): boolean {
    return (this.ahead(1, ReducerName) || this.ahead(1, AxisOperatorName)) && this.ahead(2, LeftSquare);
  }

  prefix = this.RULE("prefix", (run: OperatorRun): void => {
    const outer = this.nesting - (this.RECORDING_PHASE ? 0 : run.pending);
    const first = this.LA(1);
    const prefix = this.OR([
      { ALT: () => ({ kind: "-" as const, span: this.spanOf(this.CONSUME(Minus)) }) },
      { ALT: () => ({ kind: "not" as const, span: this.spanOf(this.CONSUME(Not)) }) },
      { ALT: () => this.SUBRULE(this.reducerHead) },
      { ALT: () => this.SUBRULE(this.axisHead) },
    ]);
    this.ACTION(() => {
      run.prefix(prefix);
      this.nest(outer + run.pending, this.spanOf(first));
    });
  });

  conditional = this.RULE("conditional", (): Expression => {
    const start = this.CONSUME(If);
    this.deeper(start);
    const condition = this.SUBRULE(this.expression);
    this.CONSUME(Then);
    const then = this.SUBRULE2(this.expression);
    this.CONSUME(Else);
    const otherwise = this.SUBRULE3(this.expression);
    this.shallower();
    return this.ACTION(() => ({ kind: "if", condition, then, else: otherwise, span: this.since(start) }));
  });

  postfix = this.RULE("postfix", (): Expression => {
    const start = this.LA(1);
    const outer = this.nesting;
    let value = this.SUBRULE(this.primary);
    this.MANY(() => {
      const bracket = this.CONSUME(LeftSquare);
      this.deeper(bracket);
      const subscripts = this.SUBRULE(this.subscripts);
      this.CONSUME(RightSquare);
      this.ACTION(() => {
        value = { kind: "subscript", base: value, subscripts, span: this.since(start) };
      });
    });
    this.nesting = outer;
    return value;
  });
  subscripts = this.RULE("subscripts", (): Expression[] => {
    const list: Expression[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => list.push(this.SUBRULE(this.expression)) });
    return list;
  });

  primary = this.RULE("primary", (): Expression =>
    this.OR([
      { ALT: () => this.truth(this.CONSUME(True), true) },
      { ALT: () => this.truth(this.CONSUME(False), false) },
      { ALT: () => this.SUBRULE(this.bracketed) },
      { ALT: () => this.SUBRULE(this.list) },
      { ALT: () => this.SUBRULE(this.nameOrCall) },
    ]),
  );
  private truth(token: IToken, value: boolean): Expression {
    return { kind: "boolean", value, span: this.spanOf(token) };
  }
  bracketed = this.RULE("bracketed", (): Expression => {
    const start = this.CONSUME(LeftParen);
    this.deeper(start);
    const inner = this.SUBRULE(this.expression);
    this.CONSUME(RightParen);
    this.shallower();
    // Brackets leave no node, but the span takes them in.
    return this.ACTION(() => ({ ...inner, span: this.since(start) }));
  });
  list = this.RULE("list", (): Expression => {
    const start = this.CONSUME(LeftSquare);
    this.deeper(start);
    const items: Expression[] = [];
    this.OPTION(() => {
      items.push(this.SUBRULE(this.expression));
      this.MANY(() => {
        this.CONSUME(Comma);
        items.push(this.SUBRULE2(this.expression));
      });
      this.OPTION2(() => this.CONSUME2(Comma));
    });
    this.CONSUME(RightSquare);
    this.shallower();
    return this.ACTION(() => ({ kind: "list", items, span: this.since(start) }));
  });

  /** `x`, `m.2.W`, `v'`, `f(x)`, `dense<O = 64>(x)`, `concat[i](a, b)` */
  nameOrCall = this.RULE("nameOrCall", (): Expression => {
    const first = this.LA(1);
    const name = this.SUBRULE(this.dottedName);
    let sizes: SizeArgument[] = [];
    let axis: NameNode | undefined;
    this.OPTION({
      GATE: () =>
        first.image === "concat" &&
        this.ahead(2, Name) &&
        this.ahead(3, RightSquare) &&
        this.ahead(4, LeftParen),
      DEF: () => {
        this.CONSUME(LeftSquare);
        const token = this.CONSUME(Name);
        this.CONSUME(RightSquare);
        axis = this.ACTION(() => this.nameOf(token));
      },
    });
    this.OPTION2({
      GATE: () => this.ahead(2, Name) && this.ahead(3, Equals),
      DEF: () => {
        sizes = this.SUBRULE(this.sizeArguments);
      },
    });
    const called = this.OPTION3({
      GATE: () => true,
      DEF: () => this.SUBRULE(this.callArguments),
    });
    const prime = this.OPTION4({ GATE: () => called === undefined, DEF: () => this.CONSUME(Prime) });
    return this.ACTION(() => {
      const span = this.since(first);
      if (called) return { kind: "call", callee: name, sizes, ...(axis ? { axis } : {}), args: called, span };
      if (sizes.length > 0 || axis) return this.missingArguments(name);
      if (this.isOperatorWord(first, name))
        throw new StatementFault(
          diagnose(
            "GRAD1007",
            span,
            { name: name.text },
            { help: operatorExample(name.text, tokenMatcher(first, ReducerName)) },
          ),
        );
      return { kind: "name", name: name.text, prime: prime !== undefined, span };
    });
  });
  private isOperatorWord(token: IToken, name: NameNode): boolean {
    return (
      token.image === name.text && (tokenMatcher(token, ReducerName) || tokenMatcher(token, AxisOperatorName))
    );
  }
  private missingArguments(name: NameNode): never {
    throw new StatementFault(
      diagnose("GRAD1001", this.spanOf(this.LA(1)), {
        expected: `the arguments of \`${name.text}\` in \`(…)\``,
        found: `\`${this.LA(1).image}\``,
      }),
    );
  }

  sizeArguments = this.RULE("sizeArguments", (): SizeArgument[] => {
    const sizes: SizeArgument[] = [];
    this.CONSUME(Less);
    this.AT_LEAST_ONE_SEP({
      SEP: Comma,
      DEF: () => {
        const token = this.CONSUME(Name);
        this.CONSUME(Equals);
        const value = this.SUBRULE(this.size);
        this.ACTION(() => sizes.push({ name: this.nameOf(token), value }));
      },
    });
    this.CONSUME(Greater);
    return sizes;
  });

  callArguments = this.RULE("callArguments", (): Argument[] => {
    const list: Argument[] = [];
    this.deeper(this.CONSUME(LeftParen));
    this.OPTION(() => {
      list.push(this.SUBRULE(this.argument));
      this.MANY(() => {
        this.CONSUME(Comma);
        list.push(this.SUBRULE2(this.argument));
      });
      this.OPTION2(() => this.CONSUME2(Comma));
    });
    this.CONSUME(RightParen);
    this.shallower();
    return list;
  });
  argument = this.RULE("argument", (): Argument => {
    const first = this.LA(1);
    let name: NameNode | undefined;
    this.OPTION({
      GATE: () => this.ahead(2, Equals),
      DEF: () => {
        const token = this.CONSUME(Name);
        this.CONSUME(Equals);
        name = this.ACTION(() => this.nameOf(token));
      },
    });
    const value = this.SUBRULE(this.expression);
    return this.ACTION(() => ({ ...(name ? { name } : {}), value, span: this.since(first) }));
  });

  dottedName = this.RULE("dottedName", (): NameNode => {
    const first = this.CONSUME(Name);
    const dots: IToken[] = [];
    this.MANY(() => {
      this.CONSUME(Dot);
      dots.push(this.OR([{ ALT: () => this.CONSUME2(Name) }, { ALT: () => this.CONSUME(NumberLiteral) }]));
    });
    return this.ACTION(() => ({
      text: [first, ...dots].map((t) => t.image).join("."),
      span: this.since(first),
    }));
  });

  reducerHead = this.RULE("reducerHead", (): ReducerHead => {
    const word = this.CONSUME(ReducerName);
    this.deeper(this.CONSUME(LeftSquare));
    const indices: ReducerIndex[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: Comma,
      DEF: () => {
        const token = this.CONSUME(Name);
        const range = this.OPTION(() => {
          this.CONSUME(In);
          return this.SUBRULE(this.range);
        });
        this.ACTION(() => indices.push({ name: this.nameOf(token), ...(range ? { range } : {}) }));
      },
    });
    const guard = this.OPTION2(() => this.SUBRULE(this.guard));
    this.CONSUME(RightSquare);
    this.shallower();
    return this.ACTION(() => ({
      kind: "reducer",
      reducer: oneOf(REDUCERS, word.image),
      indices,
      ...(guard ? { guard } : {}),
      span: this.since(word),
    }));
  });
  axisHead = this.RULE("axisHead", (): AxisHead => {
    const word = this.CONSUME(AxisOperatorName);
    this.deeper(this.CONSUME(LeftSquare));
    const index = this.CONSUME(Name);
    const guard = this.OPTION(() => this.SUBRULE(this.guard));
    this.CONSUME(RightSquare);
    this.shallower();
    return this.ACTION(() => ({
      kind: "axis",
      operator: oneOf(AXIS_OPERATORS, word.image),
      index: this.nameOf(index),
      ...(guard ? { guard } : {}),
      span: this.since(word),
    }));
  });
  guard = this.RULE("guard", (): Expression => {
    this.CONSUME(Bar);
    return this.SUBRULE(this.expression);
  });
  range = this.RULE("range", (): RangeSyntax => {
    const lo = this.SUBRULE(this.size);
    this.CONSUME(DotDot);
    const hi = this.SUBRULE2(this.size);
    return this.ACTION(() => ({ lo, hi, span: joinSpans(lo.span, hi.span) }));
  });
}

function numberOf(image: string, span: Span): Expression {
  const text = image.replaceAll("_", "");
  return { kind: "number", value: Number(text), integer: /^(?:0[xX][0-9a-fA-F]+|[0-9]+)$/.test(text), span };
}
function oneOf<T extends string>(all: readonly T[], text: string): T {
  const found = all.find((each) => each === text);
  if (found === undefined) throw new RangeError("the token's category lists this word");
  return found;
}
