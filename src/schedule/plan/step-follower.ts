import { invariant } from "../../diagnostics/invariant.js";
import type { Index, ValueId } from "../../ir/expr.js";
import { freshIndex } from "../../ir/expr.js";
import { idsOf } from "../../ir/items.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Program, RecurrenceGroup } from "../../ir/program.js";
import { mentions, readsOfEquation } from "../../ir/reach.js";
import { isPositional } from "../../ir/reducers.js";
import { loopAxes } from "../axes.js";
import type { TargetDescription } from "../targets.js";
import type { Coordinates, LoopNode, NestNode, Weaver } from "./nest.js";
import { parallelAxes, type ParallelAxis } from "./parallel.js";
import { sampleOf } from "./sample.js";

/** A recurrence, and what sums over its steps. */
export interface RecurrenceKernel {
  readonly kind: "recurrence";
  readonly group: RecurrenceGroup;
  readonly members: ValueId[];
  /** The steps, then what is computed from their sums; null where a recurrence runs within the steps. */
  readonly nest: StepNest | null;
}
export interface StepNest {
  readonly step: LoopNode;
  /** The loops around it, each for one point of an axis along which nothing depends on other entries. */
  readonly points: readonly { readonly index: Index; readonly axis: ParallelAxis }[];
  readonly body: NestNode[];
}

/** Weaves the steps of recurrences, and puts equations into them and behind them. */
export class StepFollower {
  constructor(
    private readonly program: Program,
    private readonly target: TargetDescription,
    private readonly weaver: Weaver,
    private readonly aliasOf: (id: ValueId) => ValueId,
  ) {}

  /** The equations of a step, woven; all stand at the step's coordinate of their time axes. */
  nestOf(group: RecurrenceGroup): StepNest | null {
    const { items, time, lo, hi, direction } = group;
    const parallel = this.target.sequentialGrid ? this.scalarSteps(group) : this.parallelOf(group);
    const points = parallel.map((axis) => {
      const [id = -1, k = 0] = [...axis][0] ?? [];
      const like = this.equationOf(id)?.axes[k];
      invariant(like, "a member has the axis");
      return { index: freshIndex(like.name, like.hi), axis };
    });
    const index = freshIndex("step", hi, lo);
    const step: LoopNode = { kind: "loop", index, steps: direction, body: [] };
    for (const item of items) {
      const definition = typeof item === "number" ? this.program.values.get(item)?.definition : undefined;
      if (typeof item !== "number" || definition?.kind !== "equation") return null;
      const run = time.get(item);
      const axis = run && definition.axes[run.axis];
      if (!axis) return null;
      const at = new Map([[axis, Poly.index(index).add(run.shift)]]);
      for (const point of points) {
        const own = definition.axes[point.axis.get(item) ?? -1];
        if (own) at.set(own, Poly.index(point.index));
      }
      this.weaver.insert(step.body, item, definition, at, true);
    }
    const body = points.reduceRight<NestNode[]>(
      (inner, point) => [{ kind: "loop", index: point.index, steps: null, body: inner }],
      [step],
    );
    return { step, points, body };
  }

  private readonly equationOf = (id: ValueId): Equation | null => {
    const definition = this.program.values.get(id)?.definition;
    return definition?.kind === "equation" ? definition : null;
  };
  private parallelOf(group: RecurrenceGroup): readonly ParallelAxis[] {
    return group.items.every((i) => typeof i === "number") ? parallelAxes(group, this.equationOf) : [];
  }
  /**
   * Where points follow one another, a loop over them around the steps is for a step of a few scalars, which stay in
   * registers then, with entries of one point side by side in memory.
   */
  private scalarSteps(group: RecurrenceGroup): readonly ParallelAxis[] {
    const axes = this.parallelOf(group);
    const isScalar = idsOf(group).every((id) => {
      const equation = this.equationOf(id);
      const time = group.time.get(id)?.axis ?? -1;
      const mine = axes.map((a) => a.get(id) ?? -1);
      if (equation?.operator !== null || mine.some((k) => k >= time)) return false;
      const others = loopAxes(equation).filter((axis) => axis !== equation.axes[time]);
      return others.length === mine.length;
    });
    return isScalar ? axes : [];
  }

  /** Adds what sums over the steps while they are taken, or is computed from such sums; says why not, where it does not. */
  join(
    { group, members, nest }: RecurrenceKernel,
    value: ValueId,
    equation: Equation,
    produces: boolean,
  ): string | null {
    if (nest && produces && this.sampled(group, nest, value, equation)) return null;
    if (!this.target.sequentialGrid || !nest || !produces) return "its producer is a recurrence";
    const own = new Set(idsOf(group));
    const read = mentions(equation).filter((id) => members.includes(this.aliasOf(id)));
    const points = this.pointsAt(nest, equation);
    if (!points) return "it does not follow the points of its producer";
    if (loopAxes(equation).some((a) => !points.has(a)))
      return "its producer is a recurrence; it has axes of its own";
    if (!equation.operator) {
      if (loopAxes(equation).length) return "its producer is a recurrence; it has axes of its own";
      if (read.some((id) => own.has(this.aliasOf(id)))) return "it reads the recurrence's entries";
      this.weaver.insert(nest.body, value, equation);
      return null;
    }
    const at = this.stepAt(group, equation, read, Poly.index(nest.step.index));
    if (!at) return "it does not sum over the recurrence's steps";
    this.weaver.insert(nest.step.body, value, equation, new Map([...at, ...points]));
    return null;
  }

  /** Takes a sample of the entries in the steps that make them. */
  private sampled(group: RecurrenceGroup, nest: StepNest, value: ValueId, equation: Equation): boolean {
    const { index: step, body } = nest.step;
    const sample = sampleOf(group, equation, step, this.program.dims);
    if (!sample) return false;
    const at = new Map(sample.at);
    for (const { index, axis } of nest.points) {
      const own = sample.node.subscripts[axis.get(sample.node.value) ?? -1]?.asIndex;
      if (!own || !equation.axes.includes(own) || !own.hi.equals(index.hi)) return false;
      at.set(own, Poly.index(index));
    }
    const own = equation.axes.filter((a) => !at.has(a));
    body.push({ kind: "member", value, equation: sample.equation, at, own, points: [], when: sample.when });
    return true;
  }

  /** The equation's index for each loop around the steps: where it reads the recurrence there. */
  private pointsAt({ points }: StepNest, equation: Equation): Coordinates | undefined {
    const at = new Map<Index, Poly>();
    if (!equation.operator) return at;
    for (const { index, axis } of points) {
      const found = new Set(
        readsOfEquation(equation).flatMap((node) => {
          const k = axis.get(node.value);
          return k === undefined ? [] : [node.subscripts[k]?.asIndex];
        }),
      );
      const [own] = found;
      if (found.size !== 1 || !own || !own.lo.isZero || !own.hi.equals(index.hi)) return undefined;
      // What folds over a loop is there behind it, where the loops further in have no points.
      if (equation.axes.includes(own) && [...at.keys()].some((i) => !equation.axes.includes(i)))
        return undefined;
      at.set(own, Poly.index(index));
    }
    return at;
  }

  /** The reduced index that runs with the step: what is read of the recurrence there has been made. */
  private stepAt(
    group: RecurrenceGroup,
    equation: Equation,
    read: readonly ValueId[],
    step: Poly,
  ): Coordinates | undefined {
    if (equation.operator?.kind !== "reduce" || equation.operator.guard) return undefined;
    // Those of a position count from their own range's begin.
    if (isPositional(equation.operator.reducer)) return undefined;
    if (!read.every((id) => group.time.has(id))) return undefined;
    for (const index of equation.operator.indices) {
      const ahead = index.lo.sub(group.lo).constant;
      if (ahead === undefined || index.hi.sub(group.hi).constant !== ahead) continue;
      const isMade = readsOfEquation(equation).every((node) => {
        const time = group.time.get(node.value);
        if (!time) return true;
        const offset = node.subscripts[time.axis]?.sub(Poly.index(index)).constant;
        return offset !== undefined && (time.shift - offset - ahead) * group.direction >= 0;
      });
      if (isMade) return new Map([[index, step.add(ahead)]]);
    }
    return undefined;
  }
}
