import type { Backend, Device, DeviceFactory } from "./device.js";
import { mismatch, unknown, UnsupportedError, unsupported } from "./errors.js";
import type { HostInput } from "./host.js";
import { allocate, deliver, fits, leavesOf, parse, verify, type Leaf } from "./leaf.js";
import { metaOf, type Meta } from "./meta.js";
import type { Slot } from "./plan.js";
import { differentiated, prepare, type Prepared } from "./prepare.js";
import { needDims, isDeclared } from "./sizes.js";
import { openStore, type Store } from "./store.js";
import { checkLife, Tensor, type Life, type Place } from "./tensor.js";
import type { ThreadWorker } from "./threads.js";
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
  /**
   * Of a module compiled with `threads`: how many run large kernels, at most 8; by default one for each core, up to four.
   * They are ready when the model is; Node's join later where none were asked for.
   */
  readonly threads?: number;
  /**
   * Starts a worker that runs `gradc/worker`, where a bundler keeps it elsewhere than beside the runtime. One that does not
   * start is warned of, and the model goes on without it.
   */
  readonly worker?: () => ThreadWorker;
  /**
   * WebAssembly: in sums of products, and in functions such as `exp`, a product is added without being rounded first where
   * the engine can. That takes less time, and the last bits depend on the machine. Default true.
   */
  readonly fma?: boolean;
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
  let why = "";
  for (const [name, make] of Object.entries(devices))
    if (backend === "auto" || backend === name)
      try {
        return await make(options);
      } catch (error) {
        if (!(error instanceof UnsupportedError)) throw error;
        why += `; ${name}: ${error.message}`;
      }
  return unsupported(`no backend \`${backend}\` here, compiled for ${Object.keys(devices).join(", ")}${why}`);
}

function modelOn(
  spec: ModuleSpec,
  device: Device,
  { dims: fixed = {}, seed = 0, params = {} }: CreateOptions,
): Model {
  const { losses, trains } = spec;
  /** The arguments of each trained loss, and `of` itself. */
  const known = Object.fromEntries(trains.map(({ of, args }) => [of, { ...args, of }]));
  const { forward, backward, step } = device.entries;
  const life: Life = { device, call: 0 };
  const leaves = leavesOf(spec, life);
  const { store, assign, bind, settle, settleAll } = openStore(spec, life, leaves, seed, fixed);
  if (params instanceof Uint8Array || params instanceof ArrayBuffer) store.load(params);
  else assign(Object.entries(params));

  const inputs = leaves.filter(({ role }) => role === "input" || role === "argument");
  const checked = inputs.filter(({ check }) => check);
  // All that hangs on the dims' values.
  let dims: Dims | undefined;
  let slots: Slot[] = [];
  const tensors: unknown[] = [];
  const prepared = new Map<Entry, Prepared>();

  /** The dims by all shapes of a call: the object that there is, where they are the same. */
  const bindAll = (given: Inputs, of: string | undefined, options: StepOptions): Dims => {
    const bound = bind(
      inputs.flatMap((input) => {
        const { source, dtype, axes, default: missing } = input;
        const value = valueOf(input, given, of, options);
        if (value !== undefined) return parse(input, value);
        if (missing === undefined) mismatch(6001, source, "missing", `${dtype}[${axes.join(", ")}]`);
        return [];
      }),
    );
    needDims(Object.keys(spec.dims), bound);
    return dims && Object.keys(bound).every((name) => bound[name] === dims?.[name]) ? dims : bound;
  };
  /** Memory for other dims. Returns that of the last ones, which may hold what this call brings. */
  const replace = (next: Dims): unknown[] => {
    const old = [...inputs, ...slots].map(({ memory }) => memory);
    dims = undefined;
    slots = [];
    prepared.clear();
    for (const input of inputs) allocate(input, next);
    settleAll(next);
    dims = next;
    return old;
  };
  /** Everything is checked before anything runs or changes. Allocates nothing while the dims stay. */
  const call = (entry: Entry, given: Inputs, of?: string, options: StepOptions = {}): Prepared => {
    checkLife(life);
    checkNames("input", given, spec.input);
    let next = dims;
    for (const input of inputs) if (!fits(input, valueOf(input, given, of, options))) next = undefined;
    next ??= bindAll(given, of, options);
    for (const input of checked) verify(input, next);
    const old = next === dims ? undefined : replace(next);
    let ready = prepared.get(entry);
    if (!ready)
      prepared.set(entry, (ready = prepare(entry, spec, leaves, settle, life, next, slots, tensors)));
    life.call++;
    // A number given again, a rate above all, is there already.
    for (const input of inputs) if (input.pending !== input.held) tensors[input.index] = deliver(input);
    if (old) for (const memory of old) if (memory) device.free?.(memory);
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
      const all = { ...(dims ?? bind()) };
      for (const size in all) if (!isDeclared(size)) delete all[size];
      return all;
    },
    forward: (given = {}) => show(call(forward, given).results),
    backward(given = {}, { of = losses[0], wrt } = {}) {
      const all = differentiated(spec);
      for (const name of wrt ?? []) if (!all.includes(name)) unknown("gradient", name, all);
      const { results, gradients } = call(choose(backward, of, "loss"), given);
      const grads = show(gradients.filter(({ name }) => (wrt ?? all).includes(name)));
      return Object.assign(show(results), { grads });
    },
    step(given = {}, options = {}) {
      const { of = trains[0]?.of } = options;
      const entry = choose(step, of, "trained loss");
      checkNames("argument", options, known[of!]!);
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

const valueOf = (
  { of, name }: Leaf,
  given: Inputs,
  trained: string | undefined,
  options: StepOptions,
): unknown => (of === undefined ? given[name] : of === trained ? options[name] : undefined);

function checkNames(what: string, given: object, known: object): void {
  for (const name in given) if (!(name in known)) unknown(what, name, Object.keys(known));
}

function choose(entries: Readonly<Record<string, Entry>>, name = "", what: string): Entry {
  return (Object.hasOwn(entries, name) && entries[name]) || unknown(what, name, Object.keys(entries));
}
