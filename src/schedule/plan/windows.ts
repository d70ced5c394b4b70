import { readsOfEquation } from "../../ir/reach.js";
import type { ReadExpr, ValueId } from "../../ir/expr.js";
import { call, constant, freshIndex, indexValue } from "../../ir/expr.js";
import { idsOf } from "../../ir/items.js";
import { Poly } from "../../ir/poly.js";
import { Steps } from "../../ir/steps.js";
import type { Definition, Equation, Program } from "../../ir/program.js";
import { membersOf, type Coordinates } from "./nest.js";
import type { RecurrenceKernel } from "./step-follower.js";

/** An axis of a tensor in memory that holds the latest entries along an axis of its value. */
export interface Window {
  readonly axis: number;
  readonly entries: number;
  /** The place of a coordinate. */
  readonly place: (coordinate: Poly) => Poly;
}

/** So few entries are kept at most; more are no window but the tensor. */
const MOST = 8;

/**
 * The members of a recurrence of which only the latest entries are kept: within the kernel each is read at a constant
 * distance from its step, outside of it at its last entry alone. Entries take turns in as many places as the distance
 * asks for, the last one made in the first place.
 * @param roots values that the entry point shows
 * @param late members whose entries after the last step, if there are such, are computed
 */
export function windowsOf(
  kernel: RecurrenceKernel,
  program: Program,
  roots: ReadonlySet<ValueId>,
  late: ReadonlySet<ValueId>,
  readersOf: (id: ValueId) => readonly ValueId[],
): ReadonlyMap<ValueId, Window> {
  const { group } = kernel;
  const steps = new Steps(group);
  const computed = equationsOf(kernel, program);
  if (!computed) return new Map();
  const inside = new Set(kernel.members);
  const found = new Map<ValueId, Window>();
  const outside = (id: ValueId): Definition[] =>
    readersOf(id).flatMap((reader) => {
      const value = inside.has(reader) ? undefined : program.values.get(reader);
      return value ? [value.definition] : [];
    });
  const isReadLate = (id: ValueId): boolean =>
    readersOf(id).some((reader) => {
      const time = late.has(reader) ? group.time.get(reader) : undefined;
      const size = time && program.values.get(reader)?.shape[time.axis];
      return size && !steps.after(time.shift, size).isZero;
    });
  for (const id of idsOf(group)) {
    const time = group.time.get(id);
    const size = time && program.values.get(id)?.shape[time.axis];
    const last = time && steps.last(time.shift);
    if (!time || !size || !last || roots.has(id) || !readsLast(outside(id), id, time.axis, last)) continue;
    // What comes after the steps would take the last entry's place.
    const after = steps.after(time.shift, size);
    if (!after.isZero && outside(id).length > 0) continue;
    if (isReadLate(id)) continue;
    const furthest = furthestLag(kernel, computed, id, time.axis);
    const before = steps.before(time.shift, size);
    if (furthest === null || furthest + 1 > MOST) continue;
    const entries = furthest + 1;
    // Entries that no step makes are there at once; as many as the window holds, or some would be lost.
    if (before.constant === undefined || before.constant > entries) continue;
    if ((size.constant ?? entries + 1) <= entries) continue;
    const place = (coordinate: Poly): Poly => {
      const ago = group.direction === 1 ? last.sub(coordinate) : coordinate.sub(last);
      const known = ago.constant;
      if (known !== undefined) return Poly.constant(((known % entries) + entries) % entries);
      if (entries === 1) return Poly.constant(0);
      return Poly.opaque(call("mod", [indexValue(ago), constant(entries, "i32")], "i32"));
    };
    found.set(id, { axis: time.axis, entries, place });
  }
  return found;
}

/**
 * The members whose entries after the last step, which no step reads but at a fixed place, are of use to anyone.
 * @param isWanted whether a value is wanted outside of the kernel
 */
export function entriesAfterSteps(
  { group, members }: RecurrenceKernel,
  program: Program,
  isWanted: (id: ValueId) => boolean,
): ReadonlySet<ValueId> {
  const reads = members.flatMap((reader) => {
    const definition = program.values.get(reader)?.definition;
    return definition?.kind === "equation"
      ? readsOfEquation(definition).map((node) => ({ reader, node }))
      : [];
  });
  const isFixed = (node: ReadExpr): boolean => {
    const time = group.time.get(node.value);
    return time !== undefined && node.subscripts[time.axis]?.indices.size === 0;
  };
  const found = new Set(group.time.keys());
  for (const id of found)
    if (!isWanted(id) && !reads.some(({ node }) => node.value === id && isFixed(node))) found.delete(id);
  for (const id of found)
    for (const { reader, node } of reads)
      if (reader === id && group.time.has(node.value)) found.add(node.value);
  return found;
}

/** Whether all of these read the last entry. */
const readsLast = (readers: readonly Definition[], id: ValueId, axis: number, last: Poly): boolean =>
  readers.every(
    (definition) =>
      definition.kind === "equation" &&
      readsOfEquation(definition).every((n) => n.value !== id || n.subscripts[axis]?.equals(last)),
  );

/** What a kernel computes in each step, over one index of the steps. */
interface Computed {
  readonly step: Poly;
  readonly members: readonly { readonly equation: Equation; readonly at: Coordinates }[];
}
/** null where a member is no equation. */
function equationsOf({ group, nest }: RecurrenceKernel, program: Program): Computed | null {
  if (nest) return { step: Poly.index(nest.step.index), members: [...membersOf(nest.body)] };
  const step = Poly.index(freshIndex("step", group.hi, group.lo));
  const members = idsOf(group).flatMap((id) => {
    const equation = program.values.get(id)?.definition;
    const time = group.time.get(id);
    const index = time && equation?.kind === "equation" ? equation.axes[time.axis] : undefined;
    return equation?.kind === "equation" && time && index
      ? [{ equation, at: new Map([[index, step.add(time.shift)]]) }]
      : [];
  });
  return members.length === idsOf(group).length ? { step, members } : null;
}

/** How many steps after its making an entry is read at most within the kernel; null where that is not constant. */
function furthestLag(
  { group }: RecurrenceKernel,
  { step, members }: Computed,
  id: ValueId,
  axis: number,
): number | null {
  const time = group.time.get(id);
  if (!time) return null;
  const made = step.add(time.shift);
  let furthest = 0;
  for (const { equation, at } of members)
    for (const node of readsOfEquation(equation)) {
      if (node.value !== id) continue;
      const coordinate = node.subscripts[axis]?.substitute((atom) =>
        atom.kind === "index" ? at.get(atom.index) : undefined,
      );
      const lag = coordinate && made.sub(coordinate).scale(group.direction).constant;
      if (lag === undefined || lag < 0) return null;
      furthest = Math.max(furthest, lag);
    }
  return furthest;
}
