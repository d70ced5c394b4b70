import type { Span } from "../diagnostics/span.js";
import type { Run, RunAxis } from "../ir/arrange.js";
import { and, type Expr, type Index, type ValueId } from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";
import type { BindingCheck, DimDeclaration } from "../ir/program.js";
import type {
  CallExpression,
  Expression,
  FunctionStatement,
  OptimizerStatement,
  Statement,
} from "../parser/ast.js";
import { factsOf } from "./bounds.js";
import type { Report } from "./report.js";
import { showSize, type Term } from "./term.js";
import { Values } from "./values.js";

/** What a name stands for. `poison`: something that an error was reported for already. */
export type Binding =
  | { readonly kind: "index"; readonly index: Index }
  | { readonly kind: "size"; readonly poly: Poly }
  | { readonly kind: "term"; readonly term: Term }
  | { readonly kind: "function"; readonly declaration: FunctionStatement; readonly scope: Scope }
  | { readonly kind: "optimizer"; readonly declaration: OptimizerStatement; readonly scope: Scope }
  /** Of an error, or not reached yet. The sizes of the first axes where they are known all the same. */
  | { readonly kind: "poison"; readonly axes?: LostAxes; readonly isIndex?: true };
export type FunctionBinding = Extract<Binding, { kind: "function" }>;
/** What is left of an equation or a declaration with an error. */
export type LostAxes = readonly (Poly | undefined)[];

export class Scope {
  private readonly names = new Map<string, Binding>();
  private readonly places = new Map<string, Span>();
  constructor(readonly parent: Scope | null = null) {}

  lookup(name: string): Binding | undefined {
    for (let scope: Scope | null = this; scope; scope = scope.parent) {
      const found = scope.names.get(name);
      if (found) return found;
    }
    return undefined;
  }
  own(name: string): Binding | undefined {
    return this.names.get(name);
  }
  bind(name: string, binding: Binding, span?: Span): void {
    this.names.set(name, binding);
    if (span) this.places.set(name, span);
  }
  placeOf(name: string): Span | undefined {
    for (let scope: Scope | null = this; scope; scope = scope.parent) {
      if (scope.names.has(name)) return scope.places.get(name);
    }
    return undefined;
  }
  /** Every visible name, for suggestions. */
  *visible(): Iterable<string> {
    for (let scope: Scope | null = this; scope; scope = scope.parent) yield* scope.names.keys();
  }
}

/**
 * What expressions mean. In one may stand a call, whose function has statements with expressions: handed in, these
 * two are all by which the meaning of the smaller rests on that of the larger.
 */
export interface Meaning {
  readonly expression: (node: Expression, context: Context) => Term | null;
  /** All results of a call of a function. */
  readonly results: (node: CallExpression, binding: FunctionBinding, context: Context) => Term[] | null;
}

/** What one run of the checker collects. */
export class Session {
  readonly values = new Values();
  /** Names that are defined more than once, or that the language has: what kind they are is not sure. */
  readonly disputed = new Set<string>();
  /** Statements that define a name anew: the first definition stands. */
  readonly repeated = new WeakSet<Statement>();
  readonly dims: DimDeclaration[] = [];
  private readonly checked = new Set<string>();
  readonly checks: BindingCheck[] = [];
  /** The axes of values along which recurrences run. */
  private readonly runs = new Map<ValueId, readonly RunAxis[]>();
  /** `m' = …` of the file and of its layers. */
  readonly stateUpdates: { readonly leaf: ValueId; readonly value: ValueId }[] = [];
  /** Where each seed was first drawn from, for a warning about a second place. */
  readonly seeds = new Map<Expr, { readonly place: string; readonly span: Span }>();
  /** Derivatives that the source takes, with the call that does: what they are called by. */
  readonly taken: { readonly id: ValueId; readonly call: CallExpression }[] = [];
  /** Calls being inlined, outermost first. */
  readonly calls: FunctionStatement[] = [];
  /** Calls of layers made under each name. */
  readonly instances = new Map<string, number>();

  constructor(
    readonly report: Report,
    /** Source of an imported module, or null. */
    readonly source: (specifier: string, importer: string) => string | null,
    readonly meaning: Meaning,
  ) {}

  require(kind: BindingCheck["kind"], poly: Poly, code: string, message: string, span?: Span): void {
    const key = `${kind} ${poly.key}`;
    if (this.checked.has(key)) return;
    this.checked.add(key);
    this.checks.push({ kind, poly, code, message, ...(span ? { span } : {}) });
  }
  /** A size that must come out whole. */
  requireEven(poly: Poly, span?: Span): void {
    if (poly.denominator > 1)
      this.require("integer", poly, "GRAD3008", `${showSize(poly)} must be a whole number`, span);
  }

  /** The recurrences that run along a value's axes. */
  runsOf(id: ValueId): readonly RunAxis[] {
    return this.runs.get(id) ?? [];
  }
  runAlong(id: ValueId, runs: readonly RunAxis[]): void {
    if (runs.length) this.runs.set(id, runs);
  }
  /** Says that a value stands at the same steps as another, whose axes are `moved` in it, or are not there. */
  runAsDoes(other: ValueId, id: ValueId, moved: (axis: number) => number | undefined = (axis) => axis): void {
    this.runAlong(
      id,
      this.runsOf(other).flatMap((run) => {
        const axis = moved(run.axis);
        return axis === undefined ? [] : [{ ...run, axis }];
      }),
    );
  }

  /** Functions, layers and optimizers that were read. */
  readonly called = new Set<Statement>();

  /** Elaborate for what it says about shapes only: nothing that is reported or made stays. */
  speculate<T>(attempt: () => T): T {
    return this.report.silently(() => this.discarding(attempt));
  }
  /** Elaborate for the errors in it only, which are those of the source and of no call. */
  generically(attempt: () => void): void {
    const seeds = new Map(this.seeds);
    this.report.generically(() => this.discarding(attempt));
    this.seeds.clear();
    for (const [seed, place] of seeds) this.seeds.set(seed, place);
  }
  private discarding<T>(attempt: () => T): T {
    const mark = this.values.mark();
    const checks = this.checks.length;
    const dims = this.dims.length;
    const updates = this.stateUpdates.length;
    const taken = this.taken.length;
    const instances = new Map(this.instances);
    try {
      return attempt();
    } finally {
      this.values.reset(mark);
      for (const id of this.runs.keys()) if (id >= mark) this.runs.delete(id);
      for (const dropped of this.checks.splice(checks))
        this.checked.delete(`${dropped.kind} ${dropped.poly.key}`);
      this.dims.splice(dims);
      this.stateUpdates.splice(updates);
      this.taken.splice(taken);
      for (const name of this.instances.keys()) this.instances.delete(name);
      for (const [name, count] of instances) this.instances.set(name, count);
    }
  }
}

/** A file or an instance of a layer: `prefix` stands before the names of its values, `outer` is what called it. */
export interface Home {
  readonly scope: Scope;
  readonly prefix: string;
  readonly outer: Home | null;
}

/** Where an expression stands. */
export interface Context {
  readonly session: Session;
  readonly scope: Scope;
  /** Indices in force, outermost first. */
  readonly bound: readonly Index[];
  /** Conditions under which the expression is evaluated, and what they say about integers. */
  readonly path: readonly Expr[];
  readonly facts: readonly Poly[];
  /** Names what is made here: `h` makes `h.sum`. */
  readonly owner: string;
  /** Where params of layers are named: of a file or a layer; null in functions, which call no layers. */
  readonly home: Home | null;
  /** Indices of the recurrences around. */
  readonly times: ReadonlyMap<Index, Run>;
  /** In a written adjoint the arguments and results of its function: derivatives taken there have them as given. */
  readonly given: readonly ValueId[];
}

export function underCondition(context: Context, condition: Expr): Context {
  return {
    ...context,
    path: [...context.path, condition],
    facts: [...context.facts, ...factsOf(condition, context.facts)],
  };
}
/** With indices bound by their own names; one that has an error is null, and only `names` says what it is called. */
export function withIndices(
  context: Context,
  indices: readonly (Index | null)[],
  names: readonly string[] = [],
): Context {
  const scope = new Scope(context.scope);
  const bound = [...context.bound];
  indices.forEach((index, k) => {
    const name = names[k] ?? index?.name;
    if (name !== undefined)
      scope.bind(name, index ? { kind: "index", index } : { kind: "poison", isIndex: true });
    if (index) bound.push(index);
  });
  return { ...context, scope, bound };
}
export const conjunction = (conditions: readonly Expr[]): Expr | null =>
  conditions.length ? conditions.reduce(and) : null;

/** What an expression means where it stands; null where an error was reported. */
export const elaborate = (node: Expression, context: Context): Term | null =>
  context.session.meaning.expression(node, context);
/** The results of a call; null where an error was reported. */
export const resultsOf = (node: CallExpression, binding: FunctionBinding, context: Context): Term[] | null =>
  context.session.meaning.results(node, binding, context);
