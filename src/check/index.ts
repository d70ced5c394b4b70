import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { before, type Span } from "../diagnostics/span.js";
import { isFloat, type ValueId } from "../ir/expr.js";
import type { Program, TrainStep } from "../ir/program.js";
import { invariant } from "../diagnostics/invariant.js";
import { activeBetween } from "../ir/activity.js";
import { mentions } from "../ir/reach.js";
import type { EquationStatement, SourceFile } from "../parser/ast.js";
import { printExpression } from "../parser/print.js";
import { validateCheck } from "./checks.js";
import { Scope, Session, type Context, type LostAxes } from "./context.js";
import { declareConst, declareDims, declareInput, declareParam } from "./declarations.js";
import { stateOf, updateState } from "./states.js";
import { bindingOf, declareNames, elaborateBody } from "./equations.js";
import { itemsOf } from "./items.js";
import { declareFunctions, fileContext, importNames, rootScope } from "./modules.js";
import { namesOfFunction } from "./order.js";
import { Report } from "./report.js";
import { asValue, describe, type Term } from "./term.js";
import { trainStep } from "./train.js";
import { visibleOf } from "./unknown.js";
import { oneReducerEach } from "./unbound.js";
import { checkUncalled } from "./uncalled.js";
import { warnOfDefaults } from "./defaults.js";

export interface CheckOptions {
  /** Values for dims, over the literal ones of the source. */
  readonly dims?: Readonly<Record<string, number>>;
  /** The source of an imported file; null or undefined where there is none. */
  readonly resolve?: (specifier: string, importer: string) => string | null | undefined;
  /** What gradients are asked for: params, those and float inputs, or names of either. */
  readonly wrt?: "params" | "all" | readonly string[];
}
export interface Checked {
  /** Absent where there was an error. */
  readonly program?: Program;
  readonly diagnostics: readonly Diagnostic[];
}

/** Names, types, sizes and ranges of a file, and its equations as Index IR. */
export function check(file: SourceFile, options: CheckOptions = {}): Checked {
  const report = new Report();
  const session = new Session(
    report,
    (specifier, importer) => options.resolve?.(specifier, importer) ?? null,
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
  declareNames(file.statements, context);
  elaborateBody(
    file.statements,
    context,
    {
      prefix: "",
      declared: (name) => results.declaredState(name),
      define: (target, term, statement, axes) =>
        results.define(
          target.prime ? `${target.name.text}'` : target.name.text,
          target.span,
          term,
          statement,
          axes,
        ),
    },
    (name) => {
      const binding = context.scope.lookup(name);
      // What is imported sees no names of this file.
      return binding?.kind === "function" && binding.scope === context.scope
        ? namesOfFunction(binding.declaration)
        : [];
    },
  );
  for (const statement of file.statements)
    if (statement.kind === "output") for (const name of statement.names) results.output(name.text, name.span);
  const outputs = results.inSourceOrder(file);
  const program = assemble(file, options, context, results, outputs);
  for (const statement of file.statements)
    if (statement.kind === "check") validateCheck(statement, results, results.declaredLosses(file), context);
  checkUncalled(file, context);
  if (!report.failed) warnOfDefaults(session);
  const sorted = oneReducerEach(inOrder(report.diagnostics, file.span.file), file);
  return report.failed ? { diagnostics: sorted } : { program, diagnostics: sorted };
}

/** By their places: those of the file itself first, then those of each other one. */
export function inOrder(diagnostics: readonly Diagnostic[], file: string): Diagnostic[] {
  const files = [file, ...new Set(diagnostics.map((d) => d.file))];
  const rank = new Map(files.map((name, k) => [name, name === file ? 0 : k]));
  return [...diagnostics].sort(
    (a, b) => (rank.get(a.file) ?? 0) - (rank.get(b.file) ?? 0) || a.span.start.offset - b.span.start.offset,
  );
}

/** Outputs, losses and new states of a file. */
class Results {
  readonly outputs = new Map<string, ValueId>();
  readonly losses = new Map<string, ValueId>();
  constructor(private readonly context: Context) {}

  declaredState(
    name: string,
  ): { dtype: Term["dtype"]; shape: ReturnType<Session["values"]["get"]>["shape"] } | undefined {
    const id = stateOf(name, this.context);
    return id === undefined ? undefined : this.context.session.values.get(id);
  }

  define(name: string, span: Span, term: Term | null, statement: EquationStatement, axes: LostAxes): void {
    const { scope, session } = this.context;
    const { report } = session;
    scope.bind(name, bindingOf(term, axes), span);
    const value = term && asValue(term);
    if (!term || !value) return;
    updateState(name, span, term, this.context);
    if (statement.role === "value") return;
    this.outputs.set(name, value.id);
    if (statement.role !== "loss") return;
    if (term.axes.length > 0) report.add("GRAD3009", span, { name, shape: describe(term) });
    else if (!isFloat(term.dtype))
      report.add("GRAD3006", statement.value.span, { wanted: "a float loss", found: describe(term) });
    else this.losses.set(name, value.id);
  }
  output(name: string, span: Span): void {
    const { scope, session } = this.context;
    const binding = scope.lookup(name);
    const value = binding?.kind === "term" ? asValue(binding.term) : undefined;
    if (value) this.outputs.set(name, value.id);
    else if (binding?.kind !== "poison" && !session.disputed.has(name))
      session.report.unknownName("value", name, span, visibleOf(scope, "term"));
  }
  /** Losses, also those with an error. */
  declaredLosses(file: SourceFile): string[] {
    return file.statements.flatMap((s) =>
      s.kind === "equation" && s.role === "loss" ? s.targets.map((t) => t.name.text) : [],
    );
  }
  inSourceOrder(file: SourceFile): { name: string; value: ValueId }[] {
    const names = file.statements.flatMap((s) =>
      s.kind === "equation"
        ? s.targets.map((t) => t.name.text)
        : s.kind === "output"
          ? s.names.map((n) => n.text)
          : [],
    );
    return [...new Set(names)].flatMap((name) => {
      const value = this.outputs.get(name);
      return value === undefined ? [] : [{ name, value }];
    });
  }
}

function assemble(
  file: SourceFile,
  options: CheckOptions,
  context: Context,
  results: Results,
  outputs: Program["outputs"],
): Program {
  const { session } = context;
  const { values, report } = session;
  const leaves = (role: "param" | "input"): Map<string, ValueId> =>
    new Map(
      [...values.byId.values()]
        .filter((v) => v.definition.kind === "leaf" && v.definition.role === role && isFloat(v.dtype))
        .map((v) => [v.name, v.id]),
    );
  const params = leaves("param");
  const inputs = leaves("input");
  const wrt = chosen(options.wrt ?? "params", params, inputs, file, context);

  const made = new Map<string, ValueId>();
  const gradient = (loss: string, name: string): ValueId => {
    const key = `${loss} ${name}`;
    const known = made.get(key);
    const of = results.losses.get(loss);
    const leaf = params.get(name) ?? inputs.get(name);
    if (known !== undefined || of === undefined || leaf === undefined) return known ?? -1;
    const { dtype, shape, span } = values.get(leaf);
    const id = values.define(
      `d_${loss}/${name}`,
      dtype,
      shape,
      { kind: "derivative", mode: "grad", of, wrt: leaf, direction: null, batch: 0, aligned: [], given: [] },
      span ? { span } : {},
    );
    made.set(key, id);
    return id;
  };
  const reached = new Map([...results.losses].map(([loss, id]) => [loss, dependencies(id, session)]));
  const losses = [...results.losses.keys()];
  const gradients = losses.flatMap((loss) =>
    wrt.map((name) => ({ loss, wrt: name, value: gradient(loss, name) })),
  );
  const trains: TrainStep[] = [];
  for (const statement of file.statements) {
    if (statement.kind !== "train") continue;
    const reaches = (loss: string, name: string): boolean =>
      reached.get(loss)?.has(params.get(name) ?? -1) ?? false;
    const step = trainStep(
      statement,
      { losses: results.losses, declared: results.declaredLosses(file), params, gradient, reaches },
      context,
    );
    const earlier = file.statements.find(
      (s) => s.kind === "train" && s !== statement && s.loss.text === statement.loss.text,
    );
    if (earlier?.kind === "train" && earlier.span.start.offset < statement.span.start.offset)
      report.add(
        "GRAD2002",
        statement.loss.span,
        { name: `train ${statement.loss.text}` },
        {
          related: [{ message: "defined here first", span: earlier.loss.span }],
          help: "a step is chosen by its loss: another one has a loss of its own",
        },
      );
    if (step) trains.push(step);
    if (step && params.size === 0) report.add("GRAD4006", statement.span, { loss: step.loss });
    invariant(
      step || report.failed || file.broken.length > 0,
      `\`train ${statement.loss.text}\` is not dropped without a word`,
    );
    const chosen = statement.params?.map((p) => p.text);
    for (const [name, id] of params) {
      if (!step || report.failed || chosen?.includes(name) === false) continue;
      const span = values.get(id).span ?? statement.span;
      const loss = results.losses.get(step.loss);
      if (!reaches(step.loss, name)) report.add("GRAD4002", span, { loss: step.loss, name });
      else if (loss !== undefined && !isActive(id, loss, session))
        report.add("GRAD4004", span, { of: step.loss, name });
    }
  }
  for (const { id, call } of session.taken) {
    const { definition } = values.get(id);
    const [of, variable] = call.args;
    if (report.failed || definition.kind !== "derivative" || !of || !variable) continue;
    if (!isActive(definition.wrt, definition.of, session))
      report.add("GRAD4004", call.span, {
        of: printExpression(of.value),
        name: printExpression(variable.value),
      });
  }
  return {
    dims: session.dims,
    values: values.byId,
    items: itemsOf(session, file),
    outputs,
    losses: outputs.map((o) => o.name).filter((name) => results.losses.has(name)),
    gradients,
    trains,
    stateUpdates: context.session.stateUpdates,
    checks: session.checks,
  };
}

function chosen(
  wrt: NonNullable<CheckOptions["wrt"]>,
  params: ReadonlyMap<string, ValueId>,
  inputs: ReadonlyMap<string, ValueId>,
  file: SourceFile,
  context: Context,
): string[] {
  if (wrt === "params") return [...params.keys()];
  if (wrt === "all") return [...params.keys(), ...inputs.keys()];
  return wrt.filter(
    (name) =>
      params.has(name) ||
      inputs.has(name) ||
      context.session.report.unknownName("param or float input", name, before(file.span), [
        ...params.keys(),
        ...inputs.keys(),
      ]),
  );
}

/** Whether a derivative flows from one value to another. */
function isActive(from: ValueId, to: ValueId, { values }: Session): boolean {
  return activeBetween({ values: values.byId, items: [] }, new Set([from]), to).size > 0;
}

/** Every value that one depends on. */
function dependencies(root: ValueId, session: Session): Set<ValueId> {
  const found = new Set<ValueId>([root]);
  const work = [root];
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    for (const other of mentions(session.values.get(id).definition)) {
      if (found.has(other)) continue;
      found.add(other);
      work.push(other);
    }
  }
  return found;
}
