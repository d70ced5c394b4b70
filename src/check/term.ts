import {
  call,
  cast,
  constant,
  freshIndex,
  indexValue,
  isFloat,
  isInteger,
  read,
  rewriter,
  type DType,
  type Expr,
  type Index,
  type ValueId,
} from "../ir/expr.js";
import { Poly } from "../ir/poly.js";

/**
 * What an expression of the source means: a tensor over `axes` whose element is `body` (a scalar has no axes).
 * `body` may also mention the indices that are bound around the expression.
 */
export interface Term {
  readonly dtype: DType;
  readonly axes: readonly Index[];
  readonly body: Expr;
  /** Made of literals, dims and indices only: its type is its context's. `body` is then the f32 form. */
  readonly flexible?: Flexible;
}
export interface Flexible {
  /** The same computed in integers (quotients round down); null where a literal is not integral. */
  readonly integer: Expr | null;
  /** Whether an index takes part: without other context it is then an integer. */
  readonly indexed: boolean;
}

export const scalar = (body: Expr): Term => ({ dtype: body.dtype, axes: [], body });

/** A literal, `pi`, `inf`. */
export function numberTerm(value: number): Term {
  // Beyond 32 bits a literal is a float.
  const integral = Number.isInteger(value) && Math.abs(value) < 2 ** 32 && !Object.is(value, -0);
  const integer = integral ? constant(value, "i32") : null;
  return { dtype: "f32", axes: [], body: constant(value), flexible: { integer, indexed: false } };
}
/** An index or a dim as a value. */
export function polyTerm(poly: Poly): Term {
  const integer = indexValue(poly);
  return {
    dtype: "f32",
    axes: [],
    body: cast(integer, "f32"),
    flexible: { integer, indexed: poly.indices.size > 0 },
  };
}
/** The tensor of a value; `lead` are the subscripts of leading axes that are not its own here. */
export function valueTerm(
  value: { readonly id: ValueId; readonly dtype: DType; readonly shape: readonly Poly[] },
  lead: readonly Poly[] = [],
  names: readonly string[] = [],
): Term {
  const axes = value.shape.slice(lead.length).map((size, k) => freshIndex(names[k] ?? `i${k}`, size));
  return {
    dtype: value.dtype,
    axes,
    body: read(value.id, [...lead, ...axes.map((a) => Poly.index(a))], value.dtype),
  };
}
/** The value that a term is the whole of, beside subscripts of leading axes. */
export function asValue(term: Term): { readonly id: ValueId; readonly lead: readonly Poly[] } | undefined {
  const { body, axes } = term;
  if (body.op !== "read" || term.flexible) return undefined;
  const leading = body.subscripts.length - axes.length;
  if (leading < 0 || !axes.every((a, k) => body.subscripts[leading + k]?.asIndex === a)) return undefined;
  const lead = body.subscripts.slice(0, leading);
  return lead.some((p) => axes.some((a) => p.indices.has(a))) ? undefined : { id: body.value, lead };
}

export const shapeOf = (term: Term): Poly[] => term.axes.map((a) => a.hi);

/** The element at the first subscripts; axes beyond them stay. */
export function at(term: Term, subscripts: readonly Poly[]): Term {
  const by = new Map<Index, Poly>();
  subscripts.forEach((s, k) => {
    const axis = term.axes[k];
    if (axis) by.set(axis, s);
  });
  if (by.size === 0) return term;
  const body = rewriter({ index: (i) => by.get(i) }).expr(term.body);
  return { dtype: term.dtype, axes: term.axes.slice(by.size), body };
}
/** The body with the term's axes named by others. */
export function bodyOver(term: Term, axes: readonly Index[]): Expr {
  return at(
    term,
    axes.map((a) => Poly.index(a)),
  ).body;
}

/** Context settles a flexible term's type: an integer if an index takes part, else f32. */
export function settle(term: Term): Term {
  if (!term.flexible) return term;
  const { integer, indexed } = term.flexible;
  return scalar(indexed && integer ? integer : term.body);
}

/** The term as a `dtype`: only what is flexible changes. Undefined where the types differ. */
export function coerce(term: Term, dtype: DType): Term | undefined {
  if (!term.flexible) return term.dtype === dtype ? term : undefined;
  if (isFloat(dtype)) return scalar(refloat(term.body, dtype));
  if (!isInteger(dtype) || !term.flexible.integer) return undefined;
  if (dtype === "i32" && beyond32(term.flexible.integer)) return undefined;
  return scalar(unsigned(term.flexible.integer, dtype));
}
const beyond32 = (e: Expr): boolean => {
  const value = e.op === "constant" ? e.value : e.op === "index" ? e.poly.constant : undefined;
  return value !== undefined && (value >= 2 ** 31 || value < -(2 ** 31));
};
function unsigned(e: Expr, dtype: DType): Expr {
  return dtype === "u32" && e.op === "constant" ? constant(e.value >>> 0, "u32") : cast(e, dtype);
}
/** A flexible body was made in f32; the same in another float type. */
function refloat(body: Expr, dtype: DType): Expr {
  if (dtype === "f32") return body;
  return rewriter({
    node: (e) => {
      if (e.dtype !== "f32") return undefined;
      if (e.op === "constant") return constant(e.value, dtype);
      if (e.op === "cast") return cast(e.arg, dtype);
      return e.op === "call" ? call(e.fn, e.args, dtype) : undefined;
    },
  }).expr(body);
}

/** One type for several operands, or undefined where they have none. Flexible together stay flexible (no dtype). */
export function commonType(terms: readonly Term[]): { dtype: DType | null } | undefined {
  const fixed = terms.filter((t) => !t.flexible);
  const [first] = fixed;
  if (!first) return { dtype: null };
  return fixed.every((t) => t.dtype === first.dtype) && terms.every((t) => coerce(t, first.dtype))
    ? { dtype: first.dtype }
    : undefined;
}

/** Equal shapes, or scalars beside one shape: the shared axes and the bodies over them. */
export function align(terms: readonly Term[]): { axes: readonly Index[]; bodies: Expr[] } | undefined {
  const axes = terms.find((t) => t.axes.length > 0)?.axes ?? [];
  const fits = (t: Term): boolean =>
    t.axes.length === 0 ||
    (t.axes.length === axes.length && t.axes.every((a, k) => axes[k] && a.hi.equals(axes[k].hi)));
  if (!terms.every(fits)) return undefined;
  return { axes, bodies: terms.map((t) => (t.axes.length ? bodyOver(t, axes) : t.body)) };
}

/** An integer expression as a polynomial: sums and products are taken apart, the rest are opaque atoms. */
export function toPolynomial(e: Expr): Poly {
  if (e.op === "index") return e.poly;
  if (e.op === "constant") return Poly.constant(e.value);
  if (e.op === "call") {
    const [a, b] = e.args;
    if (a && b) {
      if (e.fn === "add") return toPolynomial(a).add(toPolynomial(b));
      if (e.fn === "sub") return toPolynomial(a).sub(toPolynomial(b));
      if (e.fn === "mul") return toPolynomial(a).mul(toPolynomial(b));
    } else if (a && e.fn === "neg") return toPolynomial(a).neg();
  }
  return Poly.opaque(e);
}

export function describe(term: Term): string {
  const dtype = term.flexible ? (term.flexible.integer ? "number" : "f32") : term.dtype;
  return term.axes.length ? `${dtype}[${term.axes.map((a) => showSize(a.hi)).join(", ")}]` : dtype;
}

/** A size, or a subscript, as a user would write it. */
export function showSize(p: Poly): string {
  if (p.isZero) return "0";
  const parts = positiveFirst(p.terms).map((t, k) => {
    const magnitude = Math.abs(t.num);
    const isProduct = t.atoms.length > 1 || magnitude !== 1 || t.den !== 1;
    const names = t.atoms.map((a) =>
      a.kind === "dim" ? a.name : a.kind === "index" ? a.index.name : showInteger(a.expr, isProduct),
    );
    const factors = magnitude === 1 && names.length ? names : [String(magnitude), ...names];
    const text = factors.join(" * ") + (t.den === 1 ? "" : ` / ${t.den}`);
    return k === 0 ? (t.num < 0 ? `-${text}` : text) : t.num < 0 ? ` - ${text}` : ` + ${text}`;
  });
  return parts.join("");
}
/** `N - K` for `-K + N`. */
function positiveFirst(terms: Poly["terms"]): Poly["terms"] {
  const first = terms.find((t) => t.num > 0);
  return first ? [first, ...terms.filter((t) => t !== first)] : terms;
}
/** An integer expression that is no polynomial. Entries are not told apart: whose they are is not known here. */
function showInteger(e: Expr, isOperand: boolean): string {
  const bracketed = (text: string): string => (isOperand ? `(${text})` : text);
  switch (e.op) {
    case "read":
      return "an entry";
    case "select":
      return bracketed(`if … then ${showPart(e.then)} else ${showPart(e.else)}`);
    case "call": {
      const [a, b] = e.args;
      const operator = OPERATORS[e.fn];
      if (a && b && operator) return bracketed(`${showOperand(a)} ${operator} ${showOperand(b)}`);
      return `${e.fn}(${e.args.map(showPart).join(", ")})`;
    }
    case "cast":
      return `${e.dtype}(…)`;
    default:
      return "a value";
  }
}
/** Functions that are operators in the source, where they are of integers. */
const OPERATORS: Readonly<Record<string, string>> = { floor_div: "/", mod: "%" };
const showPart = (part: Expr): string =>
  part.op === "read" || !isInteger(part.dtype) ? "…" : showSize(toPolynomial(part));
function showOperand(part: Expr): string {
  const text = showPart(part);
  const [term, ...more] = toPolynomial(part).terms;
  const [atom] = term?.atoms ?? [];
  const isCall =
    more.length === 0 && atom?.kind === "opaque" && text.startsWith(showInteger(atom.expr, true));
  return isCall || !text.includes(" ") ? text : `(${text})`;
}
