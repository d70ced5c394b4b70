import { conjuncts } from "../ir/conditions.js";
import type { Expr, Index, ValueId } from "../ir/expr.js";
import { and, indicesOf, TRUE } from "../ir/expr.js";
import { Finiteness } from "./finite.js";
import type { Workspace } from "./workspace.js";

/** One thing sent back to a value: its element at given indices (batch, then axes). */
export type Contribution = (indices: readonly Index[]) => Expr;

/**
 * Where a cotangent is exactly 0 because something on its way lets only some points through: where one of the
 * conditions does not hold, and only there; at points that are not known; or nowhere.
 */
export type Mask = readonly Expr[] | "unknown" | "none";

/** What a reverse sweep has sent back to each value so far. */
export class Contributions {
  private readonly all = new Map<ValueId, Contribution[]>();
  private readonly masks = new Map<ValueId, ((indices: readonly Index[]) => Mask)[]>();
  private readonly unknown = new Set<ValueId>();
  /** Whether expressions may be infinite or NaN. */
  readonly finiteness: Finiteness;

  constructor(work: Workspace) {
    this.finiteness = new Finiteness(work.values);
  }

  send(id: ValueId, contribution: Contribution, mask: (indices: readonly Index[]) => Mask): void {
    this.all.set(id, [...(this.all.get(id) ?? []), contribution]);
    this.masks.set(id, [...(this.masks.get(id) ?? []), mask]);
  }
  to(id: ValueId): readonly Contribution[] {
    return this.all.get(id) ?? [];
  }

  /** These send to each other, so that not all is known when the first of them is asked. */
  mask(ids: readonly ValueId[]): void {
    for (const id of ids) this.unknown.add(id);
  }
  /** Where all that was sent to a value is 0, by indices over its batch and axes. */
  maskAt(id: ValueId, indices: readonly Index[]): Mask {
    const found = (this.masks.get(id) ?? []).map((mask) => mask(indices));
    if (found.includes("none")) return "none";
    const lists = found.filter((m) => m !== "none" && m !== "unknown");
    const [first = [], ...others] = lists;
    const common = first.filter((condition) => others.every((list) => list.includes(condition)));
    // Where these hold, one of the contributions must come.
    const isExact = lists.some((list) => list.length === common.length);
    return this.unknown.has(id) || lists.length < found.length || !isExact ? "unknown" : common;
  }
}

/**
 * The conditions of a guard and of a mask, seen from where certain indices are not: known if none of the conditions mentions
 * any of them. `open` counts as none.
 */
export function maskOf(guard: Expr, reader: Mask, hidden: readonly Index[], open = TRUE): Mask {
  if (reader === "unknown") return "unknown";
  const conditions = new Set([
    ...conjuncts(guard === TRUE ? null : guard),
    ...(reader === "none" ? [] : reader),
  ]);
  conditions.delete(open);
  if (conditions.size === 0) return "none";
  const mentioned = indicesOf([...conditions]);
  return hidden.some((i) => mentioned.has(i)) ? "unknown" : [...conditions];
}
/** A guard under which a cotangent with this mask may be multiplied by anything. */
export const guardOf = (mask: Mask): Expr => (typeof mask === "string" ? TRUE : mask.reduce(and, TRUE));
