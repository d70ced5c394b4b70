import * as ir from "../ir/expr.js";
import { indicesOf, isFloat, type Index } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { RunAxis } from "../ir/arrange.js";
import type { Alignment, Derivative } from "../ir/program.js";
import type { CallExpression, Expression } from "../parser/ast.js";
import { elaborate, type Context } from "./context.js";
import { adjointBetween } from "./custom.js";
import { axisOf, placeOf, runsAlong } from "./leading-axes.js";
import { lift, materialise, type Lifted } from "./lift.js";
import { declarations, told } from "./mismatch.js";
import { asValue, coerce, describe, settle, valueTerm, type Term } from "./term.js";

const WANTED: Readonly<Record<string, number>> = { grad: 2, jvp: 3, vjp: 3, hvp: 3, jacobian: 2, stop: 1 };
const FORMS: Readonly<Record<string, string>> = {
  grad: "grad(l, x)",
  jvp: "jvp(y, x, dx)",
  vjp: "vjp(y, x, dy)",
  hvp: "hvp(l, x, v)",
  jacobian: "jacobian(y, x)",
  stop: "stop(x)",
};

/** A value and the subscripts of those of its leading axes that are fixed at the place of the call. */
interface Entries {
  readonly id: number;
  readonly lead: readonly Poly[];
}

/**
 * `grad`, `jvp`, `vjp`, `hvp`, `jacobian`, `stop`. Under indices, what is differentiated has one value for each point
 * of its leading axes (the batch of the derivative), and so has the direction. A variable with subscripts
 * (`x[b]`, an argument of a function that is mapped) is aligned with the batch where they go together.
 */
export function derivative(node: CallExpression, context: Context): Term | null {
  const { report } = context.session;
  const name = node.callee.text;
  const wanted = WANTED[name] ?? 0;
  if (node.args.length !== wanted) {
    for (const { value } of node.args) elaborate(value, context);
    return report.add(
      "GRAD3007",
      node.span,
      { name, wanted: String(wanted), given: node.args.length },
      { help: `write \`${FORMS[name] ?? name}\`` },
    );
  }
  const [of, variable, direction] = node.args.map((a) => a.value);
  if (!of) return null;
  const found = elaborate(of, context);
  if (!variable) return found && stopped(settle(found), context, node);
  const wrt = variableOf(variable, context);
  const along = direction && elaborate(direction, context);
  if (!found || !wrt || (direction && !along)) return null;
  const result = settle(found);
  if (!isFloat(result.dtype))
    return report.add("GRAD4003", of.span, { text: `${describe(result)} passes no derivative` });
  if ((name === "grad" || name === "hvp") && result.axes.length > 0)
    return report.add(
      "GRAD3006",
      of.span,
      { wanted: `a scalar to take \`${name}\` of`, found: describe(result) },
      { help: "sum it, or use jacobian or vjp" },
    );
  const variableTerm = valueTerm(context.session.values.get(wrt.id), wrt.lead);
  const like = name === "vjp" ? result : variableTerm;
  const given = along ? directionLike(like, name === "vjp" ? of : variable, along, node, context) : null;
  if (along && !given) return null;
  if (name === "hvp" && given) return secondOrder(result, wrt, given, node, context);
  const value = over(result, given, name, node, context);
  if (!value) return null;
  const dir = given && directionValue(value, given, node, context);
  if (given && dir === null) return null;
  const written = adjointBetween(value.id, wrt.id, context);
  switch (name) {
    case "jvp":
      if (written !== null) return report.add("GRAD4005", node.span, { name: written });
      return define(name, value, wrt, dir, node, context);
    case "jacobian":
      if (written !== null) return byRows(value, wrt, node, context);
      return define(name, value, wrt, dir, node, context);
    case "grad":
    case "vjp":
      return define(name, value, wrt, dir, node, context);
    default:
      return null;
  }
}

/** A Hessian times a direction: the gradient's derivative along it, or its cotangents where an adjoint is written. */
function secondOrder(
  result: Term,
  wrt: Entries,
  direction: Term,
  node: CallExpression,
  context: Context,
): Term | null {
  const of = over(result, null, "hvp", node, context);
  const gradient = of && define("grad", of, wrt, null, node, context);
  const inner = gradient && over(gradient, direction, "gradient", node, context);
  const along = inner && directionValue(inner, direction, node, context);
  if (!of || !inner || along === null) return null;
  const mode = adjointBetween(of.id, wrt.id, context) === null ? "jvp" : "vjp";
  return define(mode, inner, wrt, along, node, context);
}

/** A Jacobian in reverse: the gradients of all entries. */
function byRows(of: Lifted, wrt: Entries, node: CallExpression, context: Context): Term | null {
  const own = of.term.axes.map((a) => ir.freshIndex(a.name, a.hi));
  const entries = { id: of.id, lead: [...of.lead, ...own.map((i) => Poly.index(i))] };
  const rows = define("grad", entries, wrt, null, node, context);
  return rows && { dtype: rows.dtype, axes: [...own, ...rows.axes], body: rows.body };
}

function variableOf(node: Expression, context: Context): Entries | null {
  const { report } = context.session;
  const term = elaborate(node, context);
  if (!term) return null;
  const value = node.kind === "name" || node.kind === "subscript" ? asValue(term) : undefined;
  if (!value)
    return report.add(
      "GRAD4001",
      node.span,
      { text: "a derivative is taken for a param, an input or a named value" },
      { help: "give it a name in an equation of its own, and use that in both places" },
    );
  if (!isFloat(term.dtype))
    return report.add("GRAD4003", node.span, { text: `${describe(term)} has no derivative` });
  return value;
}

function directionLike(
  like: Term,
  likeSide: Expression,
  along: Term,
  node: CallExpression,
  context: Context,
): Term | null {
  const { report } = context.session;
  const given = coerce(along, like.dtype);
  const direction = node.args[2]?.value;
  const fits =
    given &&
    given.axes.length === like.axes.length &&
    given.axes.every((a, k) => like.axes[k]?.hi.equals(a.hi));
  if (fits) return given;
  const sides = [likeSide, direction];
  return report.add(
    given ? "GRAD3004" : "GRAD3003",
    direction?.span ?? node.span,
    { left: told(like, likeSide), right: told(along, direction) },
    {
      related: declarations(context, sides),
      help:
        node.callee.text === "vjp"
          ? "the cotangent is of the type and shape of what is differentiated"
          : "the direction is of the type and shape of the variable",
    },
  );
}

/** The bound indices that a term mentions, in the order in which they were bound. */
const freeIn = (term: Term, context: Context): Index[] => {
  const mentioned = indicesOf([term.body]);
  return context.bound.filter((i) => mentioned.has(i));
};
/** The bound index that a leading subscript is, or is shifted by its range's start; else undefined. */
const boundIn = (p: Poly, context: Context): Index | undefined =>
  context.bound.find((i) => p.equals(Poly.index(i)) || p.equals(Poly.index(i).sub(i.lo)));

/** The bound indices that leading subscripts are, written with the axes of a batch. */
function ontoBatch(lead: readonly Poly[], batch: readonly Index[], context: Context): Map<Index, Poly> {
  const to = new Map<Index, Poly>();
  lead.forEach((p, k) => {
    const index = boundIn(p, context);
    const axis = batch[k];
    if (index && axis)
      to.set(index, p.equals(Poly.index(index)) ? Poly.index(axis) : Poly.index(axis).add(index.lo));
  });
  return to;
}

/** What is differentiated, as a value that has an axis for every index that it or the direction depends on. */
function over(
  result: Term,
  direction: Term | null,
  name: string,
  node: CallExpression,
  context: Context,
): Lifted | null {
  const whole = materialise(context, name, result, node.span);
  const plain = whole.lead.every((p) => boundIn(p, context));
  const value = plain ? whole : lift(context, name, result, null, result.dtype, node.span);
  const has = new Set(value.lead.map((p) => boundIn(p, context)));
  const missing = direction ? freeIn(direction, context).filter((i) => !has.has(i)) : [];
  if (missing.length === 0) return value;
  // The same value for each point of the indices that only the direction has.
  const { session } = context;
  const { values } = session;
  const { dtype, shape } = values.get(value.id);
  const extra = missing.map((i) => axisOf(i, context));
  const own = shape.map((size, k) => ir.freshIndex(`i${k}`, size));
  const body = ir.read(
    value.id,
    own.map((o) => Poly.index(o)),
    dtype,
  );
  const lead = [...value.lead, ...missing.map((i) => placeOf(i, context))];
  const batch = value.lead.length;
  const axes = [...own.slice(0, batch), ...extra, ...own.slice(batch)];
  const id = values.equation(`${context.owner}.${name}`, axes, null, body, dtype, { span: node.span });
  session.runAsDoes(value.id, id);
  const steps = runsAlong(missing, context, batch);
  if (steps.length) session.runAlong(id, outermostFirst([...session.runsOf(id), ...steps], context));
  return { id, lead, term: valueTerm(values.get(id), lead) };
}
/** Steps of recurrences in the order in which these stand in each other. */
function outermostFirst(runs: readonly RunAxis[], context: Context): RunAxis[] {
  const order = [...context.times.values()];
  return [...runs].sort((a, b) => order.indexOf(a.run) - order.indexOf(b.run));
}

/** A direction as a tensor over the batch of what is differentiated, then its own axes. */
function directionValue(of: Lifted, direction: Term, node: CallExpression, context: Context): number | null {
  const { values, report } = context.session;
  const { shape } = values.get(of.id);
  const batch = of.lead.map((_, k) => ir.freshIndex(`b${k}`, shape[k] ?? Poly.constant(0)));
  const to = ontoBatch(of.lead, batch, context);
  if (freeIn(direction, context).some((i) => !to.has(i)))
    return report.unsupported("this direction under indices", node.span);
  const own = direction.axes.map((a) => ir.freshIndex(a.name, a.hi));
  direction.axes.forEach((a, k) => {
    const o = own[k];
    if (o) to.set(a, Poly.index(o));
  });
  const body = ir.rewriter({ index: (i) => to.get(i) }).expr(direction.body);
  const id = values.equation(`${context.owner}.direction`, [...batch, ...own], null, body, direction.dtype, {
    span: node.args[2]?.span ?? node.span,
  });
  context.session.runAsDoes(of.id, id);
  return id;
}

function define(
  mode: Derivative["mode"],
  of: { readonly id: number; readonly lead: readonly Poly[] },
  wrt: Entries,
  direction: number | null,
  node: CallExpression,
  context: Context,
): Term | null {
  const { values } = context.session;
  const value = values.get(of.id);
  const variable = values.get(wrt.id);
  const aligned: Alignment[] = [];
  wrt.lead.forEach((p, axis) => {
    const batch = of.lead.findIndex(
      (q, k) => p.sub(q).constant !== undefined && q.indices.size > 0 && !aligned.some((a) => a.batch === k),
    );
    const offset = of.lead[batch] && p.sub(of.lead[batch]).constant;
    if (offset !== undefined) aligned.push({ batch, axis, offset });
  });
  const isAligned = (axis: number): boolean => aligned.some((a) => a.axis === axis);
  let along = direction;
  if (mode === "jvp" && direction !== null && aligned.length < wrt.lead.length) {
    along = atPlaces(direction, of, wrt, isAligned, node, context);
    if (along === null) return null;
  }
  const batch = of.lead.length;
  const own = value.shape.slice(batch);
  const rest = variable.shape.filter((_, k) => !isAligned(k));
  const shape = {
    grad: [...value.shape.slice(0, batch), ...rest],
    vjp: [...value.shape.slice(0, batch), ...rest],
    jvp: value.shape,
    jacobian: [...value.shape.slice(0, batch), ...own, ...rest],
  }[mode];
  const id = values.define(
    `${context.owner}.${mode}`,
    value.dtype,
    shape,
    {
      kind: "derivative",
      mode,
      of: of.id,
      wrt: wrt.id,
      direction: along,
      batch,
      aligned,
      given: context.given,
    },
    { span: node.span },
  );
  context.session.taken.push({ id, call: node });
  context.session.runAsDoes(of.id, id);
  // Fixed subscripts of the variable are taken of the result: grad(l, W[0]) is grad(l, W)[0].
  const fixed = wrt.lead.filter((_, k) => !isAligned(k));
  const made = valueTerm(values.get(id), of.lead);
  if (fixed.length === 0 || mode === "jvp") return made;
  const before = mode === "jacobian" ? own.length : 0;
  const kept = made.axes.filter((_, k) => k < before || k >= before + fixed.length);
  const to = new Map(made.axes.slice(before, before + fixed.length).map((a, k) => [a, fixed[k]]));
  return { dtype: made.dtype, axes: kept, body: ir.rewriter({ index: (i) => to.get(i) }).expr(made.body) };
}

/** A direction for entries at fixed places, as one for the whole variable: 0 everywhere else. */
function atPlaces(
  direction: number,
  of: { readonly id: number; readonly lead: readonly Poly[] },
  wrt: Entries,
  isAligned: (axis: number) => boolean,
  node: CallExpression,
  context: Context,
): number | null {
  const { values, report } = context.session;
  const { shape, dtype } = values.get(direction);
  const own = shape.map((size, k) => ir.freshIndex(`i${k}`, size));
  const batch = own.slice(0, of.lead.length);
  const to = ontoBatch(of.lead, batch, context);
  const { poly } = ir.rewriter({ index: (i) => to.get(i) });
  const fixed = wrt.lead.flatMap((p, axis) => (isAligned(axis) ? [] : [{ place: poly(p), axis }]));
  if (fixed.some(({ place }) => [...place.indices].some((i) => context.bound.includes(i))))
    return report.add("GRAD4001", node.span, {
      text: "a direction for an entry wants its place fixed, or one for each point of what is derived",
    });
  const axes = fixed.map(({ axis }) =>
    ir.freshIndex("p", values.get(wrt.id).shape[axis] ?? Poly.constant(0)),
  );
  const isThere = fixed
    .map(({ place }, k) => {
      const axis = axes[k];
      return axis ? ir.compare("eq", ir.indexValue(Poly.index(axis)), ir.indexValue(place)) : ir.TRUE;
    })
    .reduce(ir.and, ir.TRUE);
  const given = ir.read(
    direction,
    own.map((i) => Poly.index(i)),
    dtype,
  );
  const id = values.equation(
    `${context.owner}.direction`,
    [...batch, ...axes, ...own.slice(of.lead.length)],
    null,
    ir.select(isThere, given, ir.constant(0, dtype)),
    dtype,
    { span: node.span },
  );
  context.session.runAsDoes(of.id, id);
  return id;
}

/** A value whose cotangents go nowhere. */
function stopped(term: Term, context: Context, node: CallExpression): Term {
  const { values } = context.session;
  const of = materialise(context, "stop", term, node.span);
  const { dtype, shape } = values.get(of.id);
  const id = values.define(
    `${context.owner}.stop`,
    dtype,
    shape,
    { kind: "custom", of: of.id, args: [], cotangent: of.id, adjoints: [] },
    { span: node.span },
  );
  context.session.runAsDoes(of.id, id);
  return valueTerm(values.get(id), of.lead);
}
