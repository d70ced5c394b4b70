import * as ir from "../ir/expr.js";
import type { Index } from "../ir/expr.js";
import type {
  BinaryExpression,
  Expression,
  IfExpression,
  ListExpression,
  NameExpression,
} from "../parser/ast.js";
import { scopeName } from "../parser/walk.js";
import { padded, subscripted } from "./access.js";
import { call } from "./calls.js";
import { elaborate, underCondition, type Context } from "./context.js";
import { listMismatch } from "./mismatch.js";
import { binary, choose, match, negative } from "./operators.js";
import { alongAxis, reduction } from "./reducers.js";
import { drawn, isDraw } from "./random.js";
import { describe, numberTerm, polyTerm, scalar, settle, type Term } from "./term.js";
import { Poly } from "../ir/poly.js";
import { unknownValue } from "./unknown.js";

/** What an expression means where it stands; null after an error, which was reported once. */
export function elaborateExpression(node: Expression, context: Context): Term | null {
  switch (node.kind) {
    case "number": {
      const term = numberTerm(node.value);
      return node.integer ? term : { ...term, flexible: { integer: null, indexed: false } };
    }
    case "boolean":
      return scalar(node.value ? ir.TRUE : ir.FALSE);
    case "name":
      return named(node, context);
    case "subscript":
      return isDraw(node.base, context) ? drawn(node.base, node, context) : subscripted(node, context);
    case "call":
      return call(node, context);
    case "binary":
      return leftToRight(node, context);
    case "unary":
      return unary(node, context);
    case "if":
      return conditional(node, context);
    case "reducer":
      return reduction(node, context);
    case "axis":
      return alongAxis(node, context);
    case "list":
      return list(node, context);
  }
}

function named(node: NameExpression, context: Context): Term | null {
  const { report } = context.session;
  const name = scopeName(node);
  const binding = context.scope.lookup(name);
  const disputed = context.session.disputed.has(name);
  switch (binding?.kind) {
    case "index":
      return polyTerm(Poly.index(binding.index));
    case "size":
      return polyTerm(binding.poly);
    case "term":
      return binding.term;
    case "function":
      return disputed ? null : report.add("GRAD2008", node.span, { name });
    case "optimizer":
      return report.add("GRAD3006", node.span, { wanted: "a value", found: `the optimizer \`${name}\`` });
    case "poison":
      return null;
    case undefined:
      if (name === "pi") return numberTerm(Math.PI);
      if (name === "inf") return numberTerm(Infinity);
      return disputed ? null : unknownValue(name, node.span, context);
  }
}

/**
 * Sums and products are deep on the left; `a + b + c + …` is folded in a loop. `and` and `or` evaluate the right side
 * under the left, of a chain under each of its parts; `??` reads its left side in its own way.
 */
function leftToRight(node: BinaryExpression, context: Context): Term | null {
  const chain: BinaryExpression[] = [];
  let first: Expression = node;
  while (first.kind === "binary" && first.operator !== "??") {
    chain.push(first);
    first = first.left;
  }
  let left =
    first.kind === "binary"
      ? padded(first.left, first.right, first.span, context)
      : elaborate(first, context);
  let under = context;
  let last: Term | null = left;
  let before: BinaryExpression | undefined;
  for (const link of chain.reverse()) {
    if (link.operator !== "and" && link.operator !== "or") under = context;
    else {
      // What the parts before have said stays said while the operator is the same.
      const same = before?.operator === link.operator;
      const part = same ? last : left;
      const condition = part?.dtype === "bool" && part.axes.length === 0 ? part.body : null;
      under = same ? under : context;
      // What is the same everywhere says nothing of a place.
      if (condition && (ir.indicesOf([condition]).size > 0 || ir.readsOf([condition]).length > 0))
        under = underCondition(under, link.operator === "and" ? condition : ir.not(condition));
    }
    const right = elaborate(link.right, under);
    left = left && right && binary(context, link, left, right);
    last = right;
    before = link;
  }
  return left;
}

function unary(node: Extract<Expression, { kind: "unary" }>, context: Context): Term | null {
  const operand = elaborate(node.operand, context);
  if (!operand) return null;
  if (node.operator === "-") return negative(context, operand, node.span);
  if (operand.dtype !== "bool")
    return context.session.report.add("GRAD3006", node.operand.span, {
      wanted: "bool after `not`",
      found: describe(operand),
    });
  return { ...operand, body: ir.not(operand.body) };
}

function conditional(node: IfExpression, context: Context): Term | null {
  const condition = elaborate(node.condition, context);
  const decides = condition?.dtype === "bool" && condition.axes.length === 0 ? condition.body : null;
  const then = elaborate(node.then, decides ? underCondition(context, decides) : context);
  const otherwise = elaborate(node.else, decides ? underCondition(context, ir.not(decides)) : context);
  return condition && then && otherwise && choose(context, condition, then, otherwise, node.span, node);
}

/** A list is an axis of its own. */
function list(node: ListExpression, context: Context): Term | null {
  const found = node.items.map((item) => elaborate(item, context));
  const items: Term[] = [];
  for (const item of found) {
    if (!item) return null;
    items.push(item);
  }
  if (!items.length)
    return context.session.report.add("GRAD3006", node.span, {
      wanted: "at least one entry",
      found: "an empty list",
    });
  const first = items.findIndex((t) => t.axes.length > 0);
  const other = items.findIndex((t) => t.axes.length === 0);
  // Entries of a list are alike: a scalar is not filled up.
  if (first >= 0 && other >= 0)
    return listMismatch(context, [items[first], items[other]], node.span, [
      node.items[first],
      node.items[other],
    ]);
  const matched = match(context, items, node.span, node.items);
  if (!matched) return null;
  const bodies = matched.dtype === null ? items.map((t) => settle(t).body) : matched.bodies;
  // Settled one by one, indices would be integers beside floats.
  const same = bodies.every((b) => b.dtype === bodies[0]?.dtype) ? bodies : matched.bodies;
  return joinEntries(same, matched.axes);
}
function joinEntries(bodies: readonly ir.Expr[], axes: readonly Index[]): Term {
  const position = ir.freshIndex("k", bodies.length);
  const at = ir.indexValue(Poly.index(position));
  const body = bodies.reduceRight((rest, entry, k) =>
    k === bodies.length - 1 ? entry : ir.select(ir.compare("eq", at, ir.constant(k, "i32")), entry, rest),
  );
  return { dtype: body.dtype, axes: [position, ...axes], body };
}
