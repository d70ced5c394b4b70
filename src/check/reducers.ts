import * as ir from "../ir/expr.js";
import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import { isFloat, isInteger, type Expr, type Index } from "../ir/expr.js";
import { ONE, type Poly } from "../ir/poly.js";
import type { AxisExpression, Expression, ReducerExpression } from "../parser/ast.js";
import { underCondition, withIndices, type Context, elaborate } from "./context.js";
import { lift } from "./lift.js";
import { written } from "./mismatch.js";
import { numberHelp } from "./operators.js";
import { indicesFor } from "./ranges.js";
import { describe, scalar, settle, showSize, type Term } from "./term.js";

/** `sum[i, j in 0..K | guard] body` becomes an equation of its own. */
export function reduction(node: ReducerExpression, context: Context): Term | null {
  const { session } = context;
  const { report } = session;
  const uses = node.guard ? [node.guard, node.body] : [node.body];
  const twice = node.indices.find(({ name }, k) =>
    node.indices.slice(0, k).some((other) => other.name.text === name.text),
  );
  if (twice) {
    const first = node.indices.find((i) => i.name.text === twice.name.text);
    report.add(
      "GRAD2006",
      twice.name.span,
      { name: twice.name.text },
      first ? { related: [{ message: "bound here first", span: first.name.span }] } : {},
    );
  }
  const found = indicesFor(node.indices, uses, context);
  const indices = found.flatMap((index) => index ?? []);
  const inner = withIndices(
    context,
    found,
    node.indices.map((i) => i.name.text),
  );
  const guard = guardOf(node.guard, inner);
  const body = elaborate(node.body, guard ? underCondition(inner, guard) : inner);
  // The body was read for errors of its own all the same.
  if (twice || indices.length < found.length || guard === undefined || !body) return null;
  const term = settle(body);
  return reduced(node, term, indices, guard, context);
}
/** Null: there is none; undefined: an error was reported. */
function guardOf(node: Expression | undefined, context: Context): Expr | null | undefined {
  if (!node) return null;
  const guard = elaborate(node, context);
  if (!guard) return undefined;
  if (guard.dtype === "bool" && guard.axes.length === 0) return guard.body;
  context.session.report.add("GRAD3006", node.span, { wanted: "a bool guard", found: describe(guard) });
  return undefined;
}

const extentOf = (indices: readonly Index[]): Poly =>
  indices.reduce((product, i) => product.mul(i.hi.sub(i.lo)), ONE);

function reduced(
  node: ReducerExpression,
  term: Term,
  indices: readonly Index[],
  guard: Expr | null,
  context: Context,
): Term | null {
  const { report } = context.session;
  const { reducer, span, headSpan } = node;
  const wrong = (wanted: string): null =>
    report.add(
      "GRAD3006",
      node.body.span,
      { wanted: `${wanted} under \`${reducer}\``, found: describe(term) },
      wrongHelp(term, node),
    );
  const apply = (name: Exclude<typeof reducer, "mean">, body: Term, dtype = term.dtype): Term =>
    lift(context, name, body, { kind: "reduce", reducer: name, indices, guard }, dtype, span).term;
  switch (reducer) {
    case "any":
    case "all":
      return term.dtype === "bool" ? apply(reducer, term) : wrong("bool");
    case "sum":
    case "prod":
      return term.dtype === "bool" ? wrong("numbers") : apply(reducer, term);
    case "max":
    case "min":
      requireEntries(indices, reducer, node, context);
      return term.dtype === "bool" ? wrong("numbers") : apply(reducer, term);
    case "argmax":
    case "argmin":
      if (indices.length !== 1)
        return report.add(
          "GRAD3007",
          headSpan,
          { name: reducer, wanted: "1", given: indices.length, what: "index" },
          { help: "over several axes take it of `reshape(x, [N * M])`" },
        );
      requireEntries(indices, reducer, node, context);
      return term.dtype === "bool" ? wrong("numbers") : apply(reducer, term, "i32");
    case "logsumexp":
      requireEntries(indices, reducer, node, context);
      return isFloat(term.dtype) ? apply(reducer, term) : wrong("floats");
    case "mean": {
      requireEntries(indices, reducer, node, context);
      if (!isFloat(term.dtype)) return wrong("floats");
      const total = apply("sum", term);
      if (!guard)
        return { ...total, body: ir.div(total.body, ir.cast(ir.indexValue(extentOf(indices)), term.dtype)) };
      const one = ir.constant(1, term.dtype);
      const count = lift(
        context,
        "count",
        scalar(one),
        { kind: "reduce", reducer: "sum", indices, guard },
        term.dtype,
        span,
      ).term.body;
      const zero = ir.constant(0, term.dtype);
      return { ...total, body: ir.select(ir.compare("eq", count, zero), zero, ir.div(total.body, count)) };
    }
  }
}
function wrongHelp(term: Term, { reducer, body, indices }: ReducerExpression): DiagnosticExtras {
  if (term.dtype === "bool") return numberHelp(body);
  const text = written(body);
  if (reducer === "any" || reducer === "all") {
    const head = `${reducer}[${indices.map((i) => i.name.text).join(", ")}]`;
    return {
      help: `the operand of \`${reducer}\` ends before a comparison: a condition stands in brackets, \`${head} (${text ?? "x[i]"} > 0)\``,
    };
  }
  if (!isInteger(term.dtype)) return {};
  return text === undefined
    ? { help: "`f32(…)` converts" }
    : { help: `\`f32(${text})\` converts`, fix: { span: body.span, text: `f32(${text})` } };
}

/** What has no value over an empty range is an error when the sizes are bound. */
function requireEntries(
  indices: readonly Index[],
  reducer: string,
  node: ReducerExpression,
  context: Context,
): void {
  for (const index of indices) {
    const spare = index.hi.sub(index.lo).sub(1);
    if (spare.terms.every((t) => t.num > 0)) continue;
    context.session.require(
      "non-negative",
      spare,
      "GRAD3008",
      `${reducer}[${index.name}] has no entries: ${showSize(index.hi.sub(index.lo))} is 0`,
      node.headSpan,
    );
  }
}

/** `softmax[c | guard] z[b, c]` works along an index that is bound already. */
export function alongAxis(node: AxisExpression, context: Context): Term | null {
  const { report } = context.session;
  const binding = context.scope.lookup(node.index.text);
  if (binding?.kind === "poison") {
    elaborate(node.body, context);
    return null;
  }
  if (binding?.kind !== "index")
    return report.unbound(node.index.text, node.index.span, {
      help: `\`${node.operator}\` leaves its index: bind it on the left, \`y[${node.index.text}] = ${node.operator}[${node.index.text}] …\``,
    });
  const { index } = binding;
  if (context.times.has(index))
    return report.add(
      "GRAD3015",
      node.headSpan,
      { name: `${node.operator}[${node.index.text}]` },
      {
        help: "all steps are there behind the `rec`; within it, carry what has gathered so far as a quantity",
      },
    );
  const guard = guardOf(node.guard, context);
  const found = elaborate(node.body, guard ? underCondition(context, guard) : context);
  if (guard === undefined || !found) return null;
  const term = settle(found);
  if (!isFloat(term.dtype) && !(term.dtype !== "bool" && node.operator.startsWith("cum")))
    return report.add("GRAD3006", node.body.span, {
      wanted: `floats under \`${node.operator}\``,
      found: describe(term),
    });
  return lift(
    context,
    node.operator,
    term,
    { kind: "along", name: node.operator, index, guard },
    term.dtype,
    node.span,
  ).term;
}
