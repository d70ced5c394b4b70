import { invariant } from "../../diagnostics/invariant.js";
import type { DType, Expr, Index, ValueId } from "../../ir/expr.js";
import { freshIndex, indicesOf, isFloat, NodeSet, operands, readsOf } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import { kConstant, kIndex, kVariable } from "../kernel/arithmetic.js";
import { flatten, type KernelScope, type Placed } from "./scope.js";
import type { KExpr, Statement } from "../kernel/ir.js";
import { inBounds } from "../../ir/bounds.js";
import type { Window } from "../plan/windows.js";

/** A number that the sizes alone decide: worked out once, though it may not be wanted. */
const isFixed = (e: Expr): boolean =>
  isFloat(e.dtype) && readsOf([e]).length === 0 && indicesOf([e]).size === 0;

/** A run of statements with the loop variable that it stands under. Names bound here serve blocks inside it. */
export class Block {
  readonly statements: Statement[] = [];
  private readonly bound = new Map<string, KExpr>();
  private readonly indices = new Map<Index, KExpr>();
  /** Worked out, here, when first asked for. */
  private readonly later = new Map<Index, () => KExpr>();
  private readonly shared = new Set<Expr>();
  private readonly homes = new Map<Expr, Block>();
  private readonly places = new Map<string, Index>();

  constructor(
    readonly scope: KernelScope,
    readonly parent: Block | null,
  ) {}

  inner(): Block {
    return new Block(this.scope, this);
  }
  /** Reads of the element within this block find it in a register. */
  bindRead(value: ValueId, subscripts: readonly Poly[], register: KExpr): void {
    this.bound.set(readKey(value, subscripts), register);
  }
  /** What roots to be emitted here have in common gets a name when the first of them is. */
  share(roots: readonly Expr[]): void {
    if (roots.length < 2) return;
    const seen = new Set<Expr>();
    for (const root of roots) {
      const stack = [root];
      const mine = new Set<Expr>();
      for (let e = stack.pop(); e; e = stack.pop()) {
        if (mine.has(e)) continue;
        mine.add(e);
        if (seen.has(e)) this.shared.add(e);
        else stack.push(...this.scope.strictOperands(e));
      }
      for (const e of mine) seen.add(e);
    }
  }
  bindIndex(index: Index, value: KExpr): void {
    this.indices.set(index, value);
  }
  /** The same for one that may not be needed. */
  bindIndexLater(index: Index, value: () => KExpr): void {
    this.later.set(index, value);
  }
  valueOfIndex(index: Index): KExpr {
    const later = this.indices.has(index) ? undefined : this.later.get(index);
    if (later) this.indices.set(index, this.let(index.name, later()));
    const found = this.indices.get(index) ?? this.parent?.valueOfIndex(index);
    invariant(found, `index ${index.name} has a loop around it`);
    return found;
  }
  private owns(index: Index): boolean {
    return this.indices.has(index) || this.later.has(index);
  }
  private lookup(key: string): KExpr | undefined {
    return this.bound.get(key) ?? this.parent?.lookup(key);
  }
  push(statement: Statement): void {
    this.statements.push(statement);
  }
  let(name: string, value: KExpr): KExpr {
    if (value.op === "constant" || value.op === "variable") return value;
    const unique = this.scope.fresh(name);
    this.push({ kind: "let", name: unique, value });
    return kVariable(unique, value.dtype);
  }

  /** A value under a name of its own, though it has one. */
  copy(name: string, value: KExpr): KExpr {
    const unique = this.scope.fresh(name);
    this.push({ kind: "let", name: unique, value });
    return kVariable(unique, value.dtype);
  }

  /** An integer polynomial; what does not change in this block's loop is computed outside of it. */
  poly(p: Poly): KExpr {
    if (p.indices.size === 0 && !p.hasOpaque) return this.scope.size(p);
    const lone = p.asIndex;
    if (lone) return this.valueOfIndex(lone);
    const mine = [...p.indices].filter((i) => this.owns(i));
    if (mine.length === 0 && this.parent && !p.hasOpaque) {
      return this.parent.hoisted(p);
    }
    const key = `p${p.key}`;
    const known = this.lookup(key);
    if (known) return known;
    const [index] = mine;
    const parts = index && p.split(index);
    if (
      index &&
      parts &&
      !parts.rest.isZero &&
      !parts.rest.hasOpaque &&
      this.parent &&
      (parts.rest.indices.size > 0 || parts.rest.terms.length > 0)
    ) {
      const offset = [...parts.rest.indices].some((i) => this.owns(i))
        ? this.sum(parts.rest)
        : this.parent.hoisted(parts.rest);
      return combine(this.product(parts.coefficient, this.valueOfIndex(index)), offset, parts.rest);
    }
    return this.sum(p);
  }
  /** A polynomial computed in this block (or further out) and named. */
  private hoisted(p: Poly): KExpr {
    const key = `p${p.key}`;
    const known = this.lookup(key);
    if (known) return known;
    const value = this.poly(p);
    const named = this.let("at", value);
    if (named !== value) this.bound.set(key, named);
    return named;
  }
  private product(coefficient: Poly, factor: KExpr): KExpr {
    const c = this.poly(coefficient);
    if (c.op === "constant" && c.value === 1) return factor;
    return kIndex("mul", factor, c);
  }
  /** Term by term: coefficient (a size) times index variables and opaque atoms. */
  private sum(p: Poly): KExpr {
    const groups = new Map<string, { atoms: KExpr[]; coefficient: Poly }>();
    for (const term of p.terms) {
      const factors = term.atoms.filter((a) => a.kind !== "dim");
      const key = factors.map((a) => a.key).join("*");
      let coefficient = Poly.constant(1).scale(term.num, term.den);
      for (const atom of term.atoms)
        if (atom.kind === "dim") coefficient = coefficient.mul(Poly.dim(atom.name));
      const old = groups.get(key);
      if (old) old.coefficient = old.coefficient.add(coefficient);
      else
        groups.set(key, {
          coefficient,
          atoms: factors.map((a) =>
            a.kind === "index"
              ? this.valueOfIndex(a.index)
              : a.kind === "opaque"
                ? this.expr(a.expr)
                : kConstant(0),
          ),
        });
    }
    let total: KExpr | null = null;
    for (const { atoms, coefficient } of groups.values()) {
      const known = coefficient.constant;
      const negative = known !== undefined && known < 0;
      const scaled = negative ? coefficient.neg() : coefficient;
      let value: KExpr | null = null;
      for (const atom of atoms) value = value ? kIndex("mul", value, atom) : atom;
      const term = value ? this.product(scaled, value) : this.scope.size(scaled);
      total = total ? kIndex(negative ? "sub" : "add", total, term) : negative ? kIndex("neg", term) : term;
    }
    return total ?? kConstant(0);
  }

  /** An expression; what stands in it several times is computed once, into a `let`. */
  value(root: Expr): KExpr {
    const [value] = this.exprs([root]);
    invariant(value, "one root, one result");
    return value;
  }
  /** Several expressions at once; what they share is computed once, into a `let`. */
  exprs(roots: readonly Expr[]): KExpr[] {
    const uses = new Map<number, number>();
    const count = (e: Expr): void => {
      const stack = [e];
      for (let node = stack.pop(); node; node = stack.pop()) {
        const n = (uses.get(node.id) ?? 0) + 1;
        uses.set(node.id, n);
        if (n === 1) stack.push(...this.scope.strictOperands(node));
      }
    };
    roots.forEach(count);
    // Operands before users, iteratively, so that a body of any depth can be emitted.
    const order: Expr[] = [];
    const seen = new NodeSet();
    const stack: { e: Expr; done: boolean }[] = roots.map((e) => ({ e, done: false })).reverse();
    for (let top = stack.pop(); top; top = stack.pop()) {
      if (top.done) order.push(top.e);
      else if (seen.add(top.e)) {
        stack.push({ e: top.e, done: true });
        for (const o of this.scope.strictOperands(top.e)) stack.push({ e: o, done: false });
      }
    }
    const depths = new Map<number, number>();
    for (const e of order) {
      this.homes.set(e, this.homeOf(e));
      if (e.op === "constant" || e.op === "index") continue;
      // A long chain is cut into names, so that neither printer nor reader has to descend it.
      const depth = 1 + Math.max(0, ...this.scope.strictOperands(e).map((o) => depths.get(o.id) ?? 0));
      const deep = depth >= MOST_NESTED;
      depths.set(e.id, deep ? 0 : depth);
      if ((uses.get(e.id) ?? 0) < 2 && !deep && !this.shared.has(e)) continue;
      const key = `e${e.id}`;
      if (this.lookup(key)) continue;
      this.bound.set(key, this.let(nameFor(e), this.tree(e)));
    }
    return roots.map((e) => this.expr(e));
  }

  expr(e: Expr): KExpr {
    return this.lookup(`e${e.id}`) ?? this.tree(e);
  }
  private tree(e: Expr): KExpr {
    switch (e.op) {
      case "constant":
        return kConstant(e.value, e.dtype);
      case "index":
        return this.poly(e.poly);
      case "read": {
        const register = this.lookup(readKey(e.value, e.subscripts));
        if (register) return register;
        const buffer = this.scope.buffer(e.value, "read");
        const outer = buffer.isMade || !inBounds(e, buffer.shape) ? this : this.outermost(e.subscripts);
        if (outer !== this) return outer.named(e);
        return {
          op: "load",
          dtype: e.dtype,
          buffer: buffer.name,
          index: this.poly(this.address(buffer, e.subscripts)),
        };
      }
      case "call": {
        const outer = this.homes.get(e) ?? (isFixed(e) ? this.root : undefined);
        if (outer && outer !== this && this.leavesLoop(outer)) return outer.named(e);
        const choice = this.scope.asChoice(e);
        if (choice) return this.choice(choice, e);
        return folded(
          e.fn,
          e.dtype,
          e.args.map((a) => this.expr(a)),
        );
      }
      case "cast":
        return { op: "cast", dtype: e.dtype, arg: this.expr(e.arg) };
      case "select": {
        const outer = this.homes.get(e);
        if (outer && outer !== this && this.leavesLoop(outer)) return outer.named(e);
        return this.choice(e, e);
      }
    }
  }
  /**
   * The block furthest out in which all that an expression is made of is known: there it is computed once for the loops
   * further in. Operands have their own already.
   */
  private homeOf(e: Expr): Block {
    switch (e.op) {
      case "constant":
        return this.root;
      case "index":
        return e.poly.hasOpaque ? this : this.outermost([e.poly]);
      case "read": {
        const holder = this.holderOf(readKey(e.value, e.subscripts));
        if (holder) return holder;
        const { isMade, shape } = this.scope.about(e.value);
        return isMade || !inBounds(e, shape) ? this : this.outermost(e.subscripts);
      }
      case "call":
      case "select":
      case "cast": {
        const homes = operands(e).map(
          (o) => this.homes.get(o) ?? (o.op === "constant" || o.op === "read" ? this.homeOf(o) : this),
        );
        return homes.reduce((a, b) => (b.depth > a.depth ? b : a), this.root);
      }
    }
  }
  private leavesLoop(outer: Block): boolean {
    for (let block: Block = this; block !== outer && block.parent; block = block.parent)
      if (block.indices.size > 0 || block.later.size > 0) return true;
    return false;
  }
  private get root(): Block {
    return this.parent?.root ?? this;
  }
  private get depth(): number {
    return this.parent ? this.parent.depth + 1 : 0;
  }
  private holderOf(key: string): Block | undefined {
    return this.bound.has(key) ? this : this.parent?.holderOf(key);
  }
  /** One arm or the other, of what stands for `e`. */
  private choice(node: Expr & { readonly op: "select" }, e: Expr): KExpr {
    const condition = this.expr(node.condition);
    if (!needsBranch(node.then) && !needsBranch(node.else))
      return {
        op: "select",
        dtype: node.dtype,
        condition,
        then: this.expr(node.then),
        else: this.expr(node.else),
      };
    const name = this.scope.fresh("t");
    this.push({ kind: "var", name, init: kConstant(0, node.dtype) });
    const branch = (arm: Expr): Statement[] => {
      const block = this.inner();
      block.push({ kind: "assign", name, value: block.value(arm) });
      return block.statements;
    };
    this.push({ kind: "if", condition, then: branch(node.then), else: branch(node.else) });
    const result = kVariable(name, node.dtype);
    this.bound.set(`e${e.id}`, result);
    return result;
  }
  /** The address of an element in its tensor's memory. */
  address({ shape, window, dropped }: Placed, subscripts: readonly Poly[]): Poly {
    if (dropped) {
      const isKept = (_: Poly, k: number): boolean => !dropped.has(k);
      return this.scope.flattened(flatten(shape.filter(isKept), subscripts.filter(isKept)));
    }
    if (!window) return this.scope.flattened(flatten(shape, subscripts));
    const sizes = shape.map((size, k) => (k === window.axis ? Poly.constant(window.entries) : size));
    return flatten(
      sizes,
      subscripts.map((s, k) => (k === window.axis ? this.place(window, s) : s)),
    );
  }
  /** The place of a coordinate, computed once where the coordinate is known. */
  private place(window: Window, coordinate: Poly): Poly {
    const place = window.place(coordinate);
    if (!place.hasOpaque) return place;
    const block = this.outermost([coordinate]);
    const key = `place ${place.key}`;
    const known = block.places.get(key);
    if (known) return Poly.index(known);
    const index = freshIndex("place", Poly.constant(window.entries));
    block.bindIndex(index, block.let("place", block.poly(place)));
    block.places.set(key, index);
    return Poly.index(index);
  }

  /** The furthest block out in which the subscripts have values. */
  private outermost(subscripts: readonly Poly[]): Block {
    const indices = subscripts.flatMap((s) => [...s.indices]);
    let block: Block = this;
    while (block.parent && !indices.some((i) => block.owns(i))) block = block.parent;
    return block;
  }
  private named(e: Expr): KExpr {
    const known = this.lookup(`e${e.id}`);
    if (known) return known;
    const made = this.let(nameFor(e), this.tree(e));
    this.bound.set(`e${e.id}`, made);
    return made;
  }
}

/** A call, without sums with what turned out to be 0. */
function folded(fn: string, dtype: DType, args: readonly KExpr[]): KExpr {
  const [a, b] = args;
  const isZero = (x: KExpr | undefined): boolean => x?.op === "constant" && x.value === 0;
  if (fn === "add" && a && isZero(b)) return a;
  if (fn === "add" && b && isZero(a)) return b;
  return { op: "call", dtype, fn, args };
}

const readKey = (value: ValueId, subscripts: readonly Poly[]): string =>
  `r${value}[${subscripts.map((s) => s.key).join(",")}]`;

const MOST_NESTED = 48;

function combine(a: KExpr, b: KExpr, rest: Poly): KExpr {
  const known = rest.constant;
  if (known !== undefined && known < 0) return kIndex("sub", a, kConstant(-known));
  return kIndex("add", a, b);
}

/** Whether an arm is worth statements of its own: it shares nodes, or holds a choice, or is long. */
function needsBranch(e: Expr): boolean {
  const seen = new Set<Expr>();
  const stack = [e];
  let size = 0;
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (node.op === "constant" || node.op === "index") continue;
    if (seen.has(node)) {
      if (node.op !== "read") return true;
      continue;
    }
    seen.add(node);
    if (node.op === "select" && node !== e && (needsBranch(node.then) || needsBranch(node.else))) return true;
    if (++size > 24) return true;
    stack.push(...operands(node));
  }
  return false;
}

const nameFor = (e: Expr): string => (e.op === "call" ? shortName(e.fn) : e.op === "read" ? "x" : "t");
const shortName = (fn: string): string =>
  fn.length > 8
    ? "t"
    : fn === "and" || fn === "or" || fn === "not" || fn === "lt" || fn === "le" || fn === "eq" || fn === "ne"
      ? "is"
      : fn === "add" || fn === "sub" || fn === "mul" || fn === "div" || fn === "neg"
        ? "t"
        : fn;
