import type { ValueId } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Value } from "../../ir/program.js";
import { minus, plus, times, kCall, kConstant, kVariable } from "../kernel/arithmetic.js";
import type { Block } from "./emit.js";
import type { ProductGroup } from "../plan/group.js";
import type { KExpr } from "../kernel/ir.js";
import { valueOf, type LoweringContext } from "./context.js";
import { loop, type Range } from "./loops.js";
import type { Side } from "../plan/operand-sum.js";
import type { ProductPlan } from "./product-plan.js";
import type { KernelScope } from "./scope.js";
import type { PackingDescription } from "../targets.js";
import { storeMembers } from "./values.js";

interface Panel {
  readonly buffer: string;
  readonly index: KExpr;
  readonly width: number;
  /** Terms in it. */
  readonly count: KExpr;
  /** Whether it is the first or last piece of the terms; null: it is the only one. */
  readonly flags: { readonly first: KExpr; readonly last: KExpr } | null;
}
interface Place {
  /** The block of rows or columns that the panel's lines are of. */
  readonly of: Range;
  readonly lines: Range;
  /** The block of the other operand's lines that the panel is packed for. */
  readonly others: Range;
}

/**
 * Sums of a product's operands over all terms, taken from the packed panels while they are in the cache. A panel is packed
 * once for each block of the other operand's lines; the first of them counts.
 */
export class OperandSums {
  readonly members: readonly Value[];
  private readonly sums: readonly {
    readonly side: Side;
    readonly axes: ProductGroup["sums"][number]["sum"]["axes"];
    readonly members: readonly Value[];
    /** Scratch: the panel's sums, and those of the pieces before. */
    readonly part: string;
    readonly total: string | null;
  }[];
  constructor(
    group: ProductGroup,
    private readonly context: LoweringContext,
    scope: KernelScope,
    private readonly plan: ProductPlan,
    private readonly dtype: "f32" | "f64",
    packing: PackingDescription,
  ) {
    this.sums = group.sums.map(({ sum, members }) => {
      const [width, block] =
        sum.side === "left" ? [packing.rows, plan.rowBlock] : [packing.columns, plan.columnBlock];
      return {
        ...sum,
        members: members.map((id) => valueOf(context.program, id)),
        part: scope.room("part", dtype, Poly.constant(width)),
        total: plan.isWhole ? null : scope.room("total", "f64", Poly.constant(block)),
      };
    });
    this.members = this.sums.flatMap((s) => s.members);
  }

  has(side: Side): boolean {
    return this.sums.some((s) => s.side === side);
  }

  add(block: Block, side: Side, panel: Panel, { of, lines, others }: Place): void {
    for (const sum of this.sums) {
      if (sum.side !== side) continue;
      const isAlways = others.lo.op === "constant";
      const inner = isAlways ? block : block.inner();
      this.addUp(inner, sum.part, panel);
      loop(inner, "n", lines.lo, lines.hi, 1, (line, at) => {
        const part: KExpr = { op: "load", dtype: this.dtype, buffer: sum.part, index: minus(at, lines.lo) };
        this.finish(line, sum, part, at, minus(at, of.lo), panel.flags);
      });
      if (!isAlways)
        block.push({
          kind: "if",
          condition: kCall("eq", "bool", others.lo, kConstant(0)),
          then: inner.statements,
          else: [],
        });
    }
  }

  /** The panel's terms line by line, all lines side by side. */
  private addUp(block: Block, part: string, { buffer, index, width, count }: Panel): void {
    const { dtype } = this;
    const lanes = (outer: Block, value: (n: KExpr) => KExpr): void =>
      loop(outer, "n", kConstant(0), kConstant(width), 1, (inner, n) =>
        inner.push({ kind: "store", buffer: part, index: n, value: value(n) }),
      );
    lanes(block, () => kConstant(0, dtype));
    loop(block, "term", kConstant(0), count, 1, (inner, term) => {
      const from = inner.let("from", plus(index, times(term, kConstant(width))));
      lanes(inner, (n) => {
        const before: KExpr = { op: "load", dtype, buffer: part, index: n };
        return kCall("add", dtype, before, { op: "load", dtype, buffer, index: plus(from, n) });
      });
    });
  }

  /** A line's sum and what follows from it, once all pieces are there. */
  private finish(
    block: Block,
    { side, axes, members, total }: OperandSums["sums"][number],
    part: KExpr,
    at: KExpr,
    place: KExpr,
    flags: Panel["flags"],
  ): void {
    const flat = side === "left" ? this.plan.rows : this.plan.columns;
    const inside = new Set(members.map((m) => m.id));
    const results = (inner: Block, sum: KExpr): void => {
      this.plan.bind(inner, flat, at);
      // What follows whole rows reads it from memory, as other kernels do.
      const isStored = (id: ValueId): boolean => this.context.wanted(id, inside);
      storeMembers(inner, isStored, members, axes, sum);
    };
    if (!flags || total === null) return results(block, part);
    const { dtype } = this;
    const name = block.scope.fresh("sum");
    block.push({ kind: "var", name, init: dtype === "f64" ? part : { op: "cast", dtype: "f64", arg: part } });
    const sum = kVariable(name, "f64");
    const before: KExpr = { op: "load", dtype: "f64", buffer: total, index: place };
    block.push({
      kind: "if",
      condition: kCall("not", "bool", flags.first),
      then: [{ kind: "assign", name, value: kCall("add", "f64", sum, before) }],
      else: [],
    });
    const last = block.inner();
    results(last, dtype === "f64" ? sum : { op: "cast", dtype, arg: sum });
    block.push({
      kind: "if",
      condition: flags.last,
      then: last.statements,
      else: [{ kind: "store", buffer: total, index: place, value: sum }],
    });
  }
}
