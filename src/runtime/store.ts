import type { Device, Memory } from "./device.js";
import { DataError, UnsupportedError, unknownName } from "./errors.js";
import { hostArray, parseHost, type HostInput, type HostValue } from "./host.js";
import { initialValues } from "./initialise.js";
import {
  bindDims,
  dimsOf,
  evaluate,
  openDim,
  runChecks,
  unbound,
  type BoundDim,
  type GivenShape,
} from "./sizes.js";
import { Lease, Tensor } from "./tensor.js";
import type { DType, ModuleSpec, TensorSpec, TypedArray } from "./types.js";

/** One tensor of a file. */
export interface NamedTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}
/** How a store is written to bytes and read back; `safetensors` is one. */
export interface Codec {
  /** @throws DataError where the bytes are truncated or malformed */
  read(bytes: Uint8Array): ReadonlyMap<string, NamedTensor>;
  write(tensors: ReadonlyMap<string, NamedTensor>): Uint8Array;
}

interface Leaf {
  readonly memory: Memory;
  readonly shape: readonly number[];
  readonly length: number;
}

/**
 * Params, states, optimizer states, and the consts: what lives as long as the model. A leaf is allocated and
 * initialised as soon as the dims of its shape are bound, and they stay bound from then on. Optimizer states wait for
 * the first step.
 */
export class Store {
  private readonly leaves = new Map<number, Leaf>();
  private readonly indices = new Map<string, number>();
  /** Dims that no call can change. */
  private readonly fixed: Map<string, BoundDim>;

  /** @internal */
  constructor(
    private readonly spec: ModuleSpec,
    private readonly device: Device,
    private readonly seed: number,
    dims: Readonly<Record<string, number>>,
    private readonly lease: Lease,
    private readonly codec?: Codec,
  ) {
    this.fixed = new Map(Object.entries(dims).map(([name, value]) => [name, { value, source: "`dims`" }]));
    spec.tensors.forEach(({ name, role }, index) => {
      if (role === "param" || role === "state" || role === "optimizer") this.indices.set(name, index);
    });
  }

  /** Names of params, states and optimizer states (`nll/m/W1`). */
  get names(): string[] {
    return [...this.indices.keys()];
  }

  /** A handle, which stays good. @throws DataError for an unknown name, and while its sizes are open */
  get(name: string): Tensor {
    const index = this.indexOf(name);
    const { memory, shape } = this.leaf(index);
    return new Tensor(name, this.tensor(index).dtype, shape, memory, this.device, this.lease);
  }

  /** @throws DataError, with nothing changed, for an unknown name, a wrong shape or a wrong type */
  set(name: string, value: HostInput): void {
    this.assign([[this.indexOf(name), parseHost(value, `\`${name}\``)]]);
  }

  /** Safetensors bytes of all that the store holds, as of this call. */
  async save(): Promise<Uint8Array> {
    const codec = this.needCodec();
    for (const [name, index] of this.indices) if (this.tensor(index).role !== "optimizer") this.get(name);
    const held = [...this.indices].flatMap(([name, index]) => {
      const leaf = this.leaves.get(index);
      return leaf ? [{ name, dtype: this.tensor(index).dtype, leaf }] : [];
    });
    const contents = await Promise.all(
      held.map(({ dtype, leaf }) => this.device.read(leaf.memory, dtype, leaf.length)),
    );
    return codec.write(
      new Map(
        held.map(({ name, dtype, leaf }, i) => [name, { dtype, shape: leaf.shape, data: contents[i]! }]),
      ),
    );
  }

  /**
   * Replaces contents by those of safetensors bytes. Missing and unknown names are errors unless `strict` is false;
   * optimizer states that are missing start anew.
   * @throws DataError, with nothing changed
   */
  load(bytes: Uint8Array | ArrayBuffer, { strict = true }: { readonly strict?: boolean } = {}): void {
    this.lease.check();
    const file = this.needCodec().read(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes));
    const known = [...file].flatMap<[number, HostValue]>(([name, value]) => {
      const index = this.indices.get(name);
      if (index !== undefined) return [[index, value]];
      if (strict) throw unknownName("tensor in the file,", name, this.indices.keys());
      return [];
    });
    const missing = [...this.indices].filter(([name]) => !file.has(name));
    const lacking = missing
      .filter(([, index]) => this.tensor(index).role !== "optimizer")
      .map(([name]) => name);
    if (strict && lacking.length)
      throw new DataError("GRAD6011", `the file lacks ${lacking.map((name) => `\`${name}\``).join(", ")}`);
    this.assign(known);
    for (const [name, index] of missing) {
      const leaf = this.leaves.get(index);
      if (leaf && !lacking.includes(name)) this.initialise(index, leaf);
    }
  }

  /** @internal Binds what the shapes determine, over what is fixed, and checks it. Changes nothing. */
  bind(given: readonly GivenShape[]): Map<string, BoundDim> {
    const dims = bindDims(this.spec.dims, this.fixed, given);
    runChecks(this.spec.checks, dims);
    return dims;
  }

  /** @internal Allocates and initialises what the dims now determine. */
  settle(dims: ReadonlyMap<string, BoundDim>): void {
    this.spec.tensors.forEach(({ role, shape }, index) => {
      const wanted = role === "param" || role === "state" || role === "const";
      if (wanted && !this.leaves.has(index) && openDim(shape, dims) === undefined) this.allocate(index, dims);
    });
  }

  /** @internal Values for all or none of the leaves. */
  assign(values: readonly (readonly [number, HostValue])[]): void {
    this.lease.check();
    this.device.check?.();
    const source = (index: number): string => `${this.tensor(index).role} \`${this.tensor(index).name}\``;
    const given = values.map(([index, { shape }]) => {
      const axes = this.tensor(index).shape;
      checkRank(source(index), shape, axes.length);
      return { source: source(index), axes, shape };
    });
    const dims = this.bind(given);
    const arrays = values.map(([index, { data }]) => {
      const { shape, dtype } = this.tensor(index);
      const sizes = shape.map((size) => evaluate(size, dims));
      return [index, hostArray(data, dtype, sizes, source(index))] as const;
    });
    for (const [index, data] of arrays) {
      const { memory } = this.leaves.get(index) ?? this.allocate(index, dims, false);
      this.device.upload(memory, this.tensor(index).dtype, data);
    }
    this.settle(dims);
  }

  /** @internal Named arrays of `create({ params })`; the others keep their initialisers. */
  assignNamed(values: Readonly<Record<string, HostInput>>): void {
    this.assign(
      Object.entries(values).map(([name, value]) => [this.indexOf(name), parseHost(value, `\`${name}\``)]),
    );
  }

  /** @internal Allocated where it was not yet. @throws DataError while its sizes are open */
  leaf(index: number): Leaf {
    return this.leaves.get(index) ?? this.allocate(index, this.bind([]));
  }

  /** @internal Whether it is memory of the store's. */
  holds(memory: Memory): boolean {
    for (const leaf of this.leaves.values()) if (leaf.memory === memory) return true;
    return false;
  }

  /** @internal */
  dispose(): void {
    for (const { memory } of this.leaves.values()) this.device.free(memory);
    this.leaves.clear();
  }

  private allocate(index: number, dims: ReadonlyMap<string, BoundDim>, initialise = true): Leaf {
    const { name, role, dtype, shape: sizes } = this.tensor(index);
    const open = openDim(sizes, dims);
    if (open !== undefined) throw unbound(open);
    const shape = sizes.map((size) => evaluate(size, dims));
    const length = shape.reduce((a, b) => a * b, 1);
    const leaf = {
      memory: this.device.allocate(this.device.bytes(dtype, length), `\`${name}\``),
      shape,
      length,
    };
    this.leaves.set(index, leaf);
    for (const dim of sizes.flatMap(dimsOf))
      if (!this.fixed.has(dim))
        this.fixed.set(dim, { value: evaluate(dim, dims), source: `${role} \`${name}\`` });
    if (initialise) this.initialise(index, leaf);
    return leaf;
  }

  private initialise(index: number, { memory, shape }: Leaf): void {
    const { name, dtype, init = { kind: "fill", value: 0 } } = this.tensor(index);
    const fanIn =
      "fanIn" in init && init.fanIn !== undefined ? evaluate(init.fanIn, this.bind([])) : undefined;
    const drawn = initialValues(init, shape, name, this.seed, fanIn);
    this.device.upload(
      memory,
      dtype,
      hostArray(dtype[0] === "f" ? drawn : Array.from(drawn), dtype, shape, `the start of \`${name}\``),
    );
  }

  private indexOf(name: string): number {
    this.lease.check();
    const index = this.indices.get(name);
    if (index === undefined) throw unknownName("param", name, this.indices.keys());
    return index;
  }

  private tensor(index: number): TensorSpec {
    return this.spec.tensors[index]!;
  }

  private needCodec(): Codec {
    this.lease.check();
    if (!this.codec)
      throw new UnsupportedError(
        "GRAD6020",
        "the module was built without safetensors; use store.get and store.set",
      );
    return this.codec;
  }
}

/** @throws DataError where the number of axes differs; a flat array fits any */
export function checkRank(source: string, shape: GivenShape["shape"], rank: number): void {
  if (!("total" in shape) && shape.length !== rank)
    throw new DataError(
      "GRAD6003",
      `${source} has ${shape.length} axes ([${shape.join(", ")}]), where ${rank} are wanted`,
    );
}
