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
import type { Equation, Item, Operator, RecurrenceGroup, TimeAxis } from "../../ir/program.js";
import type { Workspace } from "../workspace.js";
import type { Extent } from "./extents.js";
import type { Followed, Following } from "./follow.js";
import { Placement, type Copy, type Cut, type Frame } from "./placement.js";

/**
 * The equations of the backward pass of a recurrence, segment by segment: what the steps computed is computed again
 * from the entries saved at the segment's begin, then the adjoints run over the segment against the steps.
 */
export class Segments {
  /** Entries of the forward pass that segments begin with. */
  readonly saved: ValueId[] = [];
  private readonly places: Placement;
  /** In the order of one segment. */
  private readonly items: Item[] = [];
  private readonly members: ValueId[] = [];
  /** The running sum of each value that is summed over segments. */
  private readonly sums = new Map<ValueId, ValueId>();

  constructor(
    private readonly work: Workspace,
    private readonly following: Following,
    private readonly extents: ReadonlyMap<ValueId, Extent>,
    private readonly cut: Cut,
    private readonly name: string,
  ) {
    this.places = new Placement(work, following, cut, name);
  }

  /** The recurrence over the segments, from the last one to the first. */
  build(): RecurrenceGroup {
    const list = [...this.following.followed.values()].filter((one) => this.extents.has(one.id));
    for (const one of list)
      if (one.axis !== null) this.places.reserve(one, this.extents.get(one.id) ?? { low: 0, high: 0 });
    const again = list.filter((one) => one.phase === "forward");
    const backward = list.filter((one) => one.phase === "backward");
    this.emit(again, (one) => this.again(one));
    this.emit(backward, (one) => (one.axis === null ? this.sum(one) : this.backward(one)));
    const time = new Map(this.members.map((id) => [id, { axis: 0, shift: 0 }]));
    return {
      kind: "recurrence",
      name: this.name,
      lo: Poly.constant(0),
      hi: this.places.count,
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
    const time = new Map<ValueId, TimeAxis>();
    for (const [k, { id, parts }] of made.entries()) {
      const copy = this.places.copyOf(of[k]?.id ?? id);
      const at = { axis: (copy.of.axis ?? 0) + 1, shift: copy.low };
      for (const member of [...parts, id]) time.set(member, at);
    }
    const further = isBackward ? 0 : Math.max(...of.map((one) => this.places.copyOf(one.id).high));
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

  /** A value that ran with the steps, once more. */
  private again(one: Followed): Made {
    const copy = this.places.copyOf(one.id);
    const frame = this.places.frame(copy);
    const exists = this.places.exists(one, frame.moved.coordinate);
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
        [segment.sub(1), ...this.places.others(frame)],
        this.work.value(one.id).dtype,
      );
      entry = entry ? select(this.places.isAt(frame, Poly.constant(k)), saved, entry) : saved;
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
    const ordinal = this.places.ordinal({
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
    const body = mayLack
      ? select(this.places.exists(of, coordinate), entry, constant(0, value.dtype))
      : entry;
    const all = [segment, ...axes.filter((a) => a !== null)];
    const id = this.work.equation(`${value.name}.saved`, value.dtype, all, null, body, value);
    this.saved.push(id);
    return id;
  }

  /** An adjoint, or what is computed from adjoints. */
  private backward(one: Followed): Made {
    const copy = this.places.copyOf(one.id);
    const frame = this.places.frame(copy);
    const segment = Poly.index(frame.segment);
    let exists = this.places.exists(one, frame.moved.coordinate);
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
      const value = read(id, [segment.add(1), ...this.places.others(frame)], dtype);
      entry = entry ? select(this.places.isAt(frame, above.add(k)), value, entry) : value;
    }
    const made = this.whole(frame, exists, entry && { condition: isNext, value: entry });
    carried.reverse().forEach((id, k) => {
      const own = freshIndex(this.name, this.places.count);
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
    const segment = freshIndex(this.name, this.places.count);
    const [low, high] = [one.before ?? 0, one.after ?? 0];
    const step = freshIndex(one.index.name, this.cut.length.add(high), -low);
    const at = { segment: Poly.index(segment), offset: Poly.index(step).add(one.shift) };
    const { axes, operator, body, coordinate } = this.places.moved(one, at);
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
    const row = freshIndex(this.name, this.places.count);
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
    for (const copy of this.places.all()) {
      if (copy.of.phase === "forward") continue;
      this.redefine(copy.of.id, (axes) => this.places.entry(copy, axes));
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
  /** The first entry of an adjoint, read at a fixed place, is the first segment's. */
  firstEntry(node: ReadExpr): Expr | undefined {
    return this.places.firstEntry(node);
  }
}

interface Made {
  readonly id: ValueId;
  /** What it reads in the same step, computed just before. */
  readonly parts: readonly ValueId[];
  /** What the next segment takes over. */
  readonly after: readonly ValueId[];
}
