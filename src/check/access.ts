import { and, indexValue, indicesOf, select, within, type Expr } from "../ir/expr.js";
import { Poly, ZERO } from "../ir/poly.js";
import type { Span } from "../diagnostics/span.js";
import { suggest } from "../diagnostics/suggest.js";
import type { Expression, SubscriptExpression } from "../parser/ast.js";
import { scopeName } from "../parser/walk.js";
import { shortfalls, type Known } from "./bounds.js";
import { elaborate, type Context, type LostAxes } from "./context.js";
import { isOfTwoSizes, reportTwoSizes, sourceOf, type Use } from "./index-sizes.js";
import { declarations, written } from "./mismatch.js";
import { match } from "./operators.js";
import { declaredHere, suggestion } from "./report.js";
import { at, describe, showSize, toPolynomial, type Term } from "./term.js";

interface Access {
  readonly term: Term;
  /** What must hold for the entry to exist; null where it always does. */
  readonly inside: Expr | null;
}

/** `x[i, j]`, and what is left where subscripts are fewer than axes. */
export function subscripted(node: SubscriptExpression, context: Context): Term | null {
  return access(node, context, false)?.term ?? null;
}

/** `x[i + 1] ?? padding` */
export function padded(left: Expression, right: Expression, span: Span, context: Context): Term | null {
  const padding = elaborate(right, context);
  if (left.kind !== "subscript")
    return context.session.report.add("GRAD3006", left.span, {
      wanted: "a subscripted tensor on the left of `??`",
      found: "another expression",
    });
  const reached = access(left, context, true);
  if (!reached || !padding) return null;
  const matched = match(context, [reached.term, padding], span);
  const [entry, otherwise] = matched?.bodies ?? [];
  if (!matched || !entry || !otherwise) return null;
  const body = reached.inside ? select(reached.inside, entry, otherwise) : entry;
  return { dtype: body.dtype, axes: matched.axes, body };
}

function access(node: SubscriptExpression, context: Context, tolerant: boolean): Access | null {
  const { report } = context.session;
  const base = elaborate(node.base, context);
  const subscripts = node.subscripts.map((s) => subscript(s, context));
  if (base && subscripts.length > base.axes.length) {
    const declared = declarations(context, [node.base]);
    return report.add(
      "GRAD3002",
      node.span,
      { name: nameOf(node.base), rank: base.axes.length, given: subscripts.length, type: describe(base) },
      { related: declared },
    );
  }
  // Of an equation with an error the sizes may be known: a use that does not fit them is an error of its own.
  const sizes = base ? base.axes.map((a) => a.hi) : lostAxes(node.base, context);
  let inside: Expr | null = null;
  let failed = !base;
  const uses = subscripts.map((poly, k): Use | null => {
    const size = sizes[k];
    const place = node.subscripts[k];
    if (!poly || !size || !place) return null;
    const entry = written(node) ?? `${nameOf(node.base)}[…]`;
    return { poly, size, name: nameOf(node.base), position: k, rank: sizes.length, node: place, entry };
  });
  if (!tolerant) reportTwoSizes(uses, node, context);
  const polys: Poly[] = [];
  for (const use of uses) {
    const fits = use && (tolerant || !isOfTwoSizes(use)) ? inBounds(use, context, tolerant) : null;
    if (!use || fits === null) {
      failed = true;
      continue;
    }
    if (!fits) {
      const condition = within(use.poly, ZERO, use.size);
      inside = inside ? and(inside, condition) : condition;
    }
    polys.push(use.poly);
  }
  return failed || !base ? null : { term: at(base, polys), inside };
}
const nameOf = (node: Expression): string =>
  node.kind === "name" ? node.name : (written(node) ?? "the expression");
function lostAxes(node: Expression, { scope }: Context): LostAxes {
  const binding = node.kind === "name" ? scope.lookup(scopeName(node)) : undefined;
  return binding?.kind === "poison" ? (binding.axes ?? []) : [];
}

/** An integer subscript; an unknown name here is an index that nothing binds. */
export function subscript(node: Expression, context: Context): Poly | null {
  const { report } = context.session;
  if (node.kind === "name" && !context.scope.lookup(node.name)) {
    const near = node.name.length > 2 ? suggest(node.name, context.scope.visible()) : undefined;
    return report.unbound(node.name, node.span, near === undefined ? undefined : suggestion(near, node.span));
  }
  const term = elaborate(node, context);
  if (!term) return null;
  const integer = term.flexible ? term.flexible.integer : term.body;
  if (term.axes.length > 0 || !integer || (integer.dtype !== "i32" && integer.dtype !== "u32"))
    return report.add(
      "GRAD3006",
      node.span,
      { wanted: "an integer subscript", found: describe(term) },
      { ...subscriptHelp(term, node), related: declarations(context, [node]) },
    );
  return toPolynomial(integer);
}
function subscriptHelp(term: Term, node: Expression): { help?: string } {
  if (term.axes.length > 0 && term.dtype === "bool")
    return { help: "entries are not chosen by a mask; a guard says which count: `sum[i | m[i]] x[i]`" };
  if (term.axes.length > 0) return { help: "one entry of it is a subscript: give it indices too" };
  if (term.dtype === "bool") return { help: "a choice is written `if c then a else b`" };
  const text = written(node);
  if (term.flexible || text === undefined) return {};
  return { help: `declare it as \`i32\`, or convert: \`i32(${text})\` goes towards zero` };
}

/**
 * Whether the access is proved, or left to a check at binding or to the data (true); false: `??` has to ask.
 * Null where it leaves the axis for sure.
 */
function inBounds(use: Use, context: Context, tolerant: boolean): boolean | null {
  const { poly, size, node } = use;
  const { session } = context;
  const known: Known = { facts: context.facts, rangeOf: (id) => rangeOfValue(id, context) };
  const below = shortfalls(poly, known);
  const above = shortfalls(size.sub(1).sub(poly), known);
  if (isProved(below) && isProved(above)) return true;
  if (tolerant) return false;
  if (below === "data" || above === "data") {
    promise(poly, size, context);
    return true;
  }
  if (below === "unknown" || above === "unknown") return outside(use, {}, context);
  for (const [k, missing] of [...below, ...above].entries()) {
    if ((missing.constant ?? 0) < 0) {
      const side = k < below.length ? "below" : "above";
      // Through a quotient or the like only the side is known, not how far it goes.
      if (poly.hasOpaque) return outside(use, { side }, context);
      return outside(use, { side, entry: side === "below" ? missing : size.sub(1).sub(missing) }, context);
    }
    session.require("non-negative", missing, "GRAD3005", leaving(use), node.span);
  }
  return true;
}
const isProved = (found: ReturnType<typeof shortfalls>): boolean =>
  typeof found !== "string" && found.length === 0;

const leaving = ({ poly, node, name, rank, position, size }: Use): string =>
  `subscript \`${written(node) ?? showSize(poly)}\` leaves ${rank > 1 ? `axis ${position + 1}` : "the axis"} of \`${name}\`, of size ${showSize(size)}`;

/** Where an access leaves its axis: on which side, and the farthest entry that it comes to, as far as they are known. */
interface Reach {
  readonly side?: "below" | "above";
  readonly entry?: Poly;
}
const isFixed = (poly: Poly): boolean => poly.indices.size === 0 && !poly.hasOpaque;

function outside(use: Use, reach: Reach, context: Context): null {
  const { poly, size, name, node } = use;
  const last = showSize(size.sub(1));
  const how = isFixed(poly)
    ? `: its last entry is ${last}`
    : reach.side === "below"
      ? `: it goes ${reach.entry ? `down to ${showSize(reach.entry)}` : "below 0"}`
      : reach.side === "above"
        ? reach.entry
          ? `: it goes up to ${showSize(reach.entry)}, and the last entry is ${last}`
          : `: it goes beyond the last entry, ${last}`
        : "";
  const indices = [...indicesOf([indexValue(poly)])].flatMap((index) => {
    const source = sourceOf(index);
    const range = `${showSize(index.lo)}..${showSize(index.hi)}`;
    return source ? [{ message: `\`${index.name}\` runs over ${range}`, span: source.span }] : [];
  });
  const declared = context.scope.placeOf(name);
  return context.session.report.add(
    "GRAD3005",
    node.span,
    { text: `${leaving(use)}${how}` },
    {
      related: [...indices, ...(declared ? [declaredHere(name, declared)] : [])],
      help: outsideHelp(use, reach),
    },
  );
}
function outsideHelp({ poly, size, name, node, entry }: Use, reach: Reach): string {
  const last = showSize(size.sub(1));
  const text = written(node) ?? "…";
  if (isFixed(poly))
    return (poly.constant ?? 0) < 0
      ? `entries count from 0: the last one is \`${name}[${last}]\``
      : `entries count from 0`;
  const otherwise = `\`${entry} ?? 0\` is 0 outside, \`clamp(${text}, 0, ${last})\` stays inside`;
  // With a range as much shorter as the subscript goes too far, everything is inside.
  const [index, ...more] = [...poly.indices];
  const excess = reach.side === "above" ? reach.entry?.sub(size.sub(1)) : undefined;
  if (!index || more.length > 0 || !excess || poly.sub(Poly.index(index)).constant === undefined)
    return otherwise;
  const range = `${showSize(index.lo)}..${showSize(index.hi.sub(excess))}`;
  return `\`${index.name} in ${range}\` stays inside; ${otherwise}`;
}

function rangeOfValue(id: number, context: Context): { lo: Poly; hi: Poly } | undefined {
  // Members of a recurrence are read before they are defined.
  const definition = context.session.values.byId.get(id)?.definition;
  if (!definition) return undefined;
  if (definition.kind === "leaf") return definition.range;
  if (definition.kind !== "equation" || definition.operator?.kind !== "reduce") return undefined;
  const { reducer, indices } = definition.operator;
  const [index] = indices;
  // An argmax over nothing is 0.
  if ((reducer !== "argmax" && reducer !== "argmin") || !index || definition.operator.guard) return undefined;
  return { lo: index.lo, hi: index.hi };
}

/** An input without a promised range that is used as a subscript is checked where it enters. */
function promise(poly: Poly, size: Poly, context: Context): void {
  const [atom] = [...poly.atoms.values()];
  if (
    poly.terms.length !== 1 ||
    atom?.kind !== "opaque" ||
    !poly.equals(Poly.opaque(atom.expr)) ||
    atom.expr.op !== "read"
  )
    return;
  const { values } = context.session;
  const value = values.get(atom.expr.value);
  if (value.definition.kind !== "leaf" || value.definition.role !== "input" || value.definition.range) return;
  values.replace(value.id, { definition: { ...value.definition, range: { lo: ZERO, hi: size } } });
}
