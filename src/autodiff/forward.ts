import { invariant } from "../diagnostics/invariant.js";
import type { Expr, Index, ReadExpr, ValueId } from "../ir/expr.js";
import { call, constant, fn, mul, read, select, sub } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { RunAxis } from "../ir/arrange.js";
import type { Equation, Item, Operator, Value } from "../ir/program.js";
import { Finiteness } from "./finite.js";
import { isWinner, notEmpty, runsAmong } from "./operators.js";
import { forwardSweep } from "./scalar.js";
import { idsOf } from "../ir/items.js";
import type { Around } from "./alignment.js";
import type { Workspace } from "./workspace.js";

/** What a tangent is called, the id that it was promised, and along which of its axes recurrences run. */
interface Tangent {
  readonly name: string;
  readonly id: ValueId | undefined;
  readonly runs: readonly RunAxis[];
}

/** Forward mode: the tangent of every active value, an equation beside each primal one. */
export class ForwardSweep {
  private readonly tangents = new Map<ValueId, ValueId>();
  private readonly made: ValueId[] = [];
  private readonly finiteness: Finiteness;

  constructor(
    private readonly work: Workspace,
    private readonly active: ReadonlySet<ValueId>,
    /** Leading axes that every tangent carries (one for each axis of the input, for a Jacobian). */
    private readonly batch: readonly Index[],
    private readonly label: string,
    private readonly around: Around,
  ) {
    this.finiteness = new Finiteness(work.values);
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

  /** An equation beside a value's, with the batch in front of its axes. */
  private define(value: Value, { axes, operator, body }: Omit<Equation, "kind">, as: Tangent): ValueId {
    const parts = { axes: [...this.batch, ...axes], operator, body };
    const made = this.work.ownEquation(`${this.label}${as.name}`, value.dtype, parts, value, as.id);
    this.emit(made, as.runs);
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
        const as = { name: value.name, id, runs };
        return this.equationTangent(value, definition, tangent ?? constant(0, value.dtype), as);
      }
      case "custom":
        invariant(false, "a custom adjoint has no forward rule; the checker says so");
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
    return forwardSweep(body, tangentOf, { finiteness: this.finiteness, atRoot });
  }

  private equationTangent(value: Value, equation: Equation, tangent: Expr, as: Tangent): ValueId | null {
    const { axes, operator } = equation;
    if (operator === null) return this.define(value, { axes, operator, body: tangent }, as);
    return operator.kind === "reduce"
      ? this.reduceTangent(value, equation, operator, tangent, as)
      : this.alongTangent(value, equation, operator, tangent, as);
  }

  private reduceTangent(
    value: Value,
    equation: Equation,
    operator: Operator & { kind: "reduce" },
    tangent: Expr,
    as: Tangent,
  ): ValueId | null {
    const { axes, body } = equation;
    const { indices, guard } = operator;
    const result = this.work.readAt(value.id, axes);
    const over = (condition: Expr | null, term: Expr): ValueId =>
      this.define(value, { axes, operator: sum(condition, indices), body: term }, as);
    const under = (condition: Expr): Expr => (guard ? call("and", [condition, guard], "bool") : condition);
    switch (operator.reducer) {
      case "sum":
        return over(guard, tangent);
      case "logsumexp": {
        const condition = under(notEmpty(result));
        return over(condition, mul(fn("exp", sub(body, result)), tangent));
      }
      case "max":
      case "peak":
      case "min": {
        const batch = this.batch.length;
        const here = isWinner(this.work, value, equation, operator, as.runs, batch, (id, runs) =>
          this.emit(id, runs),
        );
        return over(under(here), tangent);
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

  /** Of p = softmax x: p * (dx - sum p dx); of its logarithm dx - sum p dx. */
  private alongTangent(
    value: Value,
    { axes }: Equation,
    { name, index, guard }: Operator & { kind: "along" },
    tangent: Expr,
    as: Tangent,
  ): ValueId {
    invariant(name === "softmax" || name === "log_softmax", "running sums are recurrences by now");
    const result = this.work.readAt(value.id, axes);
    const others = axes.filter((a) => a !== index);
    const there = [...this.batch, ...others];
    const runs = runsAmong(as.runs, [...this.batch, ...axes], there);
    const weight = name === "softmax" ? result : fn("exp", result);
    const mean = this.define(
      value,
      { axes: others, operator: sum(guard, [index]), body: mul(weight, tangent) },
      { name: `${value.name}_mean`, id: undefined, runs },
    );
    const centred = sub(tangent, this.work.readAt(mean, there));
    const whole = name === "softmax" ? mul(result, centred) : centred;
    const body = guard ? select(guard, whole, constant(0, value.dtype)) : whole;
    return this.define(value, { axes, operator: null, body }, as);
  }
}

const sum = (guard: Expr | null, indices: readonly Index[]): Operator => ({
  kind: "reduce",
  reducer: "sum",
  indices,
  guard,
});
