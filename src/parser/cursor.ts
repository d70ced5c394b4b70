import { diagnose, type Diagnostic } from "../diagnostics/diagnostic.js";
import { join, type Span } from "../diagnostics/span.js";
import type { Name } from "./ast.js";
import type { Token } from "./tokens.js";

/** Ends the statement at hand; the parser goes on with the next one. */
export class SyntaxFault extends Error {
  constructor(readonly diagnostic: Diagnostic) {
    super(diagnostic.message);
  }
}

export const MOST_NESTED = 64;
const RESERVED = new Set(["if", "then", "else", "and", "or", "not", "true", "false", "in"]);

/** The token stream with one look ahead, and the bookkeeping of nesting. */
export class Cursor {
  private at = 0;
  private nested = 0;
  constructor(private readonly tokens: readonly Token[]) {}

  peek(ahead = 0): Token {
    const token = this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)];
    if (!token) throw new RangeError("the token list ends with `end`");
    return token;
  }
  previous(): Token {
    return this.tokens[Math.max(0, this.at - 1)] ?? this.peek();
  }
  next(): Token {
    const token = this.peek();
    if (token.kind !== "end") this.at++;
    return token;
  }
  get position(): number {
    return this.at;
  }
  is(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.text === text && token.kind !== "string" && token.kind !== "end";
  }
  take(text: string): Token | undefined {
    return this.is(text) ? this.next() : undefined;
  }
  isName(ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === "name" && !RESERVED.has(token.text);
  }
  expect(text: string, what = `\`${text}\``): Token {
    return this.take(text) ?? this.fail(what);
  }
  name(what = "a name"): Name {
    if (!this.isName()) this.fail(what);
    const token = this.next();
    return { text: token.text, span: token.span };
  }
  /** `a`, `a.b`, `a.2.b` */
  dottedName(what = "a name"): Name {
    let name = this.name(what);
    while (this.is(".") && (this.isName(1) || this.peek(1).kind === "number")) {
      this.next();
      const part = this.next();
      name = { text: `${name.text}.${part.text}`, span: join(name.span, part.span) };
    }
    return name;
  }
  since(start: Span): Span {
    return join(start, this.previous().span);
  }
  /** @throws SyntaxFault at the token found, or after the last one where a new statement has begun. */
  fail(expected: string): never {
    const token = this.peek();
    const found = token.kind === "end" ? "the end of the file" : `\`${token.text.slice(0, 40)}\``;
    const last = this.previous().span;
    const span = token.lineStart && this.at > 0 ? { file: last.file, start: last.end, end: last.end } : token.span;
    throw new SyntaxFault(diagnose("GRAD1001", span, { expected, found: token.lineStart && token.kind !== "end" && this.at > 0 ? "the end of the line" : found }));
  }
  /** @throws SyntaxFault (GRAD1003) before descending deeper than 64. */
  deeper<T>(parse: () => T): T {
    if (this.nested >= MOST_NESTED) throw new SyntaxFault(diagnose("GRAD1003", this.peek().span, { limit: MOST_NESTED }));
    this.nested++;
    try {
      return parse();
    } finally {
      this.nested--;
    }
  }
  list<T>(item: () => T, close: string): T[] {
    const items: T[] = [];
    while (!this.is(close)) {
      items.push(item());
      if (!this.take(",")) break;
    }
    return items;
  }
  restart(): void {
    this.nested = 0;
  }
}
