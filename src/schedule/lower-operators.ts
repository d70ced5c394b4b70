import { invariant } from "../diagnostics/invariant.js";
import type { Expr, Index, ValueId } from "../ir/expr.js";
import { add, call, constant, div, fn, read, select, sub, TRUE } from "../ir/expr.js";
import { Fresh, overOwnIndices } from "../ir/fresh.js";
import { Poly } from "../ir/poly.js";
import { expandScans } from "../ir/scans.js";
import type { Equation, Item, Operator, Program, Reducer, Value } from "../ir/program.js";

/**
 * softmax, log_softmax and logsumexp in terms of the plain reductions, which were kept whole until here because their
 * derivative and their stability depend on the whole; cumsum and cumprod as recurrences.
 */
export function lowerOperators(whole: Program): Program {
  const program = expandScans(whole, () => true, false);
  const values = new Map(program.values);
  const fresh = new Fresh(values);
  const define = (
    value: Value,
    suffix: string,
    axes: readonly Index[],
    operator: Operator | null,
    body: Expr,
  ): ValueId => {
    const id = fresh.id();
    const shape = axes.map((a) => a.hi);
    const definition = overOwnIndices({ kind: "equation", axes, operator, body });
    values.set(id, { ...value, id, name: fresh.name(`${value.name}_${suffix}`), shape, definition });
    return id;
  };
  /** `times` are those of the recurrences around. */
  const lowerItems = (
    items: readonly Item[],
    times: readonly Map<ValueId, { axis: number; shift: number }>[] = [],
  ): Item[] =>
    items.flatMap((item): Item[] => {
      if (typeof item !== "number") {
        const inner = new Map(item.time);
        return [{ ...item, items: lowerItems(item.items, [...times, inner]), time: inner }];
      }
      const value = values.get(item);
      if (value?.definition.kind !== "equation") return [item];
      const made: ValueId[] = [];
      const whole = value.definition.axes;
      const helper = (
        suffix: string,
        axes: readonly Index[],
        operator: Operator | null,
        body: Expr,
      ): ((list: readonly Index[]) => Expr) => {
        const id = define(value, suffix, axes, operator, body);
        made.push(id);
        for (const time of times) {
          const own = time.get(item);
          const index = own && whole[own.axis];
          if (own && index) time.set(id, { axis: axes.indexOf(index), shift: own.shift });
        }
        return (list) =>
          read(
            id,
            list.map((i) => Poly.index(i)),
            value.dtype,
          );
      };
      const lowered = lowerEquation(value, value.definition, helper);
      if (!lowered) return [item];
      values.set(item, { ...value, definition: overOwnIndices(lowered) });
      return [...made, item];
    });
  const items = lowerItems(program.items);
  return { ...program, values, items };
}

type Helper = (
  suffix: string,
  axes: readonly Index[],
  operator: Operator | null,
  body: Expr,
) => (list: readonly Index[]) => Expr;

function lowerEquation(value: Value, equation: Equation, helper: Helper): Equation | undefined {
  const { axes, operator, body } = equation;
  if (!operator) return undefined;
  const reduce = (reducer: Reducer, indices: readonly Index[], guard: Expr | null): Operator => ({
    kind: "reduce",
    reducer,
    indices,
    guard,
  });
  const zero = constant(0, value.dtype);
  const lowest = constant(-3.4028234663852886e38, value.dtype);
  // exp(x - m) sums without overflow when m is the largest x; a row of -inf only keeps m finite.
  const shifted = (
    rows: readonly Index[],
    indices: readonly Index[],
    guard: Expr | null,
  ): { top: Expr; isAny: Expr; m: Expr; e: Expr; s: Expr } => {
    const top = helper("max", rows, reduce("max", indices, guard), body)(rows);
    const isAny = call("lt", [lowest, top], "bool");
    const m = select(isAny, top, zero);
    const e = fn("exp", sub(body, m));
    return { top, isAny, m, e, s: helper("norm", rows, reduce("sum", indices, guard), e)(rows) };
  };
  if (operator.kind === "reduce") {
    if (operator.reducer !== "logsumexp") return undefined;
    const { top, isAny, s } = shifted(axes, operator.indices, operator.guard);
    // Not log(0): a GPU may give a finite number for it.
    return { ...equation, operator: null, body: select(isAny, add(top, fn("log", s)), top) };
  }
  const { index, guard } = operator;
  const rows = axes.filter((a) => a !== index);
  switch (operator.name) {
    case "softmax": {
      const { e, s } = shifted(rows, [index], guard);
      return { ...equation, operator: null, body: select(guard ?? TRUE, div(e, s), zero) };
    }
    case "log_softmax": {
      const { m, s } = shifted(rows, [index], guard);
      const inside = sub(sub(body, m), fn("log", s));
      return {
        ...equation,
        operator: null,
        body: select(guard ?? TRUE, inside, constant(-Infinity, value.dtype)),
      };
    }
    case "cumsum":
    case "cumprod":
      invariant(false, "running sums are recurrences by now");
  }
}
