import type { ReadExpr, ValueId } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Run, RunAxis } from "../ir/arrange.js";
import type { Derivative, RecurrenceGroup, Value } from "../ir/program.js";
import { activeReads } from "../ir/activity.js";
import type { Workspace } from "./workspace.js";

/**
 * The equations of one step of a recurrence, as a derivative within it sees them: a member counts with the entry that
 * the step makes, the variable with the entry that the derivative is for, what stands outside of the recurrence with
 * the entry that the step reads first; other entries are given.
 */
export class Step {
  readonly run: Run;
  private readonly counted = new Map<ValueId, Pick<RunAxis, "axis" | "shift">>();

  /** `seed` is the axis of the derivative itself along the run, one of its batch axes. */
  constructor(
    work: Workspace,
    active: ReadonlySet<ValueId>,
    { of, wrt, aligned }: Pick<Derivative, "of" | "wrt" | "aligned">,
    readonly seed: RunAxis,
  ) {
    const { run } = seed;
    this.run = run;
    const pair = aligned.find((a) => a.batch === seed.axis);
    if (pair) this.counted.set(wrt, { axis: pair.axis, shift: seed.shift + pair.offset });
    if (of !== wrt) this.counted.set(of, seed);
    const pending = [of];
    for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
      const mine = this.counted.get(id);
      if (!mine || id === wrt) continue;
      const value = work.value(id);
      for (const [source, found] of placesIn(
        value,
        { axis: mine.axis, offset: mine.shift },
        active,
        new Around(),
      )) {
        if (this.counted.has(source)) continue;
        const own =
          work.runsOf(source).find((r) => r.run === run) ??
          (found && { axis: found.axis, shift: found.offset });
        if (own) this.counted.set(source, own);
        pending.push(source);
      }
    }
  }

  /** The counted entry of a value; undefined for what has no axis along the steps. */
  of(id: ValueId): Pick<RunAxis, "axis" | "shift"> | undefined {
    return this.counted.get(id);
  }

  /** Whether a read in a value's equation is of the counted entry. */
  follows(reader: Value, node: ReadExpr): boolean {
    const mine = this.of(reader.id);
    const theirs = this.of(node.value);
    if (!mine || !theirs || reader.definition.kind !== "equation") return true;
    const index = reader.definition.axes[mine.axis];
    const subscript = node.subscripts[theirs.axis];
    return index !== undefined && subscript?.sub(Poly.index(index)).constant === theirs.shift - mine.shift;
  }
}

/** A step that only the direction of a derivative has: every adjoint and tangent has an axis for it, in the batch. */
export interface BatchStep {
  readonly run: Run;
  readonly batch: number;
  readonly shift: number;
}

/** The steps of recurrences that a derivative stands in, outermost first. */
export class Around {
  readonly steps: readonly Step[];
  constructor(private readonly all: readonly (Step | BatchStep)[] = []) {
    this.steps = all.filter((part) => part instanceof Step);
  }
  /** Axes along these steps of a value's adjoint or tangent, which has `batch` axes in front of its own. */
  axes(id: ValueId, batch: number): RunAxis[] {
    return this.all.flatMap((part) => {
      if (!(part instanceof Step)) return [{ run: part.run, axis: part.batch, shift: part.shift }];
      const own = part.of(id);
      return own ? [{ run: part.run, axis: own.axis + batch, shift: own.shift }] : [];
    });
  }
  /** The axes along which recurrences run whole within one of these steps. */
  within(id: ValueId, work: Workspace): RunAxis[] {
    return work.runsOf(id).filter(({ axis }) => !this.steps.some((step) => step.of(id)?.axis === axis));
  }
  /** Whether only one entry of each member counts, so that there is nothing to run over. */
  isAlong(group: RecurrenceGroup): boolean {
    return [...group.time].some(([id, { axis }]) => this.steps.some((step) => step.of(id)?.axis === axis));
  }
  /** Whether a read in a value's equation is of the entries that count. */
  follows(reader: Value, node: ReadExpr): boolean {
    return this.steps.every((step) => step.follows(reader, node));
  }
}

/**
 * Whether each point of the aligned batch axes depends on the variable's entries at that point only, so that all
 * points can be differentiated together: every active read hands the batch index on at one place.
 */
export function isAligned(
  work: Workspace,
  active: ReadonlySet<ValueId>,
  { of, wrt, aligned }: Pick<Derivative, "of" | "wrt" | "aligned">,
  around: Around,
): boolean {
  return aligned.every(({ batch, axis, offset }) => {
    if (around.steps.some((step) => step.seed.axis === batch)) return true;
    const places = new Map<ValueId, { axis: number; offset: number }>([[of, { axis: batch, offset: 0 }]]);
    const pending = [of];
    for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
      const place = places.get(id);
      const value = work.value(id);
      if (!place || id === wrt) continue;
      for (const [source, found] of placesIn(value, place, active, around)) {
        if (!found) return false;
        const known = places.get(source);
        if (source === wrt) {
          if (found.axis !== axis || found.offset !== offset) return false;
        } else if (known && (known.axis !== found.axis || known.offset !== found.offset)) return false;
        if (known) continue;
        places.set(source, found);
        pending.push(source);
      }
    }
    return true;
  });
}

/** Where the batch index arrives in each active value that a value is computed from; undefined where it does not. */
function placesIn(
  value: Value,
  place: { readonly axis: number; readonly offset: number },
  active: ReadonlySet<ValueId>,
  around: Around,
): [ValueId, { axis: number; offset: number } | undefined][] {
  const { definition } = value;
  if (definition.kind === "reshape") return active.has(definition.of) ? [[definition.of, undefined]] : [];
  if (definition.kind === "custom")
    return definition.args.filter((a) => active.has(a)).map((a) => [a, undefined]);
  if (definition.kind !== "equation") return [];
  const index = definition.axes[place.axis];
  const { operator } = definition;
  const mixes = operator?.kind === "along" && operator.index === index;
  return activeReads(definition.body)
    .filter((node) => active.has(node.value) && around.follows(value, node))
    .map((node) => {
      if (!index || mixes) return [node.value, undefined];
      const candidates = node.subscripts.flatMap((s, axis) => {
        const distance = s.sub(Poly.index(index)).constant;
        return distance === undefined ? [] : [{ axis, offset: place.offset + distance }];
      });
      return [node.value, candidates[0]];
    });
}
