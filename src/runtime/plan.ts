/** Memory that values of different lifetimes share. */
export interface Slot<M = unknown> {
  readonly bytes: number;
  readonly memory: M;
}
/** A value of an entry point, by its size alone. */
export interface Sized {
  readonly bytes: number;
}

/**
 * Memory for an entry point's values: those whose lifetimes are apart share a slot. Largest first, each into the
 * smallest slot that is free while it lives and large enough (greedy by size: Pisarchyk, Lee, Efficient Memory
 * Management for Deep Neural Net Inference, 2020). A value lives from the first of `uses` (calls with what they take,
 * and last what is kept) that has it to the last. `slots`, made for other entry points, come first; new ones are added.
 */
export function planMemory<V extends Sized, M>(
  values: readonly V[],
  uses: readonly (readonly unknown[])[],
  slots: Slot<M>[],
  allocate: (bytes: number) => M,
): Map<unknown, Slot<M>> {
  const lives = new Map<unknown, { bytes: number; first: number; last: number }>();
  for (const value of values) lives.set(value, { bytes: value.bytes, first: Infinity, last: 0 });
  uses.forEach((taken, at) => {
    for (const value of taken) {
      const life = lives.get(value);
      if (life) {
        life.first = Math.min(life.first, at);
        life.last = at;
      }
    }
  });
  const taken = new Map<Slot<M>, { first: number; last: number }[]>();
  const places = new Map<unknown, Slot<M>>();
  for (const [value, life] of [...lives].sort((a, b) => b[1].bytes - a[1].bytes)) {
    const { bytes, first, last } = life;
    let best: Slot<M> | undefined;
    for (const slot of slots)
      if (
        slot.bytes >= bytes &&
        !(best && best.bytes <= slot.bytes) &&
        !taken.get(slot)?.some((other) => first <= other.last && other.first <= last)
      )
        best = slot;
    if (!best) slots.push((best = { bytes, memory: allocate(bytes) }));
    taken.set(best, [...(taken.get(best) ?? []), life]);
    places.set(value, best);
  }
  return places;
}
