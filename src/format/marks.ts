import type { SourceFile } from "../parser/ast.js";
import type { Token } from "../parser/token.js";
import { STATEMENT_WORDS } from "../parser/words.js";

/** What the spaces between tokens cannot be told without: all by the offset of a token's first character. */
export interface Marks {
  /** First tokens of statements, in blocks as well. */
  readonly statements: Set<number>;
  /** `<` and `>` around sizes, operators in the bounds of a range: written without spaces. */
  readonly tight: Set<number>;
  /** Tokens with a space before them though a bracket or name precedes: what an operator's head applies to. */
  readonly apart: Set<number>;
  /** The `-` and `+` that stand before one operand only. */
  readonly prefix: Set<number>;
  /** `(` is written before, `)` after the token: where the reference wants brackets. */
  readonly opens: Map<number, number>;
  readonly closes: Map<number, number>;
  /** `=` of a statement that defines one thing: what is aligned. */
  readonly equals: Set<number>;
}

type Tree = { readonly [key: string]: unknown };
const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null;
const spanOf = (node: unknown): { from: number; to: number } | undefined => {
  const span = isTree(node) && isTree(node["span"]) ? node["span"] : undefined;
  const start = span && isTree(span["start"]) ? span["start"]["offset"] : undefined;
  const end = span && isTree(span["end"]) ? span["end"]["offset"] : undefined;
  return typeof start === "number" && typeof end === "number" ? { from: start, to: end } : undefined;
};

/** Reads the tree for the marks. The walk is over fields and keeps its own stack, since sums may be very deep on the left. */
export function marksOf(file: SourceFile, tokens: readonly Token[]): Marks {
  const marks: Marks = {
    statements: new Set(),
    tight: new Set(),
    apart: new Set(),
    prefix: new Set(),
    opens: new Map(),
    closes: new Map(),
    equals: new Set(),
  };
  const cursor = new Cursor(tokens);
  const work: unknown[] = [file.statements];
  for (let node = work.pop(); node !== undefined; node = work.pop()) {
    if (!isTree(node)) continue;
    if (!Array.isArray(node)) mark(node, marks, cursor);
    for (const [key, value] of Object.entries(node))
      if (isTree(value) && key !== "span" && !key.endsWith("Span")) work.push(value);
  }
  return marks;
}

/** Kinds of nodes: a statement's is its word, but for equations, which a loss is too. */
const STATEMENTS: ReadonlySet<unknown> = new Set([...STATEMENT_WORDS, "equation"]);

function mark(node: Tree, marks: Marks, cursor: Cursor): void {
  const span = spanOf(node);
  if (!span) return;
  const { kind } = node;
  if (STATEMENTS.has(kind)) {
    marks.statements.add(span.from);
    const items = node["items"] ?? node["targets"];
    if (Array.isArray(items) && (items.length === 1 || kind === "equation")) {
      const equals = cursor.outside(span.from, span.to, ["="]);
      if (equals !== undefined) marks.equals.add(equals);
    }
  }
  if (kind === "rec")
    for (const word of ["while", "checkpoint"]) {
      const at = cursor.outside(span.from, span.to, [word]);
      if (at !== undefined) marks.apart.add(cursor.after(at)?.startOffset ?? at);
    }
  if ((kind === "fn" || kind === "layer" || kind === "call") && Array.isArray(node["sizes"])) {
    const name = spanOf(node["name"] ?? node["callee"]);
    if (node["sizes"].length && name) angles(name.to, marks, cursor);
  }
  if ("lo" in node && "hi" in node) {
    // A bound that begins or ends with a bracket has that outside of its span, so the depth may go below 0.
    for (const token of cursor.inside(span.from, span.to)) marks.tight.add(token.startOffset);
  }
  const head = isTree(node["headSpan"]) ? spanOf({ span: node["headSpan"] }) : undefined;
  if (head) {
    const next = cursor.atOrAfter(head.to);
    if (next) marks.apart.add(next.startOffset);
  }
  if (kind === "unary" && node["operator"] === "-") {
    marks.prefix.add(span.from);
    if (hasModulo(node["operand"])) bracket(span, node["operand"], marks, cursor);
  }
}

/** The pair around sizes; comparisons do not stand in them. */
function angles(from: number, marks: Marks, cursor: Cursor): void {
  const open = cursor.atOrAfter(from);
  if (!open || open.image !== "<") return;
  marks.tight.add(open.startOffset);
  const close = cursor.outside(open.startOffset + 1, Infinity, [">"]);
  if (close !== undefined) marks.tight.add(close);
}

/** Whether a product's own spine has a `%`. */
function hasModulo(node: unknown): boolean {
  let at = node;
  while (isTree(at) && at["kind"] === "binary") {
    if (at["operator"] === "%") return true;
    if (at["operator"] !== "*" && at["operator"] !== "/" && at["operator"] !== "@") return false;
    at = at["left"];
  }
  return false;
}

/** `-a % b` is `-(a % b)`: says so, unless brackets stand there already. */
function bracket(span: { from: number; to: number }, operand: unknown, marks: Marks, cursor: Cursor): void {
  const operator = isTree(operand) ? spanOf({ span: operand["operatorSpan"] }) : undefined;
  const first = cursor.after(span.from);
  if (!operator || !first || cursor.enclosed(first, operator.from)) return;
  const last = cursor.lastBefore(span.to);
  marks.opens.set(first.startOffset, (marks.opens.get(first.startOffset) ?? 0) + 1);
  marks.closes.set(last.startOffset, (marks.closes.get(last.startOffset) ?? 0) + 1);
}

const OPENS = new Set(["(", "[", "{"]);
const CLOSES = new Set([")", "]", "}"]);

/** Looks tokens up by their offsets. */
class Cursor {
  constructor(private readonly tokens: readonly Token[]) {}

  private indexAt(offset: number): number {
    let low = 0;
    let high = this.tokens.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.tokens[middle]?.startOffset ?? Infinity) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
  atOrAfter(offset: number): Token | undefined {
    return this.tokens[this.indexAt(offset)];
  }
  after(offset: number): Token | undefined {
    return this.tokens[this.indexAt(offset + 1)];
  }
  lastBefore(offset: number): Token {
    return this.tokens[Math.max(0, this.indexAt(offset) - 1)]!;
  }
  /** The first token of these texts that no bracket encloses. */
  outside(from: number, to: number, texts: readonly string[]): number | undefined {
    return this.inside(from, to).find((token) => texts.includes(token.image))?.startOffset;
  }
  /** All tokens in the part that no bracket within it encloses, the brackets themselves left out. */
  inside(from: number, to: number): Token[] {
    const found: Token[] = [];
    let depth = 0;
    for (let k = this.indexAt(from); k < this.tokens.length; k++) {
      const token = this.tokens[k]!;
      if (token.startOffset >= to) break;
      if (OPENS.has(token.image)) depth++;
      else if (CLOSES.has(token.image)) depth--;
      else if (depth <= 0) found.push(token);
      // Past the block or bracket that the part began in there is nothing of it.
      if (depth < 0 && to === Infinity) break;
    }
    return found;
  }
  /** Whether the bracket that `first` opens closes only after `offset`. */
  enclosed(first: Token, offset: number): boolean {
    if (first.image !== "(") return false;
    let depth = 0;
    for (let k = this.indexAt(first.startOffset); k < this.tokens.length; k++) {
      const token = this.tokens[k]!;
      if (token.startOffset > offset) return depth > 0;
      if (OPENS.has(token.image)) depth++;
      else if (CLOSES.has(token.image) && --depth === 0) return false;
    }
    return false;
  }
}
