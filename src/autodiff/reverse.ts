import { invariant } from "../diagnostics/invariant.js";
import type { Expr, Index, ReadExpr, ValueId } from "../ir/expr.js";
import {
  add,
  and,
  call,
  compare,
  constant,
  freshIndex,
  fn,
  indexValue,
  isFloat,
  mul,
  read,
  rewriter,
  select,
  sub,
  TRUE,
} from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Run, RunAxis } from "../ir/arrange.js";
import type { Equation, Item, Operator, RecurrenceGroup, Value } from "../ir/program.js";
import { reverseSweep, type Guarded } from "./scalar.js";
import type { Around } from "./alignment.js";
import { writtenAdjoint } from "./custom.js";
import { invert } from "./solve.js";
import { idsOf } from "../ir/items.js";
import type { Workspace } from "./workspace.js";

/**
 * Reverse mode. Each active value v gets an adjoint tensor of the shape [batch…, v's axes]: the sum of what every
 * read of v sends back. An equation's cotangent runs through its scalar body (scalar.ts); each read's index map is
 * then inverted (solve.ts), so a contribution is again an equation: a gather without atomics, or a scatter where
 * the subscripts are data.
 */
export interface ReverseResult {
  /** New values, in an order of their making (see Workspace.arranged). */
  readonly made: readonly ValueId[];
  /** Adjoint of each of `wrt`; absent where nothing flows back. */
  readonly adjoints: ReadonlyMap<ValueId, ValueId>;
}

/** One thing sent back to a value: its element at given indices (batch, then axes). */
type Contribution = (indices: readonly Index[]) => Expr;

export class ReverseSweep {
  private readonly contributions = new Map<ValueId, Contribution[]>();
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
  ) {}

  run(items: readonly Item[], of: ValueId, seed: Contribution): ReverseResult {
    this.send(of, seed);
    for (const item of [...items].reverse()) {
      if (!idsOf(item).some((id) => this.active.has(id))) continue;
      if (typeof item === "number") this.visitValue(item);
      else if (this.around.isAlong(item)) for (const id of idsOf(item).reverse()) this.visitValue(id);
      else this.visitGroup(item);
    }
    const adjoints = new Map<ValueId, ValueId>();
    for (const id of this.wrt) {
      if (!this.contributions.get(id)?.length) continue;
      const adjoint = this.adjointOf(id);
      if (!this.emitted.has(adjoint)) this.emit(adjoint, this.runsOfAdjoint(id));
      adjoints.set(id, adjoint);
    }
    return { made: this.made, adjoints };
  }

  private send(id: ValueId, contribution: Contribution): void {
    this.contributions.set(id, [...(this.contributions.get(id) ?? []), contribution]);
  }

  private emit(id: ValueId, runs: readonly RunAxis[] = []): ValueId {
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
    const terms = (this.contributions.get(id) ?? []).map((c) => c(axes));
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
    if (this.wrt.has(id) || !this.contributions.get(id)?.length || !this.active.has(id)) return;
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
        this.send(definition.of, (indices) => this.work.readAt(back, indices));
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
          reverseSweep(definition.body, { guard: definition.guard ?? TRUE, value: cotangent }, null),
          runs,
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
          if (this.active.has(arg)) this.send(arg, contribution);
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
    if (operator === null) {
      this.sendReads(value, axes, reverseSweep(body, { guard: TRUE, value: cotangent }, result), runs);
      return;
    }
    const seed = this.operatorRule(value, equation, operator, cotangent, result, runs);
    if (!seed) return;
    const domain = operator.kind === "reduce" ? [...axes, ...operator.indices] : axes;
    this.sendReads(
      value,
      domain,
      reverseSweep(body, { guard: and(operator.guard ?? TRUE, seed.guard), value: seed.value }, null),
      runs,
    );
  }

  /** The cotangent of the body at a point, from the cotangent of the result: one rule for each reducer. */
  private operatorRule(
    value: Value,
    equation: Equation,
    operator: Operator,
    cotangent: Expr,
    result: Expr,
    runs: readonly RunAxis[],
  ): Guarded | null {
    const { axes, body } = equation;
    if (operator.kind === "reduce") {
      switch (operator.reducer) {
        case "sum":
          return { guard: TRUE, value: cotangent };
        case "max":
        case "min": {
          const position = this.winner(value, equation, operator, operator.reducer, runs);
          return {
            guard: compare("eq", indexValue(flatPosition(operator.indices)), position),
            value: cotangent,
          };
        }
        case "logsumexp":
          return { guard: notEmpty(result), value: mul(cotangent, fn("exp", sub(body, result))) };
        case "prod":
          invariant(false, "products are recurrences by now");
        case "any":
        case "all":
        case "argmax":
        case "argmin":
          return null;
      }
    }
    const { index, guard } = operator;
    const others = axes.filter((a) => a !== index);
    const runsAt = (list: readonly Index[]): readonly RunAxis[] => {
      const here = [...this.batch, ...list];
      return runs.flatMap(({ run, axis, shift }) => {
        const index = [...this.batch, ...axes][axis];
        return index && here.includes(index) ? [{ run, axis: here.indexOf(index), shift }] : [];
      });
    };
    switch (operator.name) {
      case "softmax": {
        // dz = p * (dp - sum p dp)
        const inner = this.along(
          value,
          [...this.batch, ...others],
          index,
          guard,
          mul(result, cotangent),
          `${value.name}_dot`,
          runsAt(others),
        );
        return { guard: TRUE, value: mul(result, sub(cotangent, inner)) };
      }
      case "log_softmax": {
        const inner = this.along(
          value,
          [...this.batch, ...others],
          index,
          guard,
          cotangent,
          `${value.name}_sum`,
          runsAt(others),
        );
        return { guard: TRUE, value: sub(cotangent, mul(fn("exp", result), inner)) };
      }
      case "cumsum":
      case "cumprod":
        invariant(false, "running sums are recurrences by now");
    }
  }

  /** A new equation over fresh copies of `axes`. */
  private copied(
    name: string,
    origin: Value,
    axes: readonly Index[],
    operator: Operator & { kind: "reduce" },
    body: Expr,
    runs: readonly RunAxis[],
    dtype = origin.dtype,
  ): ValueId {
    const made = this.work.ownEquation(name, dtype, { axes, operator, body }, origin);
    return this.emit(made, runs);
  }

  private along(
    value: Value,
    axes: readonly Index[],
    index: Index,
    guard: Expr | null,
    body: Expr,
    name: string,
    runs: readonly RunAxis[],
  ): Expr {
    const made = this.copied(
      `${this.label}${name}`,
      value,
      axes,
      { kind: "reduce", reducer: "sum", indices: [index], guard },
      body,
      runs,
    );
    return this.work.readAt(made, axes);
  }

  /** Position of the entry that max or min took: the lowest of equals. */
  private winner(
    value: Value,
    equation: Equation,
    operator: Operator & { kind: "reduce" },
    reducer: "max" | "min",
    runs: readonly RunAxis[],
  ): Expr {
    const own = this.unbatched(runs);
    const made = this.copied(
      `${value.name}_at`,
      value,
      equation.axes,
      { ...operator, reducer: reducer === "max" ? "argmax" : "argmin" },
      equation.body,
      own,
      "i32",
    );
    return this.work.readAt(made, equation.axes);
  }

  /** Turn what flows back into each read into contributions to the tensor that was read. */
  private sendReads(
    value: Value,
    domain: readonly Index[],
    reads: ReadonlyMap<ReadExpr, readonly Guarded[]>,
    runs: readonly RunAxis[],
  ): void {
    for (const [node, terms] of reads)
      for (const term of terms)
        if (this.active.has(node.value) && this.around.follows(value, node))
          this.sendRead(value, domain, node, term, runs);
  }

  private sendRead(
    value: Value,
    domain: readonly Index[],
    node: ReadExpr,
    term: Guarded,
    runs: readonly RunAxis[],
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
      this.send(node.value, (indices) => this.work.readAt(scatter, indices));
      return;
    }
    const guard = and(inverse.guard, inverse.substitute(term.guard));
    const body = inverse.substitute(term.value);
    if (inverse.remaining.length === 0) {
      this.send(node.value, (indices) => {
        const at = rewriter({
          index: (i) => {
            const k = axes.indexOf(i);
            const to = indices[k];
            return to && Poly.index(to);
          },
        });
        return select(at.expr(guard), at.expr(body), constant(0, source.dtype));
      });
      return;
    }
    const made = this.copied(
      name,
      source.name === value.name ? value : { ...source, ...(value.span ? { span: value.span } : {}) },
      axes,
      { kind: "reduce", reducer: "sum", indices: inverse.remaining, guard: guard === TRUE ? null : guard },
      body,
      runsOf,
    );
    this.send(node.value, (indices) => this.work.readAt(made, indices));
  }

  /** The runs of an auxiliary value that has no batch axes. */
  private unbatched(runs: readonly RunAxis[]): readonly RunAxis[] {
    const batch = this.batch.length;
    return runs.flatMap((r) => (r.axis < batch ? [] : [{ ...r, axis: r.axis - batch }]));
  }
}

/** Row-major position of a point within the ranges of a reduction; a lone index counts as its own value. */
function flatPosition(indices: readonly Index[]): Poly {
  const [only] = indices;
  if (indices.length === 1 && only) return Poly.index(only);
  return indices.reduce(
    (position, i) => position.mul(i.hi.sub(i.lo)).add(Poly.index(i).sub(i.lo)),
    Poly.constant(0),
  );
}

/** A log-sum-exp over nothing is -inf and has no derivative. */
function notEmpty(result: Expr): Expr {
  return call("lt", [constant(-3.4028234663852886e38, result.dtype), result], "bool");
}
