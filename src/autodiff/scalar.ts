import { invariant } from "../diagnostics/invariant.js";
import type { CallExpr, Expr, ReadExpr } from "../ir/expr.js";
import {
  add,
  and,
  call,
  cast,
  constant,
  isFloat,
  isOne,
  isZero,
  mul,
  neg,
  not,
  select,
  TRUE,
  visit,
} from "../ir/expr.js";
import { SCALARS } from "../ir/scalar/table.js";
import type { Finiteness } from "./finite.js";

/**
 * A term that holds where `guard` does and is exactly 0 elsewhere. Guards stay outermost and are never turned into
 * a factor, so an arm that is not taken cannot leak a NaN through 0 * inf.
 */
export interface Guarded {
  readonly guard: Expr;
  readonly value: Expr;
}

/** One partial derivative for each argument; null where none passes. */
function partials(node: CallExpr, result: Expr): readonly (Expr | null)[] {
  const entry = SCALARS[node.fn];
  invariant(entry, `scalar function ${node.fn} is in the table`);
  return entry.derivative({ args: node.args, y: result });
}

/** A cotangent times a factor that may be infinite or NaN: exactly 0 where the cotangent is. */
export const mul0 = (incoming: Expr, factor: Expr): Expr =>
  isOne(incoming) ? factor : call("mul0", [incoming, factor], incoming.dtype);

/** Which factors must not count where what they are multiplied by is 0. */
export interface Wild {
  readonly finiteness: Finiteness;
  /**
   * Whether that holds for the body as a whole too. A product under a sum is multiplied by the sum's own cotangent, which
   * no factor in here made 0; as a plain product it stays a matrix product.
   */
  readonly atRoot: boolean;
}

/** incoming * partial, with the table's rule that an exactly zero cotangent stays zero at a singular point. */
function chain(
  node: CallExpr,
  incoming: Expr,
  partial: Expr,
  keepsOut: boolean,
  finiteness: Finiteness,
): Expr {
  if (isOne(incoming)) return partial;
  if (partial.op === "constant" && partial.value === -1) return neg(incoming);
  if (partial.op === "constant") return mul(incoming, partial);
  const isGuarded = keepsOut || (singular(node) && finiteness.isSingular(partial));
  return isGuarded ? mul0(incoming, partial) : mul(incoming, partial);
}
/** Whether the partials of this call may be infinite somewhere. */
function singular(node: CallExpr): boolean {
  if (!SCALARS[node.fn]?.zeroCotangentGivesZero) return false;
  const second = node.args[1];
  if (node.fn === "powi") return second?.op === "constant" && second.value < 0;
  return !(node.fn === "div" && second && isNonzero(second));
}
function isNonzero(e: Expr): boolean {
  if (e.op === "constant") return e.value !== 0;
  if (e.op === "cast") return e.arg.op === "index" && e.arg.poly.indices.size === 0;
  return e.op === "call" && e.fn === "sqrt" && e.args[0] !== undefined && isNonzero(e.args[0]);
}

/** A partial that is a choice against 0 (relu, max, abs …) becomes a guard. */
function guardedPartial(partial: Expr): Guarded {
  if (partial.op === "select" && isZero(partial.else)) {
    const inner = guardedPartial(partial.then);
    return { guard: and(partial.condition, inner.guard), value: inner.value };
  }
  if (partial.op === "select" && isZero(partial.then)) {
    const inner = guardedPartial(partial.else);
    return { guard: and(not(partial.condition), inner.guard), value: inner.value };
  }
  return { guard: TRUE, value: partial };
}

/**
 * Reverse sweep over one scalar body: what flows back into each float read, given the cotangent of the root.
 * `rootResult` is a cheap name for the root's value (a read of the tensor just computed), if there is one.
 */
export function reverseSweep(
  root: Expr,
  seed: Guarded,
  rootResult: Expr | null,
  wild: Wild,
): Map<ReadExpr, Guarded[]> {
  const order: Expr[] = [];
  visit([root], (e) => order.push(e));
  const adjoints = new Map<Expr, Map<Expr, Expr>>(); // node → guard → sum of terms
  const contribute = (node: Expr, guard: Expr, value: Expr): void => {
    if (!isFloat(node.dtype) || isZero(value) || (guard.op === "constant" && !guard.value)) return;
    if (node.op === "constant" || node.op === "index") return;
    const terms = adjoints.get(node) ?? new Map<Expr, Expr>();
    const old = terms.get(guard);
    terms.set(guard, old ? add(old, value) : value);
    adjoints.set(node, terms);
  };
  contribute(root, seed.guard, seed.value);
  const reads = new Map<ReadExpr, Guarded[]>();
  for (const node of order.reverse()) {
    for (const [guard, value] of adjoints.get(node) ?? []) {
      switch (node.op) {
        case "read":
          reads.set(node, [...(reads.get(node) ?? []), { guard, value }]);
          break;
        case "call":
          partials(node, node === root && rootResult ? rootResult : node).forEach((partial, k) => {
            const arg = node.args[k];
            if (!partial || !arg || isZero(partial)) return;
            const rule = guardedPartial(partial);
            const keepsOut = (node !== root || wild.atRoot) && wild.finiteness.isWild(rule.value);
            contribute(
              arg,
              and(guard, rule.guard),
              chain(node, value, rule.value, keepsOut, wild.finiteness),
            );
          });
          break;
        case "select":
          contribute(node.then, and(guard, node.condition), value);
          contribute(node.else, and(guard, not(node.condition)), value);
          break;
        case "cast":
          contribute(node.arg, guard, cast(value, node.arg.dtype));
          break;
        case "constant":
        case "index":
          break;
      }
    }
  }
  return reads;
}

/** Forward sweep: the tangent of `root`, or null where it is identically 0. */
export function forwardSweep(
  root: Expr,
  tangentOf: (node: ReadExpr) => Expr | null,
  wild: Wild,
): Expr | null {
  const tangents = new Map<Expr, Expr | null>();
  const at = (e: Expr): Expr | null => tangents.get(e) ?? null;
  visit([root], (node) => {
    const own = { ...wild, atRoot: node !== root || wild.atRoot };
    tangents.set(node, isFloat(node.dtype) ? forwardNode(node, at, tangentOf, own) : null);
  });
  return at(root);
}
function forwardNode(
  node: Expr,
  at: (e: Expr) => Expr | null,
  tangentOf: (node: ReadExpr) => Expr | null,
  { finiteness, atRoot: isCounted }: Wild,
): Expr | null {
  switch (node.op) {
    case "constant":
    case "index":
      return null;
    case "read":
      return tangentOf(node);
    case "cast": {
      const tangent = at(node.arg);
      return tangent && cast(tangent, node.dtype);
    }
    case "select": {
      const a = at(node.then);
      const b = at(node.else);
      const zero = constant(0, node.dtype);
      return a || b ? select(node.condition, a ?? zero, b ?? zero) : null;
    }
    case "call": {
      let total: Expr | null = null;
      if (!node.args.some((arg) => at(arg))) return null;
      partials(node, node).forEach((partial, k) => {
        const arg = node.args[k];
        const tangent = arg && at(arg);
        if (!partial || !tangent || isZero(partial)) return;
        const rule = guardedPartial(partial);
        // Of mul0(x, y) the tangent that comes by y is 0 where x is.
        const product =
          node.fn === "mul0" && k === 1 && rule.value.op !== "constant"
            ? mul0(rule.value, tangent)
            : chain(node, tangent, rule.value, isCounted && finiteness.isWild(rule.value), finiteness);
        const term = select(rule.guard, product, constant(0, node.dtype));
        total = total ? add(total, term) : term;
      });
      return total;
    }
  }
}
