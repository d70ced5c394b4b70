import type { Expr, Index } from "./expr.js";

/**
 * Exact polynomials with rational coefficients over integer atoms: dims, index variables, and integer
 * expressions that are not polynomial themselves (floor quotients, remainders, gathered values).
 *
 * One class serves sizes (`H * W`, `N - 1`), ranges and subscripts (`2 * u + p - 1`), so the checker, the
 * adjoint's index-map solving, bounds proofs and the schedule all speak of the same thing. A Poly is
 * immutable and canonical: two are equal exactly when their keys are equal.
 */
export type Atom =
  | { readonly kind: "dim"; readonly key: string; readonly name: string }
  | { readonly kind: "index"; readonly key: string; readonly index: Index }
  | { readonly kind: "opaque"; readonly key: string; readonly expr: Expr };

interface Term {
  /** Coefficient as a reduced fraction; `den` > 0. */
  readonly num: number;
  readonly den: number;
  /** Sorted by key; a power is a repeated atom. */
  readonly atoms: readonly Atom[];
}

function gcd(a: number, b: number): number {
  a = Math.abs(a);
  b = Math.abs(b);
  while (b) [a, b] = [b, a % b];
  return a;
}

function termKey(atoms: readonly Atom[]): string {
  return atoms.map((a) => a.key).join("*");
}

const NONE: readonly Expr[] = [];
const compareAtoms = (a: Atom, b: Atom): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

export class Poly {
  private text: string | undefined;
  private opaqueAtoms: readonly Expr[] | undefined;
  private constructor(readonly terms: readonly Term[]) {}

  /** Made when first asked for: most polynomials are steps on the way to another. */
  get key(): string {
    return (this.text ??= this.terms.map((t) => `${t.num}/${t.den}:${termKey(t.atoms)}`).join("+") || "0");
  }

  private static from(terms: Iterable<Term>): Poly {
    const byKey = new Map<string, Term>();
    for (const term of terms) {
      const key = termKey(term.atoms);
      const old = byKey.get(key);
      let num = term.num;
      let den = term.den;
      if (old) {
        num = old.num * term.den + term.num * old.den;
        den = old.den * term.den;
      }
      const g = gcd(num, den) || 1;
      if (num === 0) byKey.delete(key);
      else byKey.set(key, { num: num / g, den: den / g, atoms: term.atoms });
    }
    // Index terms first, then dims, the constant last: `2 * u + p + N - 1`.
    const rank = (t: Term): string => (t.atoms.length === 0 ? "~~" : termKey(t.atoms));
    return new Poly([...byKey.values()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1)));
  }

  static constant(value: number): Poly {
    if (value === 0) return ZERO;
    return new Poly([{ num: value, den: 1, atoms: [] }]);
  }
  static dim(name: string): Poly {
    return new Poly([{ num: 1, den: 1, atoms: [{ kind: "dim", key: `d ${name}`, name }] }]);
  }
  static index(index: Index): Poly {
    return new Poly([
      { num: 1, den: 1, atoms: [{ kind: "index", key: `a ${String(index.id).padStart(9, "0")}`, index }] },
    ]);
  }
  static opaque(expr: Expr): Poly {
    if (expr.op === "index") return expr.poly;
    return new Poly([
      { num: 1, den: 1, atoms: [{ kind: "opaque", key: `b ${String(expr.id).padStart(9, "0")}`, expr }] },
    ]);
  }
  /** @internal used once for ZERO */
  static empty(): Poly {
    return new Poly([]);
  }

  add(other: Poly | number): Poly {
    const o = toPoly(other);
    return Poly.from([...this.terms, ...o.terms]);
  }
  neg(): Poly {
    return this.scale(-1);
  }
  sub(other: Poly | number): Poly {
    return this.add(toPoly(other).neg());
  }
  scale(num: number, den = 1): Poly {
    const sign = den < 0 ? -1 : 1;
    return Poly.from(
      this.terms.map((t) => ({ num: t.num * num * sign, den: t.den * den * sign, atoms: t.atoms })),
    );
  }
  mul(other: Poly | number): Poly {
    const o = toPoly(other);
    const terms: Term[] = [];
    for (const a of this.terms)
      for (const b of o.terms)
        terms.push({
          num: a.num * b.num,
          den: a.den * b.den,
          atoms: [...a.atoms, ...b.atoms].sort(compareAtoms),
        });
    return Poly.from(terms);
  }

  equals(other: Poly | number): boolean {
    return this.key === toPoly(other).key;
  }
  get isZero(): boolean {
    return this.terms.length === 0;
  }
  /** The value where there are no atoms, else undefined. */
  get constant(): number | undefined {
    if (this.terms.length === 0) return 0;
    const [only] = this.terms;
    return this.terms.length === 1 && only && only.atoms.length === 0 ? only.num / only.den : undefined;
  }
  /** The index variable when the polynomial is exactly one. */
  get asIndex(): Index | undefined {
    const [only] = this.terms;
    const atom = only?.atoms[0];
    return this.terms.length === 1 &&
      only?.num === 1 &&
      only.den === 1 &&
      only.atoms.length === 1 &&
      atom?.kind === "index"
      ? atom.index
      : undefined;
  }
  /** Index variables, those inside opaque atoms not included. */
  get indices(): Set<Index> {
    const found = new Set<Index>();
    for (const t of this.terms) for (const a of t.atoms) if (a.kind === "index") found.add(a.index);
    return found;
  }
  get atoms(): Map<string, Atom> {
    const found = new Map<string, Atom>();
    for (const t of this.terms) for (const a of t.atoms) found.set(a.key, a);
    return found;
  }
  get dims(): Set<string> {
    const found = new Set<string>();
    for (const t of this.terms) for (const a of t.atoms) if (a.kind === "dim") found.add(a.name);
    return found;
  }
  get hasOpaque(): boolean {
    return this.opaque.length > 0;
  }
  /** The expressions of the opaque atoms, each once. */
  get opaque(): readonly Expr[] {
    if (this.opaqueAtoms) return this.opaqueAtoms;
    let found: Expr[] | undefined;
    for (const t of this.terms)
      for (const a of t.atoms)
        if (a.kind === "opaque" && !found?.includes(a.expr)) (found ??= []).push(a.expr);
    return (this.opaqueAtoms = found ?? NONE);
  }

  /**
   * Split as `coefficient * index + rest`, where neither part mentions `index`.
   * Undefined where the index occurs to a higher power.
   */
  split(index: Index): { coefficient: Poly; rest: Poly } | undefined {
    const coefficient: Term[] = [];
    const rest: Term[] = [];
    for (const t of this.terms) {
      const power = t.atoms.filter((a) => a.kind === "index" && a.index === index).length;
      if (power === 0) rest.push(t);
      else if (power === 1)
        coefficient.push({ ...t, atoms: t.atoms.filter((a) => !(a.kind === "index" && a.index === index)) });
      else return undefined;
    }
    return { coefficient: Poly.from(coefficient), rest: Poly.from(rest) };
  }

  /** Replace atoms; `replace` returns undefined to keep one. */
  substitute(replace: (atom: Atom) => Poly | undefined): Poly {
    const terms: Term[] = [];
    let changed = false;
    for (const t of this.terms) {
      const kept: Atom[] = [];
      let product: Poly | undefined;
      for (const atom of t.atoms) {
        const by = replace(atom);
        if (by) product = product ? product.mul(by) : by;
        else kept.push(atom);
      }
      if (!product) {
        terms.push(t);
        continue;
      }
      changed = true;
      for (const p of product.terms) {
        const atoms = kept.length ? [...p.atoms, ...kept].sort(compareAtoms) : p.atoms;
        terms.push({ num: p.num * t.num, den: p.den * t.den, atoms });
      }
    }
    return changed ? Poly.from(terms) : this;
  }

  /** The least common denominator of the coefficients. */
  get denominator(): number {
    return this.terms.reduce((den, t) => (den * t.den) / gcd(den, t.den), 1);
  }

  evaluate(valueOf: (atom: Atom) => number): number {
    const over = this.denominator;
    let total = 0;
    for (const t of this.terms)
      total += t.atoms.reduce((product, atom) => product * valueOf(atom), t.num * (over / t.den));
    return total / over;
  }
}

export const ZERO: Poly = Poly.empty();
export const ONE: Poly = Poly.constant(1);
export const toPoly = (value: Poly | number): Poly =>
  typeof value === "number" ? Poly.constant(value) : value;
