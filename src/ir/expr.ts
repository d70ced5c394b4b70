import { invariant } from "../diagnostics/invariant.js";
import { type Atom, mix, Poly, toPoly, ZERO } from "./poly.js";

/** Scalar types of tensors and expressions. `f32` stands for the program's float until the target's precision replaces it. */
export type DType = "f32" | "f64" | "f16" | "i32" | "u32" | "bool";
export const isFloat = (dtype: DType): boolean => dtype === "f32" || dtype === "f64" || dtype === "f16";
export const isInteger = (dtype: DType): boolean => dtype === "i32" || dtype === "u32";

/** A value's identity within its program. */
export type ValueId = number;

/** An index variable over the half-open range lo..hi. Identity is the object. */
export interface Index {
  readonly id: number;
  readonly name: string;
  readonly lo: Poly;
  readonly hi: Poly;
}

let indexCounter = 0;
export function freshIndex(name: string, hi: Poly | number, lo: Poly | number = ZERO): Index {
  return { id: ++indexCounter, name, lo: toPoly(lo), hi: toPoly(hi) };
}

/**
 * Scalar expressions: immutable, hash-consed (structurally equal means the same object), so a body is a graph
 * with shared nodes and passes memoise by identity.
 */
export type Expr = ConstantExpr | IndexExpr | ReadExpr | CallExpr | SelectExpr | CastExpr;
interface Node {
  readonly id: number;
  readonly dtype: DType;
}
export interface ConstantExpr extends Node {
  readonly op: "constant";
  /** bool: 0 or 1. */
  readonly value: number;
}
/** The value of an exact integer polynomial over indices and dims, as i32. */
export interface IndexExpr extends Node {
  readonly op: "index";
  readonly poly: Poly;
}
/** One element of a tensor. Subscripts are in bounds wherever the node is evaluated (select arms are evaluated lazily). */
export interface ReadExpr extends Node {
  readonly op: "read";
  readonly value: ValueId;
  readonly subscripts: readonly Poly[];
}
/** A scalar function of the table in `scalar/` (arithmetic, comparisons and logic included). */
export interface CallExpr extends Node {
  readonly op: "call";
  readonly fn: string;
  readonly args: readonly Expr[];
}
/** Chooses; the arm not chosen contributes nothing, not even a NaN, to the value or to any derivative. */
export interface SelectExpr extends Node {
  readonly op: "select";
  readonly condition: Expr;
  readonly then: Expr;
  readonly else: Expr;
}
export interface CastExpr extends Node {
  readonly op: "cast";
  readonly arg: Expr;
}

let exprCounter = 0;

/**
 * The nodes made within one compilation. A table of its own for each keeps what an earlier compilation has made from
 * deciding the order of anything in a later one, and lets all of it go at once.
 */
export class ExpressionTable {
  private static current = new ExpressionTable();
  private static isScoped = false;
  /** By hash; where that is taken, by the next free number. */
  private readonly nodes = new Map<number, Expr>();
  /** The reads below a node, by its number. */
  private readonly reads = new Map<number, readonly ReadExpr[]>();

  /** Nodes that `work` makes come from this table. Work on a program goes on in the table that it began in. */
  run<T>(work: () => T): T {
    const outer = ExpressionTable.current;
    const outerScoped = ExpressionTable.isScoped;
    ExpressionTable.current = this;
    ExpressionTable.isScoped = true;
    try {
      return work();
    } finally {
      ExpressionTable.current = outer;
      ExpressionTable.isScoped = outerScoped;
    }
  }
  /** In the table of the compilation that is running, or else in a new one. */
  static scoped<T>(work: () => T): T {
    return ExpressionTable.isScoped ? work() : new ExpressionTable().run(work);
  }
  /**
   * The node that is like `made` but for its number, or else `made`, which has the next number: nothing else may be made
   * between the two.
   */
  static intern(hash: number, made: Expr): Expr {
    const { nodes } = ExpressionTable.current;
    let place = hash & 0x3fffffff;
    for (let known = nodes.get(place); known; known = nodes.get(place)) {
      if (alike(known, made)) return known;
      place = (place + 1) & 0x3fffffff;
    }
    exprCounter = made.id;
    nodes.set(place, made);
    return made;
  }
  static readsBelow(root: Expr): readonly ReadExpr[] {
    const { reads } = ExpressionTable.current;
    let known = reads.get(root.id);
    if (!known) reads.set(root.id, (known = findReads([root])));
    return known;
  }
}
const { intern } = ExpressionTable;

function alike(a: Expr, b: Expr): boolean {
  if (a.dtype !== b.dtype) return false;
  switch (a.op) {
    case "constant":
      return b.op === "constant" && Object.is(a.value, b.value);
    case "index":
      return b.op === "index" && a.poly.equals(b.poly);
    case "read":
      return (
        b.op === "read" &&
        a.value === b.value &&
        a.subscripts.length === b.subscripts.length &&
        a.subscripts.every((s, k) => s.equals(b.subscripts[k] ?? ZERO))
      );
    case "call":
      return (
        b.op === "call" &&
        a.fn === b.fn &&
        a.args.length === b.args.length &&
        a.args.every((x, k) => x === b.args[k])
      );
    case "select":
      return b.op === "select" && a.condition === b.condition && a.then === b.then && a.else === b.else;
    case "cast":
      return b.op === "cast" && a.arg === b.arg;
  }
}
const ofText = (text: string): number =>
  mix(text.length, mix(text.charCodeAt(0), text.charCodeAt(text.length - 1)));
const SCRATCH = new DataView(new ArrayBuffer(8));
function ofNumber(value: number): number {
  SCRATCH.setFloat64(0, value);
  return mix(SCRATCH.getInt32(0), SCRATCH.getInt32(4));
}

export const FALSE: Expr = { id: ++exprCounter, op: "constant", dtype: "bool", value: 0 };
export const TRUE: Expr = { id: ++exprCounter, op: "constant", dtype: "bool", value: 1 };

export function constant(value: number, dtype: DType = "f32"): Expr {
  if (dtype === "bool") return value ? TRUE : FALSE;
  return intern(mix(1, ofNumber(value)), { id: exprCounter + 1, op: "constant", dtype, value });
}
/** Integer value of a polynomial; constants come out as constants. */
export function indexValue(poly: Poly): Expr {
  const known = poly.constant;
  if (known !== undefined) return constant(known, "i32");
  const [only] = poly.terms;
  const atom = only?.atoms[0];
  if (
    poly.terms.length === 1 &&
    only?.num === 1 &&
    only.den === 1 &&
    only.atoms.length === 1 &&
    atom?.kind === "opaque"
  )
    return atom.expr;
  return intern(mix(2, poly.hash), { id: exprCounter + 1, op: "index", dtype: "i32", poly });
}
export function read(value: ValueId, subscripts: readonly Poly[], dtype: DType): Expr {
  let hash = mix(3, value);
  for (const s of subscripts) hash = mix(hash, s.hash);
  return intern(hash, { id: exprCounter + 1, op: "read", dtype, value, subscripts });
}
export function call(fn: string, args: readonly Expr[], dtype: DType): Expr {
  let hash = mix(4, ofText(fn));
  for (const a of args) hash = mix(hash, a.id);
  return intern(hash, { id: exprCounter + 1, op: "call", dtype, fn, args });
}
export function select(condition: Expr, then: Expr, otherwise: Expr): Expr {
  invariant(then.dtype === otherwise.dtype, `select of ${then.dtype} and ${otherwise.dtype}`);
  if (condition.op === "constant") return condition.value ? then : otherwise;
  if (then === otherwise) return then;
  return intern(mix(mix(mix(5, condition.id), then.id), otherwise.id), {
    id: exprCounter + 1,
    op: "select",
    dtype: then.dtype,
    condition,
    then,
    else: otherwise,
  });
}
export function cast(arg: Expr, dtype: DType): Expr {
  if (arg.dtype === dtype) return arg;
  if (arg.op === "constant" && isFloat(dtype)) return constant(arg.value, dtype);
  return intern(mix(mix(6, ofText(dtype)), arg.id), { id: exprCounter + 1, op: "cast", dtype, arg });
}

// Builders for arithmetic. They fold only what is exact for every operand (NaN and infinities included).
export const isZero = (e: Expr): boolean => e.op === "constant" && e.value === 0;
export const isOne = (e: Expr): boolean => e.op === "constant" && e.value === 1;

function same(a: Expr, b: Expr): DType {
  invariant(a.dtype === b.dtype, `operands of types ${a.dtype} and ${b.dtype}`);
  return a.dtype;
}
export function add(a: Expr, b: Expr): Expr {
  if (isZero(a)) return b;
  if (isZero(b)) return a;
  return call("add", [a, b], same(a, b));
}
export function sub(a: Expr, b: Expr): Expr {
  if (isZero(b)) return a;
  if (isZero(a)) return neg(b);
  return call("sub", [a, b], same(a, b));
}
export function neg(a: Expr): Expr {
  if (a.op === "constant" && isFloat(a.dtype)) return constant(-a.value, a.dtype);
  if (a.op === "call" && a.fn === "neg" && a.args[0]) return a.args[0];
  return call("neg", [a], a.dtype);
}
export function mul(a: Expr, b: Expr): Expr {
  if (isOne(a)) return b;
  if (isOne(b)) return a;
  return call("mul", [a, b], same(a, b));
}
export function div(a: Expr, b: Expr): Expr {
  if (isOne(b)) return a;
  return call("div", [a, b], same(a, b));
}
/** A float literal of the type of `like`. */
export const literal = (value: number, like: Expr): Expr => constant(value, like.dtype);
/** A call of a scalar function whose result has its arguments' type. */
export const fn = (name: string, ...args: [Expr, ...Expr[]]): Expr => call(name, args, args[0].dtype);

export type Comparison = "eq" | "ne" | "lt" | "le";
export const compare = (fn: Comparison, a: Expr, b: Expr): Expr => (same(a, b), call(fn, [a, b], "bool"));
export function and(a: Expr, b: Expr): Expr {
  if (a === FALSE || b === FALSE) return FALSE;
  if (a === TRUE || a === b) return b;
  if (b === TRUE) return a;
  return call("and", [a, b], "bool");
}
export function or(a: Expr, b: Expr): Expr {
  if (a === TRUE || b === TRUE) return TRUE;
  if (a === FALSE || a === b) return b;
  if (b === FALSE) return a;
  return call("or", [a, b], "bool");
}
export function not(a: Expr): Expr {
  if (a.op === "constant") return a.value ? FALSE : TRUE;
  if (a.op === "call" && a.fn === "not" && a.args[0]) return a.args[0];
  return call("not", [a], "bool");
}
/** lo <= poly < hi as a condition. */
export function within(poly: Poly, lo: Poly, hi: Poly): Expr {
  return and(
    compare("le", indexValue(lo), indexValue(poly)),
    compare("lt", indexValue(poly), indexValue(hi)),
  );
}

/** The direct operands, opaque atoms of subscripts and index polynomials included. */
export function operands(e: Expr): readonly Expr[] {
  switch (e.op) {
    case "constant":
      return [];
    case "index":
      return opaqueOf([e.poly]);
    case "read":
      return opaqueOf(e.subscripts);
    case "call":
      return e.args;
    case "select":
      return [e.condition, e.then, e.else];
    case "cast":
      return [e.arg];
  }
}
const NONE: readonly Expr[] = [];
function opaqueOf(polys: readonly Poly[]): readonly Expr[] {
  let found: readonly Expr[] = NONE;
  for (const p of polys) if (p.hasOpaque) found = found.length ? [...found, ...p.opaque] : p.opaque;
  return found;
}

/** Nodes by their numbers, 32 to a word: a body's lie close together, where a set of objects is spread over memory. */
export class NodeSet {
  private readonly words = new Map<number, number>();
  private key = -1;
  private word = 0;
  /** False where it was there. */
  add({ id }: Expr): boolean {
    const key = id >>> 5;
    if (key !== this.key) {
      if (this.key >= 0) this.words.set(this.key, this.word);
      this.key = key;
      this.word = this.words.get(key) ?? 0;
    }
    const bit = 1 << (id & 31);
    if (this.word & bit) return false;
    this.word |= bit;
    return true;
  }
}

/** Visit every node below and including `root` once, operands first. Iterative: bodies may be deep. */
export function visit(roots: readonly Expr[], each: (e: Expr) => void): void {
  const seen = new NodeSet();
  // A node is pushed again below a mark, and met there when its operands are done.
  const stack: (Expr | null)[] = [...roots].reverse();
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top === null) {
      const done = stack.pop();
      if (done) each(done);
      continue;
    }
    if (!seen.add(top)) continue;
    const below = operands(top);
    if (below.length === 0) {
      each(top);
      continue;
    }
    stack.push(top, null);
    for (const operand of below) stack.push(operand);
  }
}

/**
 * Rebuild an expression bottom up. `leaf` may replace an index (by a polynomial) and a read (given with its
 * subscripts already rebuilt); undefined keeps it.
 */
export interface Rewrite {
  readonly index?: (index: Index) => Poly | undefined;
  readonly dim?: (name: string) => Poly | undefined;
  readonly read?: (node: ReadExpr) => Expr | undefined;
  /** Any node as it stands, instead of rebuilding it. */
  readonly whole?: (node: Expr) => Expr | undefined;
  /** Any node, after its operands were rebuilt. */
  readonly node?: (node: Expr) => Expr | undefined;
}
export function rewriter(rules: Rewrite): { expr: (e: Expr) => Expr; poly: (p: Poly) => Poly } {
  // By number: a map of objects has to give each of them a hash first.
  const memo = new Map<number, Expr>();
  const replaced = (atom: Atom): Poly | undefined => {
    switch (atom.kind) {
      case "dim":
        return rules.dim?.(atom.name);
      case "index":
        return rules.index?.(atom.index);
      case "opaque": {
        const made = memo.get(atom.expr.id) ?? expr(atom.expr);
        return made === atom.expr ? undefined : polyOf(made);
      }
    }
  };
  const isInert = !rules.dim && !rules.index;
  const poly = (p: Poly): Poly => (isInert && !p.hasOpaque ? p : p.substitute(replaced));
  const rebuild = (e: Expr): Expr => {
    const at = (x: Expr): Expr => memo.get(x.id) ?? x;
    const isSame = (x: Expr): boolean => at(x) === x;
    switch (e.op) {
      case "constant":
        return e;
      case "index": {
        const made = poly(e.poly);
        return made === e.poly ? e : indexValue(made);
      }
      case "read": {
        const subscripts = e.subscripts.map(poly);
        const isKept = subscripts.every((s, k) => s === e.subscripts[k]);
        const made = isKept ? e : read(e.value, subscripts, e.dtype);
        return made.op === "read" ? (rules.read?.(made) ?? made) : made;
      }
      case "call":
        return e.args.every(isSame) ? e : recall(e, e.args.map(at));
      case "select":
        return [e.condition, e.then, e.else].every(isSame)
          ? e
          : select(at(e.condition), at(e.then), at(e.else));
      case "cast":
        return isSame(e.arg) ? e : cast(at(e.arg), e.dtype);
    }
  };
  const expr = (root: Expr): Expr => {
    visit([root], (e) => {
      if (memo.has(e.id)) return;
      const whole = rules.whole?.(e);
      const made = whole ?? rebuild(e);
      memo.set(e.id, whole ?? rules.node?.(made) ?? made);
    });
    return memo.get(root.id) ?? root;
  };
  return { expr, poly };
}
/** What puts other indices in place of those that a map has. */
export const renaming = (to: ReadonlyMap<Index, Index>): ReturnType<typeof rewriter> =>
  rewriter({
    index: (i) => {
      const other = to.get(i);
      return other && Poly.index(other);
    },
  });
/** A call again with other arguments, through the folding builders. */
function recall(e: CallExpr, args: readonly Expr[]): Expr {
  const [a, b] = args;
  if (a && b) {
    if (e.fn === "add") return add(a, b);
    if (e.fn === "sub") return sub(a, b);
    if (e.fn === "mul") return mul(a, b);
    if (e.fn === "div" && isFloat(e.dtype)) return div(a, b);
    if (e.fn === "and") return and(a, b);
    if (e.fn === "or") return or(a, b);
  } else if (a) {
    if (e.fn === "neg") return neg(a);
    if (e.fn === "not") return not(a);
  }
  return call(e.fn, args, e.dtype);
}

/** An integer expression as a polynomial; one that is none becomes an opaque atom. */
export function polyOf(e: Expr): Poly {
  if (e.op === "index") return e.poly;
  if (e.op === "constant") return Poly.constant(e.value);
  return Poly.opaque(e);
}

/** Free index variables, in order of first occurrence. */
export function indicesOf(roots: readonly Expr[]): Set<Index> {
  const found = new Set<Index>();
  visit(roots, (e) => {
    if (e.op === "index") for (const i of e.poly.indices) found.add(i);
    if (e.op === "read") for (const s of e.subscripts) for (const i of s.indices) found.add(i);
  });
  return found;
}
/** Reads, each once. */
export function readsOf(roots: readonly Expr[]): readonly ReadExpr[] {
  const [only] = roots;
  return only && roots.length === 1 ? ExpressionTable.readsBelow(only) : findReads(roots);
}
function findReads(roots: readonly Expr[]): readonly ReadExpr[] {
  const found: ReadExpr[] = [];
  visit(roots, (e) => {
    if (e.op === "read") found.push(e);
  });
  return found;
}
