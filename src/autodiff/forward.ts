import { invariant } from "../diagnostics/invariant.js";
import type { Expr, Index, ReadExpr, ValueId } from "../ir/expr.js";
import { call, compare, constant, fn, indexValue, mul, read, select, sub } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { RunAxis } from "../ir/arrange.js";
import type { Equation, Item, Operator, Value } from "../ir/program.js";
import { Finiteness } from "./finite.js";
import { flatPosition, notEmpty, runsAmong } from "./operators.js";
import { forwardSweep } from "./scalar.js";
import { idsOf } from "../ir/items.js";
import type { Around } from "./alignment.js";
import type { Workspace } from "./workspace.js";

/** Forward mode: the tangent of every active value, an equation beside each primal one. */
export class ForwardSweep {
  private readonly tangents = new Map<ValueId, ValueId>();
  private readonly made: ValueId[] = [];
  private finiteness: Finiteness | null = null;
  private readonly isWild = (e: Expr): boolean => this.known().isWild(e);
  private readonly isSingular = (e: Expr): boolean => this.known().isSingular(e);

  constructor(
    private readonly work: Workspace,
    private readonly active: ReadonlySet<ValueId>,
    /** Leading axes that every tangent carries (one for each axis of the input, for a Jacobian). */
    private readonly batch: readonly Index[],
    private readonly label: string,
    private readonly around: Around,
  ) {}

  private known(): Finiteness {
    return (this.finiteness ??= new Finiteness(this.work.values));
  }

  /** `seed` is the tangent tensor of `wrt`, with the axes [batch…, wrt's]. */
  run(
    items: readonly Item[],
    wrt: ValueId,
    of: ValueId,
    seed: ValueId,
  ): { made: readonly ValueId[]; tangent: ValueId | null } {
    this.tangents.set(wrt, seed);
    for (const item of items) {
      const members = idsOf(item).filter((id) => this.active.has(id) && id !== wrt);
      if (typeof item === "number" || this.around.isAlong(item)) {
        for (const id of members) {
          const made = this.tangentOf(this.work.value(id), undefined, this.runsOfTangent(id));
          if (made !== null) this.tangents.set(id, made);
        }
        continue;
      }
      // Members refer to each other's tangents, so ids come first.
      for (const id of members) this.tangents.set(id, this.work.reserve());
      for (const id of members)
        this.tangentOf(this.work.value(id), this.tangents.get(id), this.runsOfTangent(id));
    }
    return { made: this.made, tangent: this.tangents.get(of) ?? null };
  }
  private runsOfTangent(id: ValueId): readonly RunAxis[] {
    const batch = this.batch.length;
    const within = this.around.within(id, this.work).map((r) => ({ ...r, axis: r.axis + batch }));
    return [...this.around.axes(id, batch), ...within];
  }
  private emit(id: ValueId, runs: readonly RunAxis[]): void {
    this.made.push(id);
    if (runs.length) this.work.runs.set(id, runs);
  }

  private define(
    value: Value,
    axes: readonly Index[],
    operator: Operator | null,
    body: Expr,
    name = value.name,
    id?: ValueId,
    runs: readonly RunAxis[] = [],
  ): ValueId {
    const parts = { axes: [...this.batch, ...axes], operator, body };
    const made = this.work.ownEquation(`${this.label}${name}`, value.dtype, parts, value, id);
    this.emit(made, runs);
    return made;
  }

  /** The tangent tensor of a value; null where it is identically 0 (a reserved id is then defined as zeros). */
  private tangentOf(value: Value, id: ValueId | undefined, runs: readonly RunAxis[]): ValueId | null {
    const { definition } = value;
    switch (definition.kind) {
      case "leaf":
        return null;
      case "reshape": {
        const source = this.tangents.get(definition.of);
        if (source === undefined) return null;
        const made = this.work.define(
          `${this.label}${value.name}`,
          value.dtype,
          [...this.batch.map((b) => b.hi), ...value.shape],
          { kind: "reshape", of: source },
          value,
          id,
        );
        this.emit(made, runs);
        return made;
      }
      case "scatter": {
        const body = this.bodyTangent(value, definition.body);
        if (!body) return null;
        const made = this.work.define(
          `${this.label}${value.name}`,
          value.dtype,
          [...this.batch.map((b) => b.hi), ...value.shape],
          {
            ...definition,
            domain: [...this.batch, ...definition.domain],
            target: [...this.batch.map((b) => Poly.index(b)), ...definition.target],
            body,
          },
          value,
          id,
        );
        this.emit(made, runs);
        return made;
      }
      case "equation": {
        const tangent = this.bodyTangent(value, definition.body);
        if (!tangent && id === undefined) return null;
        return this.equationTangent(value, definition, tangent ?? constant(0, value.dtype), id, runs);
      }
      case "custom":
        invariant(false, "a custom adjoint has no forward rule; the checker says so");
        return null;
      case "derivative":
        invariant(false, "inner derivatives are expanded before outer ones");
    }
  }

  private bodyTangent(value: Value, body: Expr): Expr | null {
    const tangentOf = (node: ReadExpr): Expr | null => {
      const tangent = this.tangents.get(node.value);
      return tangent === undefined || !this.around.follows(value, node)
        ? null
        : read(tangent, [...this.batch.map((b) => Poly.index(b)), ...node.subscripts], node.dtype);
    };
    const { definition } = value;
    const atRoot = definition.kind !== "equation" || definition.operator === null;
    return forwardSweep(body, tangentOf, { is: this.isWild, isSingular: this.isSingular, atRoot });
  }

  private equationTangent(
    value: Value,
    equation: Equation,
    tangent: Expr,
    id?: ValueId,
    runs: readonly RunAxis[] = [],
  ): ValueId | null {
    const { axes, operator, body } = equation;
    const result = this.work.readAt(value.id, axes);
    if (operator === null) return this.define(value, axes, null, tangent, value.name, id, runs);
    const sum = (guard: Expr | null, indices: readonly Index[]): Operator & { kind: "reduce" } => ({
      kind: "reduce",
      reducer: "sum",
      indices,
      guard,
    });
    if (operator.kind === "reduce") {
      const { indices, guard } = operator;
      const over = (g: Expr | null, term: Expr): ValueId =>
        this.define(value, axes, sum(g, indices), term, value.name, id, runs);
      switch (operator.reducer) {
        case "sum":
          return over(guard, tangent);
        case "logsumexp": {
          const alive = notEmpty(result);
          return over(
            guard ? call("and", [alive, guard], "bool") : alive,
            mul(fn("exp", sub(body, result)), tangent),
          );
        }
        case "max":
        case "peak":
        case "min": {
          const position = this.plain(
            `${value.name}_at`,
            value,
            axes,
            { ...operator, reducer: operator.reducer === "min" ? "argmin" : "argmax" },
            body,
            "i32",
            runs,
          );
          const here = compare("eq", indexValue(flatPosition(indices)), position);
          return over(guard ? call("and", [here, guard], "bool") : here, tangent);
        }
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
    const shut = (e: Expr): Expr => (guard ? select(guard, e, constant(0, value.dtype)) : e);
    const there = [...this.batch, ...others];
    const otherRuns = runsAmong(runs, [...this.batch, ...axes], there);
    switch (operator.name) {
      case "softmax": {
        const term = mul(result, tangent);
        const mean = this.define(
          value,
          others,
          sum(guard, [index]),
          term,
          `${value.name}_mean`,
          undefined,
          otherRuns,
        );
        return this.define(
          value,
          axes,
          null,
          shut(mul(result, sub(tangent, this.work.readAt(mean, [...this.batch, ...others])))),
          value.name,
          id,
          runs,
        );
      }
      case "log_softmax": {
        const term = mul(fn("exp", result), tangent);
        const mean = this.define(
          value,
          others,
          sum(guard, [index]),
          term,
          `${value.name}_mean`,
          undefined,
          otherRuns,
        );
        return this.define(
          value,
          axes,
          null,
          shut(sub(tangent, this.work.readAt(mean, [...this.batch, ...others]))),
          value.name,
          id,
          runs,
        );
      }
      case "cumsum":
      case "cumprod":
        invariant(false, "running sums are recurrences by now");
    }
  }

  /** An auxiliary equation without batch axes, read at its own axes. */
  private plain(
    name: string,
    value: Value,
    axes: readonly Index[],
    operator: Operator & { kind: "reduce" },
    body: Expr,
    dtype: Value["dtype"],
    runs: readonly RunAxis[] = [],
  ): Expr {
    const made = this.work.ownEquation(name, dtype, { axes, operator, body }, value);
    this.emit(
      made,
      runs.flatMap((r) => {
        const axis = r.axis - this.batch.length;
        return axis < 0 ? [] : [{ ...r, axis }];
      }),
    );
    return this.work.readAt(made, axes);
  }
}
