import { HOST_ARRAYS, type Backend, type Device, type DeviceFactory } from "./device.js";
import { mismatch, unknown, UnsupportedError, unsupported } from "./errors.js";
import type { HostInput } from "./host.js";
import { allocate, deliver, makeLeaf, parse, verify, type Leaf } from "./leaf.js";
import { metaOf, type Meta } from "./meta.js";
import type { Slot } from "./plan.js";
import { differentiated, prepare, type Prepared } from "./prepare.js";
import { needDims, shapeText } from "./sizes.js";
import { openStore, type Store } from "./store.js";
import { checkLife, Tensor, type Life, type Place } from "./tensor.js";
import type { Dims, Entry, ModuleSpec } from "./types.js";

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

/** What a module was compiled for, in order of preference. Only what is named here is bundled. */
export type Devices = Readonly<Partial<Record<Backend, DeviceFactory>>>;

/**
 * @throws UnsupportedError where no backend, or not the one asked for, can run the module here
 * @throws DataError for wrong dims or params
 */
export async function createModel(
  spec: ModuleSpec,
  devices: Devices,
  options: CreateOptions = {},
): Promise<Model> {
  const device = await chooseDevice(devices, options);
  try {
    return modelOn(spec, device, options);
  } catch (error) {
    device.dispose?.();
    throw error;
  }
}

async function chooseDevice(devices: Devices, options: CreateOptions): Promise<Device> {
  const { backend = "auto" } = options;
  const reasons: string[] = [];
  for (const [name, make] of Object.entries(devices)) {
    if (backend !== "auto" && backend !== name) continue;
    try {
      return await make(options);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      reasons.push(`${name}: ${error.message}`);
    }
  }
  return unsupported(
    `no backend \`${backend}\` here (compiled for ${Object.keys(devices).join(", ")}) ${reasons.join("; ")}`,
  );
}

function modelOn(
  spec: ModuleSpec,
  device: Device,
  { dims: fixed = {}, seed = 0, params = {} }: CreateOptions,
): Model {
  const { entries } = device;
  const { losses, trains } = spec;
  const life: Life = { device, call: 0 };
  const leaves = spec.tensors.map((leaf, index) => makeLeaf(life, leaf, index));
  const { store, assign, bind, settle, settleAll } = openStore(spec, life, leaves, seed, fixed);
  if (params instanceof Uint8Array || params instanceof ArrayBuffer) store.load(params);
  else assign(Object.entries(params));

  const inputs = leaves.filter(({ spec: { role } }) => role === "input" || role === "argument");
  /** Names of inputs, and of the arguments for each trained loss. */
  const known = new Map<string | undefined, string[]>([
    [undefined, []],
    ...trains.map(({ of }): [string, string[]] => [of, []]),
  ]);
  for (const { name, spec } of inputs) known.get(spec.of)?.push(name);
  const checkNames = (given: object, of?: string): void => {
    const names = known.get(of) ?? [];
    for (const name in given)
      if (!names.includes(name) && (!of || name !== "of")) unknown(of ? "argument" : "input", name, names);
  };
  // All that hangs on the dims' values.
  let dims: Dims | undefined;
  let slots: Slot[] = [];
  const tensors: unknown[] = [];
  const prepared = new Map<Entry, Prepared>();

  /** Everything is checked before anything runs or changes. */
  const call = (entry: Entry, given: Inputs, trained?: string, options: StepOptions = {}): Prepared => {
    checkLife(life);
    checkNames(given);
    let fits = dims !== undefined;
    for (const input of inputs) fits = quick(input, valueOf(input, given, trained, options)) && fits;
    let next = dims;
    if (!next || !fits) {
      const bound = bind(
        inputs.flatMap((input) => {
          const value = valueOf(input, given, trained, options);
          const { dtype, shape, default: missing } = input.spec;
          if (value !== undefined) return [parse(input, value)];
          if (missing === undefined) mismatch(6001, input.source, "missing", `${dtype}${shapeText(shape)}`);
          return [];
        }),
      );
      needDims(Object.keys(spec.dims), bound);
      if (!next || Object.keys(bound).some((name) => bound[name] !== next?.[name])) next = bound;
    }
    for (const input of inputs) verify(input, next);
    const old: unknown[] = [];
    if (next !== dims) {
      // Freed once what this call brings, of the last one's results maybe, has been taken over.
      for (const { memory } of [...inputs, ...slots]) if (memory) old.push(memory);
      dims = undefined;
      slots = [];
      prepared.clear();
      for (const input of inputs) allocate(input, next);
      settleAll(next);
      dims = next;
    }
    let ready = prepared.get(entry);
    if (!ready)
      prepared.set(entry, (ready = prepare(entry, spec, leaves, settle, life, next, slots, tensors)));
    life.call++;
    for (const input of inputs) tensors[input.index] = deliver(input);
    for (const memory of old) device.free?.(memory);
    ready.run();
    return ready;
  };

  const show = (places: readonly Place[]): Results => {
    const results: Results = {};
    for (const place of places) results[place.name] = new Tensor(place, life.call);
    return results;
  };
  return {
    store,
    backend: device.backend,
    get meta() {
      return metaOf(spec);
    },
    get dims() {
      const all = dims ?? bind();
      return Object.fromEntries(
        Object.keys(spec.dims).flatMap((name) => (name in all ? [[name, all[name]!]] : [])),
      );
    },
    forward: (given = {}) => show(call(entries.forward, given).results),
    backward(given = {}, { of = losses[0], wrt } = {}) {
      const all = differentiated(spec);
      for (const name of wrt ?? []) if (!all.includes(name)) unknown("gradient", name, all);
      const { results, gradients } = call(choose(entries.backward, of, "loss"), given);
      const grads = show(gradients.filter(({ name }) => (wrt ?? all).includes(name)));
      return Object.assign(show(results), { grads });
    },
    step(given = {}, options = {}) {
      const { of = trains[0]?.of } = options;
      const entry = choose(entries.step, of, "trained loss");
      checkNames(options, of);
      return show(call(entry, given, of, options).results);
    },
    dispose() {
      if (life.ended) return;
      life.ended = true;
      for (const { memory } of [...leaves, ...slots]) if (memory) device.free?.(memory);
      device.dispose?.();
    },
    [Symbol.dispose]() {
      this.dispose();
    },
  };
}

/** What a call gives for an input or argument. */
const valueOf = (
  { spec: { name, of } }: Leaf,
  given: Inputs,
  trained: string | undefined,
  options: StepOptions,
): unknown => (of === undefined ? given[name] : of === trained ? options[name] : undefined);

/** Whether a value, then pending, is of the sizes that are bound without a closer look. */
function quick(leaf: Leaf, value: unknown): boolean {
  const { spec, dtype, shape, length } = leaf;
  if (value === undefined) return (leaf.pending = spec.default) !== undefined;
  if (value instanceof Tensor) return `${parse(leaf, value)[2]}` === `${shape}`;
  if (typeof value === "number") {
    leaf.pending = value;
    return !shape.length && dtype[0] === "f";
  }
  if (!(value instanceof HOST_ARRAYS[dtype])) return false;
  leaf.pending = value;
  return value.length === length;
}

function choose(entries: Readonly<Record<string, Entry>>, name = "", what: string): Entry {
  return (Object.hasOwn(entries, name) && entries[name]) || unknown(what, name, Object.keys(entries));
}
