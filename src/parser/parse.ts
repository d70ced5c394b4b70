import type { Diagnostic } from "../diagnostics/diagnostic.js";
import type { Argument, EquationStatement, Expression, FunctionTypeSyntax, IndexBinding, Name, Parameter, Result, SourceFile, Statement, Target, TypeSyntax } from "./ast.js";
import { Cursor, SyntaxFault } from "./cursor.js";
import { additive, argumentsOf, expression, range, STATEMENT_WORDS } from "./expressions.js";
import { tokenize, type Token } from "./tokens.js";

const MOST_DIAGNOSTICS = 100;

/** Source text to syntax tree. A statement that does not parse is reported once and left out; the others stand. */
export function parse(source: string, file: string): { file: SourceFile; diagnostics: Diagnostic[] } {
  const { tokens, diagnostics } = tokenize(source, file);
  const parser = new StatementParser(new Cursor(tokens), diagnostics);
  const statements = parser.statements(() => false);
  const last = tokens[tokens.length - 1];
  const first = tokens[0] ?? last;
  if (!first || !last) throw new RangeError("a token list is never empty");
  return { file: { statements, broken: [], comments: [], span: { file, start: first.span.start, end: last.span.end } }, diagnostics: diagnostics.slice(0, MOST_DIAGNOSTICS) };
}

class StatementParser {
  constructor(
    private readonly c: Cursor,
    private readonly diagnostics: Diagnostic[],
  ) {}

  statements(closed: () => boolean): Statement[] {
    const found: Statement[] = [];
    while (this.c.peek().kind !== "end" && !closed()) {
      if (this.c.take(";")) continue;
      const before = this.c.position;
      try {
        this.c.restart();
        found.push(this.statement());
      } catch (fault) {
        if (!(fault instanceof SyntaxFault)) throw fault;
        if (this.diagnostics.length < MOST_DIAGNOSTICS) this.diagnostics.push(fault.diagnostic);
        if (this.c.position === before) this.c.next();
        this.resynchronise(closed);
      }
    }
    return found;
  }

  /** On to the next line that begins like a statement. */
  private resynchronise(closed: () => boolean): void {
    while (this.c.peek().kind !== "end" && !closed()) {
      const token = this.c.peek();
      if (token.lineStart && this.c.isName() && (STATEMENT_WORDS.has(token.text) || this.c.is("=", 1) || this.c.is("[", 1) || this.c.is("'", 1) || this.c.is(",", 1))) return;
      this.c.next();
    }
  }

  private statement(): Statement {
    const { c } = this;
    const word = c.peek();
    const named = c.isName(1) || c.is("{", 1);
    if (c.isName() && named && STATEMENT_WORDS.has(word.text)) {
      switch (word.text) {
        case "dim":
          return this.dims(c.next());
        case "input":
          return this.inputs(c.next());
        case "param":
        case "state":
          return this.params(c.next(), word.text);
        case "const":
          return this.consts(c.next());
        case "output":
          c.next();
          return this.output(word);
        case "loss":
          c.next();
          return this.equation(word, "loss");
        case "train":
          return this.train(c.next());
        case "fn":
        case "layer":
          return this.fn(c.next(), word.text);
        case "optimizer":
          return this.optimizer(c.next());
        case "rec":
          return this.rec(c.next());
        case "import":
          return this.importing(c.next());
        case "check":
          return this.check(c.next());
      }
    }
    if (!c.isName()) c.fail("a declaration or an equation");
    return this.equation(word, "value");
  }

  private each<T>(item: () => T): T[] {
    const items = [item()];
    while (this.c.take(",")) items.push(item());
    return items;
  }
  private docOf(word: Token): { doc?: string } {
    return word.doc === undefined ? {} : { doc: word.doc };
  }
  private value(): { value?: ReturnType<typeof expression> } {
    return this.c.take("=") ? { value: expression(this.c) } : {};
  }

  private dims(word: Token): Statement {
    const dims = this.each(() => ({ name: this.c.name("a dim"), ...this.value() }));
    return { kind: "dim", dims, ...this.docOf(word), span: this.c.since(word.span) };
  }
  private inputs(word: Token): Statement {
    const items = this.each(() => {
      const doc = this.c.peek().doc ?? word.doc;
      const name = this.c.name();
      this.c.expect(":", "`:` and a type");
      const type = this.type();
      return { name, type, ...(this.c.take("in") ? { range: range(this.c) } : {}), ...this.value(), ...(doc === undefined ? {} : { doc }) };
    });
    return { kind: "input", items, span: this.c.since(word.span) };
  }
  private params(word: Token, kind: "param" | "state"): Statement {
    const items = this.each(() => {
      const doc = this.c.peek().doc ?? word.doc;
      const name = this.c.name();
      return { name, ...(this.c.take(":") ? { type: this.type() } : {}), ...this.value(), ...(doc === undefined ? {} : { doc }) };
    });
    return { kind, items, span: this.c.since(word.span) };
  }
  private consts(word: Token): Statement {
    const items = this.each(() => {
      const name = this.c.name();
      const type = this.c.take(":") ? { type: this.type() } : {};
      this.c.expect("=");
      return { name, ...type, value: expression(this.c), ...this.docOf(word) };
    });
    return { kind: "const", items, span: this.c.since(word.span) };
  }
  type(): TypeSyntax {
    const dtype = this.c.name("a type");
    const sizes: Expression[] = [];
    if (this.c.take("[")) {
      sizes.push(...this.c.list(() => additive(this.c), "]"));
      this.c.expect("]");
    }
    return { dtype, sizes, span: this.c.since(dtype.span) };
  }

  private output(word: Token): Statement {
    const { c } = this;
    // `output a, b` names values; anything else is an equation.
    let ahead = 1;
    while (c.is(",", ahead) && c.isName(ahead + 1)) ahead += 2;
    const bare = !c.is("[", ahead) && !c.is("=", ahead) && !c.is(".", ahead);
    if (bare || c.is(".", 1)) {
      const names = this.each(() => c.dottedName());
      return { kind: "output", names, span: c.since(word.span) };
    }
    return this.equation(word, "output");
  }

  private equation(word: Token, role: EquationStatement["role"]): Statement {
    const targets = this.each(() => this.target());
    this.c.expect("=", "`=`");
    const value = expression(this.c);
    this.endOfStatement();
    return { kind: "equation", role, targets, value, ...this.docOf(word), span: this.c.since(word.span) };
  }
  /** What follows an expression on the same line and is no statement is an error here, not a statement of its own. */
  private endOfStatement(): void {
    const token = this.c.peek();
    if (token.kind === "end" || token.lineStart || this.c.is(";") || this.c.is("}") || this.c.isName()) return;
    this.c.fail("an operator or the end of the statement");
  }
  private target(): Target {
    const { c } = this;
    const name = c.name();
    const prime = c.take("'") !== undefined;
    if (!c.take("[")) return { name, prime, span: c.since(name.span) };
    const indices = c.list((): IndexBinding => {
      const index = additive(c);
      return { index, ...(c.take("in") ? { range: range(c) } : {}), span: c.since(index.span) };
    }, "]");
    c.expect("]");
    return { name, prime, indices, span: c.since(name.span) };
  }

  private train(word: Token): Statement {
    const { c } = this;
    const loss = c.name("a loss");
    c.expect("with");
    const optimizer = c.name("an optimizer");
    const args: Argument[] = [];
    if (c.take("(")) {
      args.push(...argumentsOf(c));
      c.expect(")");
    }
    const params = c.take("for") ? { params: this.each(() => c.dottedName()) } : {};
    return { kind: "train", loss, optimizer, args, ...params, span: c.since(word.span) };
  }

  private block(): Statement[] {
    this.c.expect("{");
    const body = this.c.deeper(() => this.statements(() => this.c.is("}")));
    this.c.expect("}");
    return body;
  }
  private rec(word: Token): Statement {
    const { c } = this;
    const index = c.name("an index");
    c.expect("in");
    const over = range(c);
    const policy = c.take("checkpoint");
    const checkpoint = policy && { policy: c.take("sqrt") ? ("sqrt" as const) : c.take("none") ? ("none" as const) : additive(c), span: c.since(policy.span) };
    const condition = c.take("while") ? expression(c) : undefined;
    const body = this.block();
    return { kind: "rec", index, range: over, ...(checkpoint ? { checkpoint } : {}), ...(condition ? { condition } : {}), body, span: c.since(word.span) };
  }

  private parameters(): Parameter[] {
    this.c.expect("(");
    const list = this.c.list((): Parameter => {
      const name = this.c.name();
      this.c.expect(":");
      const type = this.c.is("fn") ? this.functionType() : this.type();
      return { name, type, ...this.value(), span: this.c.since(name.span) };
    }, ")");
    this.c.expect(")");
    return list;
  }
  private functionType(): FunctionTypeSyntax {
    const { c } = this;
    const start = c.next().span;
    c.expect("(");
    const parameters = c.list(() => this.type(), ")");
    c.expect(")");
    c.expect("->");
    const results = c.take("(") ? c.list(() => this.type(), ")") : [this.type()];
    if (results.length > 1) c.expect(")");
    return { parameters, results, span: c.since(start) };
  }
  private fn(word: Token, kind: "fn" | "layer"): Statement {
    const { c } = this;
    const name = c.name();
    const sizes: Name[] = c.take("<") ? c.list(() => c.name("a size"), ">") : [];
    if (sizes.length) c.expect(">");
    const parameters = this.parameters();
    if (c.take("=")) return { kind, name, sizes, parameters, body: expression(c), ...this.docOf(word), span: c.since(word.span) };
    c.expect("->", "`->` or `=`");
    const result = (): Result => {
      const of = c.name();
      c.expect(":");
      return { name: of, type: this.type(), span: c.since(of.span) };
    };
    let results: Result[];
    if (c.take("(")) {
      results = c.list(result, ")");
      c.expect(")");
    } else results = [result()];
    const body = this.block();
    const start = c.take("adjoint");
    if (!start) return { kind, name, sizes, parameters, results, body, ...this.docOf(word), span: c.since(word.span) };
    const names = (): Name[] => {
      c.expect("(");
      const list = c.list(() => c.name(), ")");
      c.expect(")");
      return list;
    };
    const cotangents = names();
    c.expect("->");
    const flowing = names();
    const adjoint = { cotangents, results: flowing, body: this.block(), span: c.since(start.span) };
    return { kind, name, sizes, parameters, results, body, adjoint, ...this.docOf(word), span: c.since(word.span) };
  }
  private optimizer(word: Token): Statement {
    const { c } = this;
    const name = c.name();
    const parameters = c.is("(") ? this.parameters() : [];
    c.expect("for");
    const param = c.name();
    c.expect(",");
    const gradient = c.name();
    const body = this.block();
    return { kind: "optimizer", name, parameters, param, gradient, body, ...this.docOf(word), span: c.since(word.span) };
  }
  private importing(word: Token): Statement {
    const { c } = this;
    c.expect("{");
    const names = c.list(() => ({ name: c.name(), ...(c.take("as") ? { as: c.name() } : {}) }), "}");
    c.expect("}");
    c.expect("from");
    const from = c.peek();
    if (from.kind !== "string") c.fail("a file or library in quotes");
    c.next();
    return { kind: "import", names, from: from.text.slice(1, -1), fromSpan: from.span, span: c.since(word.span) };
  }
  private check(word: Token): Statement {
    const { c } = this;
    const loss = c.name("a loss");
    c.expect("at");
    c.expect("{");
    const values = c.list(() => {
      const name = c.dottedName();
      c.expect("=");
      return { name, value: expression(c) };
    }, "}");
    c.expect("}");
    return { kind: "check", loss, values, span: c.since(word.span) };
  }
}
