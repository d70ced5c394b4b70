import { planMemory, type Slot } from "./plan.js";
import type { Leaf } from "./leaf.js";
import { evaluate, product } from "./sizes.js";
import type { OpenStore } from "./store.js";
import type { Life, Place } from "./tensor.js";
import type { Dims, DType, Entry, ModuleSpec, Size } from "./types.js";

/** An entry point ready to run, and where it leaves its results and gradients. */
export interface Prepared {
  run(): void;
  readonly results: readonly Place[];
  readonly gradients: readonly Place[];
}

/** Names of what gradients are for. */
export const differentiated = ({ wrt, tensors }: ModuleSpec): readonly string[] =>
  wrt ?? tensors.flatMap(({ role, name }) => (role === "param" ? [name] : []));

/** A value of an entry point. */
interface Value {
  readonly dtype: DType;
  readonly length: number;
  readonly bytes: number;
}

/**
 * Plans the memory of an entry point: it runs once over stand-ins, which shows what its kernels take in what order.
 * `slots` is what other entry points have, `tensors` the leaves as the device's kernels take them.
 */
export function prepare(
  entry: Entry,
  spec: ModuleSpec,
  all: readonly Leaf[],
  settle: OpenStore["settle"],
  life: Life,
  dims: Dims,
  slots: Slot[],
  tensors: unknown[],
): Prepared {
  const { device } = life;
  const values: Value[] = [];
  const uses: (readonly (Leaf | Value | number)[])[] = [];
  const [run, results, gradients = []] = entry<Leaf | Value>(
    new Proxy(
      {},
      {
        get:
          () =>
          (...taken: (Leaf | Value | number)[]) =>
            uses.push(taken),
      },
    ),
    all,
    (length, dtype = "f32") => {
      const value = { dtype, length, bytes: device.bytes(dtype, length) };
      values.push(value);
      return value;
    },
    dims,
  );
  run();
  uses.push([...results, ...gradients]);
  for (const taken of new Set(uses.flat()))
    if (typeof taken === "object" && "spec" in taken) {
      settle(taken, dims);
      tensors[taken.index] = device.argument(taken);
    }
  const planned = planMemory(values, uses, slots, (bytes) => device.allocate(bytes, "intermediate values"));
  const place = (name: string, dtype: DType, axes: readonly Size[], at: Leaf | Value): Place => ({
    name,
    dtype,
    shape: axes.map((size) => evaluate(size, dims)),
    length: product(axes, dims),
    memory: ("spec" in at ? at : planned.get(at))?.memory,
    life,
  });
  const names = differentiated(spec);
  return {
    run: device.prepare(
      entry,
      tensors,
      values.map((value) => device.argument(place("", value.dtype, [value.length], value))),
      dims,
    ),
    results: Object.entries(spec.results).map(([name, { dtype, shape }], n) =>
      place(name, dtype, shape, results[n]!),
    ),
    gradients: gradients.map((standIn, n) => {
      const name = names[n]!;
      const { dtype, shape } = all.find((leaf) => leaf.name === name && !leaf.spec.of)!;
      return place(name, dtype, shape, standIn);
    }),
  };
}
