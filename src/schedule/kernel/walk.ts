import type { KExpr, Statement } from "./ir.js";

/** What an expression is computed from, left to right. */
export function operandsOf(e: KExpr): readonly KExpr[] {
  switch (e.op) {
    case "constant":
    case "variable":
      return [];
    case "load":
      return [e.index];
    case "call":
    case "address":
      return e.args;
    case "select":
      return [e.condition, e.then, e.else];
    case "cast":
      return [e.arg];
  }
}

/** The expressions of a statement, without those of the statements within it. */
export function expressionsOf(s: Statement): readonly KExpr[] {
  switch (s.kind) {
    case "comment":
      return [];
    case "let":
    case "assign":
      return [s.value];
    case "var":
      return [s.init];
    case "store":
      return [s.index, s.value];
    case "product":
      return [s.left.index, s.right.index, s.into.index, s.count];
    case "if":
      return [s.condition];
    case "loop":
      return typeof s.step === "number" ? [s.lo, s.hi] : [s.lo, s.hi, s.step];
  }
}

/** The lists of statements within a statement. */
export function bodiesOf(s: Statement): readonly (readonly Statement[])[] {
  switch (s.kind) {
    case "loop":
      return [s.body];
    case "if":
      return [s.then, s.else];
    default:
      return [];
  }
}

/** Every statement, before those within it. */
export function visitStatements(list: readonly Statement[], each: (s: Statement) => void): void {
  for (const s of list) {
    each(s);
    for (const body of bodiesOf(s)) visitStatements(body, each);
  }
}

/** Every node of an expression, before its operands. */
export function visitExpression(e: KExpr, each: (e: KExpr) => void): void {
  each(e);
  for (const operand of operandsOf(e)) visitExpression(operand, each);
}
