import { invariant } from "../../diagnostics/invariant.js";
import type { Index, ValueId } from "../../ir/expr.js";
import { freshIndex } from "../../ir/expr.js";
import { idsOf } from "../../ir/items.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Item, Program, RecurrenceGroup, Scatter } from "../../ir/program.js";
import { mentions, readsOfEquation } from "../../ir/reach.js";
import { isPositional } from "../../ir/reducers.js";
import type { Decision } from "../kernel/ir.js";
import { contractionOf, type Tile } from "./contraction.js";
import { loopAxes } from "../axes.js";
import { operandSumOf, type OperandSum } from "./operand-sum.js";
import type { Product } from "./product.js";
import { noRows, RowFollower, type ProductRows } from "./product-rows.js";
import { sampleOf } from "./sample.js";
import { parallelAxes, type ParallelAxis } from "./parallel.js";
import { nestOf, Weaver, type Coordinates, type LoopNode, type NestNode } from "./nest.js";
import type { TargetDescription } from "../targets.js";

/** Equations computed by one nest of loops. */
export interface NestGroup {
  readonly kind: "nest";
  /** Sizes of the loops that may run side by side, where the target wants such. */
  readonly grid: readonly Poly[];
  readonly members: ValueId[];
  readonly body: NestNode[];
}
/** A contraction with its elementwise epilogues: all have the grid's axes, and read each other at their own point of it. */
export interface TileGroup {
  readonly kind: "tile";
  readonly grid: readonly Poly[];
  readonly members: ValueId[];
  /** Two grid axes worth a register tile (positions). */
  readonly tile: Tile;
}
export interface ScatterGroup {
  readonly kind: "scatter";
  readonly value: ValueId;
  readonly scatter: Scatter;
}
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
/** The same over packed operands. */
export interface ProductGroup {
  readonly kind: "product";
  readonly grid: readonly Poly[];
  readonly members: ValueId[];
  readonly product: Product;
  /** Sums of an operand, each with its elementwise epilogues; `members` has them too. */
  readonly sums: { readonly sum: OperandSum; readonly members: ValueId[] }[];
  /** What is computed of whole rows of its results; `members` has them too. */
  readonly rows: ProductRows;
}
export type KernelGroup = NestGroup | TileGroup | ProductGroup | ScatterGroup | RecurrenceKernel;

/**
 * Partition into kernels, greedily in program order: an equation joins the kernel of its latest producer, or a later
 * one that reads what it reads, where it may share loops there.
 */
export function groupKernels(
  program: Program,
  target: TargetDescription,
  decisions: Decision[],
  off: ReadonlySet<string>,
): KernelGroup[] {
  return new Grouping(program, target, decisions, off).run();
}

/** Later kernels that an equation looks at: so many that siblings meet, so few that long programs stay linear. */
const LOOKED_AT = 6;

class Grouping {
  /** Null: another one took its members over. */
  private readonly groups: (KernelGroup | null)[] = [];
  private readonly groupOf = new Map<ValueId, number>();
  private readonly weaver: Weaver;
  private readonly follower: RowFollower;

  constructor(
    private readonly program: Program,
    private readonly target: TargetDescription,
    private readonly decisions: Decision[],
    private readonly off: ReadonlySet<string>,
  ) {
    const aliasOf = (id: ValueId): ValueId => this.aliasOf(id);
    this.weaver = new Weaver(aliasOf);
    this.follower = new RowFollower(program, this.weaver, aliasOf);
  }

  run(): KernelGroup[] {
    for (const item of this.program.items) this.place(item);
    return this.groups.filter((g) => g !== null);
  }

  private aliasOf(id: ValueId): ValueId {
    const definition = this.program.values.get(id)?.definition;
    return definition?.kind === "reshape" ? this.aliasOf(definition.of) : id;
  }
  private add(group: KernelGroup, ids: Iterable<ValueId>): void {
    this.groups.push(group);
    for (const id of ids) this.groupOf.set(id, this.groups.length - 1);
  }

  private place(item: Item): void {
    if (typeof item !== "number") {
      const nest = this.stepsOf(item);
      return this.add({ kind: "recurrence", group: item, members: idsOf(item), nest }, item.time.keys());
    }
    const definition = this.program.values.get(item)?.definition;
    if (definition?.kind === "scatter")
      return this.add({ kind: "scatter", value: item, scatter: definition }, [item]);
    if (definition?.kind !== "equation") return;
    const earliest = Math.max(
      -1,
      ...mentions(definition).map((id) => this.groupOf.get(this.aliasOf(id)) ?? -1),
    );
    const contraction = contractionOf(definition, this.target, this.off);
    const own = earliest < 0 ? "reads no computed value" : "a contraction has a kernel of its own";
    const refusal = contraction ? own : this.join(item, definition, earliest);
    if (refusal === null) return;
    this.decisions.push({ value: item, why: refusal });
    const axes = contraction ? definition.axes : loopAxes(definition);
    const grid = axes.map((a) => a.hi);
    if (contraction?.kind === "product") {
      const group: ProductGroup = { ...contraction, grid, members: [item], sums: [], rows: noRows() };
      this.add(group, [item]);
      if (!this.off.has("fuse")) this.takeSums(group);
    } else if (contraction) this.add({ ...contraction, grid, members: [item] }, [item]);
    else this.add({ kind: "nest", grid, members: [item], body: nestOf(item, definition) }, [item]);
  }

  /** Sums of the product's operands, which had a kernel of their own until now. */
  private takeSums(product: ProductGroup): void {
    const own = this.groups.length - 1;
    const between = new Set(this.readBy(product.members));
    for (let g = own - 1; g >= Math.max(0, own - LOOKED_AT); g--) {
      const host = this.groups[g];
      const sum =
        host?.kind === "nest" && !host.members.some((id) => between.has(id)) && this.sumIn(host, product);
      if (host?.kind === "nest" && sum) {
        product.sums.unshift({ sum, members: host.members });
        product.members.push(...host.members);
        for (const id of host.members) this.groupOf.set(id, own);
        this.groups[g] = null;
      } else if (host) {
        for (const id of this.readBy(host.kind === "scatter" ? [host.value] : host.members)) between.add(id);
      }
    }
  }
  private readBy(ids: readonly ValueId[]): readonly ValueId[] {
    return ids.flatMap((id) => {
      const definition = this.program.values.get(id)?.definition;
      return definition ? mentions(definition).map((read) => this.aliasOf(read)) : [];
    });
  }
  /** The sum that a kernel computes and nothing else but what follows from it entry by entry. */
  private sumIn({ members }: NestGroup, { product }: ProductGroup): OperandSum | null {
    const [first, ...rest] = members.map((id) => this.equationOf(id));
    const sum = first && operandSumOf(first, product);
    return sum && rest.every((e) => e && this.isEntrywise(e, first, members)) ? sum : null;
  }
  /** Whether an equation follows from a sum, and from others that follow from it, at the same entry. */
  private isEntrywise(equation: Equation, sum: Equation, members: readonly ValueId[]): boolean {
    return (
      !equation.operator &&
      equation.axes.length === sum.axes.length &&
      equation.axes.every((a, k) => sum.axes[k]?.hi.equals(a.hi)) &&
      mentions(equation).every((id) => id === this.aliasOf(id) || !members.includes(this.aliasOf(id))) &&
      readsOfEquation(equation).every(
        (node) =>
          !members.includes(node.value) || node.subscripts.every((s, k) => s.asIndex === equation.axes[k]),
      )
    );
  }
  /** Sums one of the operands, or follows from such a sum. */
  private joinSum({ product, sums, members }: ProductGroup, value: ValueId, equation: Equation): boolean {
    const sum = operandSumOf(equation, product);
    if (sum) {
      sums.push({ sum, members: [value] });
      return true;
    }
    const read = mentions(equation);
    const host = sums.find((s) => s.members.some((id) => read.includes(id)));
    const first = this.equationOf(host?.members[0] ?? -1);
    // The product itself is not there yet.
    const readsOther = read.some((id) => members.includes(this.aliasOf(id)) && !host?.members.includes(id));
    if (!host || !first || readsOther || !this.isEntrywise(equation, first, host.members)) return false;
    host.members.push(value);
    return true;
  }

  /** The equations of a step, woven; all stand at the step's coordinate of their time axes. */
  private stepsOf(group: RecurrenceGroup): StepNest | null {
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
      return (
        equation?.operator === null &&
        mine.every((k) => k < time) &&
        loopAxes(equation).length ===
          mine.length + (loopAxes(equation).includes(equation.axes[time]!) ? 1 : 0)
      );
    });
    return isScalar ? axes : [];
  }

  /** Joins a kernel that stands; why not, where none takes it. */
  private join(value: ValueId, equation: Equation, earliest: number): string | null {
    if (this.off.has("fuse")) return "fusion is switched off";
    let first = earliest < 0 ? "reads no computed value" : null;
    const candidates = [earliest];
    if (this.target.sequentialGrid)
      for (let g = this.groups.length - 1; g > Math.max(earliest, this.groups.length - 1 - LOOKED_AT); g--)
        candidates.push(g);
    for (const g of candidates) {
      const host = this.groups[g];
      if (!host) continue;
      const refusal = this.joinGroup(host, value, equation, g === earliest);
      if (refusal === null) {
        this.groupOf.set(value, g);
        return null;
      }
      if (g === earliest) first = refusal;
    }
    return first ?? "";
  }

  private joinGroup(host: KernelGroup, value: ValueId, equation: Equation, produces: boolean): string | null {
    if (host.kind === "scatter") return "its producer is a scatter";
    const buffers = new Set(
      host.members.flatMap((id) => [id, ...mentions(this.program.values.get(id)?.definition ?? equation)]),
    );
    for (const id of mentions(equation)) buffers.add(id);
    const most = this.target.maxBuffers;
    if (host.kind === "recurrence") {
      const refusal = this.follow(host, value, equation, produces);
      if (refusal !== null) return refusal;
    } else if (host.kind === "product") {
      if (buffers.size + 1 > most) return `more than ${most} buffers`;
      const refusal = this.joinProduct(host, value, equation, produces);
      if (refusal !== null) return refusal;
    } else if (host.kind !== "nest" || !this.target.sequentialGrid) {
      const refusal = this.whyNotInGrid(host, equation);
      if (refusal !== null) return refusal;
      if (buffers.size + 1 > most) return `more than ${most} buffers`;
      if (host.kind === "nest") this.weaver.insertBelow(host.body, host.grid.length, value, equation);
    } else {
      if (buffers.size + 1 > most) return `more than ${most} buffers`;
      const refusal = this.weave(host, value, equation, produces);
      if (refusal !== null) return refusal;
    }
    host.members.push(value);
    return null;
  }

  /** With a sum of an operand, entry by entry, or behind whole rows. */
  private joinProduct(
    host: ProductGroup,
    value: ValueId,
    equation: Equation,
    produces: boolean,
  ): string | null {
    if (this.joinSum(host, value, equation)) return null;
    const readsRows = mentions(equation).some((id) => host.rows.members.includes(this.aliasOf(id)));
    const refusal = readsRows ? "" : this.whyNotInGrid(host, equation);
    return refusal === null || !produces || this.off.has("product-rows")
      ? refusal
      : this.follower.join(host, value, equation);
  }

  /** Sums over the steps of a recurrence while they are taken, or is computed from such sums. */
  private follow(
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

  /** Shares a loop with the kernel; a scalar of its results stands after its loops. */
  private weave(host: NestGroup, value: ValueId, equation: Equation, produces: boolean): string | null {
    const isScalar = equation.axes.length === 0 && !equation.operator;
    if (isScalar && !produces) return "it shares no loop";
    if (!isScalar && !this.weaver.fits(host.body, equation))
      return "no loop of its producer may stand for its own";
    this.weaver.insert(host.body, value, equation);
    return null;
  }

  /** Why an equation cannot be computed at each point of a grid; null where it can. */
  private whyNotInGrid(
    { kind, grid, members }: NestGroup | TileGroup | ProductGroup,
    equation: Equation,
  ): string | null {
    const isContraction = kind !== "nest";
    const loops = (of: Equation): readonly Index[] => (isContraction ? of.axes : loopAxes(of));
    const axes = loops(equation);
    if (grid.length > axes.length || !grid.every((size, k) => axes[k]?.hi.equals(size)))
      return "its axes do not begin with the producer's grid";
    if (grid.length === 0 && axes.length > 0)
      return "the producer is a scalar; its kernel would run in sequence";
    if (isContraction && (equation.operator || equation.axes.length !== grid.length))
      return "the producer is a tiled contraction that takes elementwise epilogues only";
    const inside = new Set(members);
    for (const node of readsOfEquation(equation)) {
      if (!inside.has(node.value)) {
        if (
          this.program.values.get(node.value)?.definition.kind === "reshape" &&
          inside.has(this.aliasOf(node.value))
        )
          return "it reads through a reshape";
        continue;
      }
      const producer = this.program.values.get(node.value)?.definition;
      const places =
        producer?.kind === "equation" ? loops(producer).map((a) => producer.axes.indexOf(a)) : [];
      if (!grid.every((_, k) => node.subscripts[places[k] ?? -1]?.asIndex === axes[k]))
        return "it reads the producer at other points of its grid";
    }
    return null;
  }
}
