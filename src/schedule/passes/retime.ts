import { Poly } from "../../ir/poly.js";
import type { Index, ReadExpr, ValueId } from "../../ir/expr.js";
import { idsOf } from "../../ir/items.js";
import type { Equation, Item, Program, RecurrenceGroup } from "../../ir/program.js";
import { mentions, readsOfEquation, resultsOf } from "../../ir/reach.js";
import { Steps } from "../../ir/steps.js";
import { sizeEstimate } from "../axes.js";

/** So few numbers are carried in registers, and cost nothing. */
const REGISTERS = 16;
/** Longer recurrences stay as they are: every member is tried with all that it follows from. */
const MOST_MEMBERS = 400;

/**
 * Retiming (C. Leiserson and J. Saxe, Retiming Synchronous Circuitry, Algorithmica 6, 1991): members that a step begins
 * with, out of what the step before has made, move to that step's end where fewer numbers are carried then. So a state's
 * adjoint is added up where its parts are made, and it alone goes on to the next step.
 */
export function retimed(program: Program): Program {
  const items = program.items.map((item) =>
    typeof item === "number" ? item : new Retiming(program, item).run(),
  );
  return items.every((item, k) => item === program.items[k]) ? program : { ...program, items };
}

/** A read of one member by another. */
interface Edge {
  readonly from: ValueId;
  readonly to: ValueId;
  /** Steps between them as they stand; null where the read does not say. */
  readonly lag: number | null;
}

class Retiming {
  private readonly steps: Steps;
  private readonly members: ReadonlyMap<ValueId, Equation>;
  private readonly edges: readonly Edge[];
  /** Those that others read: they count as kept for all steps anyway. */
  private readonly kept: ReadonlySet<ValueId>;

  constructor(
    private readonly program: Program,
    private readonly group: RecurrenceGroup,
  ) {
    this.steps = new Steps(group);
    this.members = new Map(
      idsOf(group).flatMap((id) => {
        const definition = program.values.get(id)?.definition;
        return definition?.kind === "equation" ? [[id, definition]] : [];
      }),
    );
    this.edges = [...this.members].flatMap(([to, equation]) =>
      readsOfEquation(equation).flatMap((node) => this.edge(node, to, equation) ?? []),
    );
    this.kept = new Set([
      ...resultsOf(program),
      ...[...program.values.values()].flatMap((v) => (this.members.has(v.id) ? [] : mentions(v.definition))),
    ]);
  }

  run(): RecurrenceGroup {
    const { group, members } = this;
    if (group.items.some((i) => typeof i !== "number") || members.size > MOST_MEMBERS) return group;
    let moved: ReadonlySet<ValueId> = new Set();
    let least = this.carried(moved);
    if (least <= REGISTERS) return group;
    for (const id of members.keys()) {
      const set = new Set([...moved, ...this.before(id, moved)]);
      if (set.size === moved.size || !this.isLegal(set)) continue;
      const carried = this.carried(set);
      if (carried >= least) continue;
      least = carried;
      moved = set;
    }
    if (moved.size === 0) return group;
    const time = new Map(
      [...group.time].map(([id, run]) => [
        id,
        moved.has(id) ? { ...run, shift: run.shift + group.direction } : run,
      ]),
    );
    const isMoved = (item: Item): boolean => typeof item === "number" && moved.has(item);
    const items = [...group.items.filter((i) => !isMoved(i)), ...group.items.filter(isMoved)];
    return { ...group, time, items };
  }

  private edge(node: ReadExpr, to: ValueId, equation: Equation): Edge | null {
    const [source, own] = [this.group.time.get(node.value), this.group.time.get(to)];
    if (!source || !own) return null;
    const index: Index | undefined = equation.axes[own.axis];
    const far = index && node.subscripts[source.axis]?.sub(Poly.index(index)).constant;
    const lag = far === undefined ? null : this.group.direction * (source.shift - own.shift - far);
    return { from: node.value, to, lag };
  }

  /** A member and what it follows from within its step. */
  private before(id: ValueId, moved: ReadonlySet<ValueId>): ReadonlySet<ValueId> {
    const found = new Set([id]);
    for (const member of found)
      for (const { from, to, lag } of this.edges)
        if (to === member && lag === 0 && !moved.has(from)) found.add(from);
    return found;
  }

  /** Whether all that the set reads has been made a step earlier, and no entry falls outside. */
  private isLegal(set: ReadonlySet<ValueId>): boolean {
    const { group, program } = this;
    const isInside = [...set].every((id) => {
      const run = group.time.get(id);
      const size = run && program.values.get(id)?.shape[run.axis];
      return run !== undefined && size !== undefined && this.steps.fit(run.shift + group.direction, size);
    });
    return (
      isInside &&
      this.edges.every(({ from, to, lag }) =>
        set.has(to) ? lag !== null && (set.has(from) || lag >= 1) : !set.has(from) || this.hasNoBase(to),
      )
    );
  }
  /** Whether steps make all of its first entries: those beside the steps are made in the members' order, moved ones last. */
  private hasNoBase(id: ValueId): boolean {
    const run = this.group.time.get(id);
    const size = run && this.program.values.get(id)?.shape[run.axis];
    return run !== undefined && size !== undefined && this.steps.before(run.shift, size).isZero;
  }

  /** Numbers that steps leave to later ones, if a set is moved. */
  private carried(set: ReadonlySet<ValueId>): number {
    const furthest = new Map<ValueId, number>();
    for (const { from, to, lag } of this.edges) {
      if (lag === null) continue;
      const then = lag + (set.has(from) ? 1 : 0) - (set.has(to) ? 1 : 0);
      furthest.set(from, Math.max(furthest.get(from) ?? 0, then));
    }
    return [...furthest].reduce((n, [id, lag]) => n + (this.kept.has(id) ? 0 : lag * this.size(id)), 0);
  }
  private size(id: ValueId): number {
    const time = this.group.time.get(id)?.axis;
    const axes = this.members.get(id)?.axes ?? [];
    return axes.reduce((n, a, k) => (k === time ? n : n * sizeEstimate(a)), 1);
  }
}
