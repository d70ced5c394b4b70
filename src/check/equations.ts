import { freshIndex, type DType, type Index } from "../ir/expr.js";
import { ZERO, type Poly } from "../ir/poly.js";
import type { Span } from "../diagnostics/span.js";
import type { EquationStatement, Expression, RecStatement, Statement, Target } from "../parser/ast.js";
import { isReserved } from "./calls.js";
import { withIndices, type Context } from "./context.js";
import { elaborate } from "./elaborate.js";
import { inlined } from "./inline.js";
import { lift } from "./lift.js";
import { arrangeUnits, unitOf, type Unit } from "./order.js";
import { indicesFor, type Wanted } from "./ranges.js";
import { elaborateRecurrence } from "./recurrence.js";
import { asValue, coerce, describe, settle, type Term } from "./term.js";
import type { Origin } from "./values.js";

/** What is known of a result before its equation is read. */
export interface Declared {
  readonly dtype: DType;
  readonly shape: readonly Poly[];
}

/** The indices on the left, with their ranges; null after an error. */
function leftIndices(
  target: Target,
  uses: readonly Expression[],
  context: Context,
  declared?: Declared,
): Index[] | null {
  const { report } = context.session;
  const wanted: Wanted[] = [];
  let failed = false;
  for (const [k, { index, range, span }] of (target.indices ?? []).entries()) {
    if (index.kind !== "name" || index.prime) {
      report.add(
        "GRAD3006",
        span,
        { wanted: "an index", found: "another expression" },
        { help: "entries at fixed places stand in a `rec` block" },
      );
      failed = true;
    } else if (wanted.some(({ name }) => name.text === index.name)) {
      report.add("GRAD2006", span, { name: index.name });
      failed = true;
    } else wanted.push({ name: { text: index.name, span: index.span }, range, size: declared?.shape[k] });
  }
  const found = indicesFor(wanted, uses, context, elaborate);
  for (const [k, index] of found.entries()) {
    if (!index) failed = true;
    else if (!index.lo.equals(ZERO)) {
      report.add("GRAD3006", wanted[k]?.range?.span ?? target.name.span, {
        wanted: "a range from 0 on the left of an equation",
        found: "another start",
      });
      failed = true;
    }
  }
  return failed ? null : found.flatMap((index) => index ?? []);
}

/** `name[i, j] = value` as a tensor over the indices on the left and what the right side leaves; null after an error. */
export function equationTerm(
  target: Target,
  value: Expression,
  context: Context,
  declared?: Declared,
): Term | null {
  return equationRead(target, value, context, declared)?.term ?? null;
}
/** The same, and whether the right side is of literals, dims and indices only: then its type is what its name's is elsewhere. */
export function equationRead(
  target: Target,
  value: Expression,
  context: Context,
  declared?: Declared,
): { readonly term: Term; readonly flexible: boolean } | null {
  const indices = leftIndices(target, [value], context, declared);
  if (!indices) {
    // The right side may hold errors of its own; what needs the missing indices would only follow.
    return null;
  }
  const names = indices.map((i) => i.name);
  const found = elaborate(value, withIndices(context, indices, names));
  if (!found) return null;
  const settled = settleAs(found, declared);
  const whole = { ...settled, axes: [...indices, ...settled.axes] };
  const term = declaredTerm(whole, found, value.span, context, declared);
  return term && { term, flexible: found.flexible !== undefined };
}
const settleAs = (term: Term, declared?: Declared): Term =>
  declared ? (coerce(term, declared.dtype) ?? settle(term)) : settle(term);

function declaredTerm(
  term: Term,
  found: Term,
  span: Span,
  context: Context,
  declared?: Declared,
): Term | null {
  if (!declared) return term;
  const { report } = context.session;
  const wanted = describe({
    dtype: declared.dtype,
    axes: declared.shape.map((s) => freshIndex("", s)),
    body: term.body,
  });
  if (term.dtype !== declared.dtype) return report.add("GRAD3006", span, { wanted, found: describe(found) });
  const fits =
    term.axes.length === declared.shape.length && term.axes.every((a, k) => declared.shape[k]?.equals(a.hi));
  return fits ? term : report.add("GRAD3004", span, { left: wanted, right: describe(term) });
}

/**
 * The term as a value with the user's name. Where the right side made just this value (a reduction, a call), it
 * takes the name; no copy is made.
 */
function nameTerm(name: string, term: Term, since: number, context: Context, origin: Origin): Term {
  const { values } = context.session;
  const whole = asValue(term);
  if (whole && whole.id >= since && !term.flexible) {
    values.rename(whole.id, name, origin);
    return term;
  }
  const made = lift({ ...context, owner: name }, "value", term, null, term.dtype, origin.span);
  values.rename(made.id, name, origin);
  return made.term;
}

/** Names of the values of a body: the file's are plain, a function's stand behind its owner. */
export interface Body {
  readonly prefix: string;
  readonly declared: (name: string) => Declared | undefined;
  /** Told of every target; also of those that failed. */
  readonly define: (target: Target, term: Term | null, statement: EquationStatement) => void;
}

function elaborateEquation(statement: EquationStatement, context: Context, body: Body): void {
  const { values, report } = context.session;
  const [target] = statement.targets;
  const since = values.mark();
  if (!target) return;
  const origin = (t: Target): Origin => ({ span: t.span, ...(statement.doc ? { doc: statement.doc } : {}) });
  const nameOf = (t: Target): string => `${body.prefix}${t.name.text}${t.prime ? "'" : ""}`;
  const inside = { ...context, owner: nameOf(target) };
  if (statement.targets.length === 1) {
    const name = nameOf(target);
    const term = equationTerm(
      target,
      statement.value,
      inside,
      body.declared(target.prime ? `${target.name.text}'` : target.name.text),
    );
    body.define(target, term && nameTerm(name, term, since, context, origin(target)), statement);
    return;
  }
  const results = multiple(statement, inside);
  for (const [k, each] of statement.targets.entries()) {
    const result = results?.[k];
    if (results && !result)
      report.add("GRAD3006", each.span, {
        wanted: `${results.length} names`,
        found: String(statement.targets.length),
      });
    body.define(
      each,
      result ? nameTerm(nameOf(each), settle(result), since, context, origin(each)) : null,
      statement,
    );
  }
}
/** `a, b = f(x)`, the same indices on all names. */
const multiple = (statement: EquationStatement, context: Context): Term[] | null =>
  severalTerms(statement, statement.targets[0], context);
/** The results of a call, over the indices of one of the targets. */
export function severalTerms(
  statement: EquationStatement,
  target: Target | undefined,
  context: Context,
): Term[] | null {
  const { value } = statement;
  const binding = value.kind === "call" ? context.scope.lookup(value.callee.text) : undefined;
  if (value.kind !== "call" || binding?.kind !== "function")
    return binding?.kind === "poison"
      ? null
      : context.session.report.add("GRAD3006", value.span, {
          wanted: "a call with several results",
          found: "another expression",
        });
  const indices = target ? leftIndices(target, [value], context) : [];
  if (!indices) return null;
  const results = inlined(
    value,
    binding,
    withIndices(
      context,
      indices,
      indices.map((i) => i.name),
    ),
    elaborate,
  );
  return results?.map((r) => ({ ...settle(r), axes: [...indices, ...settle(r).axes] })) ?? null;
}

/** The equations of a file or a function, in an order that serves. */
export function elaborateBody(
  statements: readonly Statement[],
  context: Context,
  body: Body,
  through: (name: string) => Iterable<string>,
): void {
  const { report } = context.session;
  const units: Unit<Statement>[] = statements
    .filter(
      (s) =>
        !context.session.repeated.has(s) &&
        ((s.kind === "equation" && !s.targets.some((t) => isReserved(t.name.text))) || s.kind === "rec"),
    )
    .map(unitOf);
  const { order, circles } = arrangeUnits(units, through);
  for (const circle of circles) {
    const names = circle.flatMap((u) => u.defines);
    const [first] = circle;
    for (const name of names) context.scope.bind(name, { kind: "poison" });
    if (first) report.add("GRAD2007", first.statement.span, { names: names.join(", ") });
  }
  for (const { statement } of order) {
    if (statement.kind === "equation") elaborateEquation(statement, context, body);
    else if (statement.kind === "rec") elaborateRecurrence(statement, context, body);
  }
}

/** Bind the names of a body before it is read, and report those that are taken. */
export function declareNames(statements: readonly Statement[], context: Context): void {
  const { report } = context.session;
  for (const statement of statements) {
    if (statement.kind !== "equation" && statement.kind !== "rec") continue;
    const targets = statement.kind === "equation" ? statement.targets : targetsIn(statement);
    const own = new Set<string>();
    for (const { name, prime } of targets) {
      const text = prime ? `${name.text}'` : name.text;
      if (isReserved(name.text)) {
        report.add("GRAD2003", name.span, { name: name.text });
        continue;
      }
      // In a `rec` the entries of one quantity are several equations.
      if (context.scope.own(text) && !(statement.kind === "rec" && own.has(text))) {
        duplicate(text, name.span, context);
        context.session.repeated.add(statement);
      } else context.scope.bind(text, { kind: "poison" }, name.span);
      own.add(text);
    }
  }
}
/** The targets of a `rec` and of those within it. */
function targetsIn(statement: RecStatement): Target[] {
  return statement.body.flatMap((s) =>
    s.kind === "equation" ? s.targets : s.kind === "rec" ? targetsIn(s) : [],
  );
}
export function duplicate(name: string, span: Span, context: Context): void {
  const earlier = context.scope.placeOf(name);
  context.session.report.add(
    "GRAD2002",
    span,
    { name },
    earlier ? { related: [{ message: "defined here first", span: earlier }] } : {},
  );
}
