import { quoted } from "../diagnostics/page.js";
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
import { bindingOf, declareNames, elaborateBody, type Declared } from "./equations.js";
import { withAdjoint } from "./custom.js";
import { lift, materialise } from "./lift.js";
import { isBlock, namesOfFunction } from "./order.js";
import { listed } from "./report.js";
import { printExpression } from "../parser/print.js";
import { SCALARS } from "../ir/scalar/table.js";
import { misfit, printFunctionType } from "./signatures.js";
import { written } from "./mismatch.js";
import type { Span } from "../diagnostics/span.js";
import { sizesAmongArguments } from "./size-arguments.js";
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

  const scope = new Scope(home);
  const outside: Context = { ...context, scope: home };
  if (!givenSizes(node, declaration, scope, context)) return null;
  const terms = new Map<string, Term>();
  let failed = false;
  for (const [k, parameter] of declaration.parameters.entries()) {
    const argument = arranged[k];
    if (!("sizes" in parameter.type)) {
      const binding = argument?.kind === "name" ? context.scope.lookup(argument.name) : undefined;
      const unfit = binding?.kind === "function" ? misfit(binding.declaration, parameter.type) : undefined;
      if (binding?.kind === "function" && !unfit) scope.bind(parameter.name.text, binding);
      else {
        if (binding?.kind === "poison") {
          scope.bind(parameter.name.text, binding);
          continue;
        }
        failed = true;
        if (argument?.kind === "name" && !binding && !SCALARS[argument.name]?.visible) {
          elaborate(argument, context);
          continue;
        }
        report.add(
          "GRAD3006",
          argument?.span ?? node.span,
          {
            wanted: `${printFunctionType(parameter.type)} for \`${parameter.name.text}\``,
            found:
              unfit?.found ??
              (written(argument) === undefined ? "another expression" : `\`${written(argument)}\``),
          },
          {
            related: [{ message: `\`${parameter.name.text}\` is declared here`, span: parameter.span }],
            help: unfit
              ? unfit.help
              : argument?.kind === "name" && SCALARS[argument.name]?.visible
                ? `give it a name of the file: \`fn my_${argument.name}(x: f32) = ${argument.name}(x)\``
                : "a function is given by its name",
          },
        );
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
  report.callSites.push(node.span);
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
    report.callSites.pop();
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
        listed(
          "its size",
          declaration.sizes.map((s) => s.text),
        ),
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
      typeMeant(dtype, type.dtype.span),
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
  for (const { parameter, sizes, term, span } of tensors) {
    if (term.axes.length === sizes.length) continue;
    wrongShape(parameter, sizes.map(printExpression), term, span, context);
    fine = false;
  }
  if (!fine) return false;
  for (const { sizes, term } of tensors)
    for (const [k, size] of sizes.entries()) {
      const axis = term.axes[k];
      if (axis && size.kind === "name" && own.has(size.name) && !scope.own(size.name))
        scope.bind(size.name, { kind: "size", poly: axis.hi });
    }
  for (const size of declaration.sizes)
    if (!scope.own(size.text)) {
      report.add(
        "GRAD2015",
        node.span,
        { what: "size", name: size.text, callee: declaration.name.text },
        {
          help: `no argument says it: write \`${declaration.name.text}<${size.text} = …>(…)\``,
          related: [{ message: `\`${size.text}\` is declared here`, span: size.span }],
        },
      );
      scope.bind(size.text, { kind: "poison" });
      fine = false;
    }
  if (!fine) return false;
  for (const { parameter, sizes, term, span } of tensors) {
    const wanted: (Poly | null)[] = sizes.map((s) => sizeOf(s, context));
    if (wanted.some((w) => !w)) fine = false;
    else if (wanted.some((w, k) => !w?.equals(term.axes[k]?.hi ?? -1))) {
      wrongShape(
        parameter,
        wanted.map((w) => (w ? showSize(w) : "")),
        term,
        span,
        context,
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
function wrongShape(
  { name, span: declared }: Parameter,
  sizes: readonly string[],
  term: Term,
  span: Span,
  context: Context,
): void {
  const type = sizes.length ? `${term.dtype}[${sizes.join(", ")}]` : term.dtype;
  context.session.report.add(
    "GRAD3004",
    span,
    { left: `${type} for \`${name.text}\``, right: describe(term) },
    {
      related: [{ message: `\`${name.text}\` is declared here`, span: declared }],
      ...(sizes.length < term.axes.length
        ? { help: "ranks are fixed: under indices, `y[b] = f(x[b])`, a function maps over the others" }
        : {}),
    },
  );
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
        typeMeant(type.dtype.text, type.dtype.span),
      );
    declared.set(name.text, { dtype: type.dtype.text, shape });
  }
  let misplaced = false;
  for (const statement of statements) {
    const kind = statement.kind === "equation" ? statement.role : statement.kind;
    if (kind === "value" || kind === "rec") continue;
    if (declaration.kind !== "layer" || (statement.kind !== "param" && statement.kind !== "state")) {
      report.add(
        "GRAD2019",
        statement.span,
        { kind, where: declaration.kind === "fn" ? "a function" : "a layer" },
        { help: PLACES[kind] },
      );
      misplaced = true;
      continue;
    }
    declareParam(statement, context, `${context.owner}.`);
    for (const { name } of statement.items) shareParam(name.text, context, caller);
  }
  if (misplaced) return null;
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
      define: (target, term, _, axes) => {
        const name = target.prime ? `${target.name.text}'` : target.name.text;
        context.scope.bind(name, bindingOf(term, axes), target.name.span);
        if (term) updateState(name, target.name.span, term, context);
      },
    },
    () => [],
  );
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
  if (results.length && declaration.adjoint)
    return withAdjoint(declaration, declaration.adjoint, results, context, node);
  return results.length
    ? results
    : report.add("GRAD3006", node.span, {
        wanted: "a function with results",
        found: `\`${declaration.name.text}\``,
      });
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
