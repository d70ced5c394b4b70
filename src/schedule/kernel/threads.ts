import { Poly } from "../../ir/poly.js";
import { accessesOf, freshName, namesOf } from "./rewrite.js";
import type { Kernel, KernelBuffer, Launch, ScheduledEntry, ScheduledModule, Statement } from "./ir.js";
import { measureKernel } from "./measure.js";
import { kVariable } from "./arithmetic.js";

/** A kernel for part of a grid, and what follows once all parts are done. */
interface Parted {
  readonly kernel: Kernel;
  readonly join: Kernel | null;
  readonly spread: NonNullable<Launch["spread"]>;
}

/** So many of a grid's axes are cut. */
const MOST_AXES = 2;
/** Iterations of a grid's innermost axis that stay together, as the lanes of a target may take them. */
const TOGETHER = 16;

/**
 * Kernels for threads: each takes a range of its outermost grid axes, as more sizes, and what comes after the grid is a
 * kernel of its own. Which iterations run where changes no bit, as they are independent.
 */
export function forThreads(module: ScheduledModule): ScheduledModule {
  const taken = new Set(module.kernels.keys());
  const parted = new Map<string, Parted>();
  const kernels = new Map<string, Kernel>();
  for (const [name, kernel] of module.kernels) {
    const parts = partsOf(kernel, taken);
    kernels.set(name, parts?.kernel ?? kernel);
    if (parts?.join) kernels.set(parts.join.name, parts.join);
    if (parts) parted.set(name, parts);
  }
  const relaunched = (entry: ScheduledEntry): ScheduledEntry => ({
    ...entry,
    launches: entry.launches.flatMap((launch): Launch[] => {
      const parts = parted.get(launch.kernel);
      if (!parts) return [launch];
      const { join } = parts;
      const whole = module.kernels.get(launch.kernel)?.buffers ?? [];
      const tensorsOf = (buffers: readonly KernelBuffer[]): Launch["tensors"] =>
        launch.tensors.filter((_, k) => buffers.some((b) => b.name === whole[k]?.name));
      return [
        { kernel: parts.kernel.name, tensors: tensorsOf(parts.kernel.buffers), spread: parts.spread },
        ...(join ? [{ kernel: join.name, tensors: tensorsOf(join.buffers) }] : []),
      ];
    }),
  });
  const all = (of: ReadonlyMap<string, ScheduledEntry>): ReadonlyMap<string, ScheduledEntry> =>
    new Map([...of].map(([loss, entry]) => [loss, relaunched(entry)]));
  return {
    ...module,
    kernels,
    forward: relaunched(module.forward),
    backward: all(module.backward),
    step: all(module.step),
  };
}

/** Null for a kernel without a grid. */
function partsOf(kernel: Kernel, taken: Set<string>): Parted | null {
  const [outer, inner] = [kernel.grid.slice(0, MOST_AXES), kernel.grid.slice(MOST_AXES)];
  if (outer.length === 0) return null;
  const names = namesOf(kernel);
  const ends = outer.map(({ variable }) =>
    [`${variable}_first`, `${variable}_last`].map((base) => freshName(base, names)),
  );
  const { flops } = measureKernel(kernel);
  const isKnown = flops.terms.every((t) => t.atoms.every((a) => a.kind === "dim"));
  const part: Kernel = {
    ...kernel,
    buffers: buffersOf(kernel, kernel.body),
    sizes: [...kernel.sizes, ...ends.flat().map((name) => ({ name, poly: Poly.dim(name) }))],
    grid: [
      ...outer.map((loop, k) => {
        const [first = "", extent = ""] = ends[k] ?? [];
        return { ...loop, first: kVariable(first, "i32"), extent: kVariable(extent, "i32") };
      }),
      ...inner,
    ],
    after: [],
  };
  return {
    kernel: part,
    join: kernel.after.length
      ? {
          ...kernel,
          name: freshName(`${kernel.name}_join`, taken),
          buffers: buffersOf(kernel, kernel.after),
          grid: [],
          body: kernel.after,
          after: [],
        }
      : null,
    spread: {
      axes: outer.map(({ extent, step, block }, k) => {
        const isLast = k === kernel.grid.length - 1 && kernel.after.length === 0;
        const together = block?.granule ?? (isLast ? step * Math.ceil(TOGETHER / step) : step);
        return { extent, together };
      }),
      work: isKnown ? flops : Poly.constant(0),
      // What each iteration has for itself is each thread's own.
      own: part.buffers.flatMap((b, k) => (b.access === "scratch" ? [k] : [])),
    },
  };
}

/** The buffers that some statements of a kernel use, as they use them. */
function buffersOf(kernel: Kernel, list: readonly Statement[]): KernelBuffer[] {
  const { loaded, stored } = accessesOf(list);
  return kernel.buffers.flatMap((b): KernelBuffer[] => {
    const [isLoaded, isStored] = [loaded.has(b.name), stored.has(b.name)];
    if (!isLoaded && !isStored) return [];
    if (b.access === "scratch") return [b];
    return [{ ...b, access: isLoaded && isStored ? "readwrite" : isLoaded ? "read" : "write" }];
  });
}
