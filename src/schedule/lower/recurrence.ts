import { invariant } from "../../diagnostics/invariant.js";
import type { Index, ValueId } from "../../ir/expr.js";
import { freshIndex } from "../../ir/expr.js";
import { idsOf } from "../../ir/items.js";
import { pointsOf } from "../../ir/points.js";
import { Poly } from "../../ir/poly.js";
import type { RecurrenceGroup, Value } from "../../ir/program.js";
import { pointAxes, substitution } from "../axes.js";
import { kVariable } from "../kernel/arithmetic.js";
import type { GridLoop } from "../kernel/ir.js";
import { entriesAfterSteps } from "../plan/windows.js";
import {
  equationOf,
  finish,
  scopeOf,
  valueOf,
  withoutUnread,
  type LoweredKernel,
  type LoweringContext,
} from "./context.js";
import { Block } from "./emit.js";
import { openLoops } from "./loops.js";
import { gridOf, NestEmitter } from "./nest.js";
import type { KernelScope } from "./scope.js";
import { instanceAt, keep, valuesAt, WHOLE } from "./values.js";
import type { RecurrenceKernel, StepNest } from "../plan/step-follower.js";

/** Where a member stands along one of its axes: at a coordinate, or all over a range. */
interface Place {
  readonly axis: number;
  readonly at?: Poly;
  readonly range?: readonly [Poly, Poly];
}
type PlacesOf = (id: ValueId) => readonly Place[];

/**
 * A whole recurrence as one kernel: entries before the loop, the loop over steps with every member's own loops inside,
 * entries after it. Members live in memory; the grid is one iteration. A recurrence within a step does the same there.
 */
export const lowerRecurrence = (kernel: RecurrenceKernel, context: LoweringContext): LoweredKernel =>
  new RecurrenceLowering(kernel, context).run();

class RecurrenceLowering {
  private readonly made: ReadonlySet<ValueId>;
  private readonly scope: KernelScope;

  constructor(
    private readonly kernel: RecurrenceKernel,
    private readonly context: LoweringContext,
  ) {
    this.made = new Set(kernel.members);
    this.scope = scopeOf(context, this.made);
  }

  run(): LoweredKernel {
    const { kernel, context, made, scope } = this;
    const top = new Block(scope, null);
    let grid: GridLoop[] = [];
    if (kernel.nest) grid = this.woven(top, kernel.nest);
    else this.steps(top, kernel.group, () => []);
    const members = kernel.members.map((id) => this.valueOf(id));
    return withoutUnread(finish(scope, grid, top.statements, members), context, made);
  }
  private valueOf(id: ValueId): Value {
    return valueOf(this.context.program, id);
  }

  /** The steps as a nest, within loops over points along which nothing depends on other entries. */
  private woven(top: Block, nest: StepNest): GridLoop[] {
    const { kernel, context, made, scope } = this;
    const { group } = kernel;
    const at: PlacesOf = (id) =>
      nest.points.flatMap(({ index, axis }) => {
        const own = axis.get(id);
        return own === undefined ? [] : [{ axis: own, at: Poly.index(index) }];
      });
    const { grid, body } = gridOf(nest.body, top, nest.points.length);
    const last = group.direction === 1 ? "after" : "before";
    const late = entriesAfterSteps(kernel, context.program, (id) => context.wanted(id, made));
    const outside = (block: Block, side: "before" | "after"): void =>
      this.outside(block, group, at, side, side === last ? late : null);
    new NestEmitter(context, made, scope, outside).list(top, body);
    return grid;
  }

  /** The steps of a group within those around it, whose coordinates `around` gives for each member. */
  private steps(block: Block, of: RecurrenceGroup, around: PlacesOf): void {
    const up = of.direction === 1;
    this.outside(block, of, around, up ? "before" : "after");
    const step = freshIndex(of === this.kernel.group ? "step" : of.name, of.hi, of.lo);
    const variable = this.scope.fresh(step.name);
    const body = block.inner();
    body.bindIndex(step, kVariable(variable, "i32"));
    const placesOf: PlacesOf = (id) => {
      const { axis, shift } = this.timeOf(of, id);
      return [...around(id), { axis, at: Poly.index(step).add(shift) }];
    };
    for (const item of of.items) {
      if (typeof item === "number") this.member(body, item, placesOf(item));
      else this.steps(body, item, placesOf);
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
    this.outside(block, of, around, up ? "after" : "before");
  }

  /** Entries that no step makes, for a group within as ordinary values: nothing there depends on another step. */
  private outside(
    block: Block,
    of: RecurrenceGroup,
    around: PlacesOf,
    side: "before" | "after",
    only: ReadonlySet<ValueId> | null = null,
  ): void {
    for (const id of of.items.flatMap(idsOf)) {
      if (only && !only.has(id)) continue;
      const { axis, shift } = this.timeOf(of, id);
      const size = this.valueOf(id).shape[axis] ?? Poly.constant(0);
      const range: readonly [Poly, Poly] =
        side === "before" ? [Poly.constant(0), of.lo.add(shift)] : [of.hi.add(shift), size];
      if (range[0].equals(range[1])) continue;
      this.member(block, id, [...around(id), { axis, range }]);
    }
  }
  private timeOf(group: RecurrenceGroup, id: ValueId): { readonly axis: number; readonly shift: number } {
    const time = group.time.get(id);
    invariant(time, `${this.valueOf(id).name} has a time axis`);
    return time;
  }

  /** One member over its axes, those with a place only there. */
  private member(block: Block, id: ValueId, places: readonly Place[]): void {
    const value = this.valueOf(id);
    const equation = equationOf(value);
    const points = pointAxes(equation).filter(
      (axis) => !places.some((p) => p.axis === equation.axes.indexOf(axis)),
    );
    const loops: Index[] = [];
    const at = new Map<Index, Poly>();
    equation.axes.forEach((axis, k) => {
      if (points.includes(axis)) return;
      const place = places.find((p) => p.axis === k);
      const [lo, hi] = place?.range ?? [axis.lo, axis.hi];
      if (place?.at) at.set(axis, place.at);
      else if (place?.range && hi.sub(lo).equals(1)) at.set(axis, lo);
      else {
        const range = freshIndex(axis.name, hi, lo);
        loops.push(range);
        at.set(axis, Poly.index(range));
      }
    });
    const nest = openLoops(block, loops);
    const instances = pointsOf(points).map((point) => {
      const to = (i: Index): Poly | undefined => point.get(i) ?? at.get(i);
      return instanceAt(equation, to, substitution(to));
    });
    const results = valuesAt(nest.block, equation, instances, value.name, this.context.target);
    for (const [k, { subscripts }] of instances.entries()) {
      const result = results[k];
      invariant(result, "one result for each point");
      keep(nest.block, value, subscripts, result, true, WHOLE);
    }
    nest.close();
  }
}
