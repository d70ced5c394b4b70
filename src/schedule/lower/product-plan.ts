import type { Expr, Index, ReadExpr } from "../../ir/expr.js";
import { freshIndex, indicesOf, readsOf, visit } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import { minus, plus, quotient, remainder } from "../kernel/arithmetic.js";
import type { Block } from "./emit.js";
import { asOne } from "./flat.js";
import type { KExpr } from "../kernel/ir.js";
import type { Operand, Product } from "../plan/product.js";
import { flatten, type KernelScope } from "./scope.js";
import type { PackingDescription } from "../targets.js";

/** Indices that one variable counts through, in row-major order. */
export interface Flat {
  /** The one index itself, or one that stands for all. */
  readonly index: Index;
  readonly axes: readonly Index[];
  readonly lo: Poly;
  readonly size: Poly;
  /** Gives the indices their values in a block where the variable has one; each is worked out where it is asked for. */
  readonly decode: (block: Block, at: KExpr) => void;
  /** Tiles of so many begin at an entry of the last index that this divides: within one, all others keep their values. */
  readonly alignment: number;
}
/** A loop over terms: at once, or in pieces whose length depends on the sizes. */
export interface TermLoop {
  readonly flat: Flat;
  readonly isWhole: boolean;
}

/** How a product is cut up: which indices run as one, blocks of rows and columns, pieces of the terms. */
export class ProductPlan {
  readonly rows: Flat;
  readonly columns: Flat;
  readonly terms: readonly TermLoop[];
  /** Whether all terms are packed at once, whatever the sizes. */
  readonly isWhole: boolean;
  /** Most terms that are packed at once. */
  readonly depth: number;
  readonly rowBlock: number;
  readonly columnBlock: number;

  /** `shapeOf`: the shape of a tensor whose every entry has a place of its own; null for others. */
  constructor(
    private readonly product: Product,
    packing: PackingDescription,
    private readonly scope: KernelScope,
    private readonly shapeOf: (node: ReadExpr) => readonly Poly[] | null,
  ) {
    this.rows = this.together(product.rows, "row");
    this.columns = this.together(product.columns, "column");
    const groups = this.termGroups().map((group) => this.together(group, "term"));
    this.terms = cut(groups, packing);
    this.isWhole = this.terms.every((t) => t.isWhole);
    this.depth = this.isWhole ? this.atOnce : packing.depth;
    const deeper = Math.max(1, this.depth / packing.depth);
    this.rowBlock = blockOf(this.rows, packing.rows, packing.rowBlock / deeper);
    this.columnBlock = blockOf(this.columns, packing.columns, packing.columnBlock);
  }

  /** Whether an operand lies in memory along these rows or columns rather than along the terms. */
  runsAlong({ value, guard }: Operand, along: Flat, width: number): boolean {
    const innermost = this.terms[this.terms.length - 1]?.flat.index;
    // Indices that have to be worked out are so once for all terms.
    let isWorkedOut = false;
    let votes = 0;
    const seeAddress = (address: Poly): void => {
      const isFlat = along.axes.length === 1 || along.alignment % width === 0;
      isWorkedOut ||= !isFlat && along.axes.some((a) => address.indices.has(a));
    };
    visit(guard ? [value, guard] : [value], (e) => {
      if (e.op === "index") seeAddress(e.poly);
      const shape = e.op === "read" ? this.shapeOf(e) : null;
      if (e.op !== "read" || !shape) return;
      const address = this.scope.flattened(flatten(shape, e.subscripts));
      seeAddress(address);
      const last = along.axes[along.axes.length - 1];
      votes +=
        Number(isNext(address, along.index) || isNext(address, last)) - Number(isNext(address, innermost));
    });
    return !isWorkedOut && votes >= 0;
  }

  /** How entries of a tile that begins at `lo` get their indices: where it does not cross into others, from those of `lo`. */
  binding(tile: Block, flat: Flat, lo: KExpr, width: number): (block: Block, at: KExpr) => void {
    const last = flat.axes[flat.axes.length - 1];
    if (flat.axes.length < 2 || !last || flat.alignment % width !== 0)
      return (block, at) => this.bind(block, flat, at);
    flat.decode(tile, lo);
    return (block, at) => {
      block.bindIndex(flat.index, at);
      block.bindIndexLater(last, () => plus(minus(at, lo), tile.valueOfIndex(last)));
    };
  }
  /** Gives an index, and those that it counts through, their values in a block. */
  bind(block: Block, flat: Flat, at: KExpr): void {
    block.bindIndex(flat.index, at);
    flat.decode(block, at);
  }

  /** Terms of the loops that are not cut. */
  get atOnce(): number {
    return this.terms.reduce((n, t) => (t.isWhole ? n * (t.flat.size.constant ?? 1) : n), 1);
  }

  private together(axes: readonly Index[], name: string): Flat {
    const [only] = axes;
    if (only && axes.length === 1)
      return {
        index: only,
        axes,
        lo: only.lo,
        size: only.hi.sub(only.lo),
        decode: () => undefined,
        alignment: 1,
      };
    const size = axes.reduce((n, a) => n.mul(a.hi), Poly.constant(1));
    const index = freshIndex(name, size);
    this.scope.runTogether(axes, index);
    const decode = (block: Block, at: KExpr): void => {
      axes.forEach((axis, k) => {
        block.bindIndexLater(axis, () => {
          const inner = axes.slice(k + 1).reduce((n, a) => n.mul(a.hi), Poly.constant(1));
          const upTo = quotient(at, this.scope.size(inner));
          return k === 0 ? upTo : remainder(upTo, this.scope.size(axis.hi));
        });
      });
    };
    const alignment = axes[axes.length - 1]?.hi.constant ?? 1;
    return { index, axes, lo: Poly.constant(0), size, decode, alignment };
  }

  /** Reduction indices that run through both operands' memory as one, joined as far as they do. */
  private termGroups(): readonly (readonly Index[])[] {
    const { left, right } = this.product;
    const groups: Index[][] = [];
    for (const index of this.termOrder()) {
      const last = groups[groups.length - 1];
      if (last && [...last, index].every((i) => i.lo.isZero) && this.areOne([...last, index], [left, right]))
        last.push(index);
      else groups.push([index]);
    }
    return groups;
  }
  /** The index along which most of what is read is contiguous comes last. */
  private termOrder(): readonly Index[] {
    const { reduced, left, right } = this.product;
    const votes = (index: Index): number =>
      readsOf([left.value, right.value]).filter((node) => {
        const shape = this.shapeOf(node);
        return shape !== null && isNext(flatten(shape, node.subscripts), index);
      }).length;
    const most = Math.max(...reduced.map(votes));
    const last = reduced.findLast((i) => votes(i) === most);
    return [...reduced.filter((i) => i !== last), ...reduced.filter((i) => i === last)];
  }
  private areOne(group: readonly Index[], operands: readonly Operand[]): boolean {
    const uses = (e: Expr): boolean => [...indicesOf([e])].some((i) => group.includes(i));
    return operands.every(({ value, guard }) => {
      if (guard && uses(guard)) return false;
      let fits = true;
      visit([value], (e) => {
        if (e.op === "index" && e.poly.indices.size > 0 && uses(e)) fits = false;
        if (e.op !== "read" || !uses(e)) return;
        const shape = this.shapeOf(e);
        if (!shape || !asOne(flatten(shape, e.subscripts), group)) fits = false;
      });
      return fits;
    });
  }
}

/** Whether steps of the index are steps in memory. */
const isNext = (address: Poly, index: Index | undefined): boolean =>
  index !== undefined && address.split(index)?.coefficient.constant === 1;

/** The innermost loops at once as far as `depth` goes, the others in pieces. */
function cut(groups: readonly Flat[], { depth, whole }: PackingDescription): readonly TermLoop[] {
  const sizes = groups.map((g) => g.size.constant ?? Infinity);
  const all = sizes.reduce((a, b) => a * b, 1);
  let inner = 1;
  let isCut = false;
  return groups
    .map((flat, k) => ({ flat, size: sizes[k] ?? 1 }))
    .reverse()
    .map(({ flat, size }): TermLoop => {
      isCut ||= all > whole && inner * size > depth;
      if (!isCut) inner *= size;
      return { flat, isWhole: !isCut };
    })
    .reverse();
}

/** A multiple of `unit` near `most`, such that blocks of a known size are of about the same one. */
function blockOf({ size }: Flat, unit: number, most: number): number {
  const up = (n: number): number => Math.max(unit, Math.ceil(n / unit) * unit);
  const block = Math.max(unit, Math.floor(most / unit) * unit);
  const known = size.constant;
  return known === undefined ? block : up(known / Math.max(1, Math.ceil(known / block)));
}
