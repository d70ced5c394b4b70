import { polyOf, type Expr, type Index, type ReadExpr } from "./expr.js";
import { gcd, Poly } from "./poly.js";

/**
 * Bounds of integer polynomials over a box of index ranges.
 *
 * An index that exists at all has a non-empty range, so at any point of an iteration space every dim that bounds
 * one of its ranges is at least 1; that, and dims >= 0, is all that is assumed of sizes here.
 */

/** Replace each index by the end of its range that makes the polynomial smallest; undefined where a sign is unknown. */
export function minimumOverRanges(p: Poly): Poly | undefined {
  let current = p;
  for (let round = 0; round < 16; round++) {
    const [index] = innermost(current);
    if (!index) return current.hasOpaque ? withoutOpaque(current) : current;
    const parts = current.split(index);
    if (!parts) return undefined;
    const sign = signOf(parts.coefficient);
    if (sign === undefined) return undefined;
    const end = sign >= 0 ? index.lo : index.hi.sub(1);
    current = parts.rest.add(parts.coefficient.mul(end));
  }
  return undefined;
}

/** Indices with those first whose ranges mention others, so that these are substituted away before. */
function innermost(p: Poly): Index[] {
  return [...p.indices].sort(
    (a, b) => b.lo.indices.size + b.hi.indices.size - (a.lo.indices.size + a.hi.indices.size),
  );
}

/** floor_div and mod by a positive literal have simple bounds; other opaque atoms have none. */
function withoutOpaque(p: Poly): Poly | undefined {
  let failed = false;
  let current = p;
  for (const atom of p.atoms.values()) {
    if (atom.kind !== "opaque") continue;
    const coefficient = p.terms.filter((t) => t.atoms.some((a) => a.key === atom.key));
    const [only] = coefficient;
    const bounds = opaqueBounds(atom.expr);
    if (coefficient.length !== 1 || !only || only.atoms.length !== 1 || !bounds) {
      failed = true;
      break;
    }
    const bound = only.num > 0 ? bounds.lo : bounds.hi;
    if (!bound) {
      failed = true;
      break;
    }
    current = current.substitute((a) => (a.key === atom.key ? bound : undefined));
  }
  return failed
    ? undefined
    : current.indices.size || current.hasOpaque
      ? minimumOverRanges(current)
      : current;
}
function opaqueBounds(e: Expr): { lo?: Poly; hi?: Poly } | undefined {
  if (e.op !== "call" || e.args.length !== 2) return undefined;
  const [a, b] = e.args;
  if (!a || !b || b.op !== "constant" || b.value <= 0) return undefined;
  if (e.fn === "mod") return { lo: Poly.constant(0), hi: Poly.constant(b.value - 1) };
  if (e.fn !== "floor_div") return undefined;
  const dividend = polyOf(a);
  // (a - (b - 1)) / b <= floor(a / b) <= a / b
  return { lo: dividend.sub(b.value - 1).scale(1, b.value), hi: dividend.scale(1, b.value) };
}

/** 1, -1 or 0 where the sign of a polynomial in dims is plain; dims count as at least 0. */
function signOf(p: Poly): number | undefined {
  if (p.isZero) return 0;
  if (p.indices.size || p.hasOpaque) return undefined;
  if (p.terms.every((t) => t.num > 0)) return 1;
  if (p.terms.every((t) => t.num < 0)) return -1;
  return undefined;
}

/** Whether p >= 0 at every point of its index ranges, for all sizes; further facts are polynomials known to be >= 0. */
export function provablyNonNegative(p: Poly, facts: readonly Poly[] = [], depth = 2): boolean {
  const minimum = minimumOverRanges(p);
  if (minimum && nonNegativeInDims(minimum, liveDims(p))) return true;
  if (depth === 0) return false;
  return facts.some(
    (fact) =>
      shares(p, fact) &&
      provablyNonNegative(
        p.sub(fact),
        facts.filter((f) => f !== fact),
        depth - 1,
      ),
  );
}
function shares(p: Poly, fact: Poly): boolean {
  const atoms = p.atoms;
  return [...fact.atoms.keys()].some((key) => atoms.has(key));
}

/** Dims known to be at least 1 because a range `0..N` of an index in play is non-empty. */
function liveDims(p: Poly): Map<string, number> {
  const live = new Map<string, number>();
  for (const index of p.indices) {
    const extent = index.hi.sub(index.lo);
    const [first] = extent.terms;
    const atom = first?.atoms[0];
    const offset = extent.sub(atom?.kind === "dim" ? Poly.dim(atom.name) : Poly.constant(0)).constant;
    if (
      first?.num === 1 &&
      first.den === 1 &&
      first.atoms.length === 1 &&
      atom?.kind === "dim" &&
      offset !== undefined
    )
      live.set(atom.name, 1 - offset);
    else if (first && atom?.kind === "dim" && extent.terms.length === 1 && first.num > 0)
      live.set(atom.name, first.den / gcd(first.num, first.den));
  }
  return live;
}

function nonNegativeInDims(p: Poly, atLeast: ReadonlyMap<string, number>): boolean {
  // Write each dim as its least value plus something >= 0: then non-negative coefficients are enough.
  const shifted = p.substitute((a) => {
    const least = a.kind === "dim" ? atLeast.get(a.name) : undefined;
    return least !== undefined && least > 0 && a.kind === "dim" ? Poly.dim(a.name).add(least) : undefined;
  });
  return !shifted.hasOpaque && shifted.indices.size === 0 && shifted.terms.every((t) => t.num >= 0);
}

/** Whether every element that the subscripts can name exists, whatever stands around the read. */
export function inBounds(e: ReadExpr, shape: readonly Poly[]): boolean {
  return e.subscripts.every((s, k) => {
    const size = shape[k];
    const index = s.asIndex;
    if (index && size) return index.lo.isZero && index.hi.equals(size);
    return s.constant !== undefined && s.constant >= 0 && s.constant < (size?.constant ?? 0);
  });
}
