import { InternalError } from "./errors.js";
import type { Kernel } from "./types.js";
import {
  ALONG,
  AXES,
  COUNT,
  DONE,
  ENDED,
  FAILED,
  INTS,
  KERNEL,
  LEFT,
  OWN,
  READY,
  ROOMS,
  TICKET,
  work,
} from "./ticket.js";

/** What threads need of a worker, a browser's or Node's. */
export interface ThreadWorker {
  postMessage(message: unknown): void;
  /** Node's: it keeps no process alive. */
  unref?(): void;
  terminate(): unknown;
  /** A browser's. */
  addEventListener?(type: "error", then: (event: { readonly message?: string }) => void): void;
  /** Node's, where an error that nobody hears ends the process. */
  on?(type: "error", then: (error: Error) => void): unknown;
}
export interface ThreadOptions {
  readonly threads?: number;
  readonly worker?: () => ThreadWorker;
}
/** Kernels of wasm over byte addresses, by name. */
type WasmKernels = Readonly<Record<string, Kernel<number>>>;

export interface ThreadPool {
  readonly memory: WebAssembly.Memory;
  /** Has the workers take part. `allocate` gives memory of so many bytes. */
  start(module: WebAssembly.Module, kernels: WasmKernels, allocate: (bytes: number) => number): Promise<void>;
  /** What entry points call beside kernels: of fewer operations than `worthwhile`, the kernel itself costs less. */
  readonly calls: { readonly spread?: Spread; readonly worthwhile: number };
  stop(): void;
}
/** The outermost axes of a kernel's grid, one or two: where each ends, and what parts begin at multiples of. */
export type Axes = readonly (readonly [extent: number, together: number])[];
/** Runs a kernel, of so many operations, over its whole grid; each thread has its own of some arguments. */
export type Spread = (
  kernel: string,
  operations: number,
  axes: Axes,
  own: readonly (readonly [argument: number, bytes: number])[],
  ...args: number[]
) => void;
/** A kernel on this thread alone. */
function alone(kernel: Kernel<number>, axes: Axes, args: number[]): void {
  for (const [extent] of axes) args.push(0, extent);
  kernel(...args);
}
/** A pool of this thread alone where there can be no other, with `isAlone` above all: then `bytes`, the module, change. */
export type ThreadFactory = (options: ThreadOptions, bytes: Uint8Array, isAlone: boolean) => ThreadPool;

/** Operations below which it costs more to wake others than they save. */
const WORTHWHILE = 500_000;
/** Parts for each thread at most, so that one that is held up holds up little, and the operations of a part at least. */
const PARTS = 4;
const PART = 8_000_000;
const MOST_THREADS = 8;
/** Of WebAssembly's 32-bit memory. */
const PAGES = 65536;
const INITIAL = 16;
/** Milliseconds that a model waits for its workers to begin. */
const START = 5000;
/** Rounds of looking before the system is asked to wake us. */
const PATIENCE = 2000;

interface NodeThreads {
  readonly Worker: new (url: URL) => ThreadWorker;
}
const builtin = (name: string): unknown =>
  (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process?.getBuiltinModule?.(
    name,
  );

function startWorker(): ThreadWorker {
  const node = builtin("node:worker_threads") as NodeThreads | undefined;
  return node
    ? new node.Worker(new URL("./worker.js", import.meta.url))
    : new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
}
function cores(): number {
  const os = builtin("node:os") as { availableParallelism?: () => number } | undefined;
  return os?.availableParallelism?.() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}

/**
 * Workers that share a model's memory. A call's large kernels are cut into parts, which this thread and the workers claim
 * one by one; whoever claims a part does it, so a worker that wakes late holds nobody up. Calls stay synchronous.
 */
export const threadPool: ThreadFactory = ({ threads, worker = startWorker }, bytes, isAlone) => {
  const count = Math.min(threads ?? Math.min(cores(), 4), MOST_THREADS);
  let kernels: WasmKernels = {};
  if (count < 2 || isAlone || !globalThis.SharedArrayBuffer || globalThis.crossOriginIsolated === false) {
    unshare(bytes);
    return {
      memory: new WebAssembly.Memory({ initial: INITIAL, maximum: PAGES }),
      start: async () => undefined,
      calls: { worthwhile: Infinity },
      stop() {},
    };
  }
  const memory = new WebAssembly.Memory({ initial: INITIAL, maximum: PAGES, shared: true });
  const control = new Int32Array(new SharedArrayBuffer(4 * INTS));
  const workers: ThreadWorker[] = [];
  let names: readonly string[] = [];
  let numbered: Kernel<number>[] = [];
  let reserve: (bytes: number) => number = () => 0;
  /** Bytes of what each worker has for itself. */
  let room = 0;
  const makeRoom = (bytes: number): void => {
    room = bytes;
    for (let n = 1; n < count; n++) control[ROOMS + n] = reserve(bytes);
  };
  const finished = (parts: number): void => {
    for (let round = 0; ; round++) {
      const done = Atomics.load(control, DONE);
      if (done === parts) return;
      // A browser's main thread may not sleep: it goes on looking, never for longer than one part takes.
      if (round > PATIENCE && canSleep()) Atomics.wait(control, DONE, done);
    }
  };
  const spread: Spread = (name, operations, axes, own, ...args) => {
    const wanted = Math.max(count, Math.min(count * PARTS, operations / PART));
    let parts = 1;
    const cuts = axes.map(([extent, together]) => {
      const most = Math.max(1, Math.min(Math.ceil(extent / together), Math.ceil(wanted / parts)));
      const chunk = Math.ceil(extent / most / together) * together || 1;
      const along = Math.max(1, Math.ceil(extent / chunk));
      parts *= along;
      return { extent, chunk, along };
    });
    const fits = OWN + 1 + 2 * own.length + args.length <= INTS;
    if (parts < 2 || !fits || !Atomics.load(control, READY)) return alone(kernels[name]!, axes, args);
    let bytes = 0;
    control[COUNT] = args.length;
    control[OWN] = own.length;
    let at = OWN + 1;
    for (const [argument, size] of own) {
      control[at++] = argument;
      control[at++] = bytes;
      bytes += Math.ceil(size / 16) * 16;
    }
    if (bytes > room) makeRoom(bytes);
    for (const arg of args) control[at++] = arg;
    control[KERNEL] = names.indexOf(name);
    control[AXES] = cuts.length;
    cuts.forEach(({ extent, chunk, along }, k) => {
      control[AXES + 1 + 2 * k] = chunk;
      control[AXES + 2 + 2 * k] = extent;
      control[ALONG] = along;
    });
    control[DONE] = 0;
    Atomics.store(control, TICKET, ((Atomics.load(control, TICKET) & ~LEFT) + LEFT + 1) | parts);
    Atomics.notify(control, TICKET);
    work(control, numbered, 0);
    finished(parts);
    if (control[FAILED]) throw new InternalError(`kernel ${name} failed in a thread`);
  };
  return {
    memory,
    calls: { spread, worthwhile: WORTHWHILE },
    async start(module, all, allocate) {
      kernels = all;
      names = Object.keys(all);
      numbered = Object.values(all);
      reserve = allocate;
      let lost = 0;
      const lose = (why = "it could not be loaded"): void => {
        if (!lost++) warn(why);
      };
      for (let n = 1; n < count; n++)
        try {
          const made = worker();
          made.addEventListener?.("error", ({ message }) => lose(message));
          made.on?.("error", ({ message }) => lose(message));
          made.postMessage({ module, memory, control, thread: n });
          made.unref?.();
          workers.push(made);
        } catch (error) {
          lose(String(error));
        }
      // A browser starts workers when its loop turns, which a program that computes need never let it; Node's join when they
      // are there, unless they were asked for.
      if (threads === undefined && builtin("node:worker_threads")) return;
      const late = performance.now() + START;
      while (Atomics.load(control, READY) + lost < count - 1) {
        if (performance.now() > late) return warn(`it has not begun after ${START / 1000} s`);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
    stop() {
      // They end by themselves, as a browser lets one that sleeps live on for seconds.
      control[ENDED] = 1;
      Atomics.add(control, TICKET, LEFT + 1);
      Atomics.notify(control, TICKET);
      for (const made of workers) made.terminate();
    },
  };
};

function warn(why: string): void {
  console.warn(
    `gradc: a worker did not start (${why}); the model goes on without it. It is worker.js beside the runtime or the bundle, or what create({ worker }) starts, a file of gradc/worker.`,
  );
}

let sleeps: boolean | undefined;
function canSleep(): boolean {
  if (sleeps === undefined)
    try {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
      sleeps = true;
    } catch {
      sleeps = false;
    }
  return sleeps;
}

/** The import of shared memory made one of memory of its own, of the same limits: `memory`, 2 for a memory, 3 for shared. */
function unshare(bytes: Uint8Array): void {
  const wanted = [...new TextEncoder().encode("memory"), 2, 3];
  const at = bytes.findIndex((_, n) => wanted.every((byte, k) => bytes[n + k] === byte));
  if (at >= 0) bytes[at + wanted.length - 1] = 1;
}
