import type { Run } from "../ir/arrange.js";
import * as ir from "../ir/expr.js";
import { indicesOf, type Expr, type Index } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Context } from "./context.js";

/** The indices that a recurrence stands under and may depend on, as leading axes of its quantities. */
export interface Points {
  readonly axes: readonly Index[];
  readonly lead: readonly Poly[];
  readonly renamed: ReadonlyMap<Index, Poly>;
  readonly runs: readonly { readonly run: Run; readonly axis: number; readonly shift: number }[];
  readonly started: readonly Expr[];
}
export function pointsOf(context: Context): Points {
  const visible = new Set<Index>();
  for (const name of context.scope.visible()) {
    const binding = context.scope.lookup(name);
    if (binding?.kind === "term") for (const i of indicesOf([binding.term.body])) visible.add(i);
  }
  for (const i of indicesOf(context.path)) visible.add(i);
  const free = context.bound.filter((i) => visible.has(i) || context.times.has(i));
  const axes = free.map((i) => ir.freshIndex(i.name, context.times.has(i) ? i.hi : i.hi.sub(i.lo)));
  const renamed = new Map<Index, Poly>();
  const lead: Poly[] = [];
  const started: Expr[] = [];
  free.forEach((i, k) => {
    const axis = axes[k];
    if (!axis) return;
    const timed = context.times.has(i);
    renamed.set(i, timed ? Poly.index(axis) : Poly.index(axis).add(i.lo));
    lead.push(timed ? Poly.index(i) : Poly.index(i).sub(i.lo));
    if (timed && !i.lo.isZero)
      started.push(ir.compare("le", ir.indexValue(i.lo), ir.indexValue(Poly.index(axis))));
  });
  const runs = free.flatMap((i, axis) => {
    const run = context.times.get(i);
    return run ? [{ run, axis, shift: 0 }] : [];
  });
  return { axes, lead, renamed, runs, started };
}
