import { freshIndex, type DType, type Index } from "../ir/expr.js";
import { ZERO, type Poly } from "../ir/poly.js";
import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import { behind, joinSpans, type Span } from "../diagnostics/span.js";
import type { EquationStatement, Expression, RecStatement, Statement, Target } from "../parser/ast.js";
import { scopeName } from "../parser/walk.js";
import { isDoubted } from "./index-sizes.js";
import { isReserved, reportReserved } from "./reserved.js";
import { reportCircle, useOf } from "./circles.js";
import { withIndices, type Binding, type Context, type LostAxes, elaborate } from "./context.js";
import { inlined } from "./inline.js";
import { lift } from "./lift.js";
import { arrangeUnits, unitOf, type Unit } from "./order.js";
import { indicesFor, type Wanted } from "./ranges.js";
import { elaborateRecurrence } from "./recurrence.js";
import { stateOf } from "./states.js";
import { asValue, coerce, describe, settle, showSize, type Term } from "./term.js";
import type { Origin } from "./values.js";

/** What is known of a result before its equation is read. */
export interface Declared {
  readonly dtype: DType;
  readonly shape: readonly Poly[];
}

interface LeftSide {
  /** Null in place of one that has an error. */
  readonly indices: readonly (Index | null)[];
  readonly names: readonly string[];
  readonly failed: boolean;
}
/** The indices on the left, with their ranges. */
function leftIndices(
  target: Target,
  uses: readonly Expression[],
  context: Context,
  declared?: Declared,
): LeftSide {
  const { report } = context.session;
  const wanted: Wanted[] = [];
  let failed = false;
  for (const [k, { index, range, span }] of (target.indices ?? []).entries()) {
    if (index.kind !== "name" || index.prime) {
      report.add(
        "GRAD3006",
        span,
        { wanted: "an index", found: "another expression" },
        {
          help: `entries at fixed places stand in a \`rec\`: \`rec t in 0..T { ${target.name.text}[0] = …; ${target.name.text}[t + 1] = … }\``,
        },
      );
      failed = true;
    } else {
      const first = wanted.find(({ name }) => name.text === index.name);
      if (!first)
        wanted.push({
          name: { text: index.name, span: index.span },
          range,
          size: declared?.shape[k],
          of: target.name,
        });
      else {
        report.add(
          "GRAD2006",
          span,
          { name: index.name },
          {
            related: [{ message: "bound here first", span: first.name.span }],
            help: "entries on a diagonal are chosen with `if i == j then … else 0`",
          },
        );
        failed = true;
      }
    }
  }
  const indices = indicesFor(wanted, uses, context);
  for (const [k, index] of indices.entries()) {
    if (!index) failed = true;
    else if (!index.lo.equals(ZERO)) {
      const lo = showSize(index.lo);
      report.add(
        "GRAD3006",
        wanted[k]?.range?.span ?? target.name.span,
        { wanted: "a range from 0 on the left of an equation", found: `one from ${lo}` },
        {
          help: `a tensor's entries count from 0: let \`${index.name}\` run over \`0..${showSize(index.hi.sub(index.lo))}\` and read at \`${index.name} + ${lo}\``,
        },
      );
      failed = true;
    }
  }
  return { indices, names: wanted.map((w) => w.name.text), failed };
}
const found = (indices: readonly (Index | null)[]): Index[] => indices.flatMap((index) => index ?? []);

/** What an equation says; of one with an error the sizes of its first axes. */
export interface Read {
  readonly term: Term | null;
  readonly axes: LostAxes;
  /** The right side is of literals, dims and indices only: then its type is what its name's is elsewhere. */
  readonly flexible: boolean;
}

/** `name[i, j] = value` as a tensor over the indices on the left and what the right side leaves. */
export function equationTerm(target: Target, value: Expression, context: Context, declared?: Declared): Read {
  const { indices, names, failed } = leftIndices(target, [value], context, declared);
  const right = elaborate(value, withIndices(context, indices, names));
  const axes = declared?.shape ?? indices.map((i) => (i && !isDoubted(i) ? i.hi : undefined));
  if (failed || !right) return { term: null, axes, flexible: false };
  const settled = settleAs(right, declared);
  const whole = { ...settled, axes: [...found(indices), ...settled.axes] };
  const term = declaredTerm(whole, right, target, value.span, context, declared);
  return { term, axes, flexible: right.flexible !== undefined };
}
const settleAs = (term: Term, declared?: Declared): Term =>
  declared ? (coerce(term, declared.dtype) ?? settle(term)) : settle(term);

function declaredTerm(
  term: Term,
  found: Term,
  { name }: Target,
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
  if (term.dtype !== declared.dtype)
    return report.add("GRAD3006", span, {
      wanted: `${declared.dtype} for \`${name.text}\``,
      found: describe(found),
    });
  const fits =
    term.axes.length === declared.shape.length && term.axes.every((a, k) => declared.shape[k]?.equals(a.hi));
  return fits
    ? term
    : report.add("GRAD3004", span, {
        left: `${wanted} is declared for \`${name.text}\``,
        right: `${describe(term)} is what the equation gives`,
      });
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
  readonly define: (target: Target, term: Term | null, statement: EquationStatement, axes: LostAxes) => void;
}
/** A name for what an equation gave, or for what is left of it. */
export const bindingOf = (term: Term | null, axes: LostAxes = []): Binding =>
  term ? { kind: "term", term } : { kind: "poison", axes };

function elaborateEquation(statement: EquationStatement, context: Context, body: Body): void {
  const { values } = context.session;
  const [target] = statement.targets;
  const since = values.mark();
  if (!target) return;
  const origin = (t: Target): Origin => ({ span: t.span, ...(statement.doc ? { doc: statement.doc } : {}) });
  const nameOf = (t: Target): string => `${body.prefix}${scopeName(t)}`;
  const inside = { ...context, owner: nameOf(target) };
  if (statement.targets.length === 1) {
    const name = nameOf(target);
    const { term, axes } = equationTerm(target, statement.value, inside, body.declared(scopeName(target)));
    body.define(target, term && nameTerm(name, term, since, context, origin(target)), statement, axes);
    return;
  }
  const results = severalTerms(statement, target, inside);
  for (const [k, each] of statement.targets.entries()) {
    const result = results?.[k];
    body.define(
      each,
      result ? nameTerm(nameOf(each), settle(result), since, context, origin(each)) : null,
      statement,
      [],
    );
  }
}
/** `a, b = f(x)`: the results of the call, over the indices of one of the targets, the same on all of them. */
export function severalTerms(statement: EquationStatement, target: Target, context: Context): Term[] | null {
  const { value, targets } = statement;
  const binding = value.kind === "call" ? context.scope.lookup(value.callee.text) : undefined;
  if (value.kind !== "call" || binding?.kind !== "function")
    return binding?.kind === "poison"
      ? null
      : context.session.report.add("GRAD3006", value.span, {
          wanted: "a call with several results",
          found: "another expression",
        });
  const left = leftIndices(target, [value], context);
  const results = inlined(value, binding, withIndices(context, left.indices, left.names));
  const [first, last] = [targets[0], targets.at(-1)];
  if (results && results.length !== targets.length && first && last)
    context.session.report.add("GRAD3006", joinSpans(first.span, last.span), {
      wanted: `${results.length} ${results.length === 1 ? "name for the result" : "names for the results"}`,
      found: String(targets.length),
    });
  if (left.failed) return null;
  return results?.map((r) => ({ ...settle(r), axes: [...found(left.indices), ...settle(r).axes] })) ?? null;
}

/** The equations of a file or a function, in an order that serves. */
export function elaborateBody(
  statements: readonly Statement[],
  context: Context,
  body: Body,
  through: (name: string) => Iterable<string>,
): void {
  const units: Unit<Statement>[] = statements
    .filter(
      (s) =>
        !context.session.repeated.has(s) &&
        ((s.kind === "equation" && !s.targets.some((t) => isReserved(t.name.text))) || s.kind === "rec"),
    )
    .map(unitOf);
  const { order, circles } = arrangeUnits(units, through);
  for (const circle of circles) {
    for (const name of circle.flatMap((u) => u.defines)) context.scope.bind(name, { kind: "poison" });
    reportCircle(circle, through, context);
  }
  for (const { statement } of order) {
    if (statement.kind === "equation") elaborateEquation(statement, context, body);
    else if (statement.kind === "rec") elaborateRecurrence(statement, context, body);
  }
}

/** Bind the names of a body before it is read, and report those that are taken. */
export function declareNames(statements: readonly Statement[], context: Context): void {
  const isEntry = ({ indices }: Target): boolean =>
    indices?.some(({ index }) => index.kind !== "name") ?? false;
  const withEntries = new Set(
    statements.flatMap((s) =>
      s.kind === "equation" ? s.targets.filter(isEntry).map(({ name }) => name.text) : [],
    ),
  );
  for (const statement of statements) {
    if (statement.kind !== "equation" && statement.kind !== "rec") continue;
    const targets = statement.kind === "equation" ? statement.targets : targetsIn(statement);
    const own = new Set<string>();
    for (const target of targets) {
      const { name } = target;
      const text = scopeName(target);
      if (isReserved(name.text)) {
        reportReserved(name, context);
        continue;
      }
      // In a `rec` the entries of one quantity are several equations.
      if (context.scope.own(text) && !(statement.kind === "rec" && own.has(text))) {
        // Entries at fixed places outside of a `rec` are told by themselves.
        if (statement.kind === "rec" || !withEntries.has(name.text))
          duplicate(text, name.span, context, changeHelp(statement, text, name.span, context));
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
/** For those who would change a value. */
function changeHelp(statement: Statement, name: string, span: Span, context: Context): DiagnosticExtras {
  if (statement.kind !== "equation" || name.endsWith("'")) return {};
  if (stateOf(`${name}'`, context) !== undefined)
    return {
      help: `the state after the step is \`${name}'\``,
      fix: { span: behind(span), text: "'" },
    };
  return useOf(statement, name)
    ? { help: "nothing is changed in place: give the new value a name of its own" }
    : {};
}
export function duplicate(name: string, span: Span, context: Context, extras: DiagnosticExtras = {}): void {
  const earlier = context.scope.placeOf(name);
  context.session.disputed.add(name);
  context.session.report.add(
    "GRAD2002",
    span,
    { name },
    { ...extras, ...(earlier ? { related: [{ message: "defined here first", span: earlier }] } : {}) },
  );
}
