import { HOST_ARRAYS } from "./device.js";
import { fail, mismatch, unknown } from "./errors.js";
import type { HostInput } from "./host.js";
import { allocate, deliver, parse, verify, type Leaf } from "./leaf.js";
import { bindDims, givenBy, product, type Given } from "./sizes.js";
import { checkLife, Tensor, type Life } from "./tensor.js";
import { readTensors, writeTensors } from "./tensors-file.js";
import type { Dims, ModuleSpec, TypedArray } from "./types.js";

/**
 * Params, states and optimizer states, which live as long as the model. One is allocated and initialised as soon as the
 * dims of its shape are bound, and they stay bound from then on. Optimizer states wait for the first step.
 */
export interface Store {
  /** Names of params, states and optimizer states (`nll/m/W1`). */
  readonly names: string[];
  /** A handle, which stays good. @throws DataError for an unknown name, and while its sizes are open */
  get(name: string): Tensor;
  /** @throws DataError, with nothing changed, for an unknown name, a wrong shape or a wrong type */
  set(name: string, value: HostInput): void;
  /** Safetensors bytes of all that the store holds, as of this call. */
  save(): Promise<Uint8Array>;
  /**
   * Replaces contents by those of safetensors bytes. Missing and unknown names are errors unless `strict` is false;
   * optimizer states that are missing start anew.
   * @throws DataError, with nothing changed
   */
  load(bytes: Uint8Array | ArrayBuffer, options?: { readonly strict?: boolean }): void;
}

/** The store as its model sees it. */
export interface OpenStore {
  readonly store: Store;
  /** Values for all or none of the names. */
  assign(values: Iterable<readonly [name: string, value: unknown]>): void;
  /** Binds what the shapes determine, beside what is fixed, and checks it. Changes nothing. */
  bind(given?: readonly Given[]): Dims;
  /** Memory and start values for a leaf that has none. */
  settle(leaf: Leaf, dims: Dims): void;
  /** The same for all that the dims now determine, but optimizer states. */
  settleAll(dims: Dims): void;
}

export function openStore(
  spec: ModuleSpec,
  life: Life,
  leaves: readonly Leaf[],
  seed: number,
  fixed: Dims,
): OpenStore {
  /** What has values of its own: the store's, and consts. */
  const kept = leaves.filter(({ role }) => role !== "input" && role !== "argument");
  const named = new Map(kept.flatMap((leaf) => (leaf.role === "const" ? [] : [[leaf.name, leaf]])));

  const bind = (given: readonly Given[] = []): Dims => {
    // The dims of what is kept stay as they are.
    const held = kept.flatMap(({ source, axes, shape, length, memory }) =>
      memory ? givenBy(source, axes, shape, length) : [],
    );
    const dims = bindDims(spec, fixed, [...held, ...given]);
    for (const [value, code, message] of spec.checks?.(dims) ?? []) if (value < 0) fail(code, message);
    return dims;
  };
  const start = (leaf: Leaf, dims: Dims): void => {
    const { init = 0, dtype, length, shape } = leaf;
    const { device } = life;
    if (typeof init === "function") {
      const view = device.view?.(leaf);
      const values = view ?? new HOST_ARRAYS[dtype](length);
      init(values, seed, dims, shape);
      if (!view) device.upload(leaf, values);
    } else device.upload(leaf, init);
  };
  const settle = (leaf: Leaf, dims: Dims): void => {
    if (leaf.memory) return;
    allocate(leaf, dims);
    start(leaf, dims);
  };
  const settleAll = (dims: Dims): void => {
    for (const leaf of kept)
      if (leaf.role !== "optimizer" && product(leaf.axes, dims) >= 0) settle(leaf, dims);
  };
  const leafOf = (name: string): Leaf => {
    checkLife(life);
    return named.get(name) ?? unknown("param", name, named.keys());
  };
  const assign: OpenStore["assign"] = (values) => {
    const given = [...values].map(([name, value]) => [leafOf(name), value] as const);
    const dims = bind(given.flatMap(([leaf, value]) => parse(leaf, value)));
    for (const [leaf] of given) verify(leaf, dims);
    for (const [leaf] of given) {
      if (!leaf.memory) allocate(leaf, dims);
      deliver(leaf);
    }
    settleAll(dims);
  };
  const store: Store = {
    get names() {
      return [...named.keys()];
    },
    get(name) {
      const leaf = leafOf(name);
      settle(leaf, bind());
      return new Tensor(leaf);
    },
    set: (name, value) => assign([[name, value]]),
    async save() {
      const held = [...named].filter(
        ([name, { role, memory }]) => memory || (role !== "optimizer" && store.get(name)),
      );
      return writeTensors(
        await Promise.all(
          held.map(async ([name, leaf]) => [name, { ...leaf, data: await life.device.read(leaf) }] as const),
        ),
      );
    },
    load(bytes, { strict = true } = {}) {
      const file = readTensors<TypedArray>(new Uint8Array(bytes), HOST_ARRAYS);
      for (const { role, name, source } of named.values())
        if (strict && role !== "optimizer" && !file.has(name))
          mismatch(6011, source, "missing", "in the file");
      assign([...file].filter(([name]) => strict || named.has(name)));
      for (const [name, leaf] of named)
        if (leaf.role === "optimizer" && leaf.memory && !file.has(name)) start(leaf, {});
    },
  };
  return { store, assign, bind, settle, settleAll };
}
