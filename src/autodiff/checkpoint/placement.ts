import { invariant } from "../../diagnostics/invariant.js";
import type { Expr, Index, ReadExpr, ValueId } from "../../ir/expr.js";
import { call, compare, constant, freshIndex, indexValue, read, rewriter, within } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Operator } from "../../ir/program.js";
import type { Workspace } from "../workspace.js";
import type { Extent } from "./extents.js";
import type { Followed, Following } from "./follow.js";

/** How steps are cut: a first segment and `later` ones, of `length` steps each, the last one perhaps of fewer. */
export interface Cut {
  readonly length: Poly;
  readonly later: Poly;
}

/** A followed value as the segments hold it: axes [segment, its own], the time axis counted from the segment's begin. */
export interface Copy extends Extent {
  readonly of: Followed;
  readonly id: ValueId;
  readonly size: Poly;
}

/** A place in a segment: its number, and entries by ordinal from its begin. */
export interface Spot {
  readonly segment: Poly;
  readonly offset: Poly;
}

export interface Moved {
  /** null: that of the steps. */
  readonly axes: readonly (Index | null)[];
  readonly coordinate: Poly;
  readonly operator: Operator | null;
  readonly body: Expr;
}
export interface Frame {
  readonly copy: Copy;
  readonly segment: Index;
  readonly place: Index;
  readonly moved: Moved;
  readonly axes: readonly Index[];
}

/** Where entries of the values that go along with steps stand in segments, and reads of them. */
export class Placement {
  private readonly copies = new Map<ValueId, Copy>();
  /** How many segments there are. */
  readonly count: Poly;

  constructor(
    private readonly work: Workspace,
    private readonly following: Following,
    private readonly cut: Cut,
    /** Of the index of the segments. */
    private readonly name: string,
  ) {
    this.count = cut.later.add(1);
  }

  all(): Iterable<Copy> {
    return this.copies.values();
  }
  copyOf(id: ValueId): Copy {
    const found = this.copies.get(id);
    invariant(found, "a copy of what follows the steps");
    return found;
  }

  reserve(of: Followed, { low, high }: Extent): void {
    const size = this.cut.length.add(low + high);
    this.copies.set(of.id, { of, id: this.work.reserve(), low, high, size });
  }

  /** The ordinal of a spot. */
  ordinal({ segment, offset }: Spot): Poly {
    return segment.mul(this.cut.length).add(offset);
  }

  /** An equation's indices made new, the one that runs with the steps at a spot. */
  moved({ equation, index }: Followed, at: Spot): Moved {
    const coordinate = this.following.steps.coordinate(this.ordinal(at));
    const to = new Map<Index, Poly>([[index, coordinate]]);
    const { expr, poly } = rewriter({
      index: (i) => to.get(i),
      read: (node) => this.redirected(node, at.segment),
    });
    const copy = (i: Index): Index => {
      const made = freshIndex(i.name, poly(i.hi), poly(i.lo));
      to.set(i, Poly.index(made));
      return made;
    };
    const axes = equation.axes.map((a) => (a === index ? null : copy(a)));
    const { operator } = equation;
    if (operator?.kind !== "reduce") {
      const along = operator && axes[equation.axes.indexOf(operator.index)];
      const guard = operator?.guard && expr(operator.guard);
      return {
        axes,
        coordinate,
        body: expr(equation.body),
        operator: operator && { ...operator, index: along ?? operator.index, guard: guard ?? null },
      };
    }
    const indices = operator.indices.filter((i) => i !== index).map(copy);
    const guard = operator.guard && expr(operator.guard);
    return { axes, coordinate, body: expr(equation.body), operator: { ...operator, indices, guard } };
  }

  /** A read of what the segment holds. */
  private redirected(node: ReadExpr, segment: Poly): Expr | undefined {
    const copy = this.copies.get(node.value);
    const axis = copy?.of.axis ?? null;
    const subscript = axis === null ? undefined : node.subscripts[axis];
    if (!copy || axis === null || !subscript || subscript.indices.size === 0) return undefined;
    const offset = this.following.steps.ordinal(subscript).sub(segment.mul(this.cut.length));
    return this.readCopy(copy, segment, node.subscripts, offset);
  }
  private readCopy(copy: Copy, segment: Poly, subscripts: readonly Poly[], offset: Poly): Expr {
    const place = offset.sub(copy.of.shift).add(copy.low);
    const own = subscripts.map((s, k) => (k === copy.of.axis ? place : s));
    return read(copy.id, [segment, ...own], this.work.value(copy.of.id).dtype);
  }

  /** The axes of a copy, and the equation's body over them. */
  frame(copy: Copy): Frame {
    const segment = freshIndex(this.name, this.count);
    const place = freshIndex(copy.of.index.name, copy.size);
    const offset = Poly.index(place).add(copy.of.shift - copy.low);
    const moved = this.moved(copy.of, { segment: Poly.index(segment), offset });
    return { copy, segment, place, moved, axes: moved.axes.map((a) => a ?? place) };
  }
  others({ axes, place }: Frame): Poly[] {
    return axes.filter((a) => a !== place).map((a) => Poly.index(a));
  }
  isAt({ place }: Frame, at: Poly): Expr {
    return compare("eq", indexValue(Poly.index(place)), indexValue(at));
  }
  exists({ index }: Followed, coordinate: Poly): Expr {
    return within(coordinate, index.lo, index.hi);
  }

  /** An entry by its coordinate: those that no step makes belong to the first segment or the last. */
  entry(copy: Copy, axes: readonly Index[]): Expr {
    const { steps } = this.following;
    const { length } = this.cut;
    const own = axes[copy.of.axis ?? 0];
    const ordinal = steps.ordinal(own ? Poly.index(own) : Poly.constant(0));
    const step = indexValue(ordinal.sub(copy.of.shift));
    const last = call("min", [step, indexValue(steps.count.sub(1))], "i32");
    const clamped = call("max", [last, constant(0, "i32")], "i32");
    const segment = Poly.opaque(call("floor_div", [clamped, indexValue(length)], "i32"));
    const points = axes.map((a) => Poly.index(a));
    return this.readCopy(copy, segment, points, ordinal.sub(segment.mul(length)));
  }

  /** The first entry of an adjoint, read at a fixed place, is the first segment's. */
  firstEntry(node: ReadExpr): Expr | undefined {
    const copy = this.copies.get(node.value);
    if (!copy || copy.of.phase === "forward" || copy.of.axis === null) return undefined;
    const subscript = node.subscripts[copy.of.axis];
    const ordinal = subscript && this.following.steps.ordinal(subscript).constant;
    if (ordinal === undefined || ordinal > copy.of.shift) return undefined;
    return this.readCopy(copy, Poly.constant(0), node.subscripts, Poly.constant(ordinal));
  }
}
