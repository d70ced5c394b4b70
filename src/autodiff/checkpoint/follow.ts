import { equationOf } from "../../ir/equation.js";
import type { Index, ReadExpr, ValueId } from "../../ir/expr.js";
import { idsOf } from "../../ir/items.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Item, Program, RecurrenceGroup } from "../../ir/program.js";
import { keepReachable, mentions, readsOfEquation } from "../../ir/reach.js";
import { Steps } from "../../ir/steps.js";

/**
 * A value that goes along with the steps of a recurrence: each of its entries along one axis (or each term of a sum)
 * reads entries of the others at constant distances, so that it can be computed while the steps run.
 */
export interface Followed {
  readonly id: ValueId;
  readonly equation: Equation;
  /** The index that runs with the steps, an axis or what is summed over. */
  readonly index: Index;
  /** The axis of that index; null for a sum over the steps. */
  readonly axis: number | null;
  /** The entry of ordinal k is computed at step k - shift. */
  readonly shift: number;
  /** Entries that come before those of the steps, and after them, by ordinal. */
  readonly before: number | undefined;
  readonly after: number | undefined;
  /** In the order of the steps, or against it after they have run. */
  readonly phase: "forward" | "backward";
  /** The recurrence that it belongs to, if any. */
  readonly group: RecurrenceGroup | null;
}

/** What a value that does not follow depends on: nothing of the recurrence, what it gives, or what is computed backwards. */
type Level = 0 | 1 | 2;

export interface Following {
  readonly steps: Steps;
  readonly followed: ReadonlyMap<ValueId, Followed>;
  /** Of the items that do not follow. */
  readonly levelOf: (item: Item) => Level;
}

/** What goes along with the steps of `group`; null where its own members do not. */
export function following(program: Program, group: RecurrenceGroup): Following | null {
  const follower = new Follower(program, group);
  if (!follower.takesGroup(group, "forward")) return null;
  const at = program.items.indexOf(group);
  program.items.forEach((item, k) => {
    if (k > at) follower.place(item);
  });
  const { steps, followed } = follower;
  return { steps, followed, levelOf: (item) => follower.level(idsOf(item)) };
}

/** A read of what follows, at the reader's index plus an offset (of ordinals). */
interface Near {
  readonly of: Followed;
  readonly offset: number;
}

class Follower {
  readonly steps: Steps;
  readonly followed = new Map<ValueId, Followed>();
  private readonly levels = new Map<ValueId, Level>();
  /** What the forward pass is for; the rest is of use to gradients alone. */
  private readonly wanted: ReadonlySet<ValueId>;

  constructor(
    private readonly program: Program,
    group: RecurrenceGroup,
  ) {
    this.steps = new Steps(group);
    const forward = program.items.flatMap((item) =>
      typeof item !== "number" && item.direction === group.direction ? idsOf(item) : [],
    );
    const results = [...program.outputs, ...program.stateUpdates].map((r) => r.value);
    this.wanted = new Set(keepReachable(program, [...results, ...forward]).items.flatMap(idsOf));
  }

  level(ids: readonly ValueId[]): Level {
    return ids.reduce<Level>((most, id) => larger(most, this.levels.get(id) ?? 0), 0);
  }

  place(item: Item): void {
    const ids = idsOf(item);
    const base = this.baseLevel(ids);
    const follows = typeof item === "number" ? this.takesValue(item, base) : this.takesLaterGroup(item, base);
    if (follows) return;
    const whole = ids.flatMap((id) => this.mentioned(id)).flatMap((id) => this.followed.get(id) ?? []);
    const read = whole.reduce<Level>((most, f) => larger(most, f.phase === "forward" ? 1 : 2), base);
    for (const id of ids) this.levels.set(id, read);
  }

  /** By what does not follow, and by fixed entries of what does. */
  private baseLevel(ids: readonly ValueId[]): Level {
    let most = this.level(ids.flatMap((id) => this.mentioned(id)));
    for (const id of ids)
      for (const node of this.readsOf(id)) {
        const of = this.followed.get(node.value);
        if (of && isFixed(node, of)) most = larger(most, of.phase === "forward" ? 1 : 2);
      }
    return most;
  }

  private mentioned(id: ValueId): readonly ValueId[] {
    const definition = this.program.values.get(id)?.definition;
    return definition ? mentions(definition) : [];
  }
  private readsOf(id: ValueId): readonly ReadExpr[] {
    const equation = equationOf(this.program, id);
    return equation ? readsOfEquation(equation) : [];
  }

  /** The reads of what follows but for fixed entries, all along one index; null where they are not so. */
  private near(id: ValueId, own: ReadonlySet<ValueId> = new Set()): { index: Index; reads: Near[] } | null {
    let index: Index | undefined;
    const reads: Near[] = [];
    const equation = equationOf(this.program, id);
    for (const other of this.mentioned(id)) if (!equation && this.followed.has(other)) return null;
    for (const node of this.readsOf(id)) {
      const of = own.has(node.value) ? undefined : this.followed.get(node.value);
      if (!of || isFixed(node, of)) continue;
      const subscript = node.subscripts[of.axis ?? -1];
      const [running, ...others] = subscript ? [...subscript.indices] : [];
      const offset = running && subscript?.sub(Poly.index(running)).constant;
      if (!running || others.length || offset === undefined || (index && index !== running)) return null;
      index = running;
      reads.push({ of, offset: offset * this.steps.direction });
    }
    return index ? { index, reads } : null;
  }

  private takesValue(id: ValueId, base: Level): boolean {
    const equation = equationOf(this.program, id);
    const near = this.near(id);
    if (!equation || !near || base === 2) return false;
    const { operator, axes } = equation;
    const { index, reads } = near;
    const position = axes.indexOf(index);
    const axis = position < 0 ? null : position;
    if (operator?.kind === "along" && operator.index === index) return false;
    if (axis === null && !(operator?.kind === "reduce" && operator.reducer === "sum")) return false;
    const backwards = reads.filter((n) => n.of.phase === "backward");
    const isForward = backwards.length === 0 && base === 0 && this.wanted.has(id);
    const phase = isForward ? "forward" : "backward";
    const earliest = (list: readonly Near[]): number[] => list.map(({ of, offset }) => of.shift - offset);
    const shift = backwards.length > 0 ? Math.max(...earliest(backwards)) : Math.min(...earliest(reads));
    // A sum's terms become entries, which count from 0.
    if (axis === null && index.lo.constant === undefined) return false;
    return this.take({ id, equation, index, axis, shift, phase, group: null }, index.lo, index.hi);
  }

  private take(one: Omit<Followed, "before" | "after">, lo: Poly, hi: Poly): boolean {
    const [first, end] = this.steps.ordinals(lo, hi);
    const before = Poly.constant(one.shift).sub(first).constant;
    const after = end.sub(this.steps.count).sub(one.shift).constant;
    if (one.phase === "backward" && (before === undefined || after === undefined)) return false;
    // The last steps would make entries that there are not.
    if (one.axis !== null && after !== undefined && after < 0) return false;
    if (one.group && before === undefined) return false;
    this.followed.set(one.id, {
      ...one,
      before: before && Math.max(0, before),
      after: after && Math.max(0, after),
    });
    return true;
  }

  private takesLaterGroup(group: RecurrenceGroup, base: Level): boolean {
    if (base === 2) return false;
    const ids = idsOf(group);
    const own = new Set(ids);
    const isBackward = group.direction !== this.steps.direction;
    const reads = ids.map((id) => this.near(id, own)?.reads ?? []).flat();
    // An adjoint may read nothing of its primal's steps, and still is what sums over both read.
    if (reads.length === 0 && !(isBackward && base > 0)) return false;
    const phase = base > 0 || reads.some((n) => n.of.phase === "backward") ? "backward" : "forward";
    // One whose entries are all to be kept runs by itself.
    if (!isBackward && group.checkpoint === "none") return false;
    return isBackward === (phase === "backward") && this.takesGroup(group, phase);
  }

  /** A recurrence over the same steps, or the same but a constant further; all of its members or none. */
  takesGroup(group: RecurrenceGroup, phase: Followed["phase"]): boolean {
    const further = group.lo.sub(this.steps.lo).constant;
    if (further === undefined || group.hi.sub(this.steps.hi).constant !== further) return false;
    const own = new Set(idsOf(group));
    const taken: ValueId[] = [];
    const takes = (item: Item): boolean => {
      const equation = typeof item === "number" ? equationOf(this.program, item) : null;
      const time = typeof item === "number" ? group.time.get(item) : undefined;
      const index = time && equation?.axes[time.axis];
      if (typeof item !== "number" || !equation || !time || !index) return false;
      const shift = (time.shift + further) * this.steps.direction;
      const { operator } = equation;
      if (operator?.kind === "along" && operator.index === index) return false;
      const near = this.near(item, own);
      if (!near && this.mentioned(item).some((id) => this.isReadAlong(item, id, own))) return false;
      if (near && near.index !== index) return false;
      const inOrder = (near?.reads ?? []).every(({ of, offset }) =>
        of.phase !== phase
          ? true
          : phase === "forward"
            ? shift <= of.shift - offset
            : shift >= of.shift - offset,
      );
      if (!inOrder) return false;
      // Fixed entries of its own are not there while another segment runs.
      for (const node of this.readsOf(item)) {
        const subscript = own.has(node.value) && node.subscripts[group.time.get(node.value)?.axis ?? -1];
        if (subscript && subscript.sub(Poly.index(index)).constant === undefined) return false;
      }
      taken.push(item);
      return this.take(
        { id: item, equation, index, axis: time.axis, shift, phase, group },
        index.lo,
        index.hi,
      );
    };
    if (group.items.every(takes)) return true;
    for (const id of taken) this.followed.delete(id);
    return false;
  }
  private isReadAlong(reader: ValueId, id: ValueId, own: ReadonlySet<ValueId>): boolean {
    const of = own.has(id) ? undefined : this.followed.get(id);
    return of !== undefined && this.readsOf(reader).some((n) => n.value === id && !isFixed(n, of));
  }
}

const larger = (a: Level, b: Level): Level => (a > b ? a : b);

/** Whether the read names one entry, whatever the step; a sum's result has no steps. */
function isFixed(node: ReadExpr, { axis }: Followed): boolean {
  const subscript = axis === null ? undefined : node.subscripts[axis];
  return !subscript || (subscript.indices.size === 0 && !subscript.hasOpaque);
}
