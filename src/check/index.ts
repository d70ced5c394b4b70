import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { before } from "../diagnostics/span.js";
import type { Program } from "../ir/program.js";
import type { SourceFile } from "../parser/ast.js";
import { declaredNames } from "../parser/walk.js";
import { assemble, type Wrt } from "./assemble.js";
import { readCheck, type CheckedValues } from "./checks.js";
import { Scope, Session } from "./context.js";
import { declareConst, declareDims, declareInput, declareParam } from "./declarations.js";
import { warnOfDefaults } from "./defaults.js";
import { elaborateExpression } from "./elaborate.js";
import { elaborateBody } from "./body.js";
import { inlined } from "./inline.js";
import { declareFunctions, fileContext, importNames, rootScope } from "./modules.js";
import { namesOfFunction } from "./order.js";
import { Report } from "./report.js";
import { Results } from "./results.js";
import { oneReducerEach } from "./unbound.js";
import { checkUncalled } from "./uncalled.js";

export type { CheckedValues };

export interface CheckOptions {
  /** Values for dims, over the literal ones of the source. */
  readonly dims?: Readonly<Record<string, number>>;
  /** The source of an imported file; null or undefined where there is none. */
  readonly resolve?: (specifier: string, importer: string) => string | null | undefined;
  /** Default: params. */
  readonly wrt?: Wrt;
}
export interface Checked {
  /** Absent where there was an error. */
  readonly program?: Program;
  /** The file's `check` declarations; without an error they are whole. */
  readonly checks: readonly CheckedValues[];
  readonly diagnostics: readonly Diagnostic[];
  /** Names of the file that came to nothing, for which an error is due: one of these, or one of the syntax. */
  readonly lost: readonly string[];
}

/** Names, types, sizes and ranges of a file, and its equations as Index IR. */
export function check(file: SourceFile, options: CheckOptions = {}): Checked {
  const report = new Report();
  const session = new Session(
    report,
    (specifier, importer) => options.resolve?.(specifier, importer) ?? null,
    { expression: elaborateExpression, results: inlined },
  );
  const context = fileContext(session, new Scope(rootScope(session)));

  for (const statement of file.statements)
    if (statement.kind === "import") importNames(statement, context, []);
  declareDims(file.statements, before(file.span), options.dims ?? {}, context);
  for (const statement of file.statements) {
    if (statement.kind === "const") declareConst(statement, context);
    else if (statement.kind === "input") declareInput(statement, context);
    else if (statement.kind === "param" || statement.kind === "state") declareParam(statement, context);
  }
  declareFunctions(file.statements, context);
  // What broken statements would have defined; a name that another statement defines is that one's.
  const defined = new Set(
    file.statements.flatMap((s) => (s.kind === "equation" ? s.targets.map((t) => t.name.text) : [])),
  );
  for (const { text, span } of file.broken)
    if (!context.scope.own(text) && !defined.has(text)) context.scope.bind(text, { kind: "poison" }, span);

  const results = new Results(context);
  elaborateBody(file.statements, context, {
    prefix: "",
    declared: (name) => results.declaredState(name),
    define: (target, term, statement) => results.define(target, term, statement),
    through: (name) => {
      const binding = context.scope.lookup(name);
      // What is imported sees no names of this file.
      return binding?.kind === "function" && binding.scope === context.scope
        ? namesOfFunction(binding.declaration)
        : [];
    },
  });
  for (const statement of file.statements)
    if (statement.kind === "output") for (const name of statement.names) results.output(name.text, name.span);
  const outputs = results.inSourceOrder(file);
  const program = assemble(file, options.wrt ?? "params", context, results, outputs);
  const checks = file.statements.flatMap((s) =>
    s.kind === "check" ? [readCheck(s, results, results.declaredLosses(file), context)] : [],
  );
  checkUncalled(file, context);
  if (!report.failed) warnOfDefaults(session);
  const sorted = oneReducerEach(inOrder(report.diagnostics, file.span.file), report.unreduced, file);
  const lost = file.statements
    .flatMap((s) => (s.kind === "dim" ? [] : declaredNames(s)))
    .flatMap(({ text }) => (context.scope.own(text)?.kind === "poison" ? [text] : []));
  return { ...(!report.failed && { program }), checks, diagnostics: sorted, lost };
}

/** By their places: those of the file itself first, then those of each other one. */
export function inOrder(diagnostics: readonly Diagnostic[], file: string): Diagnostic[] {
  const files = [file, ...new Set(diagnostics.map((d) => d.file))];
  const rank = new Map(files.map((name, k) => [name, name === file ? 0 : k]));
  return [...diagnostics].sort(
    (a, b) => (rank.get(a.file) ?? 0) - (rank.get(b.file) ?? 0) || a.span.start.offset - b.span.start.offset,
  );
}
