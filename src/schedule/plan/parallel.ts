import { readsOfEquation } from "../../ir/reach.js";
import { invariant } from "../../diagnostics/invariant.js";
import type { ValueId } from "../../ir/expr.js";
import { idsOf } from "../../ir/items.js";
import type { Equation, RecurrenceGroup } from "../../ir/program.js";
import { loopAxes } from "../axes.js";

/** Which axis of each member. */
export type ParallelAxis = ReadonlyMap<ValueId, number>;

/**
 * The axes of a recurrence along which nothing depends on other entries, in any step: every member has such an axis,
 * and every read within the recurrence hands its index on. The steps may be taken for each of its points by itself.
 */
export function parallelAxes(
  group: RecurrenceGroup,
  equationOf: (id: ValueId) => Equation | null,
): readonly ParallelAxis[] {
  const members = new Map<ValueId, Equation>();
  for (const id of idsOf(group)) {
    const equation = equationOf(id);
    if (!equation) return [];
    members.set(id, equation);
  }
  const [first] = members;
  if (!first) return [];
  const [id, { axes }] = first;
  return axes.flatMap((_, axis) => spread(group, members, id, axis) ?? []);
}

/** From one member's axis to those that go with it; null where they do not exist. */
function spread(
  group: RecurrenceGroup,
  members: ReadonlyMap<ValueId, Equation>,
  first: ValueId,
  axis: number,
): ParallelAxis | null {
  const found = new Map<ValueId, number>();
  const work: ValueId[] = [];
  const size = members.get(first)?.axes[axis]?.hi;
  const settle = (id: ValueId, k: number): boolean => {
    const known = found.get(id);
    if (known !== undefined) return known === k;
    const equation = members.get(id);
    const index = equation?.axes[k];
    if (!equation || !index || !size || !index.hi.equals(size)) return false;
    if (group.time.get(id)?.axis === k || !loopAxes(equation).includes(index)) return false;
    found.set(id, k);
    work.push(id);
    return true;
  };
  if (!settle(first, axis)) return null;
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    const own = found.get(id);
    invariant(own !== undefined, "settled before");
    for (const [reader, equation] of members)
      for (const node of readsOfEquation(equation)) {
        if (reader === id && members.has(node.value)) {
          const place = node.subscripts.findIndex((s) => s.asIndex === equation.axes[own]);
          if (place < 0 || !settle(node.value, place)) return null;
        }
        if (node.value === id) {
          const index = node.subscripts[own]?.asIndex;
          const place = equation.axes.findIndex((a) => a === index);
          if (place < 0 || !settle(reader, place)) return null;
        }
      }
  }
  return found.size === members.size ? found : null;
}
