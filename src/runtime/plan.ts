/** Memory that values of different lifetimes share. */
export interface Slot<M = unknown> {
  readonly bytes: number;
  readonly memory: M;
}
/** A value of an entry point. */
export interface Planned<M = unknown> {
  readonly bytes: number;
  memory: M | undefined;
}

/**
 * Memory for an entry point's values: those whose lifetimes are apart share a slot. Largest first, each into the
 * smallest slot that is free while it lives and large enough (greedy by size: Pisarchyk, Lee, Efficient Memory
 * Management for Deep Neural Net Inference, 2020). A value lives from the first of `uses` (calls with what they take,
 * and last what is kept) that has it to the last. `slots`, made for other entry points, come first; new ones are added.
 */
export function planMemory<M>(
  values: readonly Planned<M>[],
  uses: readonly (readonly unknown[])[],
  slots: Slot<M>[],
  allocate: (bytes: number) => M,
): void {
  const lives = values.map((value) => {
    const used = uses.flatMap((taken, at) => (taken.includes(value) ? [at] : []));
    return { value, first: used[0] ?? 0, last: used.at(-1) ?? 0 };
  });
  const taken = new Map<Slot<M>, typeof lives>();
  for (const life of lives.sort((a, b) => b.value.bytes - a.value.bytes)) {
    const { bytes } = life.value;
    let best: Slot<M> | undefined;
    for (const slot of slots)
      if (
        slot.bytes >= bytes &&
        !(best && best.bytes <= slot.bytes) &&
        !taken.get(slot)?.some(({ first, last }) => first <= life.last && life.first <= last)
      )
        best = slot;
    if (!best) slots.push((best = { bytes, memory: allocate(bytes) }));
    taken.set(best, [...(taken.get(best) ?? []), life]);
    life.value.memory = best.memory;
  }
}
