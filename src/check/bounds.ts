import type { Expr, ValueId } from "../ir/expr.js";
import { minimumOverRanges, provablyNonNegative } from "../ir/bounds.js";
import { Poly } from "../ir/poly.js";
import { toPolynomial } from "./term.js";

/**
 * Bounds of accesses. `shortfalls(p)` says what is missing for p >= 0 at every point: nothing, polynomials in dims
 * that must be >= 0 (known when the sizes are bound, or already known to fail), or that data decides.
 */
export type Shortfall = readonly Poly[] | "data" | "unknown";
export interface Known {
  /** Polynomials known to be >= 0 where the access is made. */
  readonly facts: readonly Poly[];
  /** The range lo..hi of an integer value's entries, if known. */
  readonly rangeOf: (value: ValueId) => { readonly lo: Poly; readonly hi: Poly } | undefined;
}

export function shortfalls(p: Poly, known: Known, depth = 12): Shortfall {
  if (provablyNonNegative(p, known.facts)) return [];
  const opaque = [...p.atoms.values()].find((a) => a.kind === "opaque");
  if (opaque?.kind === "opaque" && depth > 0)
    return throughOpaque(p, opaque.expr, opaque.key, known, depth - 1);
  const candidates = [p, ...known.facts.map((fact) => p.sub(fact))].map(minimumOverRanges);
  const inDims = candidates.filter((c): c is Poly => c !== undefined && c.indices.size === 0 && !c.hasOpaque);
  const open = inDims.find((c) => c.constant === undefined);
  const failing = inDims[0];
  if (open) return [open];
  return failing ? [failing] : "unknown";
}

function throughOpaque(p: Poly, e: Expr, key: string, known: Known, depth: number): Shortfall {
  const own = p.terms.filter((t) => t.atoms.some((a) => a.key === key));
  const [term] = own;
  if (!term || own.length !== 1) return "unknown";
  // Times dims, which are not negative, a bound stays a bound.
  const others = term.atoms.filter((a) => a.key !== key);
  if (others.length !== term.atoms.length - 1 || others.some((a) => a.kind !== "dim")) return "unknown";
  const coefficient = term.num / term.den;
  const replaced = (by: Poly, facts: readonly Poly[] = []): Shortfall =>
    shortfalls(
      p.substitute((a) => (a.key === key ? by : undefined)),
      facts.length ? { ...known, facts: [...known.facts, ...facts] } : known,
      depth,
    );
  const both = (a: Shortfall, b: Shortfall): Shortfall =>
    typeof a === "string" ? a : typeof b === "string" ? b : [...a, ...b];
  const either = (a: Shortfall, b: Shortfall): Shortfall => {
    if (typeof a !== "string" && a.length === 0) return a;
    if (typeof b !== "string" && b.length === 0) return b;
    return typeof a !== "string" && a.some((s) => s.constant === undefined)
      ? a
      : typeof b === "string"
        ? a
        : b;
  };
  if (e.op === "select")
    return both(
      replaced(toPolynomial(e.then), factsOf(e.condition, known.facts)),
      replaced(toPolynomial(e.else), factsOf(e.condition, known.facts, false)),
    );
  if (e.op === "cast") return "data";
  if (e.op === "read") {
    const range = known.rangeOf(e.value);
    return range ? replaced(coefficient > 0 ? range.lo : range.hi.sub(1)) : "data";
  }
  if (e.op !== "call") return "unknown";
  const [first, second] = e.args;
  if (!first || !second) return "data";
  const a = toPolynomial(first);
  const b = toPolynomial(second);
  switch (e.fn) {
    case "min":
      return coefficient < 0 ? either(replaced(a), replaced(b)) : both(replaced(a), replaced(b));
    case "max":
      return coefficient > 0 ? either(replaced(a), replaced(b)) : both(replaced(a), replaced(b));
    case "mod":
      if ((b.constant ?? 1) < 1) return "unknown";
      return replaced(coefficient > 0 ? Poly.constant(0) : b.sub(1));
    case "floor_div": {
      const least = b.sub(1);
      if (b.indices.size || b.hasOpaque || others.length || Math.abs(coefficient) !== 1) return "unknown";
      if ((least.constant ?? 0) < 0) return "unknown";
      const rest = p.substitute((atom) => (atom.key === key ? Poly.constant(0) : undefined));
      // floor(a / b) >= -rest exactly when a >= -b * rest; floor(a / b) <= rest exactly when a < b * (rest + 1)
      const equivalent = coefficient > 0 ? a.add(rest.mul(b)) : rest.add(1).mul(b).sub(1).sub(a);
      return both(least.constant === undefined ? [least] : [], shortfalls(equivalent, known, depth));
    }
    default:
      return "data";
  }
}

/** What a condition says about integers, as polynomials that are >= 0 where it holds. */
export function factsOf(condition: Expr, known: readonly Poly[] = [], holds = true): Poly[] {
  if (condition.op !== "call") return [];
  const [first, second] = condition.args;
  if (condition.fn === "not" && first) return factsOf(first, known, !holds);
  if (!first || !second) return [];
  if (condition.fn === (holds ? "and" : "or")) {
    const left = factsOf(first, known, holds);
    return [...left, ...factsOf(second, [...known, ...left], holds)];
  }
  if (first.dtype !== "i32") return [];
  const difference = toPolynomial(second).sub(toPolynomial(first));
  switch (condition.fn) {
    case "lt":
      return [holds ? difference.sub(1) : difference.neg()];
    case "le":
      return [holds ? difference : difference.neg().sub(1)];
    case "eq":
      return holds ? [difference, difference.neg()] : apart(difference, known);
    case "ne":
      return holds ? apart(difference, known) : [difference, difference.neg()];
    default:
      return [];
  }
}

/** Not 0, and on one side of 0 anyway: where `i == 0` does not hold, `i` is at least 1. */
function apart(difference: Poly, known: readonly Poly[]): Poly[] {
  for (const side of [difference, difference.neg()])
    if (provablyNonNegative(side, known)) return [side.sub(1)];
  return [];
}
