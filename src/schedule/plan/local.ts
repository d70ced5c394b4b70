import { readsOfEquation } from "../../ir/reach.js";
import type { Index, ValueId } from "../../ir/expr.js";
import { rewriter } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import { membersOf, type MemberNode, type NestNode } from "./nest.js";

/**
 * Values of a nest that live within one round of loops around them and all their readers: the row of exponentials of a
 * softmax. They need memory for that round alone. Gives the axes that these loops stand for, whose coordinates then say
 * nothing about where an element is (array contraction: V. Sarkar, G. Gao, Optimization of Array Accesses by Collective
 * Loop Transformations, ICS 1991).
 */
export function localAxes(
  nest: readonly NestNode[],
  isInner: (id: ValueId) => boolean,
): ReadonlyMap<ValueId, ReadonlySet<number>> {
  const found = new Map<ValueId, Set<number>>();
  for (const member of membersOf(nest)) {
    if (!isInner(member.value)) continue;
    const axes = new Set(member.equation.axes.keys());
    for (const axis of axes) if (!loopOf(member, axis)) axes.delete(axis);
    if (axes.size > 0) found.set(member.value, axes);
  }
  const loops = new Map([...membersOf(nest)].map((m) => [m.value, m]));
  for (const reader of membersOf(nest)) {
    const { poly } = rewriter({ index: (i) => reader.at.get(i) });
    for (const node of readsOfEquation(reader.equation)) {
      const axes = found.get(node.value);
      const producer = loops.get(node.value);
      if (!axes || !producer) continue;
      for (const axis of axes) {
        const subscript = node.subscripts[axis];
        const loop = loopOf(producer, axis);
        if (!subscript || !loop || !poly(subscript).equals(Poly.index(loop))) axes.delete(axis);
      }
    }
  }
  return new Map([...found].filter(([, axes]) => axes.size > 0));
}

/** The loop around a member that an axis is the index of. */
function loopOf(member: MemberNode, axis: number): Index | undefined {
  const index = member.equation.axes[axis];
  return index && member.at.get(index)?.asIndex;
}
