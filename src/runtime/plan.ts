import type { EntrySpec } from "./types.js";

/** What the planner asks about tensors; `owner` resolves reshapes, so it only meets tensors that own memory. */
export interface PlanFacts {
  owner(tensor: number): number;
  bytes(tensor: number): number;
  /** Inputs, consts and what the store holds have memory of their own, for good. */
  isLeaf(tensor: number): boolean;
  /** Leaves whose contents an update, `store.set` or an upload may replace while a result is still to be read. */
  isStored(tensor: number): boolean;
}

export interface MemoryPlan {
  /** Bytes of each slot; the first ones are those that were there. */
  readonly slots: readonly number[];
  readonly slotOf: ReadonlyMap<number, number>;
  /** Stored leaves that must be copied to a slot before the launches: results and updates read the values from before. */
  readonly snapshots: ReadonlyMap<number, number>;
}

/**
 * Memory of one entry point's tensors: those whose lifetimes are apart share a slot. Largest first, each into the
 * smallest slot that is free while it lives and large enough (greedy by size: Pisarchyk, Lee, Efficient Memory
 * Management for Deep Neural Net Inference, 2020). `existing` slots, made for other entry points, are used first.
 * Results live to the end.
 */
export function planMemory(entry: EntrySpec, facts: PlanFacts, existing: readonly number[] = []): MemoryPlan {
  const end = entry.launches.length;
  const lives = new Map<number, { first: number; last: number }>();
  const live = (tensor: number, at: number): void => {
    const owner = facts.owner(tensor);
    if (facts.isLeaf(owner)) return;
    const life = lives.get(owner);
    if (life) life.last = at;
    else lives.set(owner, { first: at, last: at });
  };
  entry.launches.forEach((launch, at) => launch.tensors.forEach((tensor) => live(tensor, at)));
  const shown = [...Object.values(entry.results), ...Object.values(entry.grads)];
  for (const tensor of [...shown, ...entry.updates.map((update) => update.value)]) live(tensor, end);

  const slots = [...existing];
  const occupied: { first: number; last: number }[][] = slots.map(() => []);
  const place = (bytes: number, life: { first: number; last: number }): number => {
    let best = -1;
    slots.forEach((size, slot) => {
      const free = occupied[slot]!.every((other) => other.last < life.first || life.last < other.first);
      if (free && size >= bytes && (best < 0 || size < slots[best]!)) best = slot;
    });
    if (best < 0) {
      best = slots.push(bytes) - 1;
      occupied.push([]);
    }
    occupied[best]!.push(life);
    return best;
  };
  const slotOf = new Map<number, number>();
  for (const [tensor, life] of [...lives].sort((a, b) => facts.bytes(b[0]) - facts.bytes(a[0])))
    slotOf.set(tensor, place(facts.bytes(tensor), life));

  const snapshots = new Map<number, number>();
  const snapshot = (tensor: number): void => {
    const owner = facts.owner(tensor);
    if (facts.isStored(owner) && !snapshots.has(owner))
      snapshots.set(owner, place(facts.bytes(owner), { first: 0, last: end }));
  };
  shown.forEach(snapshot);
  for (const { leaf, value } of entry.updates) if (facts.owner(value) !== facts.owner(leaf)) snapshot(value);
  return { slots, slotOf, snapshots };
}
