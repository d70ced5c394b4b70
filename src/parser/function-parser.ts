import type {
  FunctionStatement,
  FunctionTypeSyntax,
  Name as NameNode,
  Parameter,
  Result,
  Statement,
  TypeSyntax,
} from "./ast.js";
import { DeclarationParser } from "./declaration-parser.js";
import {
  Adjoint,
  Arrow,
  Colon,
  Comma,
  Fn,
  For,
  Greater,
  Layer,
  LeftParen,
  Less,
  Name,
  Optimizer,
  RightParen,
} from "./vocabulary.js";

/** Functions, layers and optimizers of grammar/grad.ebnf, a method a production. */
export abstract class FunctionParser extends DeclarationParser {
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
