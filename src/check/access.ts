import { and, select, within, type Expr, type Index } from "../ir/expr.js";
import { Poly, ZERO } from "../ir/poly.js";
import type { Span } from "../diagnostics/span.js";
import type { Expression, SubscriptExpression } from "../parser/ast.js";
import { shortfalls, type Known } from "./bounds.js";
import type { Context, Elaborate } from "./context.js";
import { match } from "./operators.js";
import { at, describe, showSize, toPolynomial, type Term } from "./term.js";

interface Access {
  readonly term: Term;
  /** What must hold for the entry to exist; null where it always does. */
  readonly inside: Expr | null;
}

/** `x[i, j]`, and what is left where subscripts are fewer than axes. */
export function subscripted(node: SubscriptExpression, context: Context, elaborate: Elaborate): Term | null {
  return access(node, context, elaborate, false)?.term ?? null;
}

/** `x[i + 1] ?? padding` */
export function padded(
  left: Expression,
  right: Expression,
  span: Span,
  context: Context,
  elaborate: Elaborate,
): Term | null {
  const padding = elaborate(right, context);
  if (left.kind !== "subscript")
    return context.session.report.add("GRAD3006", left.span, {
      wanted: "a subscripted tensor on the left of `??`",
      found: "another expression",
    });
  const reached = access(left, context, elaborate, true);
  if (!reached || !padding) return null;
  const matched = match(context, [reached.term, padding], span);
  const [entry, otherwise] = matched?.bodies ?? [];
  if (!matched || !entry || !otherwise) return null;
  const body = reached.inside ? select(reached.inside, entry, otherwise) : entry;
  return { dtype: body.dtype, axes: matched.axes, body };
}

function access(
  node: SubscriptExpression,
  context: Context,
  elaborate: Elaborate,
  tolerant: boolean,
): Access | null {
  const { report } = context.session;
  const base = elaborate(node.base, context);
  const subscripts = node.subscripts.map((s) => subscript(s, context, elaborate));
  if (!base) return null;
  if (subscripts.length > base.axes.length)
    return report.add("GRAD3002", node.span, {
      name: nameOf(node.base),
      rank: base.axes.length,
      given: subscripts.length,
    });
  let inside: Expr | null = null;
  const polys: Poly[] = [];
  for (const [k, poly] of subscripts.entries()) {
    const axis = base.axes[k];
    const place = node.subscripts[k];
    if (!poly || !axis || !place) return null;
    const fits = inBounds(poly, axis, nameOf(node.base), k, place, context, tolerant);
    if (fits === null) return null;
    if (!fits) {
      const condition = within(poly, ZERO, axis.hi);
      inside = inside ? and(inside, condition) : condition;
    }
    polys.push(poly);
  }
  return { term: at(base, polys), inside };
}
const nameOf = (node: Expression): string => (node.kind === "name" ? node.name : "the expression");

/** An integer subscript; an unknown name here is an index that nothing binds. */
export function subscript(node: Expression, context: Context, elaborate: Elaborate): Poly | null {
  const { report } = context.session;
  if (node.kind === "name" && !context.scope.lookup(node.name)) {
    return report.add(
      "GRAD2004",
      node.span,
      { name: node.name },
      { help: `\`sum[${node.name}] …\` adds over it` },
    );
  }
  const term = elaborate(node, context);
  if (!term) return null;
  const integer = term.flexible ? term.flexible.integer : term.body;
  if (term.axes.length > 0 || !integer || (integer.dtype !== "i32" && integer.dtype !== "u32"))
    return report.add("GRAD3006", node.span, { wanted: "an integer subscript", found: describe(term) });
  return toPolynomial(integer);
}

/**
 * Whether the access is proved, or left to a check at binding or to the data (true); false: `??` has to ask.
 * Null where it leaves the axis for sure.
 */
function inBounds(
  poly: Poly,
  axis: Index,
  name: string,
  position: number,
  node: Expression,
  context: Context,
  tolerant: boolean,
): boolean | null {
  const { session } = context;
  const lone = poly.asIndex;
  if (lone && node.kind === "name" && !tolerant && !lone.hi.equals(axis.hi) && isInferred(lone)) {
    const sizes = `${showSize(lone.hi)}, and here ${showSize(axis.hi)}`;
    const axisOf = (text: string, k: number): string =>
      k === 0 ? `\`${text}\`` : `\`${text}\` (axis ${k + 1})`;
    const first = inferred.get(lone);
    const declared = context.scope.placeOf(name);
    return session.report.add(
      "GRAD3001",
      node.span,
      { name: axisOf(name, position), index: lone.name, sizes },
      {
        related: [
          ...(first
            ? [
                {
                  message: `\`${lone.name}\` runs over ${axisOf(first.name, first.position)}, of size ${showSize(lone.hi)}`,
                  span: first.span,
                },
              ]
            : []),
          ...(declared ? [{ message: `\`${name}\` is declared here`, span: declared }] : []),
        ],
      },
    );
  }
  const known: Known = { facts: context.facts, rangeOf: (id) => rangeOfValue(id, context) };
  const below = shortfalls(poly, known);
  const above = shortfalls(axis.hi.sub(1).sub(poly), known);
  if (isProved(below) && isProved(above)) return true;
  if (tolerant) return false;
  if (below === "data" || above === "data") {
    promise(poly, axis.hi, context);
    return true;
  }
  const help = `\`${name}[…] ?? 0\` reads 0 outside; clamp(…, 0, ${showSize(axis.hi.sub(1))}) stays inside`;
  const text = `${showSize(poly)} on the axis of size ${showSize(axis.hi)}`;
  if (below === "unknown" || above === "unknown")
    return session.report.add("GRAD3005", node.span, { text }, { help });
  for (const missing of [...below, ...above]) {
    if ((missing.constant ?? 0) < 0) return session.report.add("GRAD3005", node.span, { text }, { help });
    session.require("non-negative", missing, "GRAD3005", `subscript ${text} leaves its axis`, node.span);
  }
  return true;
}
const isProved = (found: ReturnType<typeof shortfalls>): boolean =>
  typeof found !== "string" && found.length === 0;

/** A use of a named tensor that gave an index its range. */
export interface NamedUse {
  readonly name: string;
  readonly position: number;
  readonly span: Span;
}
/** Indices whose range was not written, with the use that gave it. */
const inferred = new WeakMap<Index, NamedUse | undefined>();
export const markInferred = (index: Index, use?: NamedUse): void => void inferred.set(index, use);
const isInferred = (index: Index): boolean => inferred.has(index);

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
