import { invariant } from "../../diagnostics/invariant.js";
import type { Expr, Index } from "../../ir/expr.js";
import { and, FALSE, indicesOf, isFloat, polyOf, readsOf, TRUE } from "../../ir/expr.js";
import { positionIn } from "../../ir/points.js";
import type { Equation, Reducer, Value } from "../../ir/program.js";
import { isPositional, REDUCERS, startOf } from "../../ir/reducers.js";
import { kCall, kConstant, kIndex, kVariable } from "../kernel/arithmetic.js";
import { Block } from "./emit.js";
import type { KExpr } from "../kernel/ir.js";
import { openLoops } from "./loops.js";
import type { Instance } from "./context.js";
import { conjuncts } from "../../ir/conditions.js";
import type { TargetDescription } from "../targets.js";

/** Variables that a reduction gathers in. */
export interface Accumulator {
  readonly reducer: Reducer;
  readonly dtype: Value["dtype"];
  /** What it adds up in. */
  readonly wide: Value["dtype"];
  readonly variable: string;
  /** argmax and argmin: the position found. */
  readonly at: string | null;
}
/** Halves are added up in f32: in their own precision a sum of ones stops at 2,048. */
export function openAccumulator(
  block: Block,
  { operator, body }: Equation,
  name: string,
  { accumulator }: TargetDescription,
): Accumulator {
  invariant(operator?.kind === "reduce", "a reduction");
  const { reducer } = operator;
  const { dtype } = body;
  const wide = dtype === "f16" && accumulator === "f32" && reducer === "sum" ? "f32" : dtype;
  const variable = block.scope.fresh(`${name}_acc`);
  block.push({ kind: "var", name: variable, init: identity(reducer, wide) });
  const at = isPositional(reducer) ? block.scope.fresh(`${name}_at`) : null;
  if (at !== null) block.push({ kind: "var", name: at, init: kConstant(NOWHERE) });
  return { reducer, dtype, wide, variable, at };
}
/** What was gathered; an empty argmax is 0. */
export function resultOf({ variable, at, dtype, wide }: Accumulator): KExpr {
  if (at === null) return converted(kVariable(variable, wide), dtype);
  const found = kVariable(at, "i32");
  const condition = kCall("eq", "bool", found, kConstant(NOWHERE));
  return { op: "select", dtype: "i32", condition, then: kConstant(0), else: found };
}

const converted = (value: KExpr, dtype: Value["dtype"]): KExpr =>
  value.dtype === dtype ? value : { op: "cast", dtype, arg: value };

/** Lanes that may have more than one sum each: those of a larger tile fill the registers. */
const MOST_PARTS = 4;

/**
 * A reduction for all lanes together: one loop nest, an accumulator for each lane. Where a target adds up in f32, inner
 * loops have sums of their own: so roundings grow with the length of each loop, not with the product of all.
 */
export function emitReduction(
  block: Block,
  equation: Equation,
  lanes: readonly Instance[],
  name: string,
  target: TargetDescription,
): KExpr[] {
  const { operator } = equation;
  invariant(operator?.kind === "reduce", "a reduction");
  const accumulators = lanes.map(() => openAccumulator(block, equation, name, target));
  // Where nothing is let through, nothing is written: a target may refuse a place that cannot be.
  const live = lanes.flatMap((lane, k) =>
    lane.guard === FALSE ? [] : [{ lane, accumulator: accumulators[k] }],
  );
  const isRounded =
    !target.sequentialGrid &&
    lanes.length <= MOST_PARTS &&
    operator.reducer === "sum" &&
    isFloat(equation.body.dtype);
  if (live.length > 0) reduceInto(block, equation, live, isRounded ? name : null, target);
  return accumulators.map(resultOf);
}

/** A loop of a reduction: what its iterations add to, and what that is added to once they are done. */
interface Level {
  readonly parent: Block;
  readonly loops: { readonly block: Block; close(): void };
  readonly into: readonly (Accumulator | undefined)[];
  readonly sums: readonly (Accumulator | undefined)[];
}

function reduceInto(
  block: Block,
  equation: Equation,
  live: readonly { readonly lane: Instance; readonly accumulator: Accumulator | undefined }[],
  partial: string | null,
  target: TargetDescription,
): void {
  const { operator } = equation;
  invariant(operator?.kind === "reduce", "a reduction");
  const { indices } = operator;
  const lanes = live.map((l) => l.lane);
  // Conditions common to all lanes tighten the loops or stand before the body.
  const conditions = lanes.map((l) => conjuncts(l.guard).filter((c) => c !== TRUE));
  const common = (conditions[0] ?? []).filter((c) => conditions.every((list) => list.includes(c)));
  const used = new Set<Expr>();
  const order = [...indices];
  // Those of the sizes and of loops around stand around these loops.
  const around = common.filter((c) => readsOf([c]).length === 0 && !order.some((i) => indicesOf([c]).has(i)));
  for (const c of around) used.add(c);
  const whole = around.length ? block.inner() : block;
  let sums = live.map((l) => l.accumulator);
  const levels = order.reduce<Level[]>((outer, index, k) => {
    const parent = outer.at(-1)?.loops.block ?? whole;
    const into = sums;
    if (partial !== null && k > 0)
      sums = into.map(() => openAccumulator(parent, equation, `${partial}_part`, target));
    const loops = openLoops(parent, [index], (i, at) => tightened(i, order, common, used, at));
    return [...outer, { parent, loops, into, sums }];
  }, []);
  const inner = levels.at(-1)?.loops.block ?? whole;
  const rest = common.filter((c) => !used.has(c));
  const guarded = rest.length ? inner.inner() : inner;
  const own = conditions.map((list) => list.filter((c) => !common.includes(c)));
  const results = own.every((list) => list.length === 0)
    ? guarded.exprs(lanes.map((l) => l.body))
    : undefined;
  live.forEach(({ lane }, k) => {
    const accumulator = sums[k];
    invariant(accumulator, "one for each lane");
    const condition = own[k] ?? [];
    const within = condition.length ? guarded.inner() : guarded;
    accumulate(within, accumulator, results?.[k] ?? within.value(lane.body), indices);
    if (condition.length)
      guarded.push({
        kind: "if",
        condition: conjunction(guarded, condition),
        then: within.statements,
        else: [],
      });
  });
  if (rest.length)
    inner.push({
      kind: "if",
      condition: conjunction(inner, rest),
      then: guarded.statements,
      else: [],
    });
  for (const level of levels.reverse()) {
    level.loops.close();
    level.sums.forEach((part, k) => {
      const into = level.into[k];
      if (part && into && part !== into)
        accumulate(level.parent, into, kVariable(part.variable, part.wide), []);
    });
  }
  if (around.length)
    block.push({
      kind: "if",
      condition: conjunction(block, around),
      then: whole.statements,
      else: [],
    });
}

/** No position yet; no range reaches it. */
const NOWHERE = -2147483648;

function identity(reducer: Reducer, dtype: Value["dtype"]): KExpr {
  const { fn } = REDUCERS[reducer];
  return kConstant(startOf(reducer, dtype), fn === "or" || fn === "and" ? "bool" : dtype);
}
/** Takes one more value in; `indices` say where it stands. */
export function accumulate(
  block: Block,
  { reducer, wide, variable, at }: Accumulator,
  value: KExpr,
  indices: readonly Index[],
): void {
  const acc = kVariable(variable, wide);
  const { fn } = REDUCERS[reducer];
  if (fn) {
    block.push({ kind: "assign", name: variable, value: kCall(fn, wide, acc, converted(value, wide)) });
    return;
  }
  invariant(at !== null, "argmax and argmin keep a position");
  const v = block.let("x", value);
  const better = reducer === "argmax" ? kCall("lt", "bool", acc, v) : kCall("lt", "bool", v, acc);
  const none = kCall("eq", "bool", kVariable(at, "i32"), kConstant(NOWHERE));
  const position = positionIn(indices);
  block.push({
    kind: "if",
    condition: kCall("or", "bool", better, none),
    then: [
      { kind: "assign", name: variable, value: v },
      { kind: "assign", name: at, value: block.poly(position) },
    ],
    else: [],
  });
}

const conjunction = (block: Block, conditions: readonly Expr[]): KExpr => block.value(conditions.reduce(and));

/** lo <= i and i < hi among the conditions become loop bounds, where they hold no index of a loop further in. */
function tightened(
  index: Index,
  order: readonly Index[],
  conditions: readonly Expr[],
  used: Set<Expr>,
  outer: Block,
): { lo: KExpr; hi: KExpr } {
  let lo = outer.poly(index.lo);
  let hi = outer.poly(index.hi);
  const later = new Set(order.slice(order.indexOf(index) + 1));
  for (const condition of conditions) {
    if (used.has(condition) || condition.op !== "call" || (condition.fn !== "le" && condition.fn !== "lt"))
      continue;
    const [a, b] = condition.args;
    if (!a || !b || a.dtype !== "i32") continue;
    if ([...indicesOf([condition])].some((i) => later.has(i))) continue;
    // difference >= 0, with the index at coefficient 1 (a lower bound) or -1 (an upper one)
    const difference = polyOf(b)
      .sub(polyOf(a))
      .sub(condition.fn === "lt" ? 1 : 0);
    const parts = difference.split(index);
    const sign = parts?.coefficient.constant;
    if (!parts || (sign !== 1 && sign !== -1) || parts.rest.hasOpaque) continue;
    if (sign === 1) lo = kIndex("max", lo, outer.poly(parts.rest.neg()));
    else hi = kIndex("min", hi, outer.poly(parts.rest.add(1)));
    used.add(condition);
  }
  return { lo, hi };
}
