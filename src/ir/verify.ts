import { invariant } from "../diagnostics/invariant.js";
import type { Expr, Index, ReadExpr, ValueId } from "./expr.js";
import { visit } from "./expr.js";
import { iterationOf } from "./equation.js";
import { idsOf } from "./items.js";
import type { Poly } from "./poly.js";
import type { Definition, Program, Value } from "./program.js";
import { mentions, resultsOf } from "./reach.js";
import { isPositional } from "./reducers.js";
import { SCALARS, takes } from "./scalar/table.js";

/**
 * Throws an InternalError with a sentence unless
 * - every value stands once among the items (leaves may stand outside), and every mentioned value exists;
 * - definitions come before uses, except between members of one recurrence;
 * - an equation has an axis for each size of its shape, with that size as range from 0;
 * - every index in a body, guard or subscript is bound by its equation;
 * - a read has a subscript for each axis and the type of what it reads;
 * - scalar functions exist and have the right number of arguments; guards and conditions are bools;
 * - outputs, gradients and updates name values that exist, and the shapes of updates are those of their leaves.
 */
export function verify(program: Program, after = "the checker"): void {
  const check = (condition: unknown, sentence: string): void =>
    invariant(condition, `after ${after}: ${sentence}`);
  const defined = new Set<ValueId>();
  for (const value of program.values.values()) if (value.definition.kind === "leaf") defined.add(value.id);
  for (const item of program.items) {
    const ids = idsOf(item);
    if (typeof item !== "number") ids.forEach((id) => defined.add(id));
    for (const id of ids) {
      const value = program.values.get(id);
      check(value, `item ${id} is a value`);
      if (!value) continue;
      for (const other of mentions(value.definition)) {
        check(program.values.has(other), `${value.name} mentions value ${other}, which does not exist`);
        check(
          defined.has(other),
          `${value.name} reads ${program.values.get(other)?.name ?? other} before its definition`,
        );
      }
      defined.add(id);
      verifyValue(program, value, check);
    }
  }
  for (const id of resultsOf(program)) check(defined.has(id), `result ${id} is defined`);
  for (const u of [...program.stateUpdates, ...program.trains.flatMap((t) => t.updates)]) {
    const [leaf, value] = [program.values.get(u.leaf), program.values.get(u.value)];
    check(leaf && value && sameShape(leaf, value), `the update of ${leaf?.name ?? u.leaf} has its shape`);
  }
}
const sameShape = (a: Value, b: Value): boolean =>
  a.shape.length === b.shape.length && a.shape.every((s, k) => b.shape[k]?.equals(s));

type Check = (condition: unknown, sentence: string) => void;
function verifyValue(program: Program, value: Value, check: Check): void {
  const { definition } = value;
  if (definition.kind === "equation") {
    const { axes, operator, body } = definition;
    check(axes.length === value.shape.length, `${value.name} has an axis for each size`);
    axes.forEach((a, k) =>
      check(
        a.lo.isZero && value.shape[k]?.equals(a.hi),
        `axis ${a.name} of ${value.name} runs over its size`,
      ),
    );
    const bound = new Set(iterationOf(definition));
    verifyExpr(program, value, operator?.guard ? [body, operator.guard] : [body], bound, check);
    if (operator?.guard) check(operator.guard.dtype === "bool", `the guard of ${value.name} is a bool`);
    check(
      body.dtype === value.dtype || (operator?.kind === "reduce" && isPositional(operator.reducer)),
      `the body of ${value.name} has its type (${body.dtype}, ${value.dtype})`,
    );
  } else if (definition.kind === "scatter") {
    const { domain, guard, target, body } = definition;
    const bound = new Set(domain);
    const roots = [body, ...(guard ? [guard] : []), ...target.flatMap((t) => t.opaque)];
    verifyExpr(program, value, roots, bound, check);
    for (const t of target) verifyBound(value, t, bound, check);
    check(target.length === value.shape.length, `the scatter ${value.name} has a subscript for each axis`);
  }
}
/** The reads of what was found right: whether a definition is depends on nothing else of the program. */
const right = new WeakMap<Definition, readonly ReadExpr[]>();

function verifyExpr(
  program: Program,
  value: Value,
  roots: readonly Expr[],
  bound: ReadonlySet<Index>,
  check: Check,
): void {
  const reads = right.get(value.definition) ?? verifyNodes(value, roots, bound, check);
  right.set(value.definition, reads);
  for (const e of reads) {
    const source = program.values.get(e.value);
    check(
      source?.shape.length === e.subscripts.length,
      `${value.name} reads ${source?.name ?? e.value} with a subscript for each axis`,
    );
    check(source?.dtype === e.dtype, `${value.name} reads ${source?.name ?? e.value} as ${e.dtype}`);
  }
}
function verifyBound(value: Value, p: Poly, bound: ReadonlySet<Index>, check: Check): void {
  for (const index of p.indices) check(bound.has(index), `index ${index.name} in ${value.name} is bound`);
}
function verifyNodes(
  value: Value,
  roots: readonly Expr[],
  bound: ReadonlySet<Index>,
  check: Check,
): readonly ReadExpr[] {
  const reads: ReadExpr[] = [];
  const isBound = (p: Poly): void => verifyBound(value, p, bound, check);
  visit(roots, (e) => {
    if (e.op === "read") {
      reads.push(e);
      e.subscripts.forEach(isBound);
    } else if (e.op === "index") isBound(e.poly);
    else if (e.op === "call") {
      const entry = SCALARS[e.fn];
      check(entry, `scalar function ${e.fn} of ${value.name} is in the table`);
      if (entry)
        check(takes(entry, e.args.length), `${e.fn} in ${value.name} has the right number of arguments`);
    } else if (e.op === "select")
      check(e.condition.dtype === "bool", `a condition in ${value.name} is a bool`);
  });
  return reads;
}
