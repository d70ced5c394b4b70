import type { Kernel } from "./types.js";

/**
 * What threads agree upon, as places in an array of shared integers. The ticket is the number of the job and, in its low
 * bits, how many of its parts nobody has claimed; a part is claimed by counting it down. All else is written while there
 * is no such part, so a thread that read it and then claims a part of the same ticket has read what belongs to it.
 */
export const TICKET = 0;
/** Parts that are done. */
export const DONE = 1;
/** Workers that have begun. */
export const READY = 2;
/** A kernel threw. */
export const FAILED = 3;
/** The kernel's number. */
export const KERNEL = 4;
/** How many arguments there are. */
export const COUNT = 5;
/** How many axes are cut, one or two; of each a part's length and where the axis ends. */
export const AXES = 6;
/** Parts along the last axis. */
export const ALONG = 11;
/** Where each worker's own memory begins, by thread. */
export const ROOMS = 12;
/** The model is disposed of. */
export const ENDED = 20;
/** How many arguments are a thread's own; then which, and where each begins in its memory; then all arguments. */
export const OWN = 24;
export const INTS = 1024;
/** The ticket's bits for parts that are left. */
export const LEFT = 1023;

/** Does parts of the job until none is left. */
export function work(control: Int32Array, kernels: readonly Kernel<number>[], thread: number): void {
  for (;;) {
    const ticket = Atomics.load(control, TICKET);
    const left = ticket & LEFT;
    if (!left) return;
    const own = control[OWN]!;
    const first = OWN + 1 + 2 * own;
    const args: number[] = Array.from(control.subarray(first, first + control[COUNT]!));
    if (thread)
      for (let k = OWN + 1; k < first; k += 2) args[control[k]!] = control[ROOMS + thread]! + control[k + 1]!;
    const kernel = kernels[control[KERNEL]!];
    const cut = control[AXES]!;
    const along = control[ALONG]!;
    for (let k = 0; k < cut; k++) {
      const chunk = control[AXES + 1 + 2 * k]!;
      const begin = chunk * (k === cut - 1 ? (left - 1) % along : Math.floor((left - 1) / along));
      args.push(begin, Math.min(begin + chunk, control[AXES + 2 + 2 * k]!));
    }
    if (Atomics.compareExchange(control, TICKET, ticket, ticket - 1) !== ticket) continue;
    try {
      kernel!(...args);
    } catch {
      control[FAILED] = 1;
    }
    Atomics.add(control, DONE, 1);
    Atomics.notify(control, DONE);
  }
}
