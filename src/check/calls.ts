import * as ir from "../ir/expr.js";
import { isFloat, isInteger, type DType } from "../ir/expr.js";
import { isDType } from "../ir/dtypes.js";
import { ONE, Poly } from "../ir/poly.js";
import { SCALARS } from "../ir/scalar/table.js";
import { AXIS_OPERATORS, REDUCERS, type CallExpression, type Expression, type Name } from "../parser/ast.js";
import { mentionsName } from "../parser/walk.js";
import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import { arrange } from "./arguments.js";
import { withIndices, type Context, elaborate, resultsOf } from "./context.js";
import { derivative } from "./derivatives.js";
import { materialise } from "./lift.js";
import { declarations, told, written, type Side } from "./mismatch.js";
import { calledOperator, operatorHelp } from "./operator-calls.js";
import { choose, match, numberHelp, over } from "./operators.js";
import { indicesFor } from "./ranges.js";
import { DERIVATIVES, OWN_FUNCTIONS } from "./reserved.js";
import { sizeOf } from "./sizes.js";
import { at, describe, scalar, settle, shapeOf, showSize, valueTerm, type Term } from "./term.js";
import { unknownFunction } from "./unknown.js";

export function call(node: CallExpression, context: Context): Term | null {
  const { report } = context.session;
  const name = node.callee.text;
  const binding = context.scope.lookup(name);
  if (binding?.kind === "function") {
    const results = resultsOf(node, binding, context);
    if (!results) return null;
    const [only] = results;
    if (results.length === 1 && only) return only;
    return report.add("GRAD3006", node.span, {
      wanted: "one value",
      found: `the ${results.length} results of \`${name}\``,
    });
  }
  if (binding) {
    for (const { value } of node.args) elaborate(value, context);
    if (binding.kind !== "poison" && !context.session.disputed.has(name))
      report.add(
        "GRAD3006",
        node.callee.span,
        { wanted: "a function", found: `\`${name}\`` },
        binding.kind === "optimizer"
          ? { help: `an optimizer stands in \`train loss with ${name}(…)\`` }
          : { help: `a product is written \`${name} * (…)\`, an entry \`${name}[…]\`` },
      );
    return null;
  }
  if (isDType(name)) return conversion(node, name, context);
  if (DERIVATIVES.has(name)) return derivative(node, context);
  if (SCALARS[name]?.visible) return scalarFunction(node, context);
  switch (name) {
    case "reshape":
      return reshape(node, context);
    case "concat":
      return concat(node, context);
    case "rand":
    case "randn":
      return report.add(
        "GRAD3006",
        node.span,
        { wanted: "subscripts after the seed", found: `\`${name}(…)\` alone` },
        { help: `${name}(seed)[b, j]` },
      );
    default: {
      const meant = calledOperator(node, context);
      if (meant) return report.add("GRAD1007", node.span, { name }, meant);
      // A function may be handed on.
      const found = node.args.map(({ value }) =>
        value.kind === "name" && context.scope.lookup(value.name)?.kind === "function"
          ? null
          : elaborate(value, context),
      );
      const isReducer = REDUCERS.some((r) => r === name);
      if (isReducer || AXIS_OPERATORS.some((o) => o === name))
        return report.add("GRAD1007", node.span, { name }, operatorHelp(node, isReducer, found[0] ?? null));
      return unknownFunction(name, node.callee.span, context, OWN_FUNCTIONS);
    }
  }
}

function scalarFunction(node: CallExpression, context: Context): Term | null {
  const { report } = context.session;
  const name = node.callee.text;
  const fn = SCALARS[name];
  if (!fn) return null;
  const variadic = typeof fn.arity !== "number";
  const [only, ...others] = node.args;
  // `max(x)` for `max[i] x[i]`
  if (variadic && only && others.length === 0 && REDUCERS.some((r) => r === name)) {
    const meant = calledOperator(node, context);
    const tensor = meant ? null : elaborate(only.value, context);
    if (!meant && !tensor) return null;
    return report.add("GRAD1007", node.span, { name }, meant ?? operatorHelp(node, true, tensor));
  }
  const arranged = arrange(node, fn.parameters, variadic, context);
  if (!arranged) return null;
  const terms: Term[] = [];
  let failed = false;
  for (const [k, argument] of arranged.entries()) {
    const fallback = fn.parameters[k]?.default;
    const term = argument
      ? elaborate(argument, context)
      : fallback === undefined
        ? null
        : literalTerm(fallback);
    if (term) terms.push(term);
    else failed = true;
  }
  const [first, second, third] = terms;
  if (failed || !first) return null;
  if (fn.type === "select") {
    const [condition, then, otherwise] = arranged;
    const sides = {
      ...(condition && { condition }),
      ...(then && { then }),
      ...(otherwise && { else: otherwise }),
    };
    return second && third ? choose(context, first, second, third, node.span, sides) : null;
  }
  const matched = match(context, terms, node.span, arranged, (a, b) => `${name}(${a}, ${b})`);
  if (!matched) return null;
  const type = matched.dtype ?? "f32";
  const accepted =
    fn.type === "float"
      ? isFloat(type)
      : fn.type === "logic"
        ? type === "bool"
        : fn.type === "equality" || type !== "bool";
  const wanted = fn.type === "float" ? "a float" : fn.type === "logic" ? "bool" : "a number";
  if (!accepted) {
    const wrong = terms.findIndex((t) => !t.flexible);
    return report.add(
      "GRAD3006",
      arranged[wrong]?.span ?? node.span,
      { wanted: `${wanted} for \`${name}\``, found: describe(terms[wrong] ?? first) },
      acceptedHelp(type, wanted, arranged[wrong]),
    );
  }
  const result = fn.type === "equality" || fn.type === "comparison" ? "bool" : type;
  const make = (args: readonly ir.Expr[], dtype = result): ir.Expr =>
    fn.expand?.(args) ?? ir.call(name, args, dtype);
  const made = over(matched.axes, make(matched.bodies));
  if (matched.dtype !== null || result === "bool") return made;
  const indexed = terms.some((t) => t.flexible?.indexed);
  const integers = terms.map((t) => t.flexible?.integer ?? null);
  const whole = integers.filter((e) => e !== null);
  // Integer quotients round down already.
  const integer =
    name === "floor"
      ? (integers[0] ?? null)
      : fn.type === "arithmetic" && whole.length === terms.length
        ? make(whole, "i32")
        : null;
  return { ...made, flexible: { integer, indexed } };
}
function acceptedHelp(type: DType, wanted: string, argument: Side): DiagnosticExtras {
  if (type === "bool") return numberHelp(argument);
  if (!isInteger(type) || wanted !== "a float") return {};
  const text = written(argument);
  if (!argument || text === undefined) return { help: "`f32(…)` converts" };
  return { help: `\`f32(${text})\` converts`, fix: { span: argument.span, text: `f32(${text})` } };
}
const literalTerm = (value: number): Term => ({
  ...scalar(ir.constant(value)),
  flexible: { integer: Number.isInteger(value) ? ir.constant(value, "i32") : null, indexed: false },
});

function conversion(node: CallExpression, dtype: DType, context: Context): Term | null {
  const [argument] = node.args;
  if (!argument || node.args.length !== 1)
    return context.session.report.add("GRAD3007", node.span, {
      name: dtype,
      wanted: "1",
      given: node.args.length,
    });
  const found = elaborate(argument.value, context);
  if (!found) return null;
  const { flexible } = found;
  // An index or a dim has an exact integer form; a quotient of literals is one of numbers.
  const term =
    flexible && isInteger(dtype) && flexible.integer
      ? scalar(flexible.integer)
      : flexible && isFloat(dtype) && !flexible.indexed
        ? scalar(found.body)
        : settle(found);
  return over(term.axes, ir.cast(term.body, dtype));
}

function reshape(node: CallExpression, context: Context): Term | null {
  const { session } = context;
  const [source, sizes] = node.args.map((a) => a.value);
  if (!source || sizes?.kind !== "list" || node.args.length !== 2)
    return session.report.add("GRAD3007", node.span, {
      name: "reshape",
      wanted: "a tensor and a list of sizes, two",
      given: node.args.length,
    });
  const found = elaborate(source, context);
  const shape: Poly[] = [];
  for (const item of sizes.items) {
    const size = sizeOf(item, context);
    if (!size) return null;
    if ((size.constant ?? 0) < 0)
      return session.report.add(
        "GRAD3008",
        item.span,
        { text: `${size.constant}` },
        { help: "every size is written: `[N * M]` for `[-1]`" },
      );
    shape.push(size);
  }
  if (!found) return null;
  const product = (list: readonly Poly[]): Poly => list.reduce((p, s) => p.mul(s), ONE);
  const difference = product(shapeOf(found)).sub(product(shape));
  const text = `[${shape.map(showSize).join(", ")}]`;
  if ((difference.constant ?? 0) !== 0)
    return session.report.add(
      "GRAD3004",
      node.span,
      { left: told(found, source), right: text },
      { help: "the numbers of entries are the same", related: declarations(context, [source]) },
    );
  if (!difference.isZero)
    session.require(
      "zero",
      difference,
      "GRAD3004",
      `${describe(found)} and ${text} have different numbers of entries`,
      node.span,
    );
  const whole = materialise(context, "reshaped", settle(found), node.span);
  const { values } = session;
  const of = values.get(whole.id);
  const lead = of.shape.slice(0, whole.lead.length);
  const id = values.define(
    `${context.owner}.reshape`,
    of.dtype,
    [...lead, ...shape],
    { kind: "reshape", of: whole.id },
    { span: node.span },
  );
  session.runAsDoes(whole.id, id, (axis) => (axis < whole.lead.length ? axis : undefined));
  return valueTerm(values.get(id), whole.lead);
}

/** A part of `concat[i](a[i], b[2 * i])`: where it names `i`, the index runs over that part's own axis. */
function partOf(part: Expression, axis: Name | undefined, context: Context): Term | null {
  if (!axis || !mentionsName(part, axis.text)) {
    const term = elaborate(part, context);
    return term && settle(term);
  }
  const [index] = indicesFor([{ name: axis }], [part], context);
  const term = index && elaborate(part, withIndices(context, [index]));
  if (!term) return null;
  const { dtype, axes, body } = settle(term);
  return { dtype, axes: [index, ...axes], body };
}

/** Joined along the first axes of the parts; `concat[i]` under a bound `i` is the entry at `i`. */
function concat(node: CallExpression, context: Context): Term | null {
  const { report } = context.session;
  const found = node.args.map((a) => partOf(a.value, node.axis, context));
  const parts: Term[] = [];
  for (const part of found) {
    if (!part) return null;
    parts.push(part);
  }
  const [first] = parts;
  if (!first) return report.add("GRAD3007", node.span, { name: "concat", wanted: "one or more", given: 0 });
  for (const [k, part] of parts.entries()) {
    const span = node.args[k]?.span ?? node.span;
    if (part.axes.length === 0)
      return report.add(
        "GRAD3006",
        span,
        { wanted: "a tensor", found: describe(part) },
        { help: "a list makes an axis of scalars: `[a, b]`" },
      );
    const sides = [node.args[0]?.value, node.args[k]?.value];
    const both = { left: told(first, sides[0]), right: told(part, sides[1]) };
    const extras = { related: declarations(context, sides) };
    if (part.dtype !== first.dtype) return report.add("GRAD3003", span, both, extras);
    if (
      part.axes.length !== first.axes.length ||
      part.axes.slice(1).some((a, n) => !first.axes[n + 1] || !a.hi.equals(first.axes[n + 1]?.hi ?? 0))
    )
      return report.add("GRAD3004", span, both, {
        ...extras,
        help: "parts are joined along their first axes; the others are equal",
      });
  }
  const size = parts.reduce((total, part) => total.add(part.axes[0]?.hi ?? 0), Poly.constant(0));
  const position = ir.freshIndex(node.axis?.text ?? "k", size);
  const rest = first.axes.slice(1).map((a) => ir.freshIndex(a.name, a.hi));
  const starts: Poly[] = [];
  parts.reduce((start, part) => (starts.push(start), start.add(part.axes[0]?.hi ?? 0)), Poly.constant(0));
  const entry = (k: number): ir.Expr => {
    const part = parts[k] ?? first;
    return at(part, [Poly.index(position).sub(starts[k] ?? 0), ...rest.map((r) => Poly.index(r))]).body;
  };
  let body = entry(parts.length - 1);
  for (let k = parts.length - 2; k >= 0; k--)
    body = ir.select(
      ir.compare("lt", ir.indexValue(Poly.index(position)), ir.indexValue(starts[k + 1] ?? size)),
      entry(k),
      body,
    );
  const joined: Term = { dtype: first.dtype, axes: [position, ...rest], body };
  const bound = node.axis && context.scope.lookup(node.axis.text);
  if (bound?.kind !== "index") return joined;
  if (!bound.index.hi.equals(size))
    return report.add("GRAD3001", node.axis?.span ?? node.span, {
      name: "`concat`",
      index: bound.index.name,
      sizes: `${showSize(bound.index.hi)}, and here ${showSize(size)}`,
    });
  return at(joined, [Poly.index(bound.index)]);
}
