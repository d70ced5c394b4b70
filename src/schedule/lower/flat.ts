import { indicesOf, type Index } from "../../ir/expr.js";
import type { Poly } from "../../ir/poly.js";

/**
 * `rest + coefficient * position`, where the position is the row-major one in the group of indices (of which those after
 * the first begin at 0): so far apart in memory are neighbours all along the group. Null where the address is not of that
 * form.
 */
export function asOne(
  address: Poly,
  group: readonly Index[],
): { readonly coefficient: Poly; readonly rest: Poly } | null {
  let rest = address;
  let step: Poly | null = null;
  let coefficient: Poly | null = null;
  for (const index of [...group].reverse()) {
    const parts = rest.split(index);
    if (!parts || [...parts.coefficient.indices].some((i) => group.includes(i))) return null;
    coefficient ??= parts.coefficient;
    step ??= coefficient;
    if (!parts.coefficient.equals(step)) return null;
    step = step.mul(index.hi);
    rest = parts.rest;
  }
  const hidden = indicesOf(rest.opaque);
  return coefficient && !group.some((i) => hidden.has(i)) ? { coefficient, rest } : null;
}
