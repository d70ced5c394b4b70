import type { RunAxis } from "../ir/arrange.js";
import { compare, freshIndex, indexValue, indicesOf, type Expr, type Index } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Context } from "./context.js";

/** Bound indices that a value depends on, as leading axes of it. */
export interface LeadingAxes {
  readonly axes: readonly Index[];
  /** The subscripts of these axes that are the value at the indices. */
  readonly lead: readonly Poly[];
  /** The indices, written with the axes. */
  readonly renamed: ReadonlyMap<Index, Poly>;
  readonly runs: readonly RunAxis[];
  /** Conditions that a step is made which an axis counts. */
  readonly started: readonly Expr[];
}

/** Axes start at 0: an index from lo is axis + lo, but a step number of a recurrence stays what it is. */
export const axisOf = (i: Index, { times }: Context): Index =>
  freshIndex(i.name, times.has(i) ? i.hi : i.hi.sub(i.lo));
export const placeOf = (i: Index, { times }: Context): Poly =>
  times.has(i) ? Poly.index(i) : Poly.index(i).sub(i.lo);
/** The recurrences that run along axes which stand for indices, these being a value's from `first` on. */
export const runsAlong = (indices: readonly Index[], { times }: Context, first = 0): RunAxis[] =>
  indices.flatMap((i, k) => {
    const run = times.get(i);
    return run ? [{ run, axis: first + k, shift: 0 }] : [];
  });

export function leadingAxes(indices: readonly Index[], context: Context): LeadingAxes {
  const axes = indices.map((i) => axisOf(i, context));
  const renamed = new Map<Index, Poly>();
  const started: Expr[] = [];
  axes.forEach((axis, k) => {
    const i = indices[k];
    if (!i) return;
    const timed = context.times.has(i);
    renamed.set(i, timed ? Poly.index(axis) : Poly.index(axis).add(i.lo));
    if (timed && !i.lo.isZero) started.push(compare("le", indexValue(i.lo), indexValue(Poly.index(axis))));
  });
  const lead = indices.map((i) => placeOf(i, context));
  return { axes, lead, renamed, runs: runsAlong(indices, context), started };
}

/** Of the indices that anything visible may depend on: those of a recurrence's quantities. */
export function visibleAxes(context: Context): LeadingAxes {
  const visible = new Set<Index>();
  for (const name of context.scope.visible()) {
    const binding = context.scope.lookup(name);
    if (binding?.kind === "term") for (const i of indicesOf([binding.term.body])) visible.add(i);
  }
  for (const i of indicesOf(context.path)) visible.add(i);
  return leadingAxes(
    context.bound.filter((i) => visible.has(i) || context.times.has(i)),
    context,
  );
}
