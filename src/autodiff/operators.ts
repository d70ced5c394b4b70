import { invariant } from "../diagnostics/invariant.js";
import type { Expr, Index, ValueId } from "../ir/expr.js";
import { call, compare, constant, fn, indexValue, mul, sub, TRUE } from "../ir/expr.js";
import { positionIn } from "../ir/points.js";
import type { RunAxis } from "../ir/arrange.js";
import type { Equation, Operator, Value } from "../ir/program.js";
import { mul0, type Guarded } from "./scalar.js";
import type { Workspace } from "./workspace.js";

/** How a cotangent goes through a reducer or an axis operator to its body. */
export class OperatorRules {
  constructor(
    private readonly work: Workspace,
    private readonly batch: readonly Index[],
    private readonly label: string,
    private readonly emit: (id: ValueId, runs: readonly RunAxis[]) => void,
  ) {}

  /** The cotangent of the body at a point, from the cotangent of the result: one rule for each reducer. */
  cotangentOfBody(
    value: Value,
    equation: Equation,
    operator: Operator,
    cotangent: Expr,
    result: Expr,
    runs: readonly RunAxis[],
    /** Whether a product with a cotangent of 0 must be 0. */
    keepsOut: boolean,
  ): Guarded | null {
    const { axes, body } = equation;
    const times = (factor: Expr, incoming: Expr): Expr =>
      keepsOut ? mul0(incoming, factor) : mul(factor, incoming);
    if (operator.kind === "reduce") {
      switch (operator.reducer) {
        case "sum":
          return { guard: TRUE, value: cotangent };
        case "max":
        case "peak":
        case "min": {
          const batch = this.batch.length;
          const here = isWinner(this.work, value, equation, operator, runs, batch, this.emit);
          return { guard: here, value: cotangent };
        }
        case "logsumexp": {
          const share = fn("exp", sub(body, result));
          return {
            guard: notEmpty(result),
            value: keepsOut ? mul0(cotangent, share) : mul(cotangent, share),
          };
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
    const otherRuns = runsAmong(runs, [...this.batch, ...axes], [...this.batch, ...others]);
    switch (operator.name) {
      case "softmax": {
        // dz = p * (dp - sum p dp)
        const inner = this.along(
          value,
          [...this.batch, ...others],
          index,
          guard,
          times(result, cotangent),
          `${value.name}_dot`,
          otherRuns,
        );
        return { guard: TRUE, value: times(result, sub(cotangent, inner)) };
      }
      case "log_softmax": {
        const inner = this.along(
          value,
          [...this.batch, ...others],
          index,
          guard,
          cotangent,
          `${value.name}_sum`,
          otherRuns,
        );
        return { guard: TRUE, value: sub(cotangent, times(fn("exp", result), inner)) };
      }
      case "cumsum":
      case "cumprod":
        invariant(false, "running sums are recurrences by now");
    }
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
    const operator: Operator = { kind: "reduce", reducer: "sum", indices: [index], guard };
    const made = this.work.ownEquation(`${this.label}${name}`, value.dtype, { axes, operator, body }, value);
    this.emit(made, runs);
    return this.work.readAt(made, axes);
  }
}

/**
 * Whether a point of a reduction is the one whose entry max or min took: the first of equals. Its position is an equation of
 * its own, without the batch axes that stand in front in `runs`.
 */
export function isWinner(
  work: Workspace,
  value: Value,
  { axes, body }: Equation,
  operator: Operator & { kind: "reduce" },
  runs: readonly RunAxis[],
  batch: number,
  emit: (id: ValueId, runs: readonly RunAxis[]) => void,
): Expr {
  const reducer = operator.reducer === "min" ? "argmin" : "argmax";
  const parts = { axes, operator: { ...operator, reducer }, body } as const;
  const made = work.ownEquation(`${value.name}_at`, "i32", parts, value);
  emit(
    made,
    runs.flatMap((r) => (r.axis < batch ? [] : [{ ...r, axis: r.axis - batch }])),
  );
  const position = work.readAt(made, axes);
  return compare("eq", indexValue(positionIn(operator.indices)), position);
}

/** The runs of axes `there` of those of axes `here`. */
export const runsAmong = (
  runs: readonly RunAxis[],
  here: readonly Index[],
  there: readonly Index[],
): readonly RunAxis[] =>
  runs.flatMap(({ run, axis, shift }) => {
    const at = here[axis];
    return at && there.includes(at) ? [{ run, axis: there.indexOf(at), shift }] : [];
  });

/** A log-sum-exp over nothing is -inf and has no derivative. */
export function notEmpty(result: Expr): Expr {
  return call("lt", [constant(-3.4028234663852886e38, result.dtype), result], "bool");
}
