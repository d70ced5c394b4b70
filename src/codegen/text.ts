/** A piece of text with the strength of its outermost operator, so that brackets stand only where they are needed. */
export interface Piece {
  readonly text: string;
  readonly strength: number;
  /** The operator where it is binary: some may be chained with themselves and not with their neighbours. */
  readonly operator?: string;
}

/** Binding strength, as in C; JavaScript and WGSL agree where they have the same operator. */
export const STRENGTH = {
  atom: 20,
  unary: 15,
  product: 13,
  sum: 12,
  shift: 11,
  relation: 10,
  equality: 9,
  bits: 6,
  and: 4,
  or: 3,
  choice: 2,
  lowest: 0,
} as const;

const OPERATORS: ReadonlyMap<string, number> = new Map([
  ...["*", "/", "%"].map((o) => [o, STRENGTH.product] as const),
  ...["+", "-"].map((o) => [o, STRENGTH.sum] as const),
  ...["<", "<=", ">", ">="].map((o) => [o, STRENGTH.relation] as const),
  ...["==", "!=", "===", "!=="].map((o) => [o, STRENGTH.equality] as const),
  ["&&", STRENGTH.and],
  ["||", STRENGTH.or],
]);

export const atom = (text: string): Piece => ({ text, strength: STRENGTH.atom });
export const bracketed = (p: Piece, least: number): string => (p.strength >= least ? p.text : `(${p.text})`);

/** Left-associative, except that a chain of one logical operator needs no brackets at all. */
export function infix(operator: string, a: Piece, b: Piece): Piece {
  const strength = OPERATORS.get(operator) ?? STRENGTH.lowest;
  const logical = operator === "&&" || operator === "||";
  // Other operands of && and || must bind closer than both: WGSL has no order between the two. Relations do not chain.
  const side = (p: Piece, right: boolean): string => {
    if (logical) return p.operator === operator ? p.text : bracketed(p, STRENGTH.equality);
    if (strength === STRENGTH.relation || strength === STRENGTH.equality) return bracketed(p, STRENGTH.shift);
    return bracketed(p, right ? strength + 1 : strength);
  };
  return { text: `${side(a, false)} ${operator} ${side(b, true)}`, strength, operator };
}
/** `--x` would be another operator, so a minus never meets a minus. */
export function prefix(operator: "-" | "!", a: Piece): Piece {
  const text = bracketed(a, STRENGTH.unary);
  return { text: operator + (text.startsWith("-") ? `(${text})` : text), strength: STRENGTH.unary };
}

const marker = (k: number): string => `\u0001${k}\u0002`;
const MARKER = /\u0001(\d+)\u0002/g;
/** A call's text with markers for its operands; how it is built decides where brackets go. */
const SIMPLE = /^\((?:\u0001(\d+)\u0002 (\S+) \u0001(\d+)\u0002)\)$/;
const PREFIX = /^\(([-!]) ?\u0001(\d+)\u0002\)$/;

/** Ends in `| 0` or `>>> 0`, with nothing looser before. */
const WRAPPED_INTEGER = /^[^?&|<>=]+ (?:\| 0|>>> 0)$/;

/** Whether the first bracket closes at the end. */
function isWrapped(text: string): boolean {
  if (!text.startsWith("(") || !text.endsWith(")")) return false;
  let depth = 0;
  for (let k = 0; k < text.length; k++) {
    if (text[k] === "(") depth++;
    else if (text[k] === ")" && --depth === 0) return k === text.length - 1;
  }
  return false;
}

/** Markers stand for operands, except for literals, which an expression may want to look into. */
const templateOf = (
  expression: (args: readonly string[]) => string,
  literals: readonly (string | null)[],
): string => expression(literals.map((literal, k) => literal ?? marker(k)));

/**
 * The text of a scalar function's call: `expression` is the function table's, whose operands are atoms. Whole
 * arguments of a call inside it lose their brackets, and so does the result where its user puts none.
 */
export function callPiece(
  expression: (args: readonly string[]) => string,
  args: readonly Piece[],
  literals: readonly (string | null)[],
): Piece {
  const template = templateOf(expression, literals);
  const operand = (k: string | undefined): Piece => args[Number(k)] ?? atom("0");
  const simple = SIMPLE.exec(template);
  if (simple?.[2] !== undefined && OPERATORS.has(simple[2]))
    return infix(simple[2], operand(simple[1]), operand(simple[3]));
  const unary = PREFIX.exec(template);
  if (unary) return prefix(unary[1] === "!" ? "!" : "-", operand(unary[2]));
  const wrapped = isWrapped(template);
  const inner = wrapped ? template.slice(1, -1) : template;
  const text = inner.replace(MARKER, (found: string, k: string, at: number) => {
    const before = inner.slice(0, at);
    const after = inner.slice(at + found.length);
    const whole = /(?:\w\(|, )$/.test(before) && /^(?:\)|, )/.test(after);
    return whole || inner === found ? operand(k).text : bracketed(operand(k), STRENGTH.atom);
  });
  if (inner.replace(MARKER, "") === "" && !wrapped) return operand(/\d+/.exec(inner)?.[0]);
  if (!wrapped) return atom(text);
  return { text, strength: WRAPPED_INTEGER.test(inner) ? STRENGTH.bits : STRENGTH.lowest };
}
/** Which operands a call's text would repeat. */
export function repeatedOperands(
  expression: (args: readonly string[]) => string,
  literals: readonly (string | null)[],
): ReadonlySet<number> {
  const seen = new Set<number>();
  const repeated = new Set<number>();
  for (const [, k] of templateOf(expression, literals).matchAll(MARKER)) {
    if (seen.has(Number(k))) repeated.add(Number(k));
    seen.add(Number(k));
  }
  return repeated;
}

/** Lines of code with, where known, the buffer that a line stores to: a source map is drawn from these. */
export interface Line {
  readonly text: string;
  readonly stores?: string;
}
export class Lines {
  readonly list: Line[] = [];
  private depth = 0;
  add(text: string, stores?: string): void {
    this.list.push({ text: "  ".repeat(this.depth) + text, ...(stores === undefined ? {} : { stores }) });
  }
  /** `otherwise` stands between the body and the end, one level out. */
  block(
    head: string,
    body: () => void,
    otherwise?: { readonly head: string; readonly body: () => void },
  ): void {
    this.add(head);
    this.indented(body);
    if (otherwise) {
      this.add(otherwise.head);
      this.indented(otherwise.body);
    }
    this.add("}");
  }
  private indented(body: () => void): void {
    this.depth++;
    body();
    this.depth--;
  }
  toString(): string {
    return `${this.list.map((l) => l.text).join("\n")}\n`;
  }
}
