import * as ir from "../ir/expr.js";
import { isFloat, type Index } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Derivative } from "../ir/program.js";
import type { CallExpression, Expression } from "../parser/ast.js";
import type { Context, Elaborate } from "./context.js";
import { materialise, type Lifted } from "./lift.js";
import { asValue, coerce, describe, settle, shapeOf, valueTerm, type Term } from "./term.js";

const WANTED: Readonly<Record<string, number>> = { grad: 2, jvp: 3, vjp: 3, hvp: 3, jacobian: 2, stop: 1 };
export const DERIVATIVES: ReadonlySet<string> = new Set(Object.keys(WANTED));

export function derivative(node: CallExpression, context: Context, elaborate: Elaborate): Term | null {
  const { report } = context.session;
  const name = node.callee.text;
  const wanted = WANTED[name] ?? 0;
  if (node.args.length !== wanted)
    return report.add("GRAD3007", node.span, { name, wanted: String(wanted), given: node.args.length });
  const [of, variable, direction] = node.args.map((a) => a.value);
  if (!of) return null;
  const found = elaborate(of, context);
  if (!variable) return found && stopped(settle(found), context, node);
  const wrt = variableOf(variable, context, elaborate);
  const along = direction && elaborate(direction, context);
  if (!found || !wrt || (direction && !along)) return null;
  const result = settle(found);
  if (!isFloat(result.dtype))
    return report.add("GRAD4001", of.span, { text: `${describe(result)} passes no derivative` });
  if ((name === "grad" || name === "hvp") && result.axes.length > 0)
    return report.add(
      "GRAD3006",
      of.span,
      { wanted: `a scalar to take \`${name}\` of`, found: describe(result) },
      { help: "sum it, or use jacobian or vjp" },
    );
  const value = materialise(context, name, result, node.span);
  if (name === "grad") return gradient(value, wrt, node, context);
  if (wrt.lead.length > 0 || value.lead.length > 0)
    return report.unsupported(`\`${name}\` under indices`, node.span);
  const { values } = context.session;
  const variableTerm = valueTerm(values.get(wrt.id));
  switch (name) {
    case "jacobian":
      return define(
        "jacobian",
        value.id,
        wrt.id,
        null,
        [...shapeOf(result), ...shapeOf(variableTerm)],
        result.dtype,
        node,
        context,
      );
    case "jvp":
    case "vjp":
    case "hvp": {
      const like = name === "vjp" ? result : variableTerm;
      const given = along && directionLike(like, along, node, context);
      if (!given) return null;
      if (name === "jvp")
        return define("jvp", value.id, wrt.id, given, shapeOf(result), result.dtype, node, context);
      if (name === "vjp")
        return define("vjp", value.id, wrt.id, given, shapeOf(variableTerm), result.dtype, node, context);
      const inner = define(
        "grad",
        value.id,
        wrt.id,
        null,
        shapeOf(variableTerm),
        result.dtype,
        node,
        context,
      );
      const gradientValue = asValue(inner);
      return gradientValue
        ? define("jvp", gradientValue.id, wrt.id, given, shapeOf(variableTerm), result.dtype, node, context)
        : null;
    }
    default:
      return null;
  }
}

function variableOf(
  node: Expression,
  context: Context,
  elaborate: Elaborate,
): { readonly id: number; readonly lead: readonly Poly[] } | null {
  const { report } = context.session;
  if (node.kind === "subscript")
    return report.unsupported("a derivative for some entries of a tensor", node.span);
  const term = elaborate(node, context);
  if (!term) return null;
  const value = node.kind === "name" ? asValue(term) : undefined;
  if (!value)
    return report.add("GRAD4001", node.span, {
      text: "a derivative is taken for a param, an input or a named value",
    });
  if (!isFloat(term.dtype))
    return report.add("GRAD4001", node.span, { text: `${describe(term)} has no derivative` });
  return value;
}

function directionLike(like: Term, along: Term, node: CallExpression, context: Context): number | null {
  const { report } = context.session;
  const given = coerce(along, like.dtype);
  const span = node.args[2]?.span ?? node.span;
  const fits =
    given &&
    given.axes.length === like.axes.length &&
    given.axes.every((a, k) => like.axes[k]?.hi.equals(a.hi));
  if (!given || !fits) return report.add("GRAD3004", span, { left: describe(like), right: describe(along) });
  const made = materialise(context, "direction", given, span);
  return made.lead.length > 0 ? report.unsupported("a direction under indices", span) : made.id;
}

function define(
  mode: Derivative["mode"],
  of: number,
  wrt: number,
  direction: number | null,
  shape: readonly Poly[],
  dtype: ir.DType,
  node: CallExpression,
  context: Context,
): Term {
  const { values } = context.session;
  const id = values.define(
    `${context.owner}.${mode}`,
    dtype,
    shape,
    { kind: "derivative", mode, of, wrt, direction, batch: 0, withinStep: false },
    { span: node.span },
  );
  return valueTerm(values.get(id));
}

/**
 * Under indices, `of` is one scalar for each point of its leading axes. What has leading axes itself (an argument
 * of a function that is mapped) belongs to the scalar at the same point only, so a sum over these points has the
 * same derivative; the other leading axes enumerate separate scalars.
 */
function gradient(
  of: Lifted,
  wrt: { readonly id: number; readonly lead: readonly Poly[] },
  node: CallExpression,
  context: Context,
): Term | null {
  const { values, report } = context.session;
  const mine = of.lead.map((p) => p.key);
  const shared = wrt.lead.map((p) => mine.indexOf(p.key));
  if (
    shared.some((k) => k < 0) ||
    [...of.lead, ...wrt.lead].some((p) => [...p.indices].some((i) => context.times.has(i)))
  )
    return report.unsupported("this derivative under indices", node.span);
  const value = values.get(of.id);
  let id = of.id;
  const batch = of.lead.filter((_, k) => !shared.includes(k));
  const sizes = value.shape.slice(0, of.lead.length);
  if (shared.length > 0) {
    const points = sizes.map((s, k) => ir.freshIndex(`i${k}`, s));
    const axes: Index[] = points.filter((_, k) => !shared.includes(k));
    const body = ir.read(
      of.id,
      points.map((p) => Poly.index(p)),
      value.dtype,
    );
    const indices = points.filter((_, k) => shared.includes(k));
    id = values.equation(
      `${value.name}.total`,
      axes,
      { kind: "reduce", reducer: "sum", indices, guard: null },
      body,
      value.dtype,
      { span: node.span },
    );
  }
  const shape = [...values.get(id).shape, ...values.get(wrt.id).shape];
  const made = values.define(
    `${context.owner}.grad`,
    value.dtype,
    shape,
    {
      kind: "derivative",
      mode: "grad",
      of: id,
      wrt: wrt.id,
      direction: null,
      batch: batch.length,
      withinStep: false,
    },
    { span: node.span },
  );
  return valueTerm(values.get(made), [...batch, ...wrt.lead]);
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
  return valueTerm(values.get(id), of.lead);
}
