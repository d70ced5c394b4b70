import type { Index, ValueId } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Program } from "../../ir/program.js";
import { mentions, readsOfEquation } from "../../ir/reach.js";
import { membersOf, reducedBy, type NestNode, type Weaver } from "./nest.js";
import type { OperandSum } from "./operand-sum.js";
import type { Product } from "./product.js";

/** What a kernel computes of a product's results beyond entry by entry. */
export interface ProductRows {
  readonly members: ValueId[];
  /** For a row whose columns are all there, over the product's own batch and row indices: a softmax and its gradient. */
  readonly body: NestNode[];
  /** Once all rows are there: what folds one number of each row (a loss), and scalars of that. */
  readonly after: NestNode[];
}
export const noRows = (): ProductRows => ({ members: [], body: [], after: [] });

interface Host {
  readonly product: Product;
  /** The contraction, what follows from it entry by entry, `sums` and `rows.members`. */
  readonly members: readonly ValueId[];
  readonly sums: readonly { readonly sum: OperandSum; readonly members: readonly ValueId[] }[];
  readonly rows: ProductRows;
}

/** Puts equations behind products. */
export class RowFollower {
  constructor(
    private readonly program: Program,
    private readonly weaver: Weaver,
    private readonly aliasOf: (id: ValueId) => ValueId,
  ) {}

  /** Adds an equation to what follows the product's rows; says why not, where it does not. */
  join(host: Host, value: ValueId, equation: Equation): string | null {
    const { members, rows } = host;
    const isMember = (id: ValueId): boolean => members.includes(id);
    if (mentions(equation).some((id) => this.aliasOf(id) !== id && isMember(this.aliasOf(id))))
      return "it reads its producer through a reshape";
    if (!mentions(equation).some(isMember)) return "it reads nothing of the product";
    const late = new Set([...membersOf(rows.after)].map((m) => m.value));
    const readsLate = mentions(equation).some((id) => late.has(id));
    if (equation.axes.length === 0) {
      if (equation.operator && (readsLate || !this.foldsRows(host, equation)))
        return "it folds over more than the rows of its producer";
      this.weaver.insert(rows.after, value, equation);
    } else {
      const at = readsLate ? null : this.rowOf(host, equation);
      if (!at) return "it reads its producer at other rows";
      this.weaver.insert(rows.body, value, equation, at);
    }
    rows.members.push(value);
    return null;
  }

  /** For each batch and row index of the product: at which subscript of a member it stands; a sum of columns has none. */
  private placesOf(
    { product, members, sums, rows }: Host,
    id: ValueId,
  ): readonly (readonly [Index, number])[] {
    const own = [...product.batch, ...product.rows];
    const sum = sums.find((s) => s.members.includes(id))?.sum;
    if (sum) return own.map((index) => [index, sum.axes.indexOf(index)]);
    const follower = [...membersOf(rows.body)].find((m) => m.value === id);
    const [first = -1] = members;
    const axes = follower ? follower.equation.axes : this.axesOf(first);
    return own.map((index) => [
      index,
      axes.findIndex((axis) => (follower ? follower.at.get(axis)?.asIndex : axis) === index),
    ]);
  }
  private axesOf(id: ValueId): readonly Index[] {
    const definition = this.program.values.get(id)?.definition;
    return definition?.kind === "equation" ? definition.axes : [];
  }

  /** Which of the equation's axes are the product's batch and rows: all that it reads there is read at its own row. */
  private rowOf(host: Host, equation: Equation): Map<Index, Poly> | null {
    const rowAt = new Map<Index, Index>();
    for (const node of readsOfEquation(equation)) {
      if (!host.members.includes(node.value)) continue;
      for (const [index, place] of this.placesOf(host, node.value)) {
        const axis = node.subscripts[place]?.asIndex;
        if (!axis || !equation.axes.includes(axis) || (rowAt.get(index) ?? axis) !== axis) return null;
        if (!axis.lo.equals(index.lo) || !axis.hi.equals(index.hi)) return null;
        rowAt.set(index, axis);
      }
    }
    if (new Set(rowAt.values()).size < rowAt.size) return null;
    return new Map([...rowAt].map(([index, axis]) => [axis, Poly.index(index)]));
  }

  /** Whether each index that a fold runs over is one of the product's rows where it reads a member, or any of an operand's sum. */
  private foldsRows(host: Host, equation: Equation): boolean {
    const reduced = reducedBy(equation);
    const rows = new Set<Index>();
    for (const node of readsOfEquation(equation)) {
      if (!host.members.includes(node.value)) continue;
      const isSum = host.sums.some((s) => s.members.includes(node.value));
      const places = this.placesOf(host, node.value).map(([, place]) => place);
      for (const [k, subscript] of node.subscripts.entries()) {
        if ((isSum || places.includes(k)) && subscript.asIndex) rows.add(subscript.asIndex);
      }
    }
    return reduced.every((i) => rows.has(i));
  }
}
