import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import { behind, type Span } from "../diagnostics/span.js";
import type { EquationStatement, RecStatement, Statement, Target } from "../parser/ast.js";
import { scopeName } from "../parser/walk.js";
import { isReserved, reportReserved } from "./reserved.js";
import { reportCircle, useOf } from "./circles.js";
import type { Context } from "./context.js";
import { duplicate } from "./declarable.js";
import { equationTerm, severalTerms, type Declared, type Destination } from "./equation-term.js";
import { lift } from "./lift.js";
import { arrangeUnits, unitOf, type Unit } from "./order.js";
import { elaborateRecurrence } from "./recurrence.js";
import { stateOf } from "./states.js";
import { asValue, settle, type Term } from "./term.js";
import type { Origin } from "./values.js";

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

function elaborateEquation(
  statement: EquationStatement,
  declared: Body["declared"],
  context: Context,
  into: Destination,
): void {
  const { values } = context.session;
  const [target] = statement.targets;
  const since = values.mark();
  if (!target) return;
  const origin = (t: Target): Origin => ({ span: t.span, ...(statement.doc ? { doc: statement.doc } : {}) });
  const nameOf = (t: Target): string => `${into.prefix}${scopeName(t)}`;
  const inside = { ...context, owner: nameOf(target) };
  if (statement.targets.length === 1) {
    const name = nameOf(target);
    const { term, axes } = equationTerm(target, statement.value, inside, declared(scopeName(target)));
    into.define(target, term && nameTerm(name, term, since, context, origin(target)), statement, axes);
    return;
  }
  const results = severalTerms(statement, target, inside);
  for (const [k, each] of statement.targets.entries()) {
    const result = results?.[k];
    into.define(
      each,
      result ? nameTerm(nameOf(each), settle(result), since, context, origin(each)) : null,
      statement,
      [],
    );
  }
}
/** What a file, a function, an adjoint or an optimizer has its equations for. */
export interface Body extends Pick<Destination, "prefix"> {
  /** What is known of a result or a state before its equation is read. */
  readonly declared: (name: string) => Declared | undefined;
  /** Told of every target once its name is bound; the term is null where it failed. */
  readonly define?: (target: Target, term: Term | null, statement: EquationStatement) => void;
  /** The names around it that a name stands for where it is called; default: none. */
  readonly through?: (name: string) => Iterable<string>;
}

/** Binds the names of equations, and reads them in an order that serves. */
export function elaborateBody(statements: readonly Statement[], context: Context, body: Body): void {
  declareNames(statements, context);
  const { through = () => [] } = body;
  const into: Destination = {
    prefix: body.prefix,
    define: (target, term, statement, axes) => {
      context.scope.bind(
        scopeName(target),
        term ? { kind: "term", term } : { kind: "poison", axes },
        target.span,
      );
      body.define?.(target, term, statement);
    },
  };
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
    if (statement.kind === "equation") elaborateEquation(statement, body.declared, context, into);
    else if (statement.kind === "rec") elaborateRecurrence(statement, context, into);
  }
}

/** Bind the names of a body before it is read, and report those that are taken. */
function declareNames(statements: readonly Statement[], context: Context): void {
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
/** Reports what is no equation of a plain value and no `rec`, nor `allowed`; whether there was any. */
export function reportMisplaced(
  statements: readonly Statement[],
  where: string,
  { session }: Context,
  allowed: readonly Statement["kind"][] = [],
  help: Readonly<Record<string, string>> = {},
): boolean {
  let found = false;
  for (const statement of statements) {
    const kind = statement.kind === "equation" ? statement.role : statement.kind;
    if (kind === "value" || kind === "rec" || allowed.includes(statement.kind)) continue;
    const told = help[kind];
    session.report.add("GRAD2019", statement.span, { kind, where }, told === undefined ? {} : { help: told });
    found = true;
  }
  return found;
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
