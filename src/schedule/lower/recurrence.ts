import { invariant } from "../../diagnostics/invariant.js";
import type { Index, ValueId } from "../../ir/expr.js";
import { freshIndex } from "../../ir/expr.js";
import { idsOf } from "../../ir/items.js";
import { Poly } from "../../ir/poly.js";
import type { RecurrenceGroup, Value } from "../../ir/program.js";
import { Block } from "./emit.js";
import type { RecurrenceKernel } from "../plan/group.js";
import { gridOf, NestEmitter } from "./nest.js";
import { pointsOf } from "../../ir/points.js";
import { pointAxes, substitution } from "../axes.js";
import {
  equationOf,
  finish,
  scopeOf,
  store,
  valueOf,
  WHOLE,
  withoutUnread,
  type Instance,
  type LoweredKernel,
  type LoweringContext,
} from "./context.js";
import { emitReduction } from "./reduce.js";
import { kVariable } from "../kernel/arithmetic.js";
import { openLoops } from "./loops.js";
import { entriesAfterSteps } from "../plan/windows.js";

/** Where a member stands along one of its axes: at a coordinate, or all over a range. */
interface Place {
  readonly axis: number;
  readonly at?: Poly;
  readonly range?: readonly [Poly, Poly];
}

/**
 * A whole recurrence as one kernel: entries before the loop, the loop over steps with every member's own loops inside,
 * entries after it. Members live in memory; the grid is one iteration. A recurrence within a step does the same there.
 */
export function lowerRecurrence(kernel: RecurrenceKernel, context: LoweringContext): LoweredKernel {
  const { program } = context;
  const { group, nest: steps } = kernel;
  const made = new Set(kernel.members);
  const scope = scopeOf(context, made);
  const top = new Block(scope, null);

  /** One member over its axes, those with a place only there. */
  const emitMember = (block: Block, value: Value, places: readonly Place[]): void => {
    const equation = equationOf(value);
    const points = pointAxes(equation).filter(
      (axis) => !places.some((p) => p.axis === equation.axes.indexOf(axis)),
    );
    const loops: Index[] = [];
    const to = new Map<Index, Poly>();
    equation.axes.forEach((axis, k) => {
      const place = places.find((p) => p.axis === k);
      if (points.includes(axis)) return;
      if (place?.at) {
        to.set(axis, place.at);
        return;
      }
      const [lo, hi] = place?.range ?? [axis.lo, axis.hi];
      if (place?.range && hi.sub(lo).equals(1)) {
        to.set(axis, lo);
        return;
      }
      const range = freshIndex(axis.name, hi, lo);
      loops.push(range);
      to.set(axis, Poly.index(range));
    });
    const nest = openLoops(block, loops);
    const { body, operator } = equation;
    const instances = pointsOf(points).map((point): Instance => {
      const place = (i: Index): Poly | undefined => point.get(i) ?? to.get(i);
      const expr = substitution(place);
      const guard = operator?.guard ? expr(operator.guard) : null;
      return { body: expr(body), guard, subscripts: equation.axes.map((a) => place(a) ?? Poly.index(a)) };
    });
    const results = operator
      ? emitReduction(nest.block, equation, instances, value.name, context.target)
      : nest.block.exprs(instances.map((i) => i.body));
    for (const [k, { subscripts }] of instances.entries()) {
      const v = results[k];
      invariant(v, "one result for each point");
      const named = nest.block.let(`${value.name}_value`, v);
      nest.block.bindRead(value.id, subscripts, named);
      store(nest.block, scope, value, subscripts, named, WHOLE);
    }
    nest.close();
  };

  /** Entries that no step makes, for a group within as ordinary values: nothing there depends on another step. */
  const emitOutside = (
    block: Block,
    of: RecurrenceGroup,
    around: (id: number) => readonly Place[],
    side: "before" | "after",
    only: ReadonlySet<ValueId> | null = null,
  ): void => {
    for (const id of of.items.flatMap(idsOf)) {
      if (only && !only.has(id)) continue;
      const value = valueOf(program, id);
      const time = of.time.get(id);
      invariant(time, `${value.name} has a time axis`);
      const size = value.shape[time.axis] ?? Poly.constant(0);
      const range: readonly [Poly, Poly] =
        side === "before" ? [Poly.constant(0), of.lo.add(time.shift)] : [of.hi.add(time.shift), size];
      if (range[0].equals(range[1])) continue;
      emitMember(block, value, [...around(id), { axis: time.axis, range }]);
    }
  };

  /** The steps of a group within those around it, whose coordinates `around` gives for each member. */
  const emitGroup = (block: Block, of: RecurrenceGroup, around: (id: number) => readonly Place[]): void => {
    const outside = (side: "before" | "after"): void => emitOutside(block, of, around, side);
    const up = of.direction === 1;
    outside(up ? "before" : "after");
    const step = freshIndex(of === group ? "step" : of.name, of.hi, of.lo);
    const variable = scope.fresh(step.name);
    const body = block.inner();
    body.bindIndex(step, kVariable(variable, "i32"));
    const placesOf = (id: number): readonly Place[] => {
      const time = of.time.get(id);
      invariant(time, `${valueOf(program, id).name} has a time axis`);
      return [...around(id), { axis: time.axis, at: Poly.index(step).add(time.shift) }];
    };
    for (const item of of.items) {
      if (typeof item === "number") emitMember(body, valueOf(program, item), placesOf(item));
      else emitGroup(body, item, placesOf);
    }
    block.push({
      kind: "loop",
      variable,
      lo: block.poly(of.lo),
      hi: block.poly(of.hi),
      step: 1,
      direction: of.direction,
      carried: true,
      body: body.statements,
    });
    outside(up ? "after" : "before");
  };
  const members = kernel.members.map((id) => valueOf(program, id));
  if (!steps) {
    emitGroup(top, group, () => []);
    return withoutUnread(finish(scope, [], top.statements, members), context, made);
  }
  const at = (id: number): readonly Place[] =>
    steps.points.flatMap(({ index, axis }) => {
      const own = axis.get(id);
      return own === undefined ? [] : [{ axis: own, at: Poly.index(index) }];
    });
  const { grid, body } = gridOf(steps.body, top, steps.points.length);
  const last = group.direction === 1 ? "after" : "before";
  const late = entriesAfterSteps(kernel, program, (id) => context.wanted(id, made));
  const outside = (block: Block, side: "before" | "after"): void =>
    emitOutside(block, group, at, side, side === last ? late : null);
  new NestEmitter(context, made, scope, outside).list(top, body);
  return withoutUnread(finish(scope, grid, top.statements, members), context, made);
}
