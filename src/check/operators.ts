import * as ir from "../ir/expr.js";
import { isInteger, type DType, type Expr } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import { power } from "../ir/scalar/exponential.js";
import type { Span } from "../diagnostics/span.js";
import type { BinaryExpression, Expression } from "../parser/ast.js";
import type { Context } from "./context.js";
import { lift } from "./lift.js";
import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import {
  declarations,
  productMismatch,
  shapeMismatch,
  typeMismatch,
  written,
  type Side,
  type Together,
} from "./mismatch.js";
import { align, at, coerce, commonType, describe, scalar, settle, type Flexible, type Term } from "./term.js";

type Arithmetic = "+" | "-" | "*" | "/" | "%" | "^";

/** Operands of one type and shape; flexible ones only if all are. */
export interface Matched {
  readonly axes: readonly ir.Index[];
  readonly bodies: readonly Expr[];
  /** Null: all are flexible, `bodies` are the f32 forms. */
  readonly dtype: DType | null;
}
export function match(
  context: Context,
  terms: readonly Term[],
  span: Span,
  sides: readonly Side[] = [],
  together?: Together,
): Matched | null {
  const common = commonType(terms);
  if (!common) return typeMismatch(context, terms, span, sides);
  const { dtype } = common;
  const typed = dtype === null ? [...terms] : terms.map((t) => coerce(t, dtype) ?? t);
  const aligned = align(typed);
  return aligned ? { ...aligned, dtype } : shapeMismatch(context, terms, span, sides, together);
}

export function binary(context: Context, node: BinaryExpression, left: Term, right: Term): Term | null {
  const { operator, operatorSpan, span } = node;
  switch (operator) {
    case "or":
    case "and": {
      const matched = bools(context, operator, [left, right], [node.left, node.right]);
      return matched && over(matched.axes, combineBools(operator, matched.bodies));
    }
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
      return comparison(context, operator, left, right, span, [node.left, node.right]);
    case "@":
      return matrixProduct(context, left, right, span, [node.left, node.right]);
    case "??":
      return null;
    default:
      return arithmetic(context, operator, left, right, operatorSpan, [node.left, node.right]);
  }
}
const combineBools = (operator: "or" | "and", [a, b]: readonly Expr[]): Expr =>
  operator === "or" ? ir.or(a ?? ir.FALSE, b ?? ir.FALSE) : ir.and(a ?? ir.TRUE, b ?? ir.TRUE);
export const over = (axes: readonly ir.Index[], body: Expr): Term => ({ dtype: body.dtype, axes, body });

function bools(
  context: Context,
  operator: string,
  terms: readonly Term[],
  sides: readonly [Expression, Expression],
): Matched | null {
  let failed = false;
  for (const [k, term] of terms.entries()) {
    const side = sides[k];
    if (term.dtype === "bool" || !side) continue;
    context.session.report.add(
      "GRAD3006",
      side.span,
      { wanted: `bool beside \`${operator}\``, found: describe(term) },
      conditionHelp(side),
    );
    failed = true;
  }
  return failed ? null : match(context, terms, sides[0].span, sides, (a, b) => `${a} ${operator} ${b}`);
}
/** A number as a condition. */
function conditionHelp(side: Expression): { help: string } {
  return { help: `a condition is a comparison, such as \`${written(side) ?? "x"} != 0\`` };
}

const COMPARISONS = {
  "==": ["eq", false],
  "!=": ["ne", false],
  "<": ["lt", false],
  "<=": ["le", false],
  ">": ["lt", true],
  ">=": ["le", true],
} as const;
function comparison(
  context: Context,
  operator: keyof typeof COMPARISONS,
  left: Term,
  right: Term,
  span: Span,
  sides: readonly Expression[],
): Term | null {
  const matched = match(context, [left, right], span, sides, (a, b) => `${a} ${operator} ${b}`);
  if (!matched) return null;
  const [name, swapped] = COMPARISONS[operator];
  if (matched.dtype === "bool" && operator !== "==" && operator !== "!=")
    return context.session.report.add("GRAD3006", span, { wanted: "numbers", found: "bool" });
  let [a, b] = matched.bodies;
  const integers = [left.flexible?.integer, right.flexible?.integer];
  if (matched.dtype === null && integers[0] && integers[1]) [a, b] = [integers[0], integers[1]];
  if (!a || !b) return null;
  return over(matched.axes, swapped ? ir.compare(name, b, a) : ir.compare(name, a, b));
}

function arithmetic(
  context: Context,
  operator: Arithmetic,
  left: Term,
  right: Term,
  span: Span,
  sides: readonly Expression[],
): Term | null {
  for (const [k, term] of [left, right].entries())
    if (term.dtype === "bool")
      return context.session.report.add(
        "GRAD3006",
        sides[k]?.span ?? span,
        { wanted: `a number beside \`${operator}\``, found: describe(term) },
        numberHelp(sides[k]),
      );
  // The exponent keeps its own literal form: x^2 is a product whatever x is.
  const matched = match(context, [left, right], span, sides, (a, b) => `${a} ${operator} ${b}`);
  if (!matched) return null;
  const [a, b] = matched.bodies;
  if (!a || !b) return null;
  if (matched.dtype === null) {
    const flexible = flexibleResult(operator, left.flexible, right.flexible);
    return { dtype: "f32", axes: [], body: floatOperation(operator, a, b), flexible };
  }
  if (isInteger(matched.dtype)) {
    const made = integerOperation(operator, a, b);
    return made
      ? over(matched.axes, made)
      : context.session.report.add(
          "GRAD3006",
          span,
          {
            wanted: "a literal exponent from 0 to 64 for an integer",
            found: written(sides[1]) ?? describe(right),
          },
          { help: "the power of a float takes any: `f32(base)^exponent`" },
        );
  }
  return over(matched.axes, floatOperation(operator, a, b));
}
/** A condition as a number. */
export function numberHelp(side: Side): DiagnosticExtras {
  const text = written(side);
  const number = `if ${text ?? "…"} then 1.0 else 0.0`;
  return {
    help: `\`${number}\` makes a number of a condition`,
    ...(side && text !== undefined ? { fix: { span: side.span, text: `(${number})` } } : {}),
  };
}
function flexibleResult(operator: Arithmetic, left?: Flexible, right?: Flexible): Flexible {
  const indexed = Boolean(left?.indexed || right?.indexed);
  const integer =
    left?.integer && right?.integer ? integerOperation(operator, left.integer, right.integer) : null;
  return { integer, indexed };
}

function floatOperation(operator: Arithmetic, a: Expr, b: Expr): Expr {
  switch (operator) {
    case "+":
      return ir.add(a, b);
    case "-":
      return ir.sub(a, b);
    case "*":
      return ir.mul(a, b);
    case "/":
      return ir.div(a, b);
    case "%":
      return ir.call("mod", [a, b], a.dtype);
    case "^":
      return power(a, b);
  }
}
/** Indices, dims and literals are computed exactly; data as calls. */
function integerOperation(operator: Arithmetic, a: Expr, b: Expr): Expr | null {
  const exact = a.dtype === "i32" && isExact(a) && isExact(b);
  const p = exact ? polynomial(a) : null;
  const q = exact ? polynomial(b) : null;
  switch (operator) {
    case "+":
      return p && q ? ir.indexValue(p.add(q)) : ir.add(a, b);
    case "-":
      return p && q ? ir.indexValue(p.sub(q)) : ir.sub(a, b);
    case "*":
      return p && q ? ir.indexValue(p.mul(q)) : ir.mul(a, b);
    case "/":
      if (a.op === "constant" && b.op === "constant")
        return ir.constant(b.value === 0 ? 0 : Math.floor(a.value / b.value), a.dtype);
      return ir.call("floor_div", [a, b], a.dtype);
    case "%":
      if (a.op === "constant" && b.op === "constant" && b.value !== 0)
        return ir.constant(a.value - b.value * Math.floor(a.value / b.value), a.dtype);
      return ir.call("mod", [a, b], a.dtype);
    case "^": {
      if (b.op !== "constant" || b.value < 0 || b.value > 64) return null;
      let product: Expr = ir.constant(1, a.dtype);
      for (let k = 0; k < b.value; k++) product = integerOperation("*", product, a) ?? product;
      return product;
    }
  }
}
const isExact = (e: Expr): boolean =>
  e.op === "index" ||
  e.op === "constant" ||
  (e.op === "call" &&
    (e.fn === "floor_div" || e.fn === "mod" || e.fn === "min" || e.fn === "max") &&
    e.args.every(isExact));
const polynomial = (e: Expr): Poly =>
  e.op === "index" ? e.poly : e.op === "constant" ? Poly.constant(e.value) : Poly.opaque(e);

export function negative(context: Context, operand: Term, span: Span): Term | null {
  if (operand.dtype === "bool")
    return context.session.report.add(
      "GRAD3006",
      span,
      { wanted: "a number after `-`", found: describe(operand) },
      { help: "`not` turns a condition round" },
    );
  const { flexible } = operand;
  if (!flexible) return over(operand.axes, ir.neg(operand.body));
  const integer =
    flexible.integer &&
    (isExact(flexible.integer)
      ? ir.indexValue(polynomial(flexible.integer).neg())
      : ir.neg(flexible.integer));
  return { ...operand, body: ir.neg(operand.body), flexible: { ...flexible, integer } };
}

/** `a @ b` for one and two axes. */
function matrixProduct(
  context: Context,
  left: Term,
  right: Term,
  span: Span,
  sides: readonly Expression[],
): Term | null {
  const { report } = context.session;
  const a = settle(left);
  const b = settle(right);
  const inner = a.axes[a.axes.length - 1];
  const outer = b.axes[0];
  if (!inner || !outer || a.axes.length > 2 || b.axes.length > 2)
    return report.add(
      "GRAD3006",
      span,
      {
        wanted: "matrices or vectors on both sides of `@`",
        found: `${describe(a)} and ${describe(b)}`,
      },
      {
        related: declarations(context, sides),
        help:
          inner && outer
            ? "more axes are written with indices: `sum[k] A[b, i, k] * B[b, k, j]`"
            : "a scalar multiplies with `*`",
      },
    );
  if (!inner.hi.equals(outer.hi)) return productMismatch(context, [a, b], span, sides);
  if (a.dtype !== b.dtype) return typeMismatch(context, [a, b], span, sides);
  if (a.dtype === "bool")
    return report.add("GRAD3006", span, { wanted: "numbers on both sides of `@`", found: describe(a) });
  const rows = a.axes.slice(0, -1).map((i) => ir.freshIndex(i.name, i.hi));
  const columns = b.axes.slice(1).map((i) => ir.freshIndex(i.name, i.hi));
  const k = ir.freshIndex("k", inner.hi);
  const polys = (list: readonly ir.Index[]): Poly[] => list.map((i) => Poly.index(i));
  const body = ir.mul(at(a, polys([...rows, k])).body, at(b, polys([k, ...columns])).body);
  const term: Term = { dtype: a.dtype, axes: [...rows, ...columns], body };
  return lift(
    context,
    "product",
    term,
    { kind: "reduce", reducer: "sum", indices: [k], guard: null },
    a.dtype,
    span,
  ).term;
}

/** `if`, per element. */
export function choose(
  context: Context,
  condition: Term,
  then: Term,
  otherwise: Term,
  span: Span,
  sides: { readonly condition?: Expression; readonly then?: Expression; readonly else?: Expression } = {},
): Term | null {
  const { report } = context.session;
  if (condition.dtype !== "bool")
    return report.add(
      "GRAD3006",
      sides.condition?.span ?? span,
      { wanted: "bool as condition", found: describe(condition) },
      sides.condition ? conditionHelp(sides.condition) : {},
    );
  const matched = match(context, [then, otherwise], span, [sides.then, sides.else]);
  if (!matched) return null;
  const [a, b] = matched.bodies;
  const aligned = align([
    condition,
    { ...over(matched.axes, a ?? then.body) },
    { ...over(matched.axes, b ?? otherwise.body) },
  ]);
  if (!aligned)
    return shapeMismatch(context, [condition, then, otherwise], span, [
      sides.condition,
      sides.then,
      sides.else,
    ]);
  const [c, x, y] = aligned.bodies;
  if (!c || !x || !y) return null;
  const body = ir.select(c, x, y);
  if (matched.dtype !== null || aligned.axes.length > 0) return over(aligned.axes, body);
  const integers = [then.flexible?.integer, otherwise.flexible?.integer];
  const integer = integers[0] && integers[1] ? ir.select(c, integers[0], integers[1]) : null;
  return {
    ...scalar(body),
    flexible: { integer, indexed: Boolean(then.flexible?.indexed || otherwise.flexible?.indexed) },
  };
}
