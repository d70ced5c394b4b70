import type { IToken, ParserMethod } from "chevrotain";
import { diagnose } from "../diagnostics/diagnostic.js";
import type {
  Argument,
  Expression,
  FunctionTypeSyntax,
  FunctionStatement,
  IndexBinding,
  Name as NameNode,
  Parameter,
  ParamStatement,
  Result,
  Statement,
  Target,
  TypeSyntax,
} from "./ast.js";
import { ExpressionParser } from "./expression-parser.js";
import { StatementFault } from "./fault.js";
import type { Token } from "./lexer.js";
import {
  Adjoint,
  Arrow,
  As,
  At,
  Boundary,
  Check,
  Checkpoint,
  Colon,
  Comma,
  Const,
  Dim,
  Equals,
  Fn,
  For,
  From,
  Greater,
  Import,
  In,
  Input,
  Layer,
  LeftCurly,
  LeftParen,
  LeftSquare,
  Less,
  Loss,
  Name,
  None,
  Optimizer,
  Output,
  Param,
  Prime,
  Rec,
  RightCurly,
  RightParen,
  RightSquare,
  Semicolon,
  Sqrt,
  State,
  StringLiteral,
  Train,
  While,
  With,
} from "./vocabulary.js";

type Declared<K extends Statement["kind"]> = Extract<Statement, { kind: K }>;
type StoredItem = ParamStatement["items"][number];
type Doc = { readonly doc?: string };

/** The statements of grammar/grad.ebnf, a method a production. */
export abstract class DeclarationParser extends ExpressionParser {
  /** Statements in braces; recovery lives there. */
  abstract block: ParserMethod<[], Statement[]>;

  private docOf(...tokens: readonly IToken[]): Doc {
    // The doc nearest to the name wins: an entry's own over its declaration's.
    for (const token of tokens) {
      const { doc } = token as Token;
      if (doc !== undefined) return { doc };
    }
    return {};
  }

  dimStatement = this.RULE("dimStatement", (): Statement => {
    const word = this.CONSUME(Dim);
    const dims: { name: NameNode; value?: Expression }[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: Comma,
      DEF: () => {
        const name = this.CONSUME(Name);
        const value = this.OPTION(() => this.SUBRULE(this.value));
        this.ACTION(() => dims.push({ name: this.nameOf(name), ...(value ? { value } : {}) }));
      },
    });
    return this.ACTION(() => ({ kind: "dim", dims, ...this.docOf(word), span: this.since(word) }));
  });
  value = this.RULE("value", (): Expression => {
    this.CONSUME(Equals);
    return this.SUBRULE(this.expression);
  });

  inputStatement = this.RULE("inputStatement", (): Statement => {
    const word = this.CONSUME(Input);
    const items: Declared<"input">["items"][number][] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: Comma,
      DEF: () => {
        const name = this.CONSUME(Name);
        this.CONSUME(Colon);
        const type = this.SUBRULE(this.tensorType);
        const range = this.OPTION(() => {
          this.CONSUME(In);
          return this.SUBRULE(this.range);
        });
        const value = this.OPTION2(() => this.SUBRULE(this.value));
        this.ACTION(() =>
          items.push({
            name: this.nameOf(name),
            type,
            ...(range ? { range } : {}),
            ...(value ? { value } : {}),
            ...this.docOf(name, word),
          }),
        );
      },
    });
    return this.ACTION(() => ({ kind: "input", items, span: this.since(word) }));
  });

  paramStatement = this.RULE("paramStatement", (): Statement => {
    const word = this.OR([{ ALT: () => this.CONSUME(Param) }, { ALT: () => this.CONSUME(State) }]);
    const items: StoredItem[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: Comma,
      DEF: () => {
        const name = this.CONSUME(Name);
        const type = this.OPTION(() => this.SUBRULE(this.annotation));
        const value = this.OPTION2(() => this.SUBRULE(this.value));
        this.ACTION(() =>
          items.push({
            name: this.nameOf(name),
            ...(type ? { type } : {}),
            ...(value ? { value } : {}),
            ...this.docOf(name, word),
          }),
        );
      },
    });
    return this.ACTION(() => ({
      kind: word.tokenType === Param ? "param" : "state",
      items,
      span: this.since(word),
    }));
  });

  constStatement = this.RULE("constStatement", (): Statement => {
    const word = this.CONSUME(Const);
    const items: Declared<"const">["items"][number][] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: Comma,
      DEF: () => {
        const name = this.CONSUME(Name);
        const type = this.OPTION(() => this.SUBRULE(this.annotation));
        const value = this.SUBRULE(this.value);
        this.ACTION(() =>
          items.push({
            name: this.nameOf(name),
            ...(type ? { type } : {}),
            value,
            ...this.docOf(name, word),
          }),
        );
      },
    });
    return this.ACTION(() => ({ kind: "const", items, span: this.since(word) }));
  });

  annotation = this.RULE("annotation", (): TypeSyntax => {
    this.CONSUME(Colon);
    return this.SUBRULE(this.tensorType);
  });
  tensorType = this.RULE("tensorType", (): TypeSyntax => {
    const dtype = this.CONSUME(Name);
    const sizes: Expression[] = [];
    this.OPTION(() => {
      this.deeper(this.CONSUME(LeftSquare));
      this.MANY_SEP({ SEP: Comma, DEF: () => sizes.push(this.SUBRULE(this.size)) });
      this.CONSUME(RightSquare);
      this.shallower();
    });
    return this.ACTION(() => ({ dtype: this.nameOf(dtype), sizes, span: this.since(dtype) }));
  });
  functionType = this.RULE("functionType", (): FunctionTypeSyntax => {
    const word = this.CONSUME(Fn);
    const parameters: TypeSyntax[] = [];
    const results: TypeSyntax[] = [];
    this.CONSUME(LeftParen);
    this.MANY_SEP({ SEP: Comma, DEF: () => parameters.push(this.SUBRULE(this.tensorType)) });
    this.CONSUME(RightParen);
    this.CONSUME(Arrow);
    this.OR([
      { ALT: () => results.push(this.SUBRULE2(this.tensorType)) },
      {
        ALT: () => {
          this.CONSUME2(LeftParen);
          this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => results.push(this.SUBRULE3(this.tensorType)) });
          this.CONSUME2(RightParen);
        },
      },
    ]);
    return this.ACTION(() => ({ parameters, results, span: this.since(word) }));
  });

  // ------------------------------------------------------------------------------------------------ equations

  equation = this.RULE("equation", (): Statement => {
    const first = this.LA(1);
    const targets = this.SUBRULE(this.targets);
    const value = this.SUBRULE(this.value);
    return this.ACTION(() => ({
      kind: "equation",
      role: "value",
      targets,
      value,
      ...this.docOf(first),
      span: this.since(first),
    }));
  });
  lossStatement = this.RULE("lossStatement", (): Statement => {
    const word = this.CONSUME(Loss);
    const target = this.SUBRULE(this.target);
    const value = this.SUBRULE(this.value);
    return this.ACTION(() => ({
      kind: "equation",
      role: "loss",
      targets: [target],
      value,
      ...this.docOf(word),
      span: this.since(word),
    }));
  });
  /** `output y[b] = e`, `output a, b = f(x)`; without a value `output a, m.W` marks what is defined elsewhere. */
  outputStatement = this.RULE("outputStatement", (): Statement => {
    const word = this.CONSUME(Output);
    const targets: Target[] = [];
    let dotted = false;
    this.AT_LEAST_ONE_SEP({
      SEP: Comma,
      DEF: () =>
        this.OR([
          {
            GATE: () => this.LA(2).image === ".",
            ALT: () => {
              const name = this.SUBRULE(this.dottedName);
              dotted = true;
              this.ACTION(() => targets.push({ name, prime: false, span: name.span }));
            },
          },
          { ALT: () => targets.push(this.SUBRULE(this.target)) },
        ]),
    });
    const value = this.OPTION(() => this.SUBRULE(this.value));
    return this.ACTION(() => {
      const span = this.since(word);
      if (value && !dotted)
        return { kind: "equation", role: "output", targets, value, ...this.docOf(word), span };
      const defining =
        targets.find((target) => target.indices !== undefined || target.prime) ?? (value && targets[0]);
      if (defining)
        throw new StatementFault(diagnose("GRAD1011", defining.span, { name: defining.name.text }));
      return { kind: "output", names: targets.map((target) => target.name), span };
    });
  });
  targets = this.RULE("targets", (): Target[] => {
    const targets: Target[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => targets.push(this.SUBRULE(this.target)) });
    return targets;
  });
  target = this.RULE("target", (): Target => {
    const name = this.CONSUME(Name);
    const prime = this.OPTION(() => this.CONSUME(Prime));
    const indices = this.OPTION2(() => this.SUBRULE(this.leftIndices));
    return this.ACTION(() => ({
      name: this.nameOf(name),
      prime: prime !== undefined,
      ...(indices ? { indices } : {}),
      span: this.since(name),
    }));
  });
  leftIndices = this.RULE("leftIndices", (): IndexBinding[] => {
    const indices: IndexBinding[] = [];
    this.deeper(this.CONSUME(LeftSquare));
    this.MANY_SEP({
      SEP: Comma,
      DEF: () => {
        const first = this.LA(1);
        const index = this.SUBRULE(this.size);
        const range = this.OPTION(() => {
          this.CONSUME(In);
          return this.SUBRULE(this.range);
        });
        this.ACTION(() => indices.push({ index, ...(range ? { range } : {}), span: this.since(first) }));
      },
    });
    this.CONSUME(RightSquare);
    this.shallower();
    return indices;
  });

  recStatement = this.RULE("recStatement", (): Statement => {
    const word = this.CONSUME(Rec);
    const index = this.CONSUME(Name);
    this.CONSUME(In);
    const range = this.SUBRULE(this.range);
    const checkpoint = this.OPTION(() => this.SUBRULE(this.checkpoint));
    const condition = this.OPTION2(() => {
      this.CONSUME(While);
      return this.SUBRULE(this.expression);
    });
    const body = this.SUBRULE(this.block);
    return this.ACTION(() => ({
      kind: "rec",
      index: this.nameOf(index),
      range,
      ...(checkpoint ? { checkpoint } : {}),
      ...(condition ? { condition } : {}),
      body,
      span: this.since(word),
    }));
  });
  checkpoint = this.RULE("checkpoint", (): NonNullable<Declared<"rec">["checkpoint"]> => {
    const word = this.CONSUME(Checkpoint);
    const policy = this.OR({
      DEF: [
        { ALT: () => this.CONSUME(Sqrt) && ("sqrt" as const) },
        { ALT: () => this.CONSUME(None) && ("none" as const) },
        { ALT: () => this.SUBRULE(this.size) },
      ],
      IGNORE_AMBIGUITIES: true,
    });
    return this.ACTION(() => ({ policy, span: this.since(word) }));
  });

  trainStatement = this.RULE("trainStatement", (): Statement => {
    const word = this.CONSUME(Train);
    const loss = this.CONSUME(Name);
    this.CONSUME(With);
    const optimizer = this.CONSUME2(Name);
    const args: Argument[] = this.OPTION(() => this.SUBRULE(this.callArguments)) ?? [];
    const params = this.OPTION2(() => {
      this.CONSUME(For);
      return this.SUBRULE(this.dottedNames);
    });
    return this.ACTION(() => ({
      kind: "train",
      loss: this.nameOf(loss),
      optimizer: this.nameOf(optimizer),
      args,
      ...(params ? { params } : {}),
      span: this.since(word),
    }));
  });
  dottedNames = this.RULE("dottedNames", (): NameNode[] => {
    const names: NameNode[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => names.push(this.SUBRULE(this.dottedName)) });
    return names;
  });

  checkStatement = this.RULE("checkStatement", (): Statement => {
    const word = this.CONSUME(Check);
    const loss = this.CONSUME(Name);
    const values: Declared<"check">["values"][number][] = [];
    this.CONSUME(At);
    this.deeper(this.CONSUME(LeftCurly));
    this.MANY(() => {
      this.MANY2(() =>
        this.OR([
          { ALT: () => this.CONSUME(Boundary) },
          { ALT: () => this.CONSUME(Comma) },
          { ALT: () => this.CONSUME(Semicolon) },
        ]),
      );
      const name = this.SUBRULE(this.dottedName);
      const value = this.SUBRULE(this.value);
      this.ACTION(() => values.push({ name, value }));
    });
    this.OPTION(() => this.CONSUME2(Comma));
    this.CONSUME(RightCurly);
    this.shallower();
    return this.ACTION(() => ({ kind: "check", loss: this.nameOf(loss), values, span: this.since(word) }));
  });

  importStatement = this.RULE("importStatement", (): Statement => {
    const word = this.CONSUME(Import);
    const names: { name: NameNode; as?: NameNode }[] = [];
    this.CONSUME(LeftCurly);
    const item = (): void => {
      const each = this.SUBRULE(this.importedName);
      names.push(each);
    };
    this.OPTION(() => {
      item();
      this.MANY(() => {
        this.CONSUME(Comma);
        names.push(this.SUBRULE2(this.importedName));
      });
      this.OPTION2(() => this.CONSUME2(Comma));
    });
    this.CONSUME(RightCurly);
    this.CONSUME(From);
    const from = this.CONSUME(StringLiteral);
    return this.ACTION(() => ({
      kind: "import",
      names,
      from: from.image.replaceAll('"', ""),
      fromSpan: this.spanOf(from),
      span: this.since(word),
    }));
  });
  importedName = this.RULE("importedName", (): { name: NameNode; as?: NameNode } => {
    const name = this.CONSUME(Name);
    const as = this.OPTION(() => {
      this.CONSUME(As);
      return this.CONSUME2(Name);
    });
    return this.ACTION(() => ({ name: this.nameOf(name), ...(as ? { as: this.nameOf(as) } : {}) }));
  });

  // ---------------------------------------------------------------------------------- functions and optimizers

  fnStatement = this.RULE("fnStatement", (): Statement => {
    const word = this.OR([{ ALT: () => this.CONSUME(Fn) }, { ALT: () => this.CONSUME(Layer) }]);
    const name = this.CONSUME(Name);
    const sizes = this.OPTION(() => this.SUBRULE(this.sizeNames)) ?? [];
    const parameters = this.SUBRULE(this.parameters);
    const rest = this.OR2({
      DEF: [
        {
          ALT: () => {
            const body = this.SUBRULE(this.value);
            return this.ACTION(() => ({ body }));
          },
        },
        { ALT: () => this.SUBRULE(this.resultsAndBody) },
      ],
      ERR_MSG: "`->` or `=`",
    });
    return this.ACTION(() => ({
      kind: word.tokenType === Fn ? "fn" : "layer",
      name: this.nameOf(name),
      sizes,
      parameters,
      ...rest,
      ...this.docOf(word),
      span: this.since(word),
    }));
  });
  resultsAndBody = this.RULE(
    "resultsAndBody",
    (): Pick<FunctionStatement, "results" | "body" | "adjoint"> => {
      this.CONSUME(Arrow);
      const results: Result[] = [];
      this.OR({
        DEF: [
          { ALT: () => results.push(this.SUBRULE(this.result)) },
          {
            ALT: () => {
              this.CONSUME(LeftParen);
              this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => results.push(this.SUBRULE2(this.result)) });
              this.CONSUME(RightParen);
            },
          },
        ],
        ERR_MSG: "a result, as in `y: f32[N]`",
      });
      const body = this.SUBRULE(this.block);
      const adjoint = this.OPTION(() => this.SUBRULE(this.adjoint));
      return this.ACTION(() => ({ results, body, ...(adjoint ? { adjoint } : {}) }));
    },
  );
  adjoint = this.RULE("adjoint", (): NonNullable<FunctionStatement["adjoint"]> => {
    const word = this.CONSUME(Adjoint);
    const cotangents = this.SUBRULE(this.nameList);
    this.CONSUME(Arrow);
    const results = this.SUBRULE2(this.nameList);
    const body = this.SUBRULE(this.block);
    return this.ACTION(() => ({ cotangents, results, body, span: this.since(word) }));
  });
  sizeNames = this.RULE("sizeNames", (): NameNode[] => {
    const names: NameNode[] = [];
    this.CONSUME(Less);
    this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => names.push(this.SUBRULE(this.plainName)) });
    this.CONSUME(Greater);
    return names;
  });
  nameList = this.RULE("nameList", (): NameNode[] => {
    const names: NameNode[] = [];
    this.CONSUME(LeftParen);
    this.MANY_SEP({ SEP: Comma, DEF: () => names.push(this.SUBRULE(this.plainName)) });
    this.CONSUME(RightParen);
    return names;
  });
  plainName = this.RULE("plainName", (): NameNode => {
    const name = this.CONSUME(Name);
    return this.ACTION(() => this.nameOf(name));
  });
  result = this.RULE("result", (): Result => {
    const name = this.CONSUME(Name);
    const type = this.SUBRULE(this.annotation);
    return this.ACTION(() => ({ name: this.nameOf(name), type, span: this.since(name) }));
  });
  parameters = this.RULE("parameters", (): Parameter[] => {
    const list: Parameter[] = [];
    this.CONSUME(LeftParen);
    this.OPTION(() => {
      list.push(this.SUBRULE(this.parameter));
      this.MANY(() => {
        this.CONSUME(Comma);
        list.push(this.SUBRULE2(this.parameter));
      });
      this.OPTION2(() => this.CONSUME2(Comma));
    });
    this.CONSUME(RightParen);
    return list;
  });
  parameter = this.RULE("parameter", (): Parameter => {
    const name = this.CONSUME(Name);
    this.CONSUME(Colon);
    const type = this.OR({
      DEF: [
        {
          GATE: () => this.LA(2).image === "(",
          ALT: (): Parameter["type"] => this.SUBRULE(this.functionType),
        },
        { ALT: (): Parameter["type"] => this.SUBRULE(this.tensorType) },
      ],
      IGNORE_AMBIGUITIES: true,
    });
    const value = this.OPTION(() => this.SUBRULE(this.value));
    return this.ACTION(() => ({
      name: this.nameOf(name),
      type,
      ...(value ? { value } : {}),
      span: this.since(name),
    }));
  });

  optimizerStatement = this.RULE("optimizerStatement", (): Statement => {
    const word = this.CONSUME(Optimizer);
    const name = this.CONSUME(Name);
    const parameters = this.OPTION(() => this.SUBRULE(this.parameters)) ?? [];
    this.CONSUME(For);
    const param = this.CONSUME2(Name);
    this.CONSUME(Comma);
    const gradient = this.CONSUME3(Name);
    const body = this.SUBRULE(this.block);
    return this.ACTION(() => ({
      kind: "optimizer",
      name: this.nameOf(name),
      parameters,
      param: this.nameOf(param),
      gradient: this.nameOf(gradient),
      body,
      ...this.docOf(word),
      span: this.since(word),
    }));
  });
}
