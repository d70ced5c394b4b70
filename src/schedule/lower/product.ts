import { invariant } from "../../diagnostics/invariant.js";
import type { Expr, ValueId } from "../../ir/expr.js";
import { and, constant, freshIndex, indicesOf, readsOf, rewriter, select, TRUE } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Value } from "../../ir/program.js";
import { mentions } from "../../ir/reach.js";
import {
  greatest,
  least,
  minus,
  plus,
  quotient,
  times,
  kCall,
  kConstant,
  kVariable,
} from "../kernel/arithmetic.js";
import { Block } from "./emit.js";
import type { ProductGroup } from "../plan/group.js";
import type { GridLoop, KExpr, Statement } from "../kernel/ir.js";
import {
  equationOf,
  finish,
  namedScopeOf,
  valueOf,
  withoutUnread,
  type Instance,
  type LoweredKernel,
  type LoweringContext,
} from "./context.js";
import { emitReduction } from "./reduce.js";
import { localAxes } from "../plan/local.js";
import { NestEmitter } from "./nest.js";
import { membersOf } from "../plan/nest.js";
import { conjuncts } from "../../ir/conditions.js";
import type { ProductRows } from "../plan/product-rows.js";
import { OperandSums } from "./operand-sums.js";
import { ProductPlan, type Flat, type TermLoop } from "./product-plan.js";
import type { Operand, Product } from "../plan/product.js";
import type { KernelScope } from "./scope.js";
import { loop, type Range } from "./loops.js";
import type { PackingDescription } from "../targets.js";
import { storeMembers } from "./values.js";

/** Rows or columns that threads share out together: fewer, and packing costs more than it saves. */
const GRANULE = 32;

/**
 * A contraction over packed operands, after K. Goto, R. van de Geijn, Anatomy of High-Performance Matrix Multiplication
 * (ACM TOMS 34, 2008): for each block of rows and columns, and each run of terms, the left operand is evaluated into
 * panels of a few rows, the right one into a panel of a few columns at a time, and the product routine multiplies panels.
 * What elementwise members make of the sums is computed tile by tile, while they are in the first-level cache.
 */
export function lowerProduct(group: ProductGroup, context: LoweringContext): LoweredKernel {
  return new ProductLowering(group, context).run();
}

/** The terms of one loop that are packed together. */
interface Piece {
  readonly flat: Flat;
  readonly lo: KExpr;
  readonly length: KExpr;
  /** Whether it is the loop's first or last piece; null: it is the only one. */
  readonly isFirst: KExpr | null;
  readonly isLast: KExpr | null;
}

/** A loop of packing, and what a place along it adds to the place in the panel. */
interface Run extends Range {
  readonly flat: Flat;
  readonly place: (at: KExpr) => KExpr;
  readonly bind: (block: Block, at: KExpr) => void;
}
function partition<T>(
  list: readonly T[],
  holds: (item: T) => boolean,
): readonly [readonly T[], readonly T[]] {
  return [list.filter(holds), list.filter((item) => !holds(item))];
}

class ProductLowering {
  private readonly product: Product;
  private readonly packing: PackingDescription;
  private readonly members: readonly Value[];
  private readonly first: Equation;
  private readonly rows: ProductRows;
  private readonly inside: ReadonlySet<ValueId>;
  private readonly scope: KernelScope;
  private readonly plan: ProductPlan;
  private readonly dtype: "f32" | "f64";
  /** Scratch: the packed panels, the tile that was computed last, and sums of several pieces. */
  private readonly room: { left: string; right: string; tile: string; sums: string | null };
  private readonly sums: OperandSums;
  /** Becomes NaN where an operand is not finite at a term that the other one's guard leaves out. */
  private readonly odd: string | null;

  constructor(
    group: ProductGroup,
    private readonly context: LoweringContext,
  ) {
    const { program, target } = context;
    invariant(target.packing, "the target packs operands");
    this.packing = target.packing;
    this.product = group.product;
    this.rows = group.rows;
    const aside = new Set([...group.sums.flatMap((s) => s.members), ...group.rows.members]);
    this.members = group.members.filter((id) => !aside.has(id)).map((id) => valueOf(program, id));
    this.first = equationOf(this.members[0]);
    this.inside = new Set(group.members);
    const all = group.members.map((id) => valueOf(program, id));
    this.scope = namedScopeOf(context, all, this.localRows());
    const { dtype } = this.first.body;
    invariant(dtype === "f32" || dtype === "f64", "a product of f32 or f64");
    this.dtype = dtype;
    this.plan = new ProductPlan(this.product, this.packing, this.scope, ({ value }) =>
      context.windows.has(context.owner(value)) ? null : valueOf(program, value).shape,
    );
    const { rows, columns } = this.packing;
    const { rowBlock, columnBlock, depth, isWhole } = this.plan;
    this.room = {
      left: this.scope.room("left", dtype, Poly.constant(rowBlock * depth)),
      right: this.scope.room("right", dtype, Poly.constant(columns * depth)),
      tile: this.scope.room("tile", dtype, Poly.constant(rows * columns)),
      sums: isWhole ? null : this.scope.room("sums", "f64", Poly.constant(rowBlock * columnBlock)),
    };
    this.sums = new OperandSums(group, context, this.scope, this.plan, dtype, this.packing);
    this.odd = this.product.left.guard || this.product.right.guard ? this.scope.fresh("odd") : null;
  }

  run(): LoweredKernel {
    const { scope, product, plan } = this;
    const body = new Block(scope, null);
    const grid: GridLoop[] = product.batch.map((index) => {
      const variable = scope.fresh(index.name);
      body.bindIndex(index, kVariable(variable, "i32"));
      return { variable, extent: scope.size(index.hi), step: 1 };
    });
    // Without lines there are sums of the other operand all the same.
    const range = (flat: Flat, step: number, isNeeded: boolean): Range => {
      const size = scope.size(flat.size);
      if ((flat.size.constant ?? Infinity) <= step) return { lo: kConstant(0), hi: size };
      const variable = scope.fresh(`${flat.index.name}_block`);
      const end = scope.fresh(`${flat.index.name}_end`);
      const extent = isNeeded && flat.size.constant === undefined ? greatest(size, kConstant(1)) : size;
      grid.push({ variable, extent, step, block: { end, granule: GRANULE } });
      const last = kVariable(end, "i32");
      const hi = extent === size ? last : body.let(`${flat.index.name}_last`, least(last, size));
      return { lo: kVariable(variable, "i32"), hi };
    };
    const rows = range(plan.rows, plan.rowBlock, this.sums.has("right"));
    if (this.odd) body.push({ kind: "var", name: this.odd, init: kConstant(0, this.dtype) });
    const blocks = (block: Block, columns: Range): void =>
      this.pieces(block, plan.terms, this.steps(block), [], (inner, pieces) =>
        this.block(inner, rows, columns, pieces),
      );
    const after = new Block(scope, null);
    if (this.rows.members.length === 0)
      blocks(body, range(plan.columns, plan.columnBlock, this.sums.has("left")));
    else {
      this.columnBlocks(body, blocks);
      this.behind(body, rows, after);
    }
    const followers = this.rows.members.map((id) => valueOf(this.context.program, id));
    const all = [...this.sums.members, ...this.members, ...followers];
    const lowered = finish(scope, grid, body.statements, all, after.statements);
    const { kernel, ...rest } = followers.length
      ? withoutUnread(lowered, this.context, this.inside)
      : lowered;
    const loops = [...product.batch, ...product.rows, ...product.columns, ...product.reduced].map((i) => ({
      variable: i.name,
      extent: i.hi.sub(i.lo),
    }));
    const tile = [this.packing.rows, this.packing.columns] as const;
    return { ...rest, kernel: { ...kernel, contraction: { loops, tile } } };
  }

  /** The blocks of columns one after the other, where whole rows are wanted. */
  private columnBlocks(block: Block, each: (block: Block, columns: Range) => void): void {
    const { flat, most } = { flat: this.plan.columns, most: this.plan.columnBlock };
    const size = this.scope.size(flat.size);
    if ((flat.size.constant ?? Infinity) <= most) return each(block, { lo: kConstant(0), hi: size });
    // Without columns there are sums of the left operand all the same.
    const extent = this.sums.has("left") ? greatest(size, kConstant(1)) : size;
    loop(block, `${flat.index.name}_block`, kConstant(0), extent, most, (inner, lo) => {
      const hi = inner.let(`${flat.index.name}_end`, least(plus(lo, kConstant(most)), size));
      each(inner, { lo, hi });
    });
  }

  /** What follows whole rows, and what follows all of them. */
  private behind(block: Block, rows: Range, after: Block): void {
    const { scope, plan } = this;
    const emitter = new NestEmitter(this.context, this.inside, scope);
    if (this.rows.body.length > 0)
      loop(block, plan.rows.index.name, rows.lo, rows.hi, 1, (row, i) => {
        plan.bind(row, plan.rows, i);
        emitter.list(row, this.rows.body);
      });
    emitter.list(after, this.rows.after);
  }

  /** Followers of which only a row is alive at a time. */
  private localRows(): ReadonlyMap<ValueId, ReadonlySet<number>> {
    const { wanted, reshaped } = this.context;
    const late = new Set([...membersOf(this.rows.after)].flatMap((m) => mentions(m.equation)));
    const isInner = (id: ValueId): boolean => !wanted(id, this.inside) && !reshaped.has(id) && !late.has(id);
    return localAxes(this.rows.body, isInner);
  }

  /** Most terms of each loop that is cut, such that all together fit the panels: the inner ones first. */
  private steps(block: Block): ReadonlyMap<TermLoop, KExpr> {
    const { terms, depth, atOnce } = this.plan;
    const steps = new Map<TermLoop, KExpr>();
    let room: KExpr = kConstant(Math.floor(depth / atOnce));
    for (const term of [...terms].reverse()) {
      if (term.isWhole) continue;
      const most = least(this.scope.size(term.flat.size), room);
      const step = block.let(`${term.flat.index.name}_step`, greatest(most, kConstant(1)));
      steps.set(term, step);
      room = quotient(room, step);
    }
    return steps;
  }

  /** Loops over the pieces of all terms, at least once: without terms, the sums are 0. */
  private pieces(
    block: Block,
    terms: readonly TermLoop[],
    steps: ReadonlyMap<TermLoop, KExpr>,
    outer: readonly Piece[],
    each: (block: Block, pieces: readonly Piece[]) => void,
  ): void {
    const [term, ...rest] = terms;
    if (!term) return each(block, outer);
    const { flat } = term;
    const [lo, hi] = [this.scope.size(flat.lo), this.scope.size(flat.lo.add(flat.size))];
    const step = steps.get(term);
    if (!step) {
      const length = this.scope.size(flat.size);
      const piece = { flat, lo, length: this.ifAny(block, length), isFirst: null, isLast: null };
      return this.pieces(block, rest, steps, [...outer, piece], each);
    }
    loop(block, `${flat.index.name}_piece`, lo, greatest(hi, plus(lo, kConstant(1))), step, (inner, at) => {
      const length = least(minus(hi, at), step);
      const piece: Piece = {
        flat,
        lo: at,
        length: inner.let(`${flat.index.name}_terms`, this.ifAny(inner, length)),
        isFirst: kCall("eq", "bool", at, lo),
        isLast: kCall("le", "bool", hi, plus(at, step)),
      };
      this.pieces(inner, rest, steps, [...outer, piece], each);
    });
  }
  /** No terms where the batch's points have none. */
  private ifAny(block: Block, length: KExpr): KExpr {
    const { somewhere } = this.product;
    if (!somewhere) return length;
    const condition = block.expr(somewhere);
    return { op: "select", dtype: "i32", condition, then: length, else: kConstant(0) };
  }

  /** One block of the result, for one piece of the terms. */
  private block(block: Block, rows: Range, columns: Range, pieces: readonly Piece[]): void {
    const { packing, product, plan, room } = this;
    const count = block.let(
      "terms",
      pieces.reduce<KExpr>((n, p) => times(n, p.length), kConstant(1)),
    );
    const all = (of: (p: Piece) => KExpr | null): KExpr | null =>
      pieces.reduce<KExpr | null>((found, p) => {
        const mine = of(p);
        return found && mine ? kCall("and", "bool", found, mine) : (found ?? mine);
      }, null);
    const isFirst = all((p) => p.isFirst);
    const isLast = all((p) => p.isLast);
    const flags = isFirst &&
      isLast && { first: block.let("is_first", isFirst), last: block.let("is_last", isLast) };
    const panel = (i: KExpr): KExpr => times(minus(i, rows.lo), count);
    loop(block, plan.rows.index.name, rows.lo, rows.hi, packing.rows, (inner, i) => {
      const end = inner.let("end", least(plus(i, kConstant(packing.rows)), rows.hi));
      const to = { buffer: room.left, index: inner.let("panel", panel(i)), width: packing.rows };
      const lines = { lo: i, hi: end };
      this.pack(inner, product.left, plan.rows, lines, pieces, to, product.right.guard !== null);
      this.sums.add(inner, "left", { ...to, count, flags }, { of: rows, lines, others: columns });
    });
    loop(block, plan.columns.index.name, columns.lo, columns.hi, packing.columns, (inner, j) => {
      const end = inner.let("end", least(plus(j, kConstant(packing.columns)), columns.hi));
      const to = { buffer: room.right, index: kConstant(0), width: packing.columns };
      const panels = { lo: j, hi: end };
      this.pack(inner, product.right, plan.columns, panels, pieces, to, product.left.guard !== null);
      this.sums.add(inner, "right", { ...to, count, flags }, { of: columns, lines: panels, others: rows });
      loop(inner, plan.rows.index.name, rows.lo, rows.hi, packing.rows, (tile, i) => {
        tile.push({
          kind: "product",
          dtype: this.dtype,
          rows: packing.rows,
          columns: packing.columns,
          count,
          left: { buffer: room.left, index: panel(i) },
          right: { buffer: room.right, index: kConstant(0) },
          into: { buffer: room.tile, index: kConstant(0) },
        });
        const at = plus(
          times(minus(i, rows.lo), kConstant(plan.columnBlock)),
          times(minus(j, columns.lo), kConstant(packing.rows)),
        );
        if (flags) this.addUp(tile, at, flags.first, flags.last);
        const done = flags ? tile.inner() : tile;
        const lines = { lo: i, hi: done.let("end", least(plus(i, kConstant(packing.rows)), rows.hi)) };
        this.results(done, lines, panels);
        if (flags) tile.push({ kind: "if", condition: flags.last, then: done.statements, else: [] });
      });
    });
  }

  /** Evaluates an operand at a few rows or columns and all terms of the pieces, the terms one after the other. */
  private pack(
    block: Block,
    operand: Operand,
    along: Flat,
    { lo, hi }: Range,
    pieces: readonly Piece[],
    to: { readonly buffer: string; readonly index: KExpr; readonly width: number },
    mustBeFinite: boolean,
  ): void {
    const bindLine = this.plan.binding(block, along, lo, to.width);
    const line: Run = { flat: along, lo, hi, place: (i) => minus(i, lo), bind: bindLine };
    const terms = pieces.map((p, k): Run => {
      const inner = pieces.slice(k + 1).reduce((n, q) => times(n, q.length), kConstant(to.width));
      return {
        flat: p.flat,
        lo: p.lo,
        hi: plus(p.lo, p.length),
        place: (at) => times(minus(at, p.lo), inner),
        bind: (b, at) => this.plan.bind(b, p.flat, at),
      };
    });
    const store = (inner: Block, index: KExpr, result: Expr): void => {
      const stored = inner.expr(result);
      const named = mustBeFinite ? inner.let("x", stored) : stored;
      inner.push({ kind: "store", buffer: to.buffer, index, value: named });
      if (!mustBeFinite || this.odd === null) return;
      // Not finite: its product with 0 is NaN, and so is every sum that has it.
      const product = kCall("mul", this.dtype, named, kConstant(0, this.dtype));
      const sum = kCall("add", this.dtype, kVariable(this.odd, this.dtype), product);
      inner.push({ kind: "assign", name: this.odd, value: sum });
    };
    const { value, guard } = operand;
    const all = this.plan.runsAlong(operand, along, to.width) ? [...terms, line] : [line, ...terms];
    const whole = guard ? select(guard, value, constant(0, value.dtype)) : value;
    this.over(block, all, to.index, whole, store);
  }

  /** Loops over the runs. A condition stands before the loops that do not change it. */
  private over(
    block: Block,
    runs: readonly Run[],
    before: KExpr,
    value: Expr,
    each: (block: Block, index: KExpr, value: Expr) => void,
  ): void {
    const [run, ...rest] = runs;
    if (!run) return each(block, before, value);
    if (value.op === "select") {
      const inside = new Set(runs.flatMap((r) => [r.flat.index, ...r.flat.axes]));
      const [fixed, open] = partition(conjuncts(value.condition), (c) => {
        const used = indicesOf([c]);
        return readsOf([c]).length === 0 && ![...used].some((i) => inside.has(i));
      });
      if (fixed.length > 0) {
        const [then, otherwise] = [block.inner(), block.inner()];
        this.over(then, runs, before, select(open.reduce(and, TRUE), value.then, value.else), each);
        this.over(otherwise, runs, before, value.else, each);
        const condition = block.expr(fixed.reduce(and, TRUE));
        block.push({ kind: "if", condition, then: then.statements, else: otherwise.statements });
        return;
      }
    }
    loop(block, run.flat.index.name, run.lo, run.hi, 1, (inner, at) => {
      run.bind(inner, at);
      const index = plus(before, run.place(at));
      this.over(inner, rest, rest.length ? inner.let("at", index) : index, value, each);
    });
  }

  /** The tile's part of sums over several pieces; of the last one, the tile becomes the sums. */
  private addUp(block: Block, at: KExpr, first: KExpr, last: KExpr): void {
    const { sums, tile } = this.room;
    invariant(sums !== null, "several pieces have sums");
    const several = block.inner();
    const { rows, columns } = this.packing;
    loop(several, "n", kConstant(0), kConstant(rows * columns), 1, (inner, n) => {
      const part: KExpr = { op: "load", dtype: this.dtype, buffer: tile, index: n };
      const wide: KExpr = this.dtype === "f64" ? part : { op: "cast", dtype: "f64", arg: part };
      const total = inner.scope.fresh("total");
      inner.push({ kind: "var", name: total, init: wide });
      const sum = kVariable(total, "f64");
      const place = plus(at, n);
      const before: KExpr = { op: "load", dtype: "f64", buffer: sums, index: place };
      const added: Statement = { kind: "assign", name: total, value: kCall("add", "f64", sum, before) };
      inner.push({ kind: "if", condition: kCall("not", "bool", first), then: [added], else: [] });
      const value: KExpr = this.dtype === "f64" ? sum : { op: "cast", dtype: this.dtype, arg: sum };
      inner.push({
        kind: "if",
        condition: last,
        then: [{ kind: "store", buffer: tile, index: n, value }],
        else: [{ kind: "store", buffer: sums, index: place, value: sum }],
      });
    });
    const isOne = kCall("and", "bool", first, last);
    block.push({ kind: "if", condition: kCall("not", "bool", isOne), then: several.statements, else: [] });
  }

  /** What the members make of a finished tile. */
  private results(block: Block, rows: Range, columns: Range): void {
    const { context, product, room, packing } = this;
    const each = (inner: Block, element: (inner: Block, at: KExpr) => void): void => {
      const bindRow = this.plan.binding(inner, this.plan.rows, rows.lo, packing.rows);
      const bindColumn = this.plan.binding(inner, this.plan.columns, columns.lo, packing.columns);
      loop(inner, this.plan.rows.index.name, rows.lo, rows.hi, 1, (line, i) => {
        bindRow(line, i);
        loop(line, this.plan.columns.index.name, columns.lo, columns.hi, 1, (point, j) => {
          bindColumn(point, j);
          element(point, plus(times(minus(i, rows.lo), kConstant(packing.columns)), minus(j, columns.lo)));
        });
      });
    };
    if (this.odd !== null) {
      const again = block.inner();
      each(again, (point, at) => {
        const { equation, instance } = this.anew();
        const [value] = emitReduction(point, equation, [instance], "sum", this.context.target);
        invariant(value, "one instance, one result");
        point.push({ kind: "store", buffer: room.tile, index: at, value });
      });
      const odd = kVariable(this.odd, this.dtype);
      const condition = kCall("ne", "bool", odd, odd);
      block.push({ kind: "if", condition, then: again.statements, else: [] });
    }
    const inside = new Set(this.members.map((m) => m.id));
    const isStored = (id: ValueId): boolean => context.wanted(id, inside);
    each(block, (point, at) => {
      const tile: KExpr = { op: "load", dtype: this.dtype, buffer: room.tile, index: at };
      const sum: KExpr = product.within
        ? {
            op: "select",
            dtype: this.dtype,
            condition: point.expr(product.within),
            then: tile,
            else: kConstant(0, this.dtype),
          }
        : tile;
      storeMembers(point, isStored, this.members, this.first.axes, sum);
    });
  }

  /** The sum with indices of its own, for a loop that knows nothing of panels. */
  private anew(): { readonly equation: Equation; readonly instance: Instance } {
    const { operator, body, axes } = this.first;
    invariant(operator?.kind === "reduce", "a product is a reduction");
    const own = new Map(operator.indices.map((i) => [i, freshIndex(i.name, i.hi, i.lo)]));
    const { expr } = rewriter({
      index: (i) => {
        const made = own.get(i);
        return made && Poly.index(made);
      },
    });
    const guard = operator.guard && expr(operator.guard);
    return {
      equation: { ...this.first, operator: { ...operator, indices: [...own.values()], guard } },
      instance: { body: expr(body), guard, subscripts: axes.map((a) => Poly.index(a)) },
    };
  }
}
