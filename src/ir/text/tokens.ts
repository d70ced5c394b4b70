/** A fault in IR text. Lines and columns from 1. */
export class IrTextError extends Error {
  override readonly name = "IrTextError";
  constructor(
    message: string,
    readonly line: number,
    readonly column: number,
  ) {
    super(`${line}:${column}: ${message}`);
  }
}

export interface TextToken {
  readonly kind: "value" | "shared" | "name" | "number" | "string" | "symbol" | "end";
  readonly text: string;
  readonly column: number;
}

/** `%h.sum`, `%d_l/W1`, `%m'`: a point or slash belongs to a name where a letter or digit follows. */
const VALUE = /%[\p{L}\p{N}_](?:[\p{L}\p{N}_']|[./](?=[\p{L}\p{N}_]))*/uy;
const PLAIN = /[\p{L}_][\p{L}\p{N}_']*/uy;
/** A name that is no word: of a size that the compiler has added. */
const QUOTED = /`[^`]+`/y;
const NUMBER = /\d+(?:\.\d+)?(?:e[+-]?\d+)?/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const SYMBOL = /\.\.|:=|\+=|<-|==|!=|<=|[-+*/<@()[\]{},;:|=.]/y;

/** A dim's name as the text has it. */
export const dimText = (name: string): string =>
  new RegExp(`^(?:${PLAIN.source})$`, "u").test(name) ? name : `\`${name}\``;

/** The tokens of one line, with a cursor. */
export class TextLine {
  private readonly tokens: TextToken[] = [];
  private at = 0;

  /** @throws IrTextError at a character that begins no token */
  constructor(
    text: string,
    readonly number: number,
  ) {
    const match = (pattern: RegExp, from: number): string | undefined => {
      pattern.lastIndex = from;
      return pattern.exec(text)?.[0];
    };
    for (let k = 0; k < text.length;) {
      if (text[k] === " ") {
        k++;
        continue;
      }
      const found = ((): [TextToken["kind"], string | undefined] => {
        const c = text[k] ?? "";
        if (c === "%") return ["value", match(VALUE, k)];
        if (c === "$") return ["shared", /^\$\d+/.exec(text.slice(k, k + 12))?.[0]];
        if (c === '"') return ["string", match(STRING, k)];
        if (c === "`") return ["name", match(QUOTED, k)];
        if (c >= "0" && c <= "9") return ["number", match(NUMBER, k)];
        const name = match(PLAIN, k);
        return name === undefined ? ["symbol", match(SYMBOL, k)] : ["name", name];
      })();
      const [kind, token] = found;
      if (token === undefined) throw new IrTextError(`\`${text[k]}\` begins nothing`, number, k + 1);
      const bare = token.startsWith("`") ? token.slice(1, -1) : token;
      this.tokens.push({ kind, text: bare, column: k + 1 });
      k += token.length;
    }
    this.tokens.push({ kind: "end", text: "", column: text.length + 1 });
  }

  get next(): TextToken {
    return this.tokens[this.at] ?? { kind: "end", text: "", column: 0 };
  }
  peek(distance: number): TextToken | undefined {
    return this.tokens[this.at + distance];
  }
  /** Whether these tokens are a number, with or without its type: `2.0`, `2.0f64`, `inf:f64`. */
  isNumber(from: number, count: number): boolean {
    const [first, ...rest] = this.tokens.slice(from, from + count);
    const number = first?.kind === "number" || first?.text === "inf" || first?.text === "nan";
    return number && rest.every((t) => t.text === ":" || /^[fiu]\d+$/.test(t.text));
  }
  get position(): number {
    return this.at;
  }
  seek(position: number): void {
    this.at = position;
  }
  toEnd(): void {
    this.at = this.tokens.length - 1;
  }
  /** The position of the last word with this text, or undefined. */
  find(text: string): number | undefined {
    const k = this.tokens.findLastIndex((t) => t.text === text && t.kind === "name");
    return k < 0 ? undefined : k;
  }
  fail(message: string, token = this.next): never {
    throw new IrTextError(message, this.number, token.column);
  }
  is(text: string): boolean {
    return this.next.text === text && this.next.kind !== "string";
  }
  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.at++;
    return true;
  }
  expect(text: string): void {
    if (!this.accept(text)) this.fail(`\`${text}\` is wanted here, not ${this.shown()}`);
  }
  take(kind: TextToken["kind"], what: string): string {
    const token = this.next;
    if (token.kind !== kind) this.fail(`${what} is wanted here, not ${this.shown()}`);
    this.at++;
    return token.text;
  }
  /** The name of a result or parameter: `m.W`, `nll/m/W1`, `m'`. */
  takeName(what: string): string {
    let name = this.take("name", what);
    // Parts are joined where no space stands between them.
    for (;;) {
      const [mark, part] = [this.next, this.peek(1)];
      const adjacent = mark.column === this.endOfLast() && part?.column === mark.column + mark.text.length;
      const joins = (mark.text === "/" || mark.text === ".") && adjacent;
      if (!joins || !part || (part.kind !== "name" && part.kind !== "number")) return name;
      name += mark.text + part.text;
      this.at += 2;
    }
  }
  natural(): number {
    return Number(this.take("number", "a number"));
  }
  /** As JavaScript writes it. */
  signed(): number {
    const negative = this.accept("-");
    const size = this.accept("Infinity") ? Infinity : this.accept("NaN") ? NaN : this.natural();
    return negative ? -size : size;
  }
  /** `+1`, `-1` or nothing. */
  shift(): number {
    if (this.accept("-")) return -this.natural();
    return this.accept("+") ? this.natural() : 0;
  }
  /** Items with commas between them up to `close`, which is read too. */
  list<T>(close: string, item: () => T): T[] {
    const items: T[] = [];
    if (this.accept(close)) return items;
    do items.push(item());
    while (this.accept(","));
    this.expect(close);
    return items;
  }
  private endOfLast(): number {
    const last = this.tokens[this.at - 1];
    return last ? last.column + last.text.length : 0;
  }
  end(): void {
    if (this.next.kind !== "end") this.fail(`nothing more is wanted here, not ${this.shown()}`);
  }
  private shown(): string {
    return this.next.kind === "end" ? "the end of the line" : `\`${this.next.text}\``;
  }
}

/** The word as one of a list, or undefined. */
export const oneOf = <T extends string>(list: readonly T[], word: string): T | undefined =>
  list.find((known) => known === word);
