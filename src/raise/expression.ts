import { InternalError } from "../diagnostics/invariant.js";
import type { Expr, Index, ValueId } from "../ir/expr.js";
import { isFloat, visit } from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";
import type { BinaryOperator, Expression } from "../parser/ast.js";
import * as tree from "./tree.js";

/** How the expressions of one equation are written. */
export interface Writing {
  readonly index: (index: Index) => string;
  readonly dim: (name: string) => string;
  /** An element, its subscripts in terms of the source. */
  readonly read: (value: ValueId, subscripts: readonly Poly[], poly: (p: Poly) => Expression) => Expression;
}

const INFIX: Readonly<Record<string, BinaryOperator>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  floor_div: "/",
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  and: "and",
  or: "or",
};

/** Scalar expressions as source. Iterative: bodies may be deep. */
export function writeExpression(root: Expr, writing: Writing): Expression {
  const done = new Map<Expr, Expression>();
  const at = (e: Expr): Expression => {
    const found = done.get(e);
    if (!found) throw new InternalError("operands are written before their users");
    return found;
  };
  visit([root], (e) => done.set(e, writeNode(e, at, writing)));
  return at(root);
}

/** Exact polynomials; a common denominator divides the whole, which comes out even. */
export function writePoly(p: Poly, writing: Writing): Expression {
  const over = p.denominator;
  let sum: Expression | null = null;
  for (const t of p.terms) {
    const size = Math.abs((t.num * over) / t.den);
    let product: Expression | null = size === 1 && t.atoms.length ? null : tree.integer(size);
    for (const atom of t.atoms) {
      const factor =
        atom.kind === "dim"
          ? tree.variable(writing.dim(atom.name))
          : atom.kind === "index"
            ? tree.variable(writing.index(atom.index))
            : writeExpression(atom.expr, writing);
      product = product ? tree.binary("*", product, factor) : factor;
    }
    const term = product ?? tree.integer(1);
    sum = sum ? tree.binary(t.num < 0 ? "-" : "+", sum, term) : t.num < 0 ? tree.minus(term) : term;
  }
  const whole = sum ?? tree.integer(0);
  return over === 1 ? whole : tree.binary("/", whole, tree.integer(over));
}

function writeNode(e: Expr, at: (e: Expr) => Expression, writing: Writing): Expression {
  switch (e.op) {
    case "constant":
      if (e.dtype === "bool") return tree.truth(e.value !== 0);
      return isFloat(e.dtype) ? tree.float(e.value) : tree.integer(e.value);
    case "index":
      return writePoly(e.poly, writing);
    case "read":
      return writing.read(e.value, e.subscripts, (p) => writePoly(p, writing));
    case "cast":
      return tree.call(e.dtype, at(e.arg));
    case "select":
      return tree.choose(at(e.condition), at(e.then), at(e.else));
    case "call":
      return writeCall(e.fn, e.args, at);
  }
}

function writeCall(fn: string, args: readonly Expr[], at: (e: Expr) => Expression): Expression {
  const [a, b] = args;
  const operator = INFIX[fn];
  if (operator && a && b) return tree.binary(operator, at(a), at(b));
  if (fn === "mod" && a && b && !isFloat(a.dtype)) return tree.binary("%", at(a), at(b));
  if (fn === "neg" && a) return tree.minus(at(a));
  if (fn === "not" && a) return tree.not(at(a));
  // The exponent and the order are literal integers.
  if (fn === "powi" && a && b?.op === "constant") return tree.binary("^", at(a), tree.integer(b.value));
  if (fn === "pow" && a && b) return tree.binary("^", at(a), at(b));
  if (fn === "polygamma" && a?.op === "constant" && b) return tree.call(fn, tree.integer(a.value), at(b));
  // A partial that is singular where nothing comes in.
  if (fn === "mul0" && a && b)
    return tree.choose(
      tree.binary("==", at(a), tree.float(0)),
      tree.float(0),
      tree.binary("*", at(a), at(b)),
    );
  if ((fn === "rand" || fn === "randn") && a)
    return tree.subscript(
      tree.call(fn, at(a)),
      args.slice(1).map((x) => at(x)),
    );
  return tree.call(fn, ...args.map((x) => at(x)));
}
