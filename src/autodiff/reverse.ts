import { invariant } from "../diagnostics/invariant.js";
import { iterationOf } from "../ir/equation.js";
import type { Expr, Index, ReadExpr, ValueId } from "../ir/expr.js";
import { add, and, constant, freshIndex, isFloat, read, renaming, select, TRUE } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Run, RunAxis } from "../ir/arrange.js";
import type { Equation, Item, RecurrenceGroup, Value } from "../ir/program.js";
import { Contributions, guardOf, maskOf, type Contribution, type Mask } from "./contributions.js";
import { OperatorRules } from "./operators.js";
import { reverseSweep, type Guarded } from "./scalar.js";
import type { Around } from "./alignment.js";
import { writtenAdjoint } from "./custom.js";
import { invert } from "./solve.js";
import { idsOf } from "../ir/items.js";
import type { Workspace } from "./workspace.js";

export interface ReverseResult {
  /** New values, in an order of their making (see Workspace.arranged). */
  readonly made: readonly ValueId[];
  /** Adjoint of each of `wrt`; absent where nothing flows back. */
  readonly adjoints: ReadonlyMap<ValueId, ValueId>;
}

/**
 * Reverse mode. Each active value v gets an adjoint tensor of the shape [batch…, v's axes]: the sum of what every
 * read of v sends back. An equation's cotangent runs through its scalar body (scalar.ts); each read's index map is
 * then inverted (solve.ts), so a contribution is again an equation: a gather without atomics, or a scatter where
 * the subscripts are data.
 */
export class ReverseSweep {
  private readonly sent: Contributions;
  private readonly rules: OperatorRules;
  private readonly adjoints = new Map<ValueId, ValueId>();
  private readonly made: ValueId[] = [];
  private readonly emitted = new Set<ValueId>();
  /** Members of the recurrence that is being visited. */
  private members: ReadonlySet<ValueId> = new Set();
  private readonly reversed = new Map<Run, Run>();

  constructor(
    private readonly work: Workspace,
    private readonly active: ReadonlySet<ValueId>,
    private readonly wrt: ReadonlySet<ValueId>,
    /** Leading axes that every adjoint carries. */
    private readonly batch: readonly Index[],
    private readonly label: string,
    private readonly around: Around,
  ) {
    this.sent = new Contributions(work);
    this.rules = new OperatorRules(work, batch, label, (id, runs) => this.emit(id, runs));
  }

  /** `isMasked`: the seed may be 0 at points. */
  run(items: readonly Item[], of: ValueId, seed: Contribution, isMasked: boolean): ReverseResult {
    this.sent.send(of, seed, () => (isMasked ? "unknown" : "none"));
    for (const item of [...items].reverse()) {
      if (!idsOf(item).some((id) => this.active.has(id))) continue;
      if (typeof item === "number") this.visitValue(item);
      else if (this.around.isAlong(item)) for (const id of idsOf(item).reverse()) this.visitValue(id);
      else this.visitGroup(item);
    }
    const adjoints = new Map<ValueId, ValueId>();
    for (const id of this.wrt) {
      if (!this.sent.to(id).length) continue;
      const adjoint = this.adjointOf(id);
      if (!this.emitted.has(adjoint)) this.emit(adjoint, this.runsOfAdjoint(id));
      adjoints.set(id, adjoint);
    }
    return { made: this.made, adjoints };
  }

  private emit(id: ValueId, runs: readonly RunAxis[]): ValueId {
    this.made.push(id);
    this.emitted.add(id);
    if (runs.length) this.work.runs.set(id, runs);
    return id;
  }
  /** Along which axes of a value's adjoint recurrences run: backwards for the members of the one being visited. */
  private runsOfAdjoint(id: ValueId): readonly RunAxis[] {
    const batch = this.batch.length;
    const within = this.members.has(id) ? this.around.within(id, this.work) : [];
    return [
      ...this.around.axes(id, batch),
      ...within.map(({ run, axis, shift }) => ({ run: this.backwards(run), axis: axis + batch, shift })),
    ];
  }
  private backwards(run: Run): Run {
    const known = this.reversed.get(run);
    if (known) return known;
    const made: Run = {
      ...run,
      name: `${this.label}${run.name}`,
      direction: run.direction === 1 ? -1 : 1,
    };
    this.reversed.set(run, made);
    return made;
  }

  /** The adjoint tensor of a value, all contributions added. */
  private adjointOf(id: ValueId, reserved?: ValueId): ValueId {
    const value = this.work.value(id);
    const axes = this.axesLike(id);
    const terms = this.sent.to(id).map((c) => c(axes));
    const body =
      terms.reduce<Expr | null>((total, term) => (total ? add(total, term) : term), null) ??
      constant(0, value.dtype);
    // A lone reduction is the adjoint itself; no copy of it.
    const only = terms.length === 1 ? terms[0] : undefined;
    if (
      reserved === undefined &&
      only?.op === "read" &&
      this.isWhole(only, axes) &&
      this.emitted.has(only.value)
    ) {
      this.adjoints.set(id, only.value);
      return only.value;
    }
    if (reserved !== undefined) {
      this.work.values.set(reserved, {
        ...this.work.value(reserved),
        definition: { kind: "equation", axes, operator: null, body },
      });
      return reserved;
    }
    const made = this.work.equation(`${this.label}${value.name}`, value.dtype, axes, null, body, value);
    this.adjoints.set(id, made);
    return made;
  }

  private isWhole(node: ReadExpr, axes: readonly Index[]): boolean {
    return node.subscripts.length === axes.length && node.subscripts.every((s, k) => s.asIndex === axes[k]);
  }

  private axesLike(id: ValueId): Index[] {
    const names = this.work.axisNames(id);
    return [
      ...this.batch.map((b) => freshIndex(b.name, b.hi)),
      ...this.work.axesFor(this.work.value(id).shape, names),
    ];
  }

  private visitValue(id: ValueId): void {
    if (this.wrt.has(id) || !this.sent.to(id).length || !this.active.has(id)) return;
    const adjoint = this.adjointOf(id);
    const runs = this.runsOfAdjoint(id);
    if (!this.emitted.has(adjoint)) this.emit(adjoint, runs);
    this.propagate(id, adjoint, runs);
  }

  private visitGroup(group: RecurrenceGroup): void {
    // Members refer to each other's adjoints before these are complete, so ids come first, definitions last.
    const members = idsOf(group)
      .filter((id) => this.active.has(id) && !this.wrt.has(id))
      .reverse();
    this.members = new Set(members);
    this.sent.mask(members);
    const placed: { id: ValueId; adjoint: ValueId }[] = [];
    for (const id of members) {
      const value = this.work.value(id);
      const zero = constant(0, value.dtype);
      const name = `${this.label}${value.name}`;
      const adjoint = this.work.equation(name, value.dtype, this.axesLike(id), null, zero, value);
      this.adjoints.set(id, adjoint);
      placed.push({ id, adjoint });
    }
    for (const { id, adjoint } of placed) {
      const runs = this.runsOfAdjoint(id);
      this.emit(adjoint, runs);
      this.propagate(id, adjoint, runs);
    }
    for (const { id, adjoint } of placed) this.adjointOf(id, adjoint);
    this.members = new Set();
  }

  /** Send a value's cotangent on to what it was computed from. */
  private propagate(id: ValueId, adjoint: ValueId, runs: readonly RunAxis[]): void {
    const value = this.work.value(id);
    const { definition } = value;
    switch (definition.kind) {
      case "leaf":
        return;
      case "reshape": {
        const source = this.work.value(definition.of);
        const shape = [...this.batch.map((b) => b.hi), ...source.shape];
        const back = this.emit(
          this.work.define(
            `${this.label}${source.name}`,
            value.dtype,
            shape,
            { kind: "reshape", of: adjoint },
            value,
          ),
          runs,
        );
        const isMasked = this.sent.maskAt(id, this.axesLike(id)) !== "none";
        this.sent.send(
          definition.of,
          (indices) => this.work.readAt(back, indices),
          () => (isMasked ? "unknown" : "none"),
        );
        return;
      }
      case "equation":
        this.propagateEquation(value, definition, adjoint, runs);
        return;
      case "scatter": {
        const cotangent = read(
          adjoint,
          [...this.batch.map((b) => Poly.index(b)), ...definition.target],
          value.dtype,
        );
        this.sendReads(
          value,
          definition.domain,
          reverseSweep(definition.body, { guard: definition.guard ?? TRUE, value: cotangent }, null, {
            finiteness: this.sent.finiteness,
            atRoot: true,
          }),
          runs,
          "unknown",
        );
        return;
      }
      case "custom": {
        for (const { arg, contribution } of writtenAdjoint(
          this.work,
          { ...value, definition },
          adjoint,
          this.batch,
          runs,
          (made, own) => this.emit(made, own),
        ))
          if (this.active.has(arg)) this.sent.send(arg, contribution, () => "unknown");
        return;
      }
      case "derivative":
        invariant(false, "inner derivatives are expanded before outer ones");
    }
  }

  private propagateEquation(
    value: Value,
    equation: Equation,
    adjoint: ValueId,
    runs: readonly RunAxis[],
  ): void {
    const { axes, operator, body } = equation;
    const points = [...this.batch, ...axes];
    const cotangent = this.work.readAt(adjoint, points);
    const result = this.work.readAt(value.id, axes);
    // Where the cotangent is 0 no factor counts, be it infinite: by a guard where that is known, else by each product.
    const given = this.sent.maskAt(value.id, points);
    const mask = operator?.kind === "along" ? maskOf(TRUE, given, [operator.index]) : given;
    const isWild = mask !== "none" && this.sent.finiteness.isWild(body);
    const within = isWild ? guardOf(mask) : TRUE;
    const keepsOut = isWild && mask === "unknown";
    const seed = operator
      ? this.rules.cotangentOfBody(value, equation, operator, cotangent, result, runs, keepsOut)
      : { guard: TRUE, value: cotangent };
    if (!seed) return;
    const guard = and(within, and(operator?.guard ?? TRUE, seed.guard));
    const reads = reverseSweep(body, { guard, value: seed.value }, operator ? null : result, {
      finiteness: this.sent.finiteness,
      atRoot: operator === null || keepsOut,
    });
    // A log-sum-exp of a few infinities apart, its body's cotangent is 0 nowhere.
    const open = operator?.kind === "reduce" && operator.reducer === "logsumexp" ? seed.guard : TRUE;
    this.sendReads(value, iterationOf(equation), reads, runs, mask, open);
  }

  /** Turn what flows back into each read into contributions to the tensor that was read. */
  private sendReads(
    value: Value,
    domain: readonly Index[],
    reads: ReadonlyMap<ReadExpr, readonly Guarded[]>,
    runs: readonly RunAxis[],
    mask: Mask,
    open = TRUE,
  ): void {
    for (const [node, terms] of reads)
      for (const term of terms)
        if (this.active.has(node.value) && this.around.follows(value, node))
          this.sendRead(value, domain, node, term, runs, mask, open);
  }

  private sendRead(
    value: Value,
    domain: readonly Index[],
    node: ReadExpr,
    term: Guarded,
    runs: readonly RunAxis[],
    mask: Mask,
    open: Expr,
  ): void {
    const source = this.work.value(node.value);
    invariant(isFloat(source.dtype), `${source.name} is a float`);
    const names = this.work.axisNames(node.value);
    const target = this.work.axesFor(source.shape, names);
    const axes = [...this.batch, ...target];
    const name = `${this.label}${source.name}`;
    const runsOf = runs.length ? this.runsOfAdjoint(node.value) : [];
    const inverse = invert(node.subscripts, target, domain);
    if (!inverse) {
      const scatter = this.work.define(
        name,
        source.dtype,
        axes.map((a) => a.hi),
        {
          kind: "scatter",
          domain: [...this.batch, ...domain],
          guard: term.guard === TRUE ? null : term.guard,
          target: [...this.batch.map((b) => Poly.index(b)), ...node.subscripts],
          body: term.value,
        },
        value,
      );
      this.emit(scatter, runsOf);
      this.sent.send(
        node.value,
        (indices) => this.work.readAt(scatter, indices),
        () => "unknown",
      );
      return;
    }
    const guard = and(inverse.guard, inverse.substitute(term.guard));
    const own = typeof mask === "string" ? mask : mask.map(inverse.substitute);
    const known = maskOf(guard, own, inverse.remaining, inverse.substitute(open));
    // A range that depends on the point may be empty there.
    const isEverywhere = inverse.remaining.every(({ lo, hi }) => lo.sub(hi).indices.size === 0);
    const shut = isEverywhere ? known : "unknown";
    const at = (indices: readonly Index[]): ((e: Expr) => Expr) =>
      renaming(new Map(axes.map((a, k) => [a, indices[k] ?? a]))).expr;
    const maskIn = (indices: readonly Index[]): Mask =>
      typeof shut === "string" ? shut : shut.map(at(indices));
    const body = inverse.substitute(term.value);
    if (inverse.remaining.length === 0) {
      this.sent.send(
        node.value,
        (indices) => {
          const expr = at(indices);
          return select(expr(guard), expr(body), constant(0, source.dtype));
        },
        maskIn,
      );
      return;
    }
    const made = this.work.ownEquation(
      name,
      source.dtype,
      {
        axes,
        operator: {
          kind: "reduce",
          reducer: "sum",
          indices: inverse.remaining,
          guard: guard === TRUE ? null : guard,
        },
        body,
      },
      source.name === value.name ? value : { ...source, ...(value.span ? { span: value.span } : {}) },
    );
    this.emit(made, runsOf);
    this.sent.send(node.value, (indices) => this.work.readAt(made, indices), maskIn);
  }
}
