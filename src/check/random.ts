import * as ir from "../ir/expr.js";
import type { Expression, SubscriptExpression } from "../parser/ast.js";
import { printExpression } from "../parser/print.js";
import { subscript } from "./access.js";
import { elaborate, type Context } from "./context.js";
import { describe, scalar, type Term } from "./term.js";

type Call = Extract<Expression, { kind: "call" }>;
/** `rand(seed)` and `randn(seed)` are functions of subscripts; without these they are no value. */
export function isDraw(base: Expression, context: Context): base is Call {
  return (
    base.kind === "call" &&
    (base.callee.text === "rand" || base.callee.text === "randn") &&
    !context.scope.lookup(base.callee.text)
  );
}

export function drawn(base: Call, node: SubscriptExpression, context: Context): Term | null {
  const { report } = context.session;
  const [argument] = base.args;
  if (!argument || base.args.length !== 1)
    return report.add("GRAD3007", base.span, {
      name: base.callee.text,
      wanted: "1",
      given: base.args.length,
    });
  const seed = elaborate(argument.value, context);
  const subscripts = node.subscripts.map((s) => subscript(s, context));
  if (!seed) return null;
  const integer = seed.flexible ? seed.flexible.integer : seed.body;
  if (!integer || seed.axes.length > 0 || !ir.isInteger(integer.dtype))
    return report.add("GRAD3006", argument.span, { wanted: "an integer seed", found: describe(seed) });
  const counters: ir.Expr[] = [];
  for (const poly of subscripts) {
    if (!poly) return null;
    counters.push(ir.indexValue(poly));
  }
  warnOfSharedSeed(argument.value, integer, context);
  return scalar(ir.call(base.callee.text, [ir.cast(integer, "i32"), ...counters], "f32"));
}

/**
 * The same seed at two places draws the same numbers twice. A place in a function is another one in each call, and is
 * shown where the file calls it; a place that is read again, for an equation elaborated twice, is the same.
 */
function warnOfSharedSeed(seed: Expression, integer: ir.Expr, { session }: Context): void {
  const sites = [...session.report.callSites, seed.span];
  const place = sites.map(({ file, start }) => `${file}:${start.offset}`).join(" ");
  const span = sites[0] ?? seed.span;
  const first = session.seeds.get(integer);
  if (!first) session.seeds.set(integer, { place, span });
  else if (first.place !== place)
    session.report.add(
      "GRAD2018",
      span,
      { seed: printExpression(seed) },
      {
        help: "another seed, `seed + 1`, draws others",
        related: [{ message: "first drawn here", span: first.span }],
      },
    );
}
