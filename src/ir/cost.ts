import type { Expr } from "./expr.js";
import { operands, visit } from "./expr.js";
import { SCALARS } from "./scalar/table.js";

/** Rough flops of one evaluation of a body. What depends on no element and no index is computed before any loop. */
export function costOf(body: Expr): number {
  let cost = 0;
  const fixed = new Set<Expr>();
  visit([body], (e) => {
    const isFixed =
      e.op === "constant" || (e.op !== "read" && e.op !== "index" && operands(e).every((o) => fixed.has(o)));
    if (isFixed || (e.op === "index" && e.poly.indices.size === 0 && !e.poly.hasOpaque)) fixed.add(e);
    else if (e.op === "call")
      cost += e.dtype === "i32" || e.dtype === "bool" ? 0.25 : (SCALARS[e.fn]?.cost ?? 1);
    else if (e.op === "select") cost += 0.5;
  });
  return cost;
}
