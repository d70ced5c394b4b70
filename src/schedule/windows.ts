import type { ValueId } from "../ir/expr.js";
import { call, constant, indexValue } from "../ir/expr.js";
import { idsOf } from "../ir/items.js";
import { Poly } from "../ir/poly.js";
import type { Program, RecurrenceGroup } from "../ir/program.js";
import { mentions } from "../ir/reach.js";
import type { Window } from "./emit.js";
import type { RecurrenceKernel } from "./group.js";
import { membersOf, readsOfEquation } from "./nest.js";

/** So few entries are kept at most; more are no window but the tensor. */
const MOST = 8;

/**
 * The members of a recurrence of which only the latest entries are kept: within the kernel each is read at a constant
 * distance from its step, outside of it at its last entry alone. Entries take turns in as many places as the distance
 * asks for, the last one made in the first place.
 * @param roots values that the entry point shows
 */
export function windowsOf(
  kernel: RecurrenceKernel,
  program: Program,
  roots: ReadonlySet<ValueId>,
): ReadonlyMap<ValueId, Window> {
  const { group, nest } = kernel;
  if (!nest) return new Map();
  const inside = new Set(kernel.members);
  const found = new Map<ValueId, Window>();
  for (const id of idsOf(group)) {
    const time = group.time.get(id);
    const size = time && program.values.get(id)?.shape[time.axis];
    const last = time && lastCoordinate(group, time.shift);
    if (!time || !size || !last || roots.has(id) || !isReadLast(program, id, time.axis, last, inside))
      continue;
    // What comes after the steps would take the last entry's place.
    const after = group.direction === 1 ? size.sub(group.hi).sub(time.shift) : group.lo.add(time.shift);
    const isRead = [...program.values.values()].some(
      (v) => !inside.has(v.id) && mentions(v.definition).includes(id),
    );
    if (!after.isZero && isRead) continue;
    const furthest = furthestLag(kernel, id, time.axis);
    const before = group.direction === 1 ? group.lo.add(time.shift) : size.sub(group.hi).sub(time.shift);
    if (furthest === null || furthest + 1 > MOST) continue;
    const entries = furthest + 1;
    // Entries that no step makes are there at once; as many as the window holds, or some would be lost.
    if (before.constant === undefined || before.constant > entries) continue;
    if ((size.constant ?? entries + 1) <= entries) continue;
    const place = (coordinate: Poly): Poly => {
      const ago = (group.direction === 1 ? last.sub(coordinate) : coordinate.sub(last)).add(0);
      const known = ago.constant;
      if (known !== undefined) return Poly.constant(((known % entries) + entries) % entries);
      if (entries === 1) return Poly.constant(0);
      return Poly.opaque(call("mod", [indexValue(ago), constant(entries, "i32")], "i32"));
    };
    found.set(id, { axis: time.axis, entries, place });
  }
  return found;
}

/** The coordinate that the last step makes. */
const lastCoordinate = (group: RecurrenceGroup, shift: number): Poly =>
  group.direction === 1 ? group.hi.add(shift - 1) : group.lo.add(shift);

/** Whether all readers outside of the kernel read the last entry. */
function isReadLast(
  program: Program,
  id: ValueId,
  axis: number,
  last: Poly,
  inside: ReadonlySet<ValueId>,
): boolean {
  for (const { id: reader, definition } of program.values.values()) {
    if (inside.has(reader) || !mentions(definition).includes(id)) continue;
    if (definition.kind !== "equation") return false;
    for (const node of readsOfEquation(definition))
      if (node.value === id && !node.subscripts[axis]?.equals(last)) return false;
  }
  return true;
}

/** How many steps after its making an entry is read at most within the kernel; null where that is not constant. */
function furthestLag({ group, nest }: RecurrenceKernel, id: ValueId, axis: number): number | null {
  const time = group.time.get(id);
  if (!nest || !time) return null;
  const made = Poly.index(nest.step.index).add(time.shift);
  let furthest = 0;
  for (const { equation, at } of membersOf(nest.body))
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
