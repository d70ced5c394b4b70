import { invariant } from "../diagnostics/invariant.js";
import type { Expr, Index } from "./expr.js";
import { freshIndex, indicesOf, rewriter } from "./expr.js";
import { Poly } from "./poly.js";

/** Standard index variables, so that two expressions that differ in names only have the same key. */
const canonicalIndices: Index[] = [];
export function canonicalIndex(k: number): Index {
  while (canonicalIndices.length <= k) canonicalIndices.push(freshIndex(`c${canonicalIndices.length}`, 1));
  const found = canonicalIndices[k];
  invariant(found, `standard index ${k} is made`);
  return found;
}

/** The expression with standard indices, in the order in which its own occur, as a text with their ranges. */
export function formOf(e: Expr): { readonly key: string; readonly indices: readonly Index[] } {
  const indices = [...indicesOf([e])];
  const { expr, poly } = rewriter({
    index: (i) => {
      const k = indices.indexOf(i);
      return k < 0 ? undefined : Poly.index(canonicalIndex(k));
    },
  });
  const ranges = indices.map((i) => `${poly(i.lo).key}..${poly(i.hi).key}`);
  return { key: `${e.dtype} ${ranges.join(",")} ${expr(e).id}`, indices };
}
