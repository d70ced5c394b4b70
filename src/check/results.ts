import type { Span } from "../diagnostics/span.js";
import { isFloat, type ValueId } from "../ir/expr.js";
import type { EquationStatement, SourceFile, Target } from "../parser/ast.js";
import { scopeName } from "../parser/walk.js";
import type { Context } from "./context.js";
import type { Declared } from "./equation-term.js";
import { stateOf, updateState } from "./states.js";
import { asValue, describe, type Term } from "./term.js";
import { visibleOf } from "./unknown.js";

/** Outputs, losses and new states of a file. */
export class Results {
  readonly outputs = new Map<string, ValueId>();
  readonly losses = new Map<string, ValueId>();
  constructor(private readonly context: Context) {}

  declaredState(name: string): Declared | undefined {
    const id = stateOf(name, this.context);
    return id === undefined ? undefined : this.context.session.values.get(id);
  }

  define(target: Target, term: Term | null, statement: EquationStatement): void {
    const { report } = this.context.session;
    const { span } = target;
    const name = scopeName(target);
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
