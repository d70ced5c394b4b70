import type { IToken, ParserMethod } from "chevrotain";
import { diagnose } from "../diagnostics/diagnostic.js";
import type {
  Argument,
  Expression,
  IndexBinding,
  Name as NameNode,
  ParamStatement,
  Statement,
  Target,
  TypeSyntax,
} from "./ast.js";
import { ExpressionParser } from "./expression-parser.js";
import { StatementFault } from "./fault.js";
import type { Token } from "./token.js";
import {
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
  For,
  From,
  Import,
  In,
  Input,
  LeftCurly,
  LeftSquare,
  Loss,
  Name,
  None,
  Output,
  Param,
  Prime,
  Rec,
  RightCurly,
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

/** Declarations, equations and recurrences of grammar/grad.ebnf, a method a production. */
export abstract class DeclarationParser extends ExpressionParser {
  /** Statements in braces; recovery lives there. */
  abstract block: ParserMethod<[], Statement[]>;

  protected docOf(...tokens: readonly IToken[]): Doc {
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
    const dtype = this.CONSUME(Name, { ERR_MSG: "a type, as in `f32[N]`" });
    const sizes: Expression[] = [];
    this.OPTION(() => {
      this.deeper(this.CONSUME(LeftSquare));
      this.MANY_SEP({ SEP: Comma, DEF: () => sizes.push(this.SUBRULE(this.size)) });
      this.CONSUME(RightSquare);
      this.shallower();
    });
    return this.ACTION(() => ({ dtype: this.nameOf(dtype), sizes, span: this.since(dtype) }));
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
        throw new StatementFault(
          diagnose(
            "GRAD1011",
            defining.span,
            { name: defining.name.text },
            value
              ? {}
              : {
                  help: `\`output ${defining.name.text}\` marks what is defined elsewhere; \`output ${defining.name.text}[i] = …\` defines it`,
                },
          ),
        );
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
    this.OPTION(() => {
      names.push(this.SUBRULE(this.importedName));
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
}
