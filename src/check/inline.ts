import { quoted } from "../diagnostics/page.js";
import type { CallExpression, Expression } from "../parser/ast.js";
import { arrange } from "./arguments.js";
import { bindArguments, bindGivenSizes, givenTerms, mappedAxes } from "./bind-arguments.js";
import { Scope, type Context, type FunctionBinding, type Home, elaborate } from "./context.js";
import { resultsOfBody } from "./function-body.js";
import { isBlock } from "./order.js";
import { sizesAmongArguments } from "./size-arguments.js";
import { settle, type Term } from "./term.js";

/** The results of a call: the function's equations, with the caller's free indices as leading axes. */
export function inlined(
  node: CallExpression,
  { declaration, scope: home }: FunctionBinding,
  context: Context,
): Term[] | null {
  const { session } = context;
  const { report } = session;
  const name = declaration.name.text;
  if (session.calls.includes(declaration)) {
    const through = session.calls.slice(session.calls.indexOf(declaration) + 1);
    return report.add("GRAD2009", node.callee.span, {
      name,
      through: quoted(through.map((f) => f.name.text)),
    });
  }
  session.called.add(declaration);
  const isLayer = declaration.kind === "layer";
  if (isLayer && !context.home) return report.add("GRAD2016", node.callee.span, { name });
  // Before the arguments are read: a layer called in one of them comes later in the source.
  const owner = isLayer ? instanceName(context) : `${context.owner}.${name}`;
  const meant = sizesAmongArguments(node, declaration, context);
  const arranged = arrange(node, declaration.parameters, false, context, meant);
  if (!arranged) return null;

  const call = { node, declaration, list: arranged };
  const scope = new Scope(home);
  const outside: Context = { ...context, scope: home };
  if (!bindGivenSizes(node, declaration, scope, context)) return null;
  const terms = givenTerms(call, scope, outside, context);
  const mapped = terms && mappedAxes(call, terms, context);
  if (!mapped) return null;
  const inner: Context = {
    ...context,
    scope,
    bound: [...context.bound, ...mapped],
    owner,
    home: null,
  };
  if (!bindArguments(call, terms, mapped, inner)) return null;

  session.calls.push(declaration);
  report.callSites.push(node.span);
  try {
    const results = isBlock(declaration.body)
      ? resultsOfBody(
          declaration,
          declaration.body,
          isLayer ? asLayer(inner, context.home) : inner,
          node,
          isLayer ? context.home : null,
        )
      : expression(declaration.body, inner);
    return results?.map((r) => (mapped.length ? { ...settle(r), axes: [...mapped, ...r.axes] } : r)) ?? null;
  } finally {
    session.calls.pop();
    report.callSites.pop();
  }
}
function expression(body: Expression, context: Context): Term[] | null {
  const term = elaborate(body, context);
  return term && [term];
}

/** A layer's params are named by the equation that calls it; the second call in one is `m.2`. */
function instanceName({ session, owner }: Context): string {
  const count = (session.instances.get(owner) ?? 0) + 1;
  session.instances.set(owner, count);
  return count === 1 ? owner : `${owner}.${count}`;
}
const asLayer = (context: Context, outer: Home | null): Context => ({
  ...context,
  home: { scope: context.scope, prefix: `${context.owner}.`, outer },
});
