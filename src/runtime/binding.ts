import type { BoundLaunch, Device, Memory, Prepared } from "./device.js";
import { HOST_ARRAYS } from "./device.js";
import { planMemory, type MemoryPlan } from "./plan.js";
import { evaluate, type Dims } from "./sizes.js";
import type { Store } from "./store.js";
import { Tensor, type Lease } from "./tensor.js";
import type { EntrySpec, LaunchSpec, ModuleSpec, TensorSpec, TypedArray } from "./types.js";

/** An input while the dims are bound so. */
export interface BoundInput {
  readonly index: number;
  readonly spec: TensorSpec;
  readonly shape: readonly number[];
  readonly length: number;
  /** Host type whose arrays need no conversion. */
  readonly type: (typeof HOST_ARRAYS)[TensorSpec["dtype"]];
  readonly range?: readonly [number, number];
  /** Memory of its own; allocated once. */
  readonly memory: Memory;
  readonly scratch: TypedArray;
  /** What the launches read: `memory`, or a tensor of another model. */
  current: Memory;
  /** Whether `memory` holds the default value. */
  atDefault: boolean;
  /** The number that `memory` holds, where one was given. */
  held: number | undefined;
  /** What the call under way brings: checked, not yet uploaded. */
  pending: TypedArray | Tensor | undefined;
}

interface BoundEntry {
  readonly plan: MemoryPlan;
  /** One for the inputs' own memory, more where other models' tensors were bound. */
  readonly variants: Map<string, Prepared>;
  readonly results: readonly Shown[];
  readonly grads: readonly Shown[];
}
interface Shown {
  readonly name: string;
  readonly spec: TensorSpec;
  readonly shape: readonly number[];
  readonly memory: Memory;
}

let lastId = 0;
const ids = new WeakMap<Memory, number>();
const idOf = (memory: Memory): number => {
  const id = ids.get(memory) ?? ++lastId;
  ids.set(memory, id);
  return id;
};
/** Enough for tensors that take turns. */
const MAX_VARIANTS = 8;

/** Everything that depends on the dims' values: buffers, planned memory, prepared launches. */
export class Binding {
  readonly inputs = new Map<number, BoundInput>();
  /** The same, to be gone through at each call. */
  readonly list: readonly BoundInput[];
  private readonly slots: Memory[] = [];
  private slotBytes: readonly number[] = [];
  private readonly entries = new Map<EntrySpec, BoundEntry>();
  private readonly shapes: (readonly number[])[] = [];

  constructor(
    private readonly spec: ModuleSpec,
    private readonly device: Device,
    private readonly store: Store,
    readonly dims: Dims,
  ) {
    spec.tensors.forEach((tensor, index) => {
      if (tensor.role !== "input") return;
      const length = this.length(index);
      const type = HOST_ARRAYS[tensor.dtype];
      const memory = device.allocate(device.bytes(tensor.dtype, length), `input \`${tensor.name}\``);
      this.inputs.set(index, {
        index,
        spec: tensor,
        shape: this.shape(index),
        length,
        type,
        ...(tensor.range && { range: [evaluate(tensor.range[0], dims), evaluate(tensor.range[1], dims)] }),
        memory,
        scratch: new type(length === 1 ? 1 : 0),
        current: memory,
        atDefault: false,
        held: undefined,
        pending: undefined,
      });
    });
    this.list = [...this.inputs.values()];
  }

  /** Plans the entry and allocates its memory, the first time. */
  entry(entry: EntrySpec): BoundEntry {
    const known = this.entries.get(entry);
    if (known) return known;
    const owner = (index: number): number => this.owner(index);
    const isLeaf = (index: number): boolean => this.spec.tensors[index]!.role !== "value";
    const plan = planMemory(
      entry,
      {
        owner,
        bytes: (index) => this.bytes(index),
        isLeaf,
        isStored: (index) => isLeaf(index) && this.spec.tensors[index]!.role !== "const",
      },
      this.slotBytes,
    );
    this.slotBytes = plan.slots;
    for (const bytes of plan.slots.slice(this.slots.length))
      this.slots.push(this.device.allocate(bytes, "intermediate values"));
    const shown = (names: Readonly<Record<string, number>>): Shown[] =>
      Object.entries(names).map(([name, index]) => {
        const slot = plan.snapshots.get(owner(index));
        const memory = slot === undefined ? this.memory(plan, index) : this.slots[slot]!;
        return { name, spec: this.spec.tensors[index]!, shape: this.shape(index), memory };
      });
    const bound = { plan, variants: new Map(), results: shown(entry.results), grads: shown(entry.grads) };
    this.entries.set(entry, bound);
    return bound;
  }

  /** The entry's launches over the inputs' current memory. */
  prepared(entry: EntrySpec): Prepared {
    const { plan, variants } = this.entry(entry);
    let key = "";
    for (const { index, current, memory } of this.list)
      if (current !== memory) key += `${index}:${idOf(current)} `;
    let prepared = variants.get(key);
    if (!prepared) {
      if (variants.size >= MAX_VARIANTS) this.freeVariants(variants);
      prepared = this.prepare(entry, plan);
      variants.set(key, prepared);
    }
    return prepared;
  }

  /** Result tensors of one call. */
  tensors(shown: readonly Shown[], lease: Lease): Record<string, Tensor> {
    const results: Record<string, Tensor> = {};
    for (const { name, spec, shape, memory } of shown)
      results[name] = new Tensor(name, spec.dtype, shape, memory, this.device, lease);
    return results;
  }

  /** Whether it is memory that a call of this model may write. */
  writes(memory: Memory): boolean {
    return this.slots.includes(memory);
  }

  free(): void {
    for (const { variants } of this.entries.values()) this.freeVariants(variants);
    for (const { memory } of this.inputs.values()) this.device.free(memory);
    for (const memory of this.slots) this.device.free(memory);
  }

  private freeVariants(variants: Map<string, Prepared>): void {
    for (const variant of variants.values()) variant.free?.();
    variants.clear();
  }

  private prepare(entry: EntrySpec, plan: MemoryPlan): Prepared {
    const launches = entry.launches.map((launch) => this.launch(plan, launch));
    const before = [...plan.snapshots].map(([leaf, slot]) => ({
      from: this.memory(plan, leaf),
      to: this.slots[slot]!,
      bytes: this.bytes(leaf),
    }));
    const after = entry.updates.flatMap(({ leaf, value }) => {
      if (this.owner(leaf) === this.owner(value)) return [];
      const slot = plan.snapshots.get(this.owner(value));
      const from = slot === undefined ? this.memory(plan, value) : this.slots[slot]!;
      return [{ from, to: this.memory(plan, leaf), bytes: this.bytes(leaf) }];
    });
    return this.device.prepare({ before, launches, after });
  }

  private launch(
    plan: MemoryPlan,
    { kernel, tensors, writes, sizes, grid = [], steps }: LaunchSpec,
  ): BoundLaunch<Memory> {
    return {
      kernel,
      buffers: tensors.map((index) => ({
        memory: this.memory(plan, index),
        dtype: this.spec.tensors[index]!.dtype,
        length: this.length(index),
      })),
      writes,
      sizes: sizes.map((size) => evaluate(size, this.dims)),
      invocations: grid.reduce((n, { extent, step }) => n * Math.ceil(evaluate(extent, this.dims) / step), 1),
      ...(steps && {
        steps: {
          first: evaluate(steps.first, this.dims),
          count: evaluate(steps.count, this.dims),
          direction: steps.direction,
        },
      }),
    };
  }

  private memory(plan: MemoryPlan, index: number): Memory {
    const owner = this.owner(index);
    const slot = plan.slotOf.get(owner);
    if (slot !== undefined) return this.slots[slot]!;
    return this.inputs.get(owner)?.current ?? this.store.leaf(owner).memory;
  }

  private owner(index: number): number {
    for (let alias; (alias = this.spec.tensors[index]!.alias) !== undefined;) index = alias;
    return index;
  }
  private shape(index: number): readonly number[] {
    return (this.shapes[index] ??= this.spec.tensors[index]!.shape.map((size) => evaluate(size, this.dims)));
  }
  private length(index: number): number {
    return this.shape(index).reduce((a, b) => a * b, 1);
  }
  private bytes(index: number): number {
    return this.device.bytes(this.spec.tensors[index]!.dtype, this.length(index));
  }
}
