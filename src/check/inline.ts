import { freshIndex, type Index } from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";
import type {
  CallExpression,
  Expression,
  FunctionStatement,
  Parameter,
  Statement,
  TypeSyntax,
} from "../parser/ast.js";
import { arrange } from "./arguments.js";
import { Scope, type Binding, type Context, type Home, type Elaborate } from "./context.js";
import { declareParam } from "./declarations.js";
import { declareNames, elaborateBody, type Declared } from "./equations.js";
import { withAdjoint } from "./custom.js";
import { lift, materialise } from "./lift.js";
import { isBlock, namesOfFunction } from "./order.js";
import { sizeOf } from "./sizes.js";
import { stateOf, updateState } from "./states.js";
import { align, asValue, bodyOver, coerce, describe, scalar, settle, showSize, type Term } from "./term.js";
import { isDType, typeMeant } from "./calls.js";
import { DERIVATIVES } from "./derivatives.js";

type FunctionBinding = Extract<Binding, { kind: "function" }>;

/** The results of a call: the function's equations, with the caller's free indices as leading axes. */
export function inlined(
  node: CallExpression,
  { declaration, scope: home }: FunctionBinding,
  context: Context,
  elaborate: Elaborate,
): Term[] | null {
  const { session } = context;
  const { report } = session;
  const name = declaration.name.text;
  if (session.calls.includes(declaration)) return report.add("GRAD2009", node.callee.span, { name });
  const isLayer = declaration.kind === "layer";
  if (isLayer && !context.home) return report.add("GRAD2016", node.callee.span, { name });
  // Before the arguments are read: a layer called in one of them comes later in the source.
  const owner = isLayer ? instanceName(context) : `${context.owner}.${name}`;
  const arranged = arrange(node, declaration.parameters, false, context);
  if (!arranged) return null;

  const scope = new Scope(home);
  const outside: Context = { ...context, scope: home };
  if (!givenSizes(node, declaration, scope, context)) return null;
  const terms = new Map<string, Term>();
  let failed = false;
  for (const [k, parameter] of declaration.parameters.entries()) {
    const argument = arranged[k];
    if (!("sizes" in parameter.type)) {
      const binding = argument?.kind === "name" ? context.scope.lookup(argument.name) : undefined;
      if (binding?.kind === "function") scope.bind(parameter.name.text, binding);
      else {
        report.add("GRAD3006", argument?.span ?? node.span, {
          wanted: `the name of a function for \`${parameter.name.text}\``,
          found: "another expression",
        });
        failed = true;
      }
      continue;
    }
    const given = argument
      ? elaborate(argument, context)
      : parameter.value
        ? elaborate(parameter.value, outside)
        : null;
    const term = given && typed(given, parameter, parameter.type, argument ?? node, context);
    if (term) terms.set(parameter.name.text, term);
    else failed = true;
  }
  if (failed) return null;
  const mapped = mappedAxes(declaration, terms, node, context);
  if (!mapped) return null;
  const inner: Context = {
    ...context,
    scope,
    bound: [...context.bound, ...mapped],
    owner,
    home: null,
  };
  if (!bindArguments(declaration, terms, mapped, node, arranged, inner)) return null;

  session.calls.push(declaration);
  session.callSites.push(node.span);
  try {
    const results = isBlock(declaration.body)
      ? block(
          declaration,
          declaration.body,
          isLayer ? asLayer(inner, context.home) : inner,
          node,
          isLayer ? context.home : null,
        )
      : expression(declaration.body, inner, elaborate);
    return results?.map((r) => (mapped.length ? { ...settle(r), axes: [...mapped, ...r.axes] } : r)) ?? null;
  } finally {
    session.calls.pop();
    session.callSites.pop();
  }
}
function expression(body: Expression, context: Context, elaborate: Elaborate): Term[] | null {
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

/** `f<N = 3>(x)` */
function givenSizes(
  node: CallExpression,
  declaration: FunctionStatement,
  scope: Scope,
  context: Context,
): boolean {
  let fine = true;
  for (const { name, value } of node.sizes) {
    const known = declaration.sizes.some((s) => s.text === name.text);
    if (!known)
      context.session.report.unknownName(
        `size of \`${declaration.name.text}\` called`,
        name.text,
        name.span,
        declaration.sizes.map((s) => s.text),
      );
    const size = sizeOf(value, context);
    if (known && size) scope.bind(name.text, { kind: "size", poly: size }, name.span);
    else fine = false;
  }
  return fine;
}

function typed(
  given: Term,
  parameter: Parameter,
  type: TypeSyntax,
  at: { readonly span: Expression["span"] },
  context: Context,
): Term | null {
  const dtype = type.dtype.text;
  if (!isDType(dtype))
    return context.session.report.add(
      "GRAD3010",
      type.dtype.span,
      { name: dtype },
      { help: typeMeant(dtype) },
    );
  const term = coerce(given, dtype);
  if (term) return term;
  return context.session.report.add(
    "GRAD3006",
    at.span,
    { wanted: `${dtype} for \`${parameter.name.text}\``, found: describe(given) },
    { related: [{ message: "declared here", span: parameter.span }] },
  );
}

/** A function of scalars applies elementwise: the axes that it is mapped over. */
function mappedAxes(
  declaration: FunctionStatement,
  terms: ReadonlyMap<string, Term>,
  node: CallExpression,
  context: Context,
): Index[] | null {
  const { parameters } = declaration;
  const scalars = parameters.every((p) => "sizes" in p.type && p.type.sizes.length === 0);
  if (!scalars || ![...terms.values()].some((t) => t.axes.length > 0)) return [];
  const list = parameters.flatMap((p) => terms.get(p.name.text) ?? []);
  const aligned = align(list);
  if (aligned) return aligned.axes.map((a) => freshIndex(a.name, a.hi));
  const tensors = list.filter((t) => t.axes.length > 0);
  const [first, second] = tensors;
  return context.session.report.add("GRAD3004", node.span, {
    left: first ? describe(first) : "",
    right: second ? describe(second) : "",
  });
}

function bindArguments(
  declaration: FunctionStatement,
  terms: ReadonlyMap<string, Term>,
  mapped: readonly Index[],
  node: CallExpression,
  arranged: readonly (Expression | undefined)[],
  context: Context,
): boolean {
  const { report } = context.session;
  const { scope } = context;
  const copied = takesDerivatives(declaration) || declaration.adjoint !== undefined;
  let fine = true;
  // Sizes first: those that stand alone in a type are read off the arguments.
  const own = new Set(declaration.sizes.map((s) => s.text));
  const tensors = declaration.parameters.flatMap((p, k) => {
    const term = terms.get(p.name.text);
    return term && "sizes" in p.type && !mapped.length
      ? [{ parameter: p, sizes: p.type.sizes, term, span: arranged[k]?.span ?? node.span }]
      : [];
  });
  for (const { sizes, term } of tensors)
    for (const [k, size] of sizes.entries()) {
      const axis = term.axes[k];
      if (axis && size.kind === "name" && own.has(size.name) && !scope.own(size.name))
        scope.bind(size.name, { kind: "size", poly: axis.hi });
    }
  for (const size of declaration.sizes)
    if (!scope.own(size.text)) {
      report.add(
        "GRAD2001",
        node.span,
        { kind: "value given or inferred for the size", name: size.text },
        { help: `${declaration.name.text}<${size.text} = …>(…)` },
      );
      scope.bind(size.text, { kind: "poison" });
      fine = false;
    }
  if (!fine) return false;
  for (const { parameter, sizes, term, span } of tensors) {
    const wanted: (Poly | null)[] = sizes.map((s) => sizeOf(s, context));
    if (wanted.some((w) => !w)) fine = false;
    else if (
      wanted.length !== term.axes.length ||
      wanted.some((w, k) => !w?.equals(term.axes[k]?.hi ?? -1))
    ) {
      const left = `${term.dtype}[${wanted.map((w) => (w ? showSize(w) : "")).join(", ")}] for \`${parameter.name.text}\``;
      report.add(
        "GRAD3004",
        span,
        {
          left: wanted.length ? left : `${term.dtype} for \`${parameter.name.text}\``,
          right: describe(term),
        },
        { related: [{ message: "declared here", span: parameter.span }] },
      );
      fine = false;
    }
  }
  if (!fine) return false;
  for (const { name } of declaration.parameters) {
    const term = terms.get(name.text);
    if (!term) continue;
    let bound = mapped.length && term.axes.length ? scalar(bodyOver(term, mapped)) : term;
    // A derivative for an argument is through the argument only, so it is a value of its own.
    if (copied) bound = lift(context, name.text, bound, null, bound.dtype, node.span).term;
    else if (bound.axes.length > 0 && !isPlainRead(bound))
      bound = materialise(context, name.text, bound, node.span).term;
    scope.bind(name.text, { kind: "term", term: bound }, name.span);
  }
  return true;
}
const isPlainRead = (term: Term): boolean => asValue(term) !== undefined || term.body.op === "read";

function takesDerivatives(declaration: FunctionStatement): boolean {
  return [...namesOfFunction(declaration)].some((name) => DERIVATIVES.has(name));
}

function block(
  declaration: FunctionStatement,
  statements: readonly Statement[],
  context: Context,
  node: CallExpression,
  caller: Home | null,
): Term[] | null {
  const { report } = context.session;
  const declared = new Map<string, Declared>();
  for (const { name, type } of declaration.results ?? []) {
    const shape: Poly[] = [];
    for (const size of type.sizes) {
      const poly = sizeOf(size, context);
      if (!poly) return null;
      shape.push(poly);
    }
    if (!isDType(type.dtype.text))
      return report.add(
        "GRAD3010",
        type.dtype.span,
        { name: type.dtype.text },
        { help: typeMeant(type.dtype.text) },
      );
    declared.set(name.text, { dtype: type.dtype.text, shape });
  }
  for (const statement of statements) {
    if (statement.kind === "equation" || statement.kind === "rec") continue;
    if (declaration.kind !== "layer" || (statement.kind !== "param" && statement.kind !== "state"))
      return report.add(
        "GRAD2019",
        statement.span,
        { kind: statement.kind, where: declaration.kind === "fn" ? "a function" : "a layer" },
        declaration.kind === "fn" && (statement.kind === "param" || statement.kind === "state")
          ? { help: "a layer has params and states of its own" }
          : {},
      );
    declareParam(statement, context, `${context.owner}.`);
    for (const { name } of statement.items) shareParam(name.text, context, caller);
  }
  declareNames(statements, context);
  elaborateBody(
    statements,
    context,
    {
      prefix: `${context.owner}.`,
      declared: (name) => {
        const state = declaration.kind === "layer" ? stateOf(name, context) : undefined;
        return state === undefined ? declared.get(name) : context.session.values.get(state);
      },
      define: (target, term) => {
        const name = target.prime ? `${target.name.text}'` : target.name.text;
        context.scope.bind(name, term ? { kind: "term", term } : { kind: "poison" }, target.name.span);
        if (term) updateState(name, target.name.span, term, context);
      },
    },
    () => [],
  );
  const results: Term[] = [];
  for (const { name } of declaration.results ?? []) {
    const binding = context.scope.own(name.text);
    if (!binding)
      return report.add("GRAD2001", name.span, { kind: "equation for the result", name: name.text });
    if (binding.kind !== "term") return null;
    results.push(binding.term);
  }
  if (results.length && declaration.adjoint)
    return withAdjoint(declaration, declaration.adjoint, results, context, node);
  return results.length
    ? results
    : report.add("GRAD3006", node.span, {
        wanted: "a function with results",
        found: `\`${declaration.name.text}\``,
      });
}

/** The caller knows the param as `m.W`, and whoever called it as `outer.m.W`. */
function shareParam(name: string, context: Context, caller: Home | null): void {
  const binding = context.scope.own(name);
  const full = `${context.owner}.${name}`;
  for (let home = caller; binding && home; home = home.outer)
    home.scope.bind(full.slice(home.prefix.length), binding);
}
