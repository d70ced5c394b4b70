import { provablyNonNegative } from "../ir/bounds.js";
import { conjuncts, factsOf } from "../ir/conditions.js";
import type { Expr } from "../ir/expr.js";
import { and, call, cast, compare, not, operands, polyOf, readsOf, select, TRUE } from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";
import type { Program } from "../ir/program.js";
import { mapDefinitions } from "../ir/rewrite.js";

/**
 * Conditions as a reader's bounds proof wants them. An equality that the ranges, or the conditions around it, make
 * one-sided becomes an inequality, whose opposite says more: where `t == 0` does not hold, `t` is at least 1. What is
 * known of indices stands first in a guard, as what follows may read under it.
 */
export const withInequalities = (program: Program): Program =>
  mapDefinitions(program, (definition) => {
    if (definition.kind !== "equation") return definition;
    const { operator } = definition;
    const guard = operator?.guard ? conjunction(operator.guard, []) : null;
    const body = under(definition.body, guard ? factsOf(guard) : [], new Map());
    return { ...definition, operator: operator && { ...operator, guard }, body };
  });

type Facts = readonly Poly[];

/** An expression where the facts (polynomials >= 0) hold. */
function under(e: Expr, facts: Facts, memo: Map<Expr, Expr>): Expr {
  const known = memo.get(e);
  if (known) return known;
  const made = ((): Expr => {
    if (e.dtype === "bool" && e.op === "call") return conjunction(e, facts);
    if (e.op === "select") {
      const condition = conjunction(e.condition, facts);
      return select(
        condition,
        under(e.then, [...facts, ...factsOf(condition)], new Map()),
        under(e.else, [...facts, ...factsOf(opposite(condition))], new Map()),
      );
    }
    if (e.op === "cast") return cast(under(e.arg, facts, memo), e.dtype);
    if (e.op !== "call" || operands(e).every((o) => o.op === "read" || o.op === "constant")) return e;
    const args = e.args.map((a) => under(a, facts, memo));
    return args.every((a, k) => a === e.args[k]) ? e : call(e.fn, args, e.dtype);
  })();
  memo.set(e, made);
  return made;
}

function conjunction(e: Expr, facts: Facts): Expr {
  const parts = conjuncts(e);
  const [plain, reading] = [true, false].map((isPlain) =>
    parts.filter((p) => (readsOf([p]).length === 0) === isPlain),
  );
  let all = TRUE;
  let known = facts;
  for (const part of [...(plain ?? []), ...(reading ?? [])]) {
    const made = condition(part, known);
    all = and(all, made);
    known = [...known, ...factsOf(made)];
  }
  return all;
}

function condition(e: Expr, facts: Facts): Expr {
  if (e.op !== "call") return e;
  const [a, b] = e.args;
  if (e.fn === "and") return conjunction(e, facts);
  if (e.fn === "or" && a && b) {
    const left = condition(a, facts);
    return call("or", [left, condition(b, [...facts, ...factsOf(opposite(left))])], "bool");
  }
  if (e.fn === "not" && a) return opposite(condition(a, facts));
  if (!a || !b || a.dtype !== "i32" || (e.fn !== "eq" && e.fn !== "ne")) return e;
  const difference = polyOf(b).sub(polyOf(a));
  if (difference.hasOpaque || difference.indices.size === 0) return e;
  const equal = provablyNonNegative(difference, facts)
    ? compare("le", b, a)
    : provablyNonNegative(difference.neg(), facts)
      ? compare("le", a, b)
      : undefined;
  return equal ? (e.fn === "eq" ? equal : opposite(equal)) : e;
}

function opposite(e: Expr): Expr {
  if (e.op !== "call" || e.args[0]?.dtype !== "i32" || (e.fn !== "le" && e.fn !== "lt")) return not(e);
  const [a, b] = e.args;
  return a && b ? compare(e.fn === "le" ? "lt" : "le", b, a) : not(e);
}
