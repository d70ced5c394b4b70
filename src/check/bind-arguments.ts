import { freshIndex, type Index } from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";
import { SCALARS } from "../ir/scalar/table.js";
import type { Span } from "../diagnostics/span.js";
import type {
  CallExpression,
  Expression,
  FunctionStatement,
  FunctionTypeSyntax,
  Parameter,
  TypeSyntax,
} from "../parser/ast.js";
import { printExpression } from "../parser/print.js";
import { DERIVATIVES, dtypeOf } from "./reserved.js";
import { elaborate, type Context, type Scope } from "./context.js";
import { lift, materialise } from "./lift.js";
import { written } from "./mismatch.js";
import { namesOfFunction } from "./order.js";
import { declaredHere, listed } from "./report.js";
import { misfit, printFunctionType } from "./signatures.js";
import { sizeOf } from "./sizes.js";
import { align, asValue, bodyOver, coerce, describe, scalar, showSize, type Term } from "./term.js";

/** A call of a function: what it gives for each parameter. */
export interface Arguments {
  readonly node: CallExpression;
  readonly declaration: FunctionStatement;
  /** By the order of the parameters; absent where the default stands. */
  readonly list: readonly (Expression | undefined)[];
}

/** `f<N = 3>(x)` */
export function bindGivenSizes(
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

/** The values of the arguments, by parameter; functions are bound. Null after an error. */
export function givenTerms(
  { node, declaration, list }: Arguments,
  scope: Scope,
  outside: Context,
  context: Context,
): ReadonlyMap<string, Term> | null {
  const terms = new Map<string, Term>();
  let fine = true;
  for (const [k, parameter] of declaration.parameters.entries()) {
    const { type } = parameter;
    const argument = list[k];
    if (!("sizes" in type)) {
      if (!bindFunction(parameter, type, argument, node, scope, context)) fine = false;
      continue;
    }
    const given = argument
      ? elaborate(argument, context)
      : parameter.value
        ? elaborate(parameter.value, outside)
        : null;
    const term = given && typed(given, parameter, type, argument ?? node, context);
    if (term) terms.set(parameter.name.text, term);
    else fine = false;
  }
  return fine ? terms : null;
}

/** A function for a parameter that is one; false after an error here. */
function bindFunction(
  parameter: Parameter,
  type: FunctionTypeSyntax,
  argument: Expression | undefined,
  node: CallExpression,
  scope: Scope,
  context: Context,
): boolean {
  const name = argument?.kind === "name" ? argument.name : undefined;
  const binding = name === undefined ? undefined : context.scope.lookup(name);
  const unfit = binding?.kind === "function" ? misfit(binding.declaration, type) : undefined;
  if (binding?.kind === "poison" || (binding?.kind === "function" && !unfit)) {
    scope.bind(parameter.name.text, binding);
    return true;
  }
  const isScalar = name !== undefined && SCALARS[name]?.visible === true;
  if (argument && name !== undefined && !binding && !isScalar) {
    elaborate(argument, context);
    return false;
  }
  const text = written(argument);
  context.session.report.add(
    "GRAD3006",
    argument?.span ?? node.span,
    {
      wanted: `${printFunctionType(type)} for \`${parameter.name.text}\``,
      found: unfit?.found ?? (text === undefined ? "another expression" : `\`${text}\``),
    },
    {
      related: [declaredHere(parameter.name.text, parameter.span)],
      help: unfit
        ? unfit.help
        : isScalar
          ? `give it a name of the file: \`fn my_${name}(x: f32) = ${name}(x)\``
          : "a function is given by its name",
    },
  );
  return false;
}

function typed(
  given: Term,
  parameter: Parameter,
  type: TypeSyntax,
  at: { readonly span: Expression["span"] },
  context: Context,
): Term | null {
  const dtype = dtypeOf(type.dtype, context);
  if (!dtype) return null;
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
export function mappedAxes(
  { node, declaration }: Arguments,
  terms: ReadonlyMap<string, Term>,
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

/** Binds sizes and parameters in the function's own scope; false after an error. */
export function bindArguments(
  call: Arguments,
  terms: ReadonlyMap<string, Term>,
  mapped: readonly Index[],
  context: Context,
): boolean {
  if (!bindSizes(call, mapped.length ? [] : tensorsOf(call, terms), context)) return false;
  const { node, declaration } = call;
  const copied = takesDerivatives(declaration) || declaration.adjoint !== undefined;
  for (const { name } of declaration.parameters) {
    const term = terms.get(name.text);
    if (!term) continue;
    let bound = mapped.length && term.axes.length ? scalar(bodyOver(term, mapped)) : term;
    // A derivative for an argument is through the argument only, so it is a value of its own.
    if (copied) bound = lift(context, name.text, bound, null, bound.dtype, node.span).term;
    else if (bound.axes.length > 0 && !isPlainRead(bound))
      bound = materialise(context, name.text, bound, node.span).term;
    context.scope.bind(name.text, { kind: "term", term: bound }, name.span);
  }
  return true;
}
const isPlainRead = (term: Term): boolean => asValue(term) !== undefined || term.body.op === "read";

function takesDerivatives(declaration: FunctionStatement): boolean {
  return [...namesOfFunction(declaration)].some((name) => DERIVATIVES.has(name));
}

interface Tensor {
  readonly parameter: Parameter;
  /** As the parameter's type says them. */
  readonly sizes: readonly Expression[];
  readonly term: Term;
  readonly span: Span;
}
const tensorsOf = ({ node, declaration, list }: Arguments, terms: ReadonlyMap<string, Term>): Tensor[] =>
  declaration.parameters.flatMap((parameter, k) => {
    const term = terms.get(parameter.name.text);
    return term && "sizes" in parameter.type
      ? [{ parameter, sizes: parameter.type.sizes, term, span: list[k]?.span ?? node.span }]
      : [];
  });

/** Those that stand alone in a type are read off the arguments, whose shapes must then be what the types say. */
function bindSizes({ node, declaration }: Arguments, tensors: readonly Tensor[], context: Context): boolean {
  const { scope } = context;
  const own = new Set(declaration.sizes.map((s) => s.text));
  const otherRank = tensors.filter(({ term, sizes }) => term.axes.length !== sizes.length);
  for (const tensor of otherRank) wrongShape(tensor, tensor.sizes.map(printExpression), context);
  if (otherRank.length) return false;
  for (const { sizes, term } of tensors)
    for (const [k, size] of sizes.entries()) {
      const axis = term.axes[k];
      if (axis && size.kind === "name" && own.has(size.name) && !scope.own(size.name))
        scope.bind(size.name, { kind: "size", poly: axis.hi });
    }
  const unsaid = declaration.sizes.filter((size) => !scope.own(size.text));
  for (const size of unsaid) {
    context.session.report.add(
      "GRAD2015",
      node.span,
      { what: "size", name: size.text, callee: declaration.name.text },
      {
        help: `no argument says it: write \`${declaration.name.text}<${size.text} = …>(…)\``,
        related: [declaredHere(size.text, size.span)],
      },
    );
    scope.bind(size.text, { kind: "poison" });
  }
  if (unsaid.length) return false;
  let fine = true;
  for (const tensor of tensors) {
    const wanted = tensor.sizes.map((s): Poly | null => sizeOf(s, context));
    if (wanted.every((w, k) => w?.equals(tensor.term.axes[k]?.hi ?? -1))) continue;
    fine = false;
    const sizes = wanted.flatMap((w) => (w ? [showSize(w)] : []));
    if (sizes.length === wanted.length) wrongShape(tensor, sizes, context);
  }
  return fine;
}
function wrongShape(
  { parameter: { name, span: declared }, term, span }: Tensor,
  sizes: readonly string[],
  context: Context,
): void {
  const type = sizes.length ? `${term.dtype}[${sizes.join(", ")}]` : term.dtype;
  context.session.report.add(
    "GRAD3004",
    span,
    { left: `${type} for \`${name.text}\``, right: describe(term) },
    {
      related: [declaredHere(name.text, declared)],
      ...(sizes.length < term.axes.length
        ? { help: "ranks are fixed: under indices, `y[b] = f(x[b])`, a function maps over the others" }
        : {}),
    },
  );
}
