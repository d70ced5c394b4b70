import { planMemory, type Slot } from "./plan.js";
import type { Leaf } from "./leaf.js";
import { evaluate } from "./sizes.js";
import type { OpenStore } from "./store.js";
import type { Life, Place } from "./tensor.js";
import type { Dims, Entry, ModuleSpec, Size } from "./types.js";

/** An entry point ready to run, and where it leaves its results and gradients. */
export interface Prepared {
  run(): void;
  readonly results: readonly Place[];
  readonly gradients: readonly Place[];
}

/** Names of what gradients are for. */
export const differentiated = ({ wrt, param }: ModuleSpec): readonly string[] => wrt ?? Object.keys(param);

/** A value of an entry point, whose memory is planned. */
interface Value extends Place {
  readonly bytes: number;
  memory: unknown;
}

/**
 * Plans the memory of an entry point: it runs once over stand-ins, which shows what its kernels take in what order.
 * `slots` is what other entry points have, `tensors` the leaves as the device's kernels take them.
 */
export function prepare(
  entry: Entry,
  spec: ModuleSpec,
  leaves: readonly Leaf[],
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
    leaves,
    (length, dtype = "f32") => {
      const bytes = device.bytes(dtype, length);
      const value = { name: "", dtype, shape: [], length, bytes, memory: undefined, life };
      values.push(value);
      return value;
    },
    dims,
  );
  run();
  uses.push([...results, ...gradients]);
  for (const taken of new Set(uses.flat()))
    if (typeof taken === "object" && "role" in taken) {
      settle(taken, dims);
      tensors[taken.index] = device.argument(taken);
    }
  planMemory(values, uses, slots, (bytes) => device.allocate(bytes, "intermediate values"));
  // A reshape has the memory of its source.
  const named = (name: string, axes: readonly Size[], at: Place): Place => ({
    ...at,
    name,
    shape: axes.map((size) => evaluate(size, dims)),
  });
  const names = differentiated(spec);
  return {
    run: device.prepare(
      entry,
      tensors,
      values.map((value) => device.argument(value)),
      dims,
    ),
    results: Object.entries(spec.results).map(([name, { shape }], n) => named(name, shape, results[n]!)),
    gradients: gradients.map((at, n) =>
      named(names[n]!, leaves.find(({ name, of }) => name === names[n] && !of)!.axes, at),
    ),
  };
}
