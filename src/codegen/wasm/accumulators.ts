import type { DType } from "../../ir/expr.js";
import { REDUCERS } from "../../ir/reducers.js";
import type { KExpr, Statement } from "../../schedule/kernel/ir.js";
import { expressionsOf, visitExpression, visitStatements } from "../../schedule/kernel/walk.js";
import { NotWidenable } from "./values.js";

/** A variable from outside of a loop into which each iteration folds a term. */
export interface Accumulator {
  readonly name: string;
  readonly dtype: DType;
  readonly fn: string;
  /** What folding changes nothing. */
  readonly identity: number;
}
/** By the function that folds. */
const IDENTITIES: ReadonlyMap<string, number> = new Map(
  Object.values(REDUCERS).flatMap(({ fn, start }) => (fn === null ? [] : [[fn, start] as const])),
);

/** f32 variables that are only ever added to: they are kept in f64. */
export function doubleSums(body: readonly Statement[]): ReadonlySet<string> {
  const sums = new Set<string>();
  const others = new Set<string>();
  visitStatements(body, (s) => {
    if (s.kind !== "assign") return;
    const { value, name } = s;
    const added =
      value.op === "call" &&
      value.fn === "add" &&
      value.dtype === "f32" &&
      isVariable(value.args[0], name) &&
      value.args[1] !== undefined &&
      !mentions(value.args[1], name);
    (added ? sums : others).add(name);
  });
  return new Set([...sums].filter((name) => !others.has(name)));
}

/**
 * What the iterations of a loop fold into. Throws NotWidenable where they depend on each other otherwise: another
 * kind of assignment, a read of an accumulator.
 */
export function accumulators(body: readonly Statement[]): readonly Accumulator[] {
  const inside = new Set<string>();
  const found = new Map<string, Accumulator>();
  const folds: KExpr[] = [];
  visitStatements(body, (s) => {
    if (s.kind === "var") inside.add(s.name);
  });
  visitStatements(body, (s) => {
    if (s.kind === "assign" && !inside.has(s.name)) {
      const { value, name } = s;
      const term = value.op === "call" ? value.args[1] : undefined;
      const identity = value.op === "call" ? IDENTITIES.get(value.fn) : undefined;
      if (value.op !== "call" || identity === undefined || !term || !isVariable(value.args[0], name))
        throw new NotWidenable("a variable takes each iteration's value");
      if (value.dtype !== "f32" && value.dtype !== "bool")
        throw new NotWidenable(`${value.dtype} is folded one by one`);
      const known = found.get(name);
      if (known && known.fn !== value.fn) throw new NotWidenable("two ways to fold");
      found.set(name, { name, dtype: value.dtype, fn: value.fn, identity });
      folds.push(term);
    } else for (const e of expressions(s)) folds.push(e);
  });
  for (const e of folds)
    visitExpression(e, (x) => {
      if (x.op === "variable" && found.has(x.name)) throw new NotWidenable("an accumulator is read");
    });
  return [...found.values()];
}

/** Whether a loop leaves anything but what it folds. */
export function stores(loop: Statement): boolean {
  let found = false;
  visitStatements([loop], (s) => {
    if (s.kind === "store" || s.kind === "product") found = true;
  });
  return found;
}
/** Variables that a loop mentions. */
export function variablesOf(loop: Statement): ReadonlySet<string> {
  const found = new Set<string>();
  visitStatements([loop], (s) => {
    if (s.kind === "assign") found.add(s.name);
    for (const e of expressions(s))
      visitExpression(e, (x) => {
        if (x.op === "variable") found.add(x.name);
      });
  });
  return found;
}
const isVariable = (e: KExpr | undefined, name: string): boolean => e?.op === "variable" && e.name === name;
function mentions(e: KExpr, name: string): boolean {
  let found = false;
  visitExpression(e, (x) => {
    if (isVariable(x, name)) found = true;
  });
  return found;
}
/** Of a loop in lanes. */
function expressions(s: Statement): readonly KExpr[] {
  if (s.kind === "product") throw new NotWidenable("a product has lanes of its own");
  return expressionsOf(s);
}
