import { invariant } from "../../diagnostics/invariant.js";
import type { Expr, Index, ReadExpr, ValueId } from "../../ir/expr.js";
import {
  add,
  and,
  call,
  compare,
  constant,
  freshIndex,
  indexValue,
  read,
  rewriter,
  select,
  TRUE,
  within,
} from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Item, Operator, RecurrenceGroup } from "../../ir/program.js";
import type { Workspace } from "../workspace.js";
import type { Extent } from "./extents.js";
import type { Followed, Following } from "./follow.js";

/** How steps are cut: a first segment and `later` ones, of `length` steps each, the last one perhaps of fewer. */
export interface Cut {
  readonly length: Poly;
  readonly later: Poly;
}

/** A followed value as the segments hold it: axes [segment, its own], the time axis counted from the segment's begin. */
interface Copy extends Extent {
  readonly of: Followed;
  readonly id: ValueId;
  readonly size: Poly;
}

/** A place in a segment: its number, and entries by ordinal from its begin. */
interface Spot {
  readonly segment: Poly;
  readonly offset: Poly;
}

/**
 * The equations of the backward pass of a recurrence, segment by segment: what the steps computed is computed again
 * from the entries saved at the segment's begin, then the adjoints run over the segment against the steps.
 */
export class Segments {
  /** Entries of the forward pass that segments begin with. */
  readonly saved: ValueId[] = [];
  private readonly copies = new Map<ValueId, Copy>();
  /** In the order of one segment. */
  private readonly items: Item[] = [];
  private readonly members: ValueId[] = [];

  constructor(
    private readonly work: Workspace,
    private readonly following: Following,
    private readonly extents: ReadonlyMap<ValueId, Extent>,
    private readonly cut: Cut,
    private readonly name: string,
  ) {
    this.count = cut.later.add(1);
  }
  private readonly count: Poly;

  /** The recurrence over the segments, from the last one to the first. */
  build(): RecurrenceGroup {
    const list = [...this.following.followed.values()].filter((one) => this.extents.has(one.id));
    for (const one of list) if (one.axis !== null) this.reserve(one);
    const again = list.filter((one) => one.phase === "forward");
    const backward = list.filter((one) => one.phase === "backward");
    this.emit(again, (one) => this.again(one));
    this.emit(backward, (one) => (one.axis === null ? this.sum(one) : this.backward(one)));
    const time = new Map(this.members.map((id) => [id, { axis: 0, shift: 0 }]));
    return {
      kind: "recurrence",
      name: this.name,
      lo: Poly.constant(0),
      hi: this.count,
      direction: -1,
      time,
      items: this.items,
      checkpoint: "auto",
    };
  }

  /** Values one after the other, those of a recurrence as one within the segment. */
  private emit(list: readonly Followed[], make: (one: Followed) => Made): void {
    for (let k = 0; k < list.length;) {
      const first = list[k];
      const group = first?.group ?? null;
      const size = group ? list.slice(k).findIndex((one) => one.group !== group) : 1;
      const part = list.slice(k, size < 0 ? undefined : k + size);
      const made = part.map(make);
      this.members.push(...made.flatMap((m) => [...m.parts, m.id, ...m.after]));
      if (group && first) this.items.push(this.inner(part, made, first.phase));
      else this.items.push(...made.flatMap((m) => [...m.parts, m.id]));
      this.items.push(...made.flatMap((m) => m.after));
      k += part.length;
    }
  }

  /** The steps of a recurrence within the segment. */
  private inner(of: readonly Followed[], made: readonly Made[], phase: Followed["phase"]): RecurrenceGroup {
    const isBackward = phase === "backward";
    const time = new Map<ValueId, { axis: number; shift: number }>();
    for (const [k, { id, parts }] of made.entries()) {
      const copy = this.copyOf(of[k]?.id ?? id);
      const at = { axis: (copy.of.axis ?? 0) + 1, shift: copy.low };
      for (const member of [...parts, id]) time.set(member, at);
    }
    const further = isBackward ? 0 : Math.max(...of.map((one) => this.copyOf(one.id).high));
    return {
      kind: "recurrence",
      name: `${this.name}_${isBackward ? "back" : "again"}`,
      lo: Poly.constant(0),
      hi: this.cut.length.add(further),
      direction: isBackward ? -1 : 1,
      time,
      items: made.flatMap((m) => [...m.parts, m.id]),
      checkpoint: "auto",
    };
  }

  private copyOf(id: ValueId): Copy {
    const found = this.copies.get(id);
    invariant(found, "a copy of what follows the steps");
    return found;
  }

  private reserve(of: Followed): void {
    const { low, high } = this.extents.get(of.id) ?? { low: 0, high: 0 };
    const size = this.cut.length.add(low + high);
    this.copies.set(of.id, { of, id: this.work.reserve(), low, high, size });
  }

  /** The ordinal of a spot. */
  private ordinal({ segment, offset }: Spot): Poly {
    return segment.mul(this.cut.length).add(offset);
  }

  /** An equation's indices made new, the one that runs with the steps at a spot. */
  private moved({ equation, index }: Followed, at: Spot): Moved {
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

  /** A value that ran with the steps, once more. */
  private again(one: Followed): Made {
    const copy = this.copyOf(one.id);
    const frame = this.frame(copy);
    const exists = this.exists(one, frame.moved.coordinate);
    if (one.group === null || copy.low === 0) return this.whole(frame, exists, null);
    const segment = Poly.index(frame.segment);
    const isSaved = and(
      compare("lt", indexValue(Poly.index(frame.place)), constant(copy.low, "i32")),
      compare("lt", constant(0, "i32"), indexValue(segment)),
    );
    let entry: Expr | null = null;
    for (let k = copy.low - 1; k >= 0; k--) {
      const saved = read(
        this.save(copy, k),
        [segment.sub(1), ...this.others(frame)],
        this.work.value(one.id).dtype,
      );
      entry = entry ? select(this.isAt(frame, Poly.constant(k)), saved, entry) : saved;
    }
    return this.whole(frame, exists, entry && { condition: isSaved, value: entry });
  }

  /** Of each segment but the first, an entry that lies so far from its first place: taken from the forward pass. */
  private save(copy: Copy, k: number): ValueId {
    const { of } = copy;
    const value = this.work.value(of.id);
    const names = this.work.axisNames(of.id);
    const axes = value.shape.map((size, axis) =>
      axis === of.axis ? null : freshIndex(names[axis] ?? "i", size),
    );
    const segment = freshIndex(this.name, this.cut.later);
    const ordinal = this.ordinal({
      segment: Poly.index(segment).add(1),
      offset: Poly.constant(of.shift - copy.low + k),
    });
    const coordinate = this.following.steps.coordinate(ordinal);
    const entry = read(
      of.id,
      axes.map((a) => (a ? Poly.index(a) : coordinate)),
      value.dtype,
    );
    // Longer ago than the first entry of all.
    const mayLack = copy.low - k > (of.before ?? 0) + 1;
    const body = mayLack ? select(this.exists(of, coordinate), entry, constant(0, value.dtype)) : entry;
    const all = [segment, ...axes.filter((a) => a !== null)];
    const id = this.work.equation(`${value.name}.saved`, value.dtype, all, null, body, value);
    this.saved.push(id);
    return id;
  }

  /** An adjoint, or what is computed from adjoints. */
  private backward(one: Followed): Made {
    const copy = this.copyOf(one.id);
    const frame = this.frame(copy);
    const segment = Poly.index(frame.segment);
    let exists = this.exists(one, frame.moved.coordinate);
    if (copy.low > 0) {
      const isFirst = compare("eq", indexValue(segment), constant(0, "i32"));
      const isStep = compare("le", constant(copy.low, "i32"), indexValue(Poly.index(frame.place)));
      exists = and(call("or", [isStep, isFirst], "bool"), exists);
    }
    if (copy.high === 0) return this.whole(frame, exists, null);
    const { dtype, name } = this.work.value(one.id);
    const above = this.cut.length.add(copy.low);
    const isNext = and(
      compare("le", indexValue(above), indexValue(Poly.index(frame.place))),
      compare("lt", indexValue(segment), indexValue(this.cut.later)),
    );
    let entry: Expr | null = null;
    const carried: ValueId[] = [];
    for (let k = copy.high - 1; k >= 0; k--) {
      const id = this.work.reserve();
      carried.push(id);
      const value = read(id, [segment.add(1), ...this.others(frame)], dtype);
      entry = entry ? select(this.isAt(frame, above.add(k)), value, entry) : value;
    }
    const made = this.whole(frame, exists, entry && { condition: isNext, value: entry });
    carried.reverse().forEach((id, k) => {
      const own = freshIndex(this.name, this.count);
      const axes = frame.axes.map((a) => (a === frame.place ? null : freshIndex(a.name, a.hi)));
      const at = axes.map((a) => (a ? Poly.index(a) : Poly.constant(copy.low + k)));
      const body = read(copy.id, [Poly.index(own), ...at], dtype);
      const all = [own, ...axes.filter((a) => a !== null)];
      this.work.equation(`${name}.first`, dtype, all, null, body, this.work.value(one.id), id);
    });
    return { ...made, after: carried };
  }

  /** A sum over the steps: the segment's part, and what has been summed so far. */
  private sum(one: Followed): Made {
    const value = this.work.value(one.id);
    const segment = freshIndex(this.name, this.count);
    const [low, high] = [one.before ?? 0, one.after ?? 0];
    const step = freshIndex(one.index.name, this.cut.length.add(high), -low);
    const at = { segment: Poly.index(segment), offset: Poly.index(step).add(one.shift) };
    const { axes, operator, body, coordinate } = this.moved(one, at);
    const isFirst = compare("eq", indexValue(at.segment), constant(0, "i32"));
    const isLast = compare("eq", indexValue(at.segment), indexValue(this.cut.later));
    const number = indexValue(Poly.index(step));
    let guard = within(coordinate, one.index.lo, one.index.hi);
    if (low > 0) guard = and(call("or", [compare("le", constant(0, "i32"), number), isFirst], "bool"), guard);
    if (high > 0)
      guard = and(call("or", [compare("lt", number, indexValue(this.cut.length)), isLast], "bool"), guard);
    const own = axes.filter((a) => a !== null);
    invariant(operator?.kind === "reduce", "a sum over steps");
    const part = this.work.equation(
      `${value.name}.part`,
      value.dtype,
      [segment, ...own],
      {
        ...operator,
        indices: [step, ...operator.indices],
        guard: and(guard, operator.guard ?? TRUE),
      },
      body,
      value,
    );
    const running = this.work.reserve();
    const row = freshIndex(this.name, this.count);
    const places = own.map((a) => freshIndex(a.name, a.hi));
    const points = places.map((a) => Poly.index(a));
    const later = read(running, [Poly.index(row).add(1), ...points], value.dtype);
    const isMore = compare("lt", indexValue(Poly.index(row)), indexValue(this.cut.later));
    this.work.equation(
      `${value.name}.running`,
      value.dtype,
      [row, ...places],
      null,
      add(
        read(part, [Poly.index(row), ...points], value.dtype),
        select(isMore, later, constant(0, value.dtype)),
      ),
      value,
      running,
    );
    this.sums.set(one.id, running);
    return { id: running, parts: [part], after: [] };
  }
  private readonly sums = new Map<ValueId, ValueId>();

  /** The axes of a copy, and the equation's body over them. */
  private frame(copy: Copy): Frame {
    const segment = freshIndex(this.name, this.count);
    const place = freshIndex(copy.of.index.name, copy.size);
    const offset = Poly.index(place).add(copy.of.shift - copy.low);
    const moved = this.moved(copy.of, { segment: Poly.index(segment), offset });
    return { copy, segment, place, moved, axes: moved.axes.map((a) => a ?? place) };
  }
  private others({ axes, place }: Frame): Poly[] {
    return axes.filter((a) => a !== place).map((a) => Poly.index(a));
  }
  private isAt({ place }: Frame, at: Poly): Expr {
    return compare("eq", indexValue(Poly.index(place)), indexValue(at));
  }
  private exists({ index }: Followed, coordinate: Poly): Expr {
    return within(coordinate, index.lo, index.hi);
  }

  /** The value of a copy: what is there from another segment, else the equation where the entry exists, else 0. */
  private whole(
    { copy, segment, axes, moved: { operator, body } }: Frame,
    exists: Expr,
    other: { readonly condition: Expr; readonly value: Expr } | null,
  ): Made {
    const value = this.work.value(copy.of.id);
    const name = `${value.name}.${copy.of.phase === "forward" ? "again" : "segment"}`;
    const all = [segment, ...axes];
    const zero = constant(0, value.dtype);
    const define = (label: string, o: Operator | null, e: Expr, id?: ValueId): ValueId =>
      this.work.equation(label, value.dtype, all, o, e, value, id);
    if (!operator) {
      const own = select(exists, body, zero);
      define(name, null, other ? select(other.condition, other.value, own) : own, copy.id);
      return { id: copy.id, parts: [], after: [] };
    }
    const condition = other ? and(call("not", [other.condition], "bool"), exists) : exists;
    const isReduced = operator.kind === "reduce";
    const guarded = isReduced ? { ...operator, guard: and(condition, operator.guard ?? TRUE) } : operator;
    const inner = isReduced ? body : select(exists, body, constant(0, body.dtype));
    if (!other) {
      define(name, guarded, inner, copy.id);
      return { id: copy.id, parts: [], after: [] };
    }
    const part = define(`${name}.own`, guarded, inner);
    const places = all.map((a) => freshIndex(a.name, a.hi));
    const to = new Map(all.map((a, k) => [a, Poly.index(places[k] ?? a)]));
    const { expr } = rewriter({ index: (i) => to.get(i) });
    const own = read(
      part,
      places.map((p) => Poly.index(p)),
      value.dtype,
    );
    this.work.equation(
      name,
      value.dtype,
      places,
      null,
      select(expr(other.condition), expr(other.value), own),
      value,
      copy.id,
    );
    return { id: copy.id, parts: [part], after: [] };
  }

  /** What the rest of the program reads, under the ids that it knows: the results of sums, and entries by their coordinate. */
  results(): ValueId[] {
    const made: ValueId[] = [];
    for (const [id, running] of this.sums) {
      this.redefine(id, (axes) =>
        read(running, [Poly.constant(0), ...axes.map((a) => Poly.index(a))], this.work.value(id).dtype),
      );
      made.push(id);
    }
    for (const copy of this.copies.values()) {
      if (copy.of.phase === "forward") continue;
      this.redefine(copy.of.id, (axes) => this.entry(copy, axes));
      made.push(copy.of.id);
    }
    return made;
  }
  private redefine(id: ValueId, body: (axes: readonly Index[]) => Expr): void {
    const value = this.work.value(id);
    const axes = this.work.axesFor(value.shape, this.work.axisNames(id));
    const definition: Equation = { kind: "equation", axes, operator: null, body: body(axes) };
    this.work.values.set(id, { ...value, definition });
  }
  /** An entry by its coordinate: those that no step makes belong to the first segment or the last. */
  private entry(copy: Copy, axes: readonly Index[]): Expr {
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

interface Made {
  readonly id: ValueId;
  /** What it reads in the same step, computed just before. */
  readonly parts: readonly ValueId[];
  /** What the next segment takes over. */
  readonly after: readonly ValueId[];
}
interface Moved {
  /** null: that of the steps. */
  readonly axes: readonly (Index | null)[];
  readonly coordinate: Poly;
  readonly operator: Operator | null;
  readonly body: Expr;
}
interface Frame {
  readonly copy: Copy;
  readonly segment: Index;
  readonly place: Index;
  readonly moved: Moved;
  readonly axes: readonly Index[];
}
