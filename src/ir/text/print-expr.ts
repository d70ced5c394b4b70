import { dimText } from "./tokens.js";
import type { DType, Expr, Index, ValueId } from "../expr.js";
import { isFloat, operands } from "../expr.js";
import type { Atom, Poly } from "../poly.js";
import { resultType } from "../scalar/table.js";

/** How tightly a text binds: brackets stand where less is found than is wanted. */
export const STRENGTH: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  not: 3,
  eq: 4,
  ne: 4,
  lt: 4,
  le: 4,
  add: 5,
  sub: 5,
  neg: 6,
  mul: 7,
  div: 7,
};
const ATOM = 9;
/** Calls with a sign of their own. Arithmetic signs between integers are polynomials'; calls on integers are named. */
export const INFIX: Readonly<Record<string, string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  and: "and",
  or: "or",
};
const ARITHMETIC: readonly string[] = ["add", "sub", "mul", "div", "neg"];
/** Words that no index may be called in IR text. */
export const WORDS: readonly string[] = [
  "if",
  "then",
  "else",
  "and",
  "or",
  "not",
  "true",
  "false",
  "inf",
  "nan",
  "where",
];

interface Piece {
  readonly text: string;
  readonly strength: number;
  /** Brackets within brackets, as far as a reader has to descend. */
  readonly depth: number;
}
const MOST_NESTED = 48;
const SHORTEST_SHARED = 16;

/**
 * The expressions of one definition as text. Nodes used more than once get a name (`$1`) in a `where` clause, so that
 * the text is as long as the graph, and so do nodes that would nest too deeply. Works without recursion on bodies of
 * any depth, and orders terms by what they say, never by when they were made: equal programs have equal texts.
 */
export class ExprPrinter {
  private readonly pieces = new Map<Expr, Piece>();
  private readonly uses = new Map<Expr, number>();
  private readonly ranks = new Map<Expr, string>();
  readonly shared: string[] = [];

  constructor(
    private readonly nameOf: (id: ValueId) => string,
    private readonly indices: readonly Index[],
    private readonly indexName: (index: Index) => string,
    roots: readonly (Expr | Poly | null)[],
  ) {
    const order: Expr[] = [];
    const stack: (Expr | null)[] = [];
    for (const root of roots) if (root) stack.push(...("op" in root ? [root] : root.opaque));
    // A root counts as used once more than its readers do.
    for (const root of stack) if (root) this.uses.set(root, (this.uses.get(root) ?? 0) + 1);
    const seen = new Set<Expr>();
    stack.reverse();
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      if (top === null) {
        const done = stack.pop();
        if (done) order.push(done);
        continue;
      }
      if (seen.has(top)) continue;
      seen.add(top);
      stack.push(top, null);
      const below = this.operands(top);
      for (let k = below.length - 1; k >= 0; k--) {
        const operand = below[k];
        if (!operand) continue;
        this.uses.set(operand, (this.uses.get(operand) ?? 0) + 1);
        if (!seen.has(operand)) stack.push(operand);
      }
    }
    for (const e of order) this.add(e);
  }

  /** The text of an expression of the roots. */
  expr(e: Expr): string {
    return this.piece(e).text;
  }
  poly(p: Poly): string {
    return this.polyPiece(p).text;
  }

  private add(e: Expr): void {
    const made = this.make(e);
    const shared = (this.uses.get(e) ?? 0) > 1 && isWorthNaming(e) && made.text.length >= SHORTEST_SHARED;
    if (!shared && made.depth < MOST_NESTED) {
      this.pieces.set(e, made);
      return;
    }
    const name = `$${this.shared.length + 1}`;
    this.shared.push(`${name} = ${made.text}`);
    this.pieces.set(e, { text: name, strength: ATOM, depth: 0 });
  }
  private piece(e: Expr): Piece {
    return this.pieces.get(e) ?? { text: "?", strength: ATOM, depth: 0 };
  }

  private make(e: Expr): Piece {
    switch (e.op) {
      case "constant":
        return constantPiece(e.value, e.dtype);
      case "index":
        return this.polyPiece(e.poly);
      case "read":
        return {
          text: `${this.nameOf(e.value)}${e.subscripts.length ? `[${e.subscripts.map((s) => this.poly(s)).join(", ")}]` : ""}`,
          strength: ATOM,
          depth: this.deepest(e),
        };
      case "cast":
        return { text: `${e.dtype}(${this.expr(e.arg)})`, strength: ATOM, depth: this.deepest(e) + 1 };
      case "select":
        return {
          text: `if ${this.at(e.condition, 1)} then ${this.at(e.then, 1)} else ${this.at(e.else, 0)}`,
          strength: 0,
          depth: this.deepest(e) + 1,
        };
      case "call": {
        const [a, b] = e.args;
        const strength = STRENGTH[e.fn] ?? ATOM;
        const named = ARITHMETIC.includes(e.fn) && !isFloat(e.dtype);
        const natural = resultType(
          e.fn,
          e.args.map((x) => x.dtype),
        );
        if (!named && natural === e.dtype) {
          const sign = INFIX[e.fn];
          if (sign && a && b && e.args.length === 2) {
            const [left, right] = [this.piece(a), this.piece(b)];
            // A chain to the left is read in a loop.
            const depth = Math.max(left.strength >= strength ? left.depth : left.depth + 1, right.depth + 1);
            return { text: `${this.at(a, strength)} ${sign} ${this.at(b, strength + 1)}`, strength, depth };
          }
          // -2.0 is a number.
          if (e.fn === "neg" && a && a.op !== "constant")
            return { text: `-${this.at(a, strength + 1)}`, strength, depth: this.deepest(e) + 1 };
          if (e.fn === "not" && a)
            return { text: `not ${this.at(a, strength)}`, strength, depth: this.deepest(e) + 1 };
        }
        const type = natural === e.dtype ? "" : `:${e.dtype}`;
        return {
          text: `${e.fn}${type}(${e.args.map((x) => this.expr(x)).join(", ")})`,
          strength: ATOM,
          depth: this.deepest(e) + 1,
        };
      }
    }
  }
  private at(e: Expr, least: number): string {
    const { text, strength } = this.piece(e);
    return strength < least ? `(${text})` : text;
  }
  private deepest(e: Expr): number {
    return this.operands(e).reduce((depth, x) => Math.max(depth, this.piece(x).depth), 0);
  }

  /** Opaque atoms in the order of what they say. */
  private operands(e: Expr): readonly Expr[] {
    if (e.op === "index") return this.opaque(e.poly);
    return e.op === "read" ? e.subscripts.flatMap((s) => this.opaque(s)) : operands(e);
  }
  private opaque(p: Poly): readonly Expr[] {
    if (p.opaque.length < 2) return p.opaque;
    return [...p.opaque].sort((a, b) => (this.rank(a) < this.rank(b) ? -1 : 1));
  }

  private polyPiece(p: Poly): Piece {
    if (p.isZero) return { text: "0", strength: ATOM, depth: 0 };
    const terms = p.terms
      .map((t) => {
        const atoms = t.atoms.map((a) => ({ a, key: this.atomKey(a) })).sort(byKey);
        return { t, atoms: atoms.map(({ a }) => a), key: atoms.map(({ key }) => key).join("*") || "~" };
      })
      .sort(byKey);
    let text = "";
    let depth = 0;
    for (const { t, atoms } of terms) {
      const factors = atoms.map((a) => {
        if (a.kind === "dim") return dimText(a.name);
        if (a.kind === "index") return this.indexName(a.index);
        depth = Math.max(depth, this.piece(a.expr).depth + 1);
        return this.at(a.expr, ATOM);
      });
      const size = Math.abs(t.num);
      const product =
        [...(size !== 1 || factors.length === 0 ? [String(size)] : []), ...factors].join(" * ") +
        (t.den === 1 ? "" : ` / ${t.den}`);
      text += text ? (t.num < 0 ? " - " : " + ") + product : (t.num < 0 ? "-" : "") + product;
    }
    const [first] = p.terms;
    const single = p.terms.length === 1 && first && first.num > 0;
    const lone = single && first.den === 1 && first.atoms.length + (first.num === 1 ? 0 : 1) <= 1;
    return { text, strength: lone ? ATOM : single ? 7 : first && p.terms.length === 1 ? 6 : 5, depth };
  }
  private atomKey(a: Atom): string {
    if (a.kind === "dim") return `d ${a.name}`;
    if (a.kind === "index") return `a ${String(this.indices.indexOf(a.index)).padStart(4, "0")}`;
    return `b ${this.rank(a.expr)}`;
  }

  /** A text that orders opaque atoms by what they say; the same for structurally equal ones. */
  private rank(root: Expr): string {
    const known = this.ranks.get(root);
    if (known !== undefined) return known;
    const polyRank = (p: Poly): string =>
      p.terms
        .map(
          (t) =>
            `${t.num}/${t.den}${t.atoms
              .map((a) => this.atomKey(a))
              .sort()
              .join("*")}`,
        )
        .sort()
        .join("+");
    const own = (): string => {
      switch (root.op) {
        case "constant":
          return `c${root.dtype}${root.value}`;
        case "index":
          return `i${polyRank(root.poly)}`;
        case "read":
          return `r${this.nameOf(root.value)}[${root.subscripts.map(polyRank).join()}]`;
        case "cast":
          return `t${root.dtype}${this.rank(root.arg)}`;
        case "select":
          return `s${this.rank(root.condition)}?${this.rank(root.then)}:${this.rank(root.else)}`;
        case "call":
          return `f${root.fn}(${root.args.map((x) => this.rank(x)).join()})`;
      }
    };
    const made = digest(own());
    this.ranks.set(root, made);
    return made;
  }
}
const byKey = (a: { key: string }, b: { key: string }): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0;

/** What is no longer than its name stays in place. */
function isWorthNaming(e: Expr): boolean {
  if (e.op === "select" || e.op === "cast") return true;
  return (
    e.op === "call" &&
    (e.args.length > 1 || e.args.some((x) => x.op !== "constant" && x.op !== "index" && x.op !== "read"))
  );
}

/** Long texts keep their beginning, and two numbers (FNV-1a, and the same from another seed) for the rest. */
function digest(text: string): string {
  if (text.length <= 64) return text;
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  for (let k = 0; k < text.length; k++) {
    a = Math.imul(a ^ text.charCodeAt(k), 0x01000193);
    b = Math.imul(b ^ text.charCodeAt(k), 0x85ebca6b);
  }
  return `${text.slice(0, 24)}#${(a >>> 0).toString(16)}${(b >>> 0).toString(16)}`;
}

/** 2.0 is f32 and 2 is i32; other types follow the number. */
function constantPiece(value: number, dtype: DType): Piece {
  if (dtype === "bool") return { text: value ? "true" : "false", strength: ATOM, depth: 0 };
  const size = Math.abs(value);
  const digits =
    size === Infinity
      ? "inf"
      : Number.isNaN(value)
        ? "nan"
        : isFloat(dtype) && Number.isInteger(size) && size < 1e21
          ? `${size}.0`
          : String(size).replace("e+", "e");
  const type = dtype === "f32" || dtype === "i32" ? "" : dtype;
  const negative = value < 0 || Object.is(value, -0);
  // `inf` and `nan` alone say f32.
  const text = `${negative ? "-" : ""}${digits}${type && !/\d$/.test(digits) ? `:${type}` : type}`;
  return { text, strength: negative ? 6 : ATOM, depth: 0 };
}
