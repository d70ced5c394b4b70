import { Binding, type BoundInput } from "./binding.js";
import type { Backend, Device, DeviceFactory } from "./device.js";
import { DataError, UnsupportedError, unknownName } from "./errors.js";
import { checkRange, hostArray, parseHost, type HostInput, type HostValue } from "./host.js";
import { metaOf, type Meta } from "./meta.js";
import { sizeText, unbound, type GivenShape } from "./sizes.js";
import { checkRank, Store, type Codec } from "./store.js";
import { Lease, Tensor } from "./tensor.js";
import type { EntrySpec, ModuleSpec } from "./types.js";

export type TensorInput = HostInput | Tensor;
export type Inputs = Readonly<Record<string, TensorInput>>;
export type Results = Record<string, Tensor>;
export interface StepOptions {
  readonly of?: string;
  readonly [argument: string]: number | boolean | string | undefined;
}

/** A model: entry points of the module over a store. The typings of a module fill in the names. */
export interface Model<I = Inputs, R = Results, G = Results, S = StepOptions> {
  readonly store: Store;
  readonly backend: Backend;
  readonly meta: Meta;
  /** Those that are bound now; the ones that only inputs carry as the last call bound them. */
  readonly dims: Readonly<Record<string, number>>;
  /** All outputs and losses. They hold until the next call. @throws DataError, nothing having run */
  forward(inputs: I): R;
  /** Outputs and losses, and the gradients of the loss `of` (default the first) for `wrt` (default all compiled). */
  backward(
    inputs: I,
    options?: { readonly of?: string; readonly wrt?: readonly string[] },
  ): R & { readonly grads: G };
  /**
   * Forward, gradients, update, by the `train` declaration `of` (default the first). The optimizer's arguments are
   * given by name; those left out keep the constant of the source. Results are those from before the update.
   */
  step(inputs: I, options?: S): R;
  /** Frees all memory. Results and handles are stale afterwards. A device of the caller's is left as it is. */
  dispose(): void;
  [Symbol.dispose](): void;
}

export interface CreateOptions {
  /** Default "auto": WebGPU if a device comes, else wasm, else js, of those that the module was compiled for. */
  readonly backend?: Backend | "auto";
  readonly dims?: Readonly<Record<string, number>>;
  /** Of the initialisers; default 0. */
  readonly seed?: number;
  /** Safetensors bytes, or named arrays (the others keep their initialisers). */
  readonly params?: Uint8Array | ArrayBuffer | Readonly<Record<string, HostInput>>;
  /** The caller's own; never destroyed. */
  readonly device?: GPUDevice;
}

/** What a generated module hands over beside its data. Only what is named here is bundled. */
export interface ModuleParts {
  readonly webgpu?: DeviceFactory;
  readonly wasm?: DeviceFactory;
  readonly js?: DeviceFactory;
  /** For `store.save`, `store.load` and `params` as bytes. */
  readonly codec?: Codec;
}

const PREFERENCE = ["webgpu", "wasm", "js"] as const;

/**
 * @throws UnsupportedError where no backend, or not the one asked for, can run the module here
 * @throws DataError for wrong dims or params
 */
export async function createModel(
  spec: ModuleSpec,
  parts: ModuleParts,
  options: CreateOptions = {},
): Promise<Model> {
  const device = await chooseDevice(spec, parts, options);
  try {
    return new CompiledModel(spec, device, options, parts.codec);
  } catch (error) {
    device.dispose?.();
    throw error;
  }
}

async function chooseDevice(spec: ModuleSpec, parts: ModuleParts, options: CreateOptions): Promise<Device> {
  const { backend = "auto" } = options;
  const compiled = PREFERENCE.filter((name) => parts[name]);
  if (backend !== "auto" && !PREFERENCE.includes(backend))
    throw unknownName("backend", backend, [...PREFERENCE, "auto"]);
  const reasons: string[] = [];
  for (const name of backend === "auto" ? compiled : [backend]) {
    try {
      const factory = parts[name];
      if (!factory)
        throw new UnsupportedError(
          "GRAD6020",
          `the module was not compiled for it (only for ${compiled.join(", ")})`,
        );
      return await factory(spec, options);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      reasons.push(`${name}: ${error.message}`);
    }
  }
  throw new UnsupportedError("GRAD6020", `no backend for \`${spec.name}\` here: ${reasons.join("; ")}`);
}

/** A `train` declaration as `step` wants it. */
interface Trained {
  readonly entry: EntrySpec;
  readonly optimizer: string | undefined;
  readonly names: readonly string[];
  /** The optimizer's arguments with their defaults. */
  readonly args: readonly { readonly name: string; readonly index: number; readonly value: number }[];
}

class CompiledModel implements Model {
  readonly store: Store;
  private binding: Binding | undefined;
  private lease = new Lease();
  private readonly life = new Lease();

  constructor(
    private readonly spec: ModuleSpec,
    private readonly device: Device,
    { dims = {}, seed = 0, params }: CreateOptions,
    codec?: Codec,
  ) {
    this.store = new Store(spec, device, seed, dims, this.life, codec);
    if (params instanceof Uint8Array || params instanceof ArrayBuffer) this.store.load(params);
    else this.store.assignNamed(params ?? {});
  }

  get backend(): Backend {
    return this.device.backend;
  }
  get meta(): Meta {
    return metaOf(this.spec);
  }
  get dims(): Record<string, number> {
    const dims = this.binding?.dims ?? this.store.bind([]);
    return Object.fromEntries([...dims].map(([name, { value }]) => [name, value]));
  }

  forward(inputs: Inputs = {}): Results {
    const entry = this.device.target.forward;
    const binding = this.call(entry, inputs);
    return binding.tensors(binding.entry(entry).results, this.lease);
  }

  backward(
    inputs: Inputs = {},
    { of, wrt }: { readonly of?: string; readonly wrt?: readonly string[] } = {},
  ): Results & { grads: Results } {
    const entry = choose(this.device.target.backward, of ?? this.spec.losses[0], "loss");
    for (const name of wrt ?? [])
      if (!(name in entry.grads)) throw unknownName("gradient", name, Object.keys(entry.grads));
    const binding = this.call(entry, inputs);
    const { results, grads } = binding.entry(entry);
    const wanted = wrt ? grads.filter(({ name }) => wrt.includes(name)) : grads;
    return Object.assign(binding.tensors(results, this.lease), {
      grads: binding.tensors(wanted, this.lease),
    });
  }

  step(inputs: Inputs = {}, options: StepOptions = {}): Results {
    const trained = this.trained(options.of);
    for (const name in options)
      if (name !== "of" && !trained.names.includes(name))
        throw unknownName(`argument of ${trained.optimizer}`, name, trained.names);
    const { entry } = trained;
    const binding = this.call(entry, inputs, trained, options);
    return binding.tensors(binding.entry(entry).results, this.lease);
  }

  private readonly steps = new Map<string | undefined, Trained>();
  private trained(of: string | undefined): Trained {
    const known = this.steps.get(of);
    if (known) return known;
    const loss = of ?? this.spec.trains[0]?.of;
    const entry = choose(this.device.target.step, loss, "trained loss");
    const { args = {}, argTensors = {}, optimizer } = this.spec.trains.find((t) => t.of === loss) ?? {};
    const names = Object.keys(argTensors);
    const made: Trained = {
      entry,
      optimizer,
      names,
      args: names.map((name) => ({ name, index: argTensors[name]!, value: args[name] ?? NaN })),
    };
    this.steps.set(of, made);
    return made;
  }

  dispose(): void {
    if (this.life.ended) return;
    this.life.ended = this.lease.ended = "the model was disposed";
    this.binding?.free();
    this.store.dispose();
    this.device.dispose?.();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Everything is checked before anything runs or changes. */
  private call(entry: EntrySpec, inputs: Inputs, trained?: Trained, options: StepOptions = {}): Binding {
    this.life.check();
    this.device.check?.();
    const names = this.inputNames;
    for (const name in inputs) if (!names.has(name)) throw unknownName("input", name, names.keys());
    const old = this.binding;
    const binding = old && this.matches(old, inputs) ? old : this.rebind(inputs);
    try {
      for (const [name, index] of names) take(binding.inputs.get(index)!, inputs[name], "input", this.device);
      for (const { name, index, value } of trained?.args ?? []) {
        const input = binding.inputs.get(index)!;
        take(input, options[name] ?? value, "argument", this.device);
      }
      binding.entry(entry);
    } catch (error) {
      for (const input of binding.inputs.values()) input.pending = undefined;
      if (binding !== old) binding.free();
      throw error;
    }
    if (old !== binding) this.store.settle(binding.dims);
    this.lease.ended ??= "a result holds until the model's next call; read() it before";
    this.lease = new Lease();
    for (const input of binding.list) this.deliver(input, old);
    if (old !== binding) old?.free();
    this.binding = binding;
    binding.prepared(entry).run();
    return binding;
  }

  /** The common case, a flat array or a number for each input as in the call before, without allocating. */
  private matches(binding: Binding, inputs: Inputs): boolean {
    for (const [name, index] of this.inputNames) {
      const value = inputs[name];
      const { type, length, shape, spec } = binding.inputs.get(index)!;
      if (
        value === undefined
          ? !spec.init
          : typeof value === "number"
            ? shape.length
            : !(value instanceof type && value.length === length)
      )
        return false;
    }
    return true;
  }

  private rebind(inputs: Inputs): Binding {
    const given: GivenShape[] = [];
    for (const [name, index] of this.inputNames) {
      const value = inputs[name];
      const spec = this.spec.tensors[index]!;
      const source = `input \`${name}\``;
      if (value === undefined && !spec.init)
        throw new DataError(
          "GRAD6001",
          `${source} is missing (${spec.dtype}[${spec.shape.map(sizeText).join(", ")}])`,
        );
      if (value === undefined) continue;
      if (value instanceof Tensor) value.check();
      const { shape } = value instanceof Tensor ? value : parseHost(value, source);
      checkRank(source, shape, spec.shape.length);
      given.push({ source, axes: spec.shape, shape });
    }
    const dims = this.store.bind(given);
    for (const { name } of this.spec.dims) if (!dims.has(name)) throw unbound(name);
    const old = this.binding;
    if (old && [...dims].every(([name, { value }]) => old.dims.get(name)?.value === value)) return old;
    return new Binding(this.spec, this.device, this.store, dims);
  }

  private deliver(input: BoundInput, old: Binding | undefined): void {
    const { pending, spec, memory } = input;
    input.pending = undefined;
    input.current = memory;
    if (pending instanceof Tensor) {
      // Memory that this very call may write, or free, is copied.
      const own =
        this.binding?.writes(pending.memory) ||
        old?.writes(pending.memory) ||
        this.store.holds(pending.memory);
      if (own)
        this.device.copy({
          from: pending.memory,
          to: memory,
          bytes: this.device.bytes(spec.dtype, input.length),
        });
      else input.current = pending.memory;
      input.atDefault &&= !own;
      if (own) input.held = undefined;
    } else if (pending) {
      // A number given again, a rate above all, is there already.
      const scalar = pending === input.scratch ? input.scratch[0] : undefined;
      if (scalar === undefined || scalar !== input.held) this.device.upload(memory, spec.dtype, pending);
      input.held = scalar;
      input.atDefault = false;
    } else if (!input.atDefault && spec.init) {
      const value = spec.init.kind === "fill" ? spec.init.value : 0;
      this.device.upload(memory, spec.dtype, new input.type(input.length).fill(value));
      input.held = undefined;
      input.atDefault = true;
    }
  }

  private names: ReadonlyMap<string, number> | undefined;
  /** Inputs that the caller gives, not the optimizers' arguments. */
  private get inputNames(): ReadonlyMap<string, number> {
    if (!this.names) {
      const args = new Set(this.spec.trains.flatMap((train) => Object.values(train.argTensors)));
      this.names = new Map(
        this.spec.tensors.flatMap(({ name, role }, index) =>
          role === "input" && !args.has(index) ? [[name, index]] : [],
        ),
      );
    }
    return this.names;
  }
}

/** Checks and converts one input into `pending`. */
function take(input: BoundInput, value: unknown, what: "input" | "argument", device: Device): void {
  const { spec, type, shape, length, range } = input;
  if (value === undefined) return;
  if (typeof value === "number" && spec.dtype[0] === "f" && input.scratch.length && !range) {
    input.scratch[0] = value;
    input.pending = input.scratch;
    return;
  }
  const source = `${what} \`${spec.name}\``;
  if (value instanceof Tensor && value.dtype !== spec.dtype)
    throw new DataError("GRAD6004", `${source} is ${value.dtype}, where ${spec.dtype} is wanted`);
  if (value instanceof Tensor && value.on(device)) {
    input.pending = value;
  } else if (typeof value === "number" && spec.dtype[0] === "f") {
    input.scratch[0] = value;
    input.pending = input.scratch;
  } else if (value instanceof type && value.length === length && spec.dtype !== "bool") {
    input.pending = value;
  } else {
    const { data }: HostValue = parseHost(value, source);
    input.pending = hostArray(data, spec.dtype, shape, source);
  }
  if (!range) return;
  const values =
    input.pending instanceof Tensor ? device.view?.(input.pending.memory, spec.dtype, length) : input.pending;
  const written =
    spec.range && typeof spec.range[1] !== "number" ? ` (${spec.range.map(sizeText).join("..")})` : "";
  if (values) checkRange(values, range[0], range[1], shape, source, written);
}

function choose(
  entries: Readonly<Record<string, EntrySpec>>,
  name: string | undefined,
  what: string,
): EntrySpec {
  const entry = name === undefined ? undefined : entries[name];
  if (entry) return entry;
  if (name === undefined) throw new DataError("GRAD6002", `the model has no ${what}`);
  throw unknownName(what, name, Object.keys(entries));
}
