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
  /** Of the atoms together; empty for the constant. */
  readonly key: string;
}

export function gcd(a: number, b: number): number {
  a = Math.abs(a);
  b = Math.abs(b);
  while (b) [a, b] = [b, a % b];
  return a;
}

function termOf(num: number, den: number, atoms: readonly Atom[], key = keyOf(atoms)): Term {
  if (den === 1) return { num, den, atoms, key };
  const g = gcd(num, den);
  return { num: num / g, den: den / g, atoms, key };
}
function keyOf(atoms: readonly Atom[]): string {
  const [only] = atoms;
  if (!only) return "";
  return atoms.length === 1 ? only.key : atoms.map((a) => a.key).join("*");
}

const NONE: readonly Expr[] = [];
const compareAtoms = (a: Atom, b: Atom): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
/** Index terms first, then dims, the constant last: `2 * u + p + N - 1`. */
function compareTerms({ key: a }: Term, { key: b }: Term): number {
  if (a === b) return 0;
  if (a === "" || b === "") return a === "" ? 1 : -1;
  return a < b ? -1 : 1;
}
/** The sum of sorted terms, sorted. */
function merge(a: readonly Term[], b: readonly Term[]): Term[] {
  const sum: Term[] = [];
  let j = 0;
  for (const left of a) {
    let right = b[j];
    let order = -1;
    while (right && (order = compareTerms(left, right)) > 0) {
      sum.push(right);
      right = b[++j];
    }
    if (!right || order !== 0) {
      sum.push(left);
      continue;
    }
    j++;
    const num = left.num * right.den + right.num * left.den;
    if (num !== 0) sum.push(termOf(num, left.den * right.den, left.atoms, left.key));
  }
  for (; j < b.length; j++) sum.push(b[j] as Term);
  return sum;
}
/** A step of a hash (the multiplier is that of Knuth's multiplicative hashing). */
export const mix = (hash: number, value: number): number =>
  Math.imul(hash ^ value, 0x9e3779b1) ^ (hash >>> 15);
function hashOf(atom: Atom): number {
  if (atom.kind === "index") return atom.index.id;
  if (atom.kind === "opaque") return ~atom.expr.id;
  return mix(atom.name.length, mix(atom.name.charCodeAt(0), atom.name.charCodeAt(atom.name.length - 1)));
}
const ofOne = (atom: Atom): Term => ({ num: 1, den: 1, atoms: [atom], key: atom.key });

export class Poly {
  private text: string | undefined;
  private opaqueAtoms: readonly Expr[] | undefined;
  /** Of nonzero terms, each of its own key, sorted. */
  private constructor(readonly terms: readonly Term[]) {}

  /** Made when first asked for: most polynomials are steps on the way to another. */
  get key(): string {
    return (this.text ??= this.terms.map((t) => `${t.num}/${t.den}:${t.key}`).join("+") || "0");
  }

  /** Equal for equal polynomials. */
  get hash(): number {
    if (this.code !== undefined) return this.code;
    let h = this.terms.length;
    for (const { num, den, atoms } of this.terms) {
      h = mix(mix(h, num), den);
      for (const atom of atoms) h = mix(h, hashOf(atom));
    }
    return (this.code = h);
  }
  private code: number | undefined;

  /** Of nonzero terms in any order. */
  private static from(terms: readonly Term[]): Poly {
    const [first] = terms;
    if (!first) return ZERO;
    let sum: Term[] = [first];
    for (let k = 1; k < terms.length; k++) sum = merge(sum, [terms[k] as Term]);
    return new Poly(sum);
  }

  static constant(value: number): Poly {
    if (value === 0) return ZERO;
    return new Poly([{ num: value, den: 1, atoms: [], key: "" }]);
  }
  static dim(name: string): Poly {
    return new Poly([ofOne({ kind: "dim", key: `d ${name}`, name })]);
  }
  static index(index: Index): Poly {
    let known = Poly.ofIndex.get(index);
    if (!known) {
      known = new Poly([ofOne({ kind: "index", key: `a ${String(index.id).padStart(9, "0")}`, index })]);
      Poly.ofIndex.set(index, known);
    }
    return known;
  }
  private static readonly ofIndex = new WeakMap<Index, Poly>();
  static opaque(expr: Expr): Poly {
    if (expr.op === "index") return expr.poly;
    return new Poly([ofOne({ kind: "opaque", key: `b ${String(expr.id).padStart(9, "0")}`, expr })]);
  }
  static product(factors: readonly Poly[]): Poly {
    return factors.reduce((product, factor) => product.mul(factor), ONE);
  }
  /** @internal used once for ZERO */
  static empty(): Poly {
    return new Poly([]);
  }

  add(other: Poly | number): Poly {
    const o = toPoly(other);
    if (o.terms.length === 0) return this;
    if (this.terms.length === 0) return o;
    return new Poly(merge(this.terms, o.terms));
  }
  neg(): Poly {
    return this.scale(-1);
  }
  sub(other: Poly | number): Poly {
    return this.add(toPoly(other).neg());
  }
  scale(num: number, den = 1): Poly {
    if (num === 0) return ZERO;
    if (num === 1 && den === 1) return this;
    const sign = den < 0 ? -1 : 1;
    return new Poly(this.terms.map((t) => termOf(t.num * num * sign, t.den * den * sign, t.atoms, t.key)));
  }
  mul(other: Poly | number): Poly {
    const o = toPoly(other);
    const [one] = o.terms;
    const [own] = this.terms;
    if (!one || !own) return ZERO;
    if (o.terms.length === 1 && one.key === "") return this.scale(one.num, one.den);
    if (this.terms.length === 1 && own.key === "") return o.scale(own.num, own.den);
    const terms: Term[] = [];
    for (const a of this.terms)
      for (const b of o.terms)
        terms.push(termOf(a.num * b.num, a.den * b.den, [...a.atoms, ...b.atoms].sort(compareAtoms)));
    return Poly.from(terms);
  }

  equals(other: Poly | number): boolean {
    const { terms } = toPoly(other);
    return (
      this.terms === terms ||
      (this.terms.length === terms.length &&
        this.terms.every((a, k) => {
          const b = terms[k];
          return a.num === b?.num && a.den === b.den && a.key === b.key;
        }))
    );
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
        coefficient.push(
          termOf(
            t.num,
            t.den,
            t.atoms.filter((a) => !(a.kind === "index" && a.index === index)),
          ),
        );
      else return undefined;
    }
    return {
      coefficient: Poly.from(coefficient),
      rest: rest.length === this.terms.length ? this : new Poly(rest),
    };
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
        const num = p.num * t.num;
        const den = p.den * t.den;
        terms.push(
          kept.length
            ? termOf(num, den, [...p.atoms, ...kept].sort(compareAtoms))
            : termOf(num, den, p.atoms, p.key),
        );
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
  /** The value for given dims; NaN where it mentions another, or what is no dim. */
  at(dims: Readonly<Record<string, number>>): number {
    return this.evaluate((atom) => (atom.kind === "dim" ? (dims[atom.name] ?? NaN) : NaN));
  }
}

export const ZERO: Poly = Poly.empty();
export const ONE: Poly = Poly.constant(1);
export const toPoly = (value: Poly | number): Poly =>
  typeof value === "number" ? Poly.constant(value) : value;
