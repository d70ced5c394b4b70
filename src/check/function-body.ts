import type { Poly } from "../ir/poly.js";
import type { CallExpression, FunctionStatement, Statement } from "../parser/ast.js";
import { scopeName } from "../parser/walk.js";
import { dtypeOf } from "./reserved.js";
import type { Context, Home } from "./context.js";
import { withAdjoint } from "./custom.js";
import { declareParam } from "./declarations.js";
import { elaborateBody, reportMisplaced } from "./body.js";
import type { Declared } from "./equation-term.js";
import { sizeOf } from "./sizes.js";
import { stateOf, updateState } from "./states.js";
import type { Term } from "./term.js";

/** The results of a function's or layer's statements, whose arguments are bound; `caller` is where a layer is called. */
export function resultsOfBody(
  declaration: FunctionStatement,
  statements: readonly Statement[],
  context: Context,
  node: CallExpression,
  caller: Home | null,
): Term[] | null {
  const declared = declaredResults(declaration, context);
  if (!declared || !declareParams(declaration, statements, context, caller)) return null;
  elaborateBody(statements, context, {
    prefix: `${context.owner}.`,
    declared: (name) => {
      const state = declaration.kind === "layer" ? stateOf(name, context) : undefined;
      return state === undefined ? declared.get(name) : context.session.values.get(state);
    },
    define: (target, term) => {
      if (term) updateState(scopeName(target), target.name.span, term, context);
    },
  });
  const results = definedResults(declaration, context, node);
  return results && declaration.adjoint
    ? withAdjoint(declaration, declaration.adjoint, results, context, node)
    : results;
}

/** Types and shapes of the results, by name. */
function declaredResults(
  declaration: FunctionStatement,
  context: Context,
): ReadonlyMap<string, Declared> | null {
  const declared = new Map<string, Declared>();
  for (const { name, type } of declaration.results ?? []) {
    const shape: Poly[] = [];
    for (const size of type.sizes) {
      const poly = sizeOf(size, context);
      if (!poly) return null;
      shape.push(poly);
    }
    const dtype = dtypeOf(type.dtype, context);
    if (!dtype) return null;
    declared.set(name.text, { dtype, shape });
  }
  return declared;
}

/** A layer's params and states; false where something stands in the body that has no place there. */
function declareParams(
  declaration: FunctionStatement,
  statements: readonly Statement[],
  context: Context,
  caller: Home | null,
): boolean {
  const isLayer = declaration.kind === "layer";
  const found = isLayer
    ? reportMisplaced(statements, "a layer", context, ["param", "state"], PLACES)
    : reportMisplaced(statements, "a function", context, [], PLACES);
  for (const statement of statements) {
    if (!isLayer || (statement.kind !== "param" && statement.kind !== "state")) continue;
    declareParam(statement, context, `${context.owner}.`);
    for (const { name } of statement.items) shareParam(name.text, context, caller);
  }
  return !found;
}
/** Where else what has no place in a function belongs. */
const PLACES: Readonly<Record<string, string>> = {
  param: "a layer has params and states of its own",
  state: "a layer has params and states of its own",
  input: "what a function takes are its arguments",
  output: "a function's results are named behind `->`",
  loss: "a loss is an equation of the file",
  dim: "a function's sizes stand behind its name: `fn f<N>(x: f32[N]) …`",
  const: "a constant of a function is an equation: `eps = 1e-5`",
};

/** The caller knows the param as `m.W`, and whoever called it as `outer.m.W`. */
function shareParam(name: string, context: Context, caller: Home | null): void {
  const binding = context.scope.own(name);
  const full = `${context.owner}.${name}`;
  for (let home = caller; binding && home; home = home.outer)
    home.scope.bind(full.slice(home.prefix.length), binding);
}

/** What the results' names stand for after the body. */
function definedResults(
  declaration: FunctionStatement,
  context: Context,
  node: CallExpression,
): Term[] | null {
  const { report } = context.session;
  const results: Term[] = [];
  for (const { name } of declaration.results ?? []) {
    const binding = context.scope.own(name.text);
    if (!binding)
      return report.add(
        "GRAD2001",
        name.span,
        { kind: "equation for the result", name: name.text },
        { help: `define it in the body: \`${name.text} = …\`` },
      );
    if (binding.kind !== "term") return null;
    results.push(binding.term);
  }
  if (results.length) return results;
  return report.add("GRAD3006", node.span, {
    wanted: "a function with results",
    found: `\`${declaration.name.text}\``,
  });
}
