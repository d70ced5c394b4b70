import type { Index, ValueId } from "../../ir/expr.js";
import { idsOf } from "../../ir/items.js";
import type { Poly } from "../../ir/poly.js";
import type { Equation, Item, Program, Scatter } from "../../ir/program.js";
import { mentions, readsOfEquation } from "../../ir/reach.js";
import { loopAxes } from "../axes.js";
import type { Decision } from "../kernel/ir.js";
import type { TargetDescription } from "../targets.js";
import { contractionOf, type Tile } from "./contraction.js";
import { nestOf, Weaver, type NestNode } from "./nest.js";
import { SumFollower, type OperandSum } from "./operand-sum.js";
import { noRows, RowFollower, type ProductRows } from "./product-rows.js";
import type { Product } from "./product.js";
import { StepFollower, type RecurrenceKernel } from "./step-follower.js";

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
/** A contraction over packed operands, with what follows from it. */
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
  private readonly rows: RowFollower;
  private readonly sums: SumFollower;
  private readonly steps: StepFollower;

  constructor(
    private readonly program: Program,
    private readonly target: TargetDescription,
    private readonly decisions: Decision[],
    private readonly off: ReadonlySet<string>,
  ) {
    const aliasOf = (id: ValueId): ValueId => this.aliasOf(id);
    this.weaver = new Weaver(aliasOf);
    this.rows = new RowFollower(program, this.weaver, aliasOf);
    this.sums = new SumFollower(program, aliasOf);
    this.steps = new StepFollower(program, target, this.weaver, aliasOf);
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
      const nest = this.steps.nestOf(item);
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
        host?.kind === "nest" &&
        !host.members.some((id) => between.has(id)) &&
        this.sums.sumIn(host.members, product.product);
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
      const refusal = this.steps.join(host, value, equation, produces);
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
    if (this.sums.join(host, value, equation)) return null;
    const readsRows = mentions(equation).some((id) => host.rows.members.includes(this.aliasOf(id)));
    const refusal = readsRows ? "" : this.whyNotInGrid(host, equation);
    return refusal === null || !produces || this.off.has("product-rows")
      ? refusal
      : this.rows.join(host, value, equation);
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
