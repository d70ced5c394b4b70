import { invariant } from "../../diagnostics/invariant.js";
import type { Expr, Index, ValueId } from "../../ir/expr.js";
import { add, call, constant, div, fn, mul, read, rewriter, select, sub, TRUE } from "../../ir/expr.js";
import { Fresh, overOwnIndices } from "../../ir/fresh.js";
import { expandItems } from "../../ir/items.js";
import { match } from "../../ir/match.js";
import { Poly } from "../../ir/poly.js";
import { mapDefinitions, rewriteDefinition } from "../../ir/rewrite.js";
import { expandScans } from "../../ir/scans.js";
import type { Equation, Operator, Program, Reducer, Value } from "../../ir/program.js";

/**
 * softmax, log_softmax and logsumexp in terms of the plain reductions, which were kept whole until here because their
 * derivative and their stability depend on the whole; cumsum and cumprod as recurrences.
 */
export function lowerOperators(whole: Program): Program {
  const program = expandScans(whole, () => true, false);
  const values = new Map(program.values);
  const fresh = new Fresh(values);
  const shares = new Map<ValueId, Share>();
  const define = (
    value: Value,
    suffix: string,
    axes: readonly Index[],
    operator: Operator | null,
    body: Expr,
    marks: Marks = {},
  ): ValueId => {
    const id = fresh.id();
    const shape = axes.map((a) => a.hi);
    const definition = overOwnIndices({ kind: "equation", axes, operator, body });
    const name = fresh.name(`${value.name}_${suffix}`);
    values.set(id, { ...value, id, name, shape, definition, ...marks });
    return id;
  };
  const items = expandItems(program.items, (item, around) => {
    const value = values.get(item);
    if (value?.definition.kind !== "equation") return [item];
    const made: ValueId[] = [];
    const whole = value.definition.axes;
    const helper: Helper = (suffix, axes, operator, body, marks) => {
      const id = define(value, suffix, axes, operator, body, marks);
      made.push(id);
      for (const time of around) {
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
    if (lowered.share && around.length === 0) shares.set(item, lowered.share);
    values.set(item, { ...value, definition: overOwnIndices(lowered.equation) });
    return [...made, item];
  });
  return withShares({ ...program, values, items }, shares);
}

type Helped = (list: readonly Index[]) => Expr;
type Marks = Pick<Value, "isScale">;
type Helper = (
  suffix: string,
  axes: readonly Index[],
  operator: Operator | null,
  body: Expr,
  marks?: Marks,
) => Helped;
interface Lowered {
  readonly equation: Equation;
  readonly share?: Share;
}
/** What `exp(body - logsumexp)`, the derivative of logsumexp, is in terms of the exponentials that were added up. */
interface Share {
  readonly indices: readonly Index[];
  readonly pattern: Expr;
  /** Where the exponentials were added up, over these indices, so that none is greater than 1; null if that is conditional. */
  readonly reduced: readonly Index[] | null;
  readonly inside: Expr;
  /** Of any other entry. */
  readonly anywhere: Expr;
}

function withShares(program: Program, shares: ReadonlyMap<ValueId, Share>): Program {
  if (shares.size === 0) return program;
  const node = (e: Expr): Expr | undefined => {
    const [difference] = e.op === "call" && e.fn === "exp" ? e.args : [];
    const whole = difference?.op === "call" && difference.fn === "sub" ? difference.args[1] : undefined;
    const share = whole?.op === "read" ? shares.get(whole.value) : undefined;
    const at = share && match(share.pattern, share.indices, e);
    if (!at) return undefined;
    const isInside = share.reduced?.every((i) => isOver(at.get(i), i)) === true;
    return rewriter({ index: (i) => at.get(i) }).expr(isInside ? share.inside : share.anywhere);
  };
  return mapDefinitions(program, (definition) => rewriteDefinition(definition, { node }));
}

/** Whether a subscript is an index of the same range, which no other index changes. */
function isOver(subscript: Poly | undefined, { lo, hi }: Index): boolean {
  const [index] = subscript?.indices ?? [];
  return (
    index !== undefined &&
    subscript?.equals(Poly.index(index)) === true &&
    lo.indices.size + hi.indices.size === 0 &&
    index.lo.equals(lo) &&
    index.hi.equals(hi)
  );
}

function lowerEquation(value: Value, equation: Equation, helper: Helper): Lowered | undefined {
  const { axes, operator, body } = equation;
  if (!operator) return undefined;
  const reduce = (reducer: Reducer, indices: readonly Index[], guard: Expr | null): Operator => ({
    kind: "reduce",
    reducer,
    indices,
    guard,
  });
  const zero = constant(0, value.dtype);
  // One division for a row.
  const one = constant(1, value.dtype);
  const lowest = constant(-3.4028234663852886e38, value.dtype);
  // exp(x - m) sums without overflow when m is the largest x; a row of -inf only keeps m finite.
  const shifted = (
    rows: readonly Index[],
    indices: readonly Index[],
    guard: Expr | null,
  ): { top: Expr; isAny: Expr; m: Expr; s: Expr; part: () => (exponential: "exp" | "decay") => Expr } => {
    const top = helper("max", rows, reduce("peak", indices, guard), body)(rows);
    const isAny = call("lt", [lowest, top], "bool");
    const m = select(isAny, top, zero);
    const e = fn("decay", sub(body, m));
    const s = helper("norm", rows, reduce("sum", indices, guard), e)(rows);
    const part = (): ((exponential: "exp" | "decay") => Expr) => {
      const scale = helper("scale", rows, null, div(one, s), { isScale: true })(rows);
      return (exponential) => mul(fn(exponential, sub(body, m)), scale);
    };
    return { top, isAny, m, s, part };
  };
  if (operator.kind === "reduce") {
    if (operator.reducer !== "logsumexp") return undefined;
    const { top, isAny, s, part } = shifted(axes, operator.indices, operator.guard);
    const own = read(
      value.id,
      axes.map((a) => Poly.index(a)),
      value.dtype,
    );
    const parts = part();
    const share = {
      indices: [...axes, ...operator.indices],
      pattern: fn("exp", sub(body, own)),
      reduced: operator.guard ? null : operator.indices,
      inside: parts("decay"),
      anywhere: parts("exp"),
    };
    // Where all are -Infinity the sum is 0, whose logarithm may be a finite number on a GPU; of NaN it is NaN.
    const whole = select(isAny, add(top, fn("log", s)), add(top, s));
    return {
      equation: { ...equation, operator: null, body: whole },
      share,
    };
  }
  const { index, guard } = operator;
  const rows = axes.filter((a) => a !== index);
  switch (operator.name) {
    case "softmax": {
      const { part } = shifted(rows, [index], guard);
      return {
        equation: { ...equation, operator: null, body: select(guard ?? TRUE, part()("decay"), zero) },
      };
    }
    case "log_softmax": {
      const { m, s } = shifted(rows, [index], guard);
      const inside = sub(sub(body, m), fn("log", s));
      const outside = constant(-Infinity, value.dtype);
      return { equation: { ...equation, operator: null, body: select(guard ?? TRUE, inside, outside) } };
    }
    case "cumsum":
    case "cumprod":
      invariant(false, "running sums are recurrences by now");
  }
}
