import type { Expr, Index } from "../ir/expr.js";
import {
  and,
  call,
  compare,
  constant,
  freshIndex,
  indexValue,
  renaming,
  rewriter,
  TRUE,
  within,
} from "../ir/expr.js";
import { Poly } from "../ir/poly.js";

/**
 * Inverts the index map of a read. A point of the iteration space (`free` indices) touches the element
 * `subscripts(point)`; the result enumerates, for an element `target`, all points that touch it:
 * `values` gives each solved index in terms of `target` and of `remaining` (fresh indices to be reduced over),
 * and `guard` says which of those combinations exist.
 */
export interface Inverse {
  readonly remaining: readonly Index[];
  readonly guard: Expr;
  /** Replaces the old indices in any expression over the iteration space. */
  readonly substitute: (e: Expr) => Expr;
}

/**
 * @returns undefined where a subscript depends on data (or floors) over indices that nothing else determines,
 *   or has a symbolic stride: the adjoint is then a scatter.
 */
export function invert(
  subscripts: readonly Poly[],
  target: readonly Index[],
  free: readonly Index[],
): Inverse | undefined {
  const solved = new Map<Index, Poly>();
  let guard: Expr = TRUE;
  const pending: { subscript: Poly; target: Poly }[] = subscripts.map((s, k) => {
    const axis = target[k];
    return { subscript: s, target: axis ? Poly.index(axis) : Poly.constant(0) };
  });
  const unsolved = new Set(free);
  const resolve = (p: Poly): Poly => rewriter({ index: (i) => solved.get(i) }).poly(p);

  // Simplest subscripts first: `x[b, u + p]` settles b, then u.
  let progress = true;
  while (pending.length && progress) {
    progress = false;
    pending.sort((a, b) => unknowns(a.subscript, unsolved).length - unknowns(b.subscript, unsolved).length);
    for (const [k, equation] of pending.entries()) {
      const subscript = resolve(equation.subscript);
      const found = chooseUnknown(subscript, equation.target, unsolved);
      if (!found) continue;
      for (const [index, value] of found.values) {
        // Earlier solutions may mention the index that has just been settled.
        solved.set(index, value);
        unsolved.delete(index);
        for (const [other, old] of solved)
          solved.set(other, rewriter({ index: (i) => (i === index ? value : undefined) }).poly(old));
      }
      guard = and(guard, found.guard);
      pending.splice(k, 1);
      progress = true;
      break;
    }
  }
  // Whatever is left must hold as an equation; it may mention data only if no index stays to be searched for.
  for (const { subscript, target: axis } of pending) {
    const left = resolve(subscript);
    if (unknownsWithin(left, unsolved)) return undefined;
    guard = and(guard, compare("eq", indexValue(axis), indexValue(left)));
  }
  const remaining = new Map<Index, Index>();
  for (const index of free)
    if (unsolved.has(index)) remaining.set(index, freshIndex(index.name, index.hi, index.lo));
  const rename = renaming(remaining);
  const substitution = rewriter({
    index: (i) => {
      const s = solved.get(i);
      const r = remaining.get(i);
      return s ? rename.poly(s) : r && Poly.index(r);
    },
  });
  return {
    remaining: [...remaining.values()],
    guard: substitution.expr(rename.expr(guard)),
    substitute: substitution.expr,
  };
}

function unknowns(p: Poly, unsolved: ReadonlySet<Index>): Index[] {
  return [...p.indices].filter((i) => unsolved.has(i));
}
/** Whether an unsolved index occurs anywhere, inside opaque atoms too. */
function unknownsWithin(p: Poly, unsolved: ReadonlySet<Index>): boolean {
  let found = false;
  rewriter({
    index: (i) => {
      if (unsolved.has(i)) found = true;
      return undefined;
    },
  }).poly(p);
  return found;
}

interface Solution {
  readonly values: readonly (readonly [Index, Poly])[];
  readonly guard: Expr;
}

/** Solve `subscript = target` for one index (or for two that are the digits of a mixed radix). */
function chooseUnknown(subscript: Poly, target: Poly, unsolved: ReadonlySet<Index>): Solution | undefined {
  const candidates = unknowns(subscript, unsolved).flatMap((index) => {
    const parts = subscript.split(index);
    const stride = parts?.coefficient.constant;
    if (!parts || stride === undefined || !Number.isInteger(stride) || stride === 0) return [];
    if (occursInOpaque(parts.rest, index)) return [];
    return [{ index, stride, rest: parts.rest }];
  });
  // c * u + p with p in 0..c: u and p are the quotient and the remainder.
  for (const u of candidates) {
    if (u.stride < 2) continue;
    const digit = u.rest.asIndex;
    if (digit && unsolved.has(digit) && digit.lo.isZero && digit.hi.equals(u.stride)) {
      const quotient = Poly.opaque(call("floor_div", [indexValue(target), constant(u.stride, "i32")], "i32"));
      return {
        values: [
          [digit, target.sub(quotient.scale(u.stride))],
          [u.index, quotient],
        ],
        guard: rangeGuard(u.index, quotient),
      };
    }
  }
  const best = candidates.sort(
    (a, b) => extentRank(b.index) - extentRank(a.index) || Math.abs(a.stride) - Math.abs(b.stride),
  )[0];
  if (!best) return undefined;
  const distance = target.sub(best.rest);
  if (Math.abs(best.stride) === 1) {
    const value = distance.scale(best.stride);
    return { values: [[best.index, value]], guard: rangeGuard(best.index, value) };
  }
  const stride = constant(Math.abs(best.stride), "i32");
  const signed = best.stride < 0 ? distance.neg() : distance;
  const value = Poly.opaque(call("floor_div", [indexValue(signed), stride], "i32"));
  const even = compare("eq", call("mod", [indexValue(signed), stride], "i32"), constant(0, "i32"));
  return { values: [[best.index, value]], guard: and(even, rangeGuard(best.index, value)) };
}

function occursInOpaque(p: Poly, index: Index): boolean {
  return !p.indices.has(index) && unknownsWithin(p, new Set([index]));
}
/** The search runs over what is not solved, so solve for the longest range: dims are taken to be long. */
function extentRank(index: Index): number {
  const extent = index.hi.sub(index.lo).constant;
  return extent ?? 1e9;
}
/** lo <= value < hi, left out where the target's own range says it. */
function rangeGuard(index: Index, value: Poly): Expr {
  const alias = value.asIndex;
  if (alias && alias.lo.equals(index.lo) && alias.hi.equals(index.hi)) return TRUE;
  return within(value, index.lo, index.hi);
}
