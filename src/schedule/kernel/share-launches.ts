import type { Kernel, Launch, ScheduledEntry } from "./ir.js";
import type { ValueId } from "../../ir/expr.js";

/** So much more work a kernel may do than the one whose place it takes. */
const MOST_EXTRA = 1.1;

/** A launch, and about how much it computes and stores. */
export interface Weighed {
  readonly launch: Launch;
  readonly work: number;
}

interface Surroundings {
  readonly workOf: (launch: Launch) => number;
  readonly kernelOf: (launch: Launch) => Kernel;
  /** The tensor that holds a value. */
  readonly ownerOf: (id: ValueId) => ValueId;
  /** The tensors that are there before any launch. */
  readonly given: readonly ValueId[];
}

/**
 * An entry point with launches of another one in place of its own, where these compute the same and little more: the
 * kernel that makes a loss in the forward pass is the one that makes its gradient as well, and the code is there once.
 */
export function shareLaunches(
  entry: ScheduledEntry,
  others: readonly Weighed[],
  { workOf, kernelOf, ownerOf, given }: Surroundings,
): ScheduledEntry {
  const access = (launch: Launch, isWanted: (access: string) => boolean): readonly ValueId[] => {
    const { buffers } = kernelOf(launch);
    return launch.tensors.filter((_, k) => isWanted(buffers[k]?.access ?? ""));
  };
  const reads = (launch: Launch): readonly ValueId[] => access(launch, (a) => a === "read");
  const writes = (launch: Launch): readonly ValueId[] =>
    access(launch, (a) => a === "write" || a === "readwrite");
  const there = new Set(given);
  const results = new Set(entry.results.map((r) => ownerOf(r.value)));
  const launches = entry.launches.map((own, k): Launch => {
    const later = new Set(entry.launches.slice(k + 1).flatMap((l) => access(l, () => true)));
    const wanted = writes(own).filter((id) => results.has(id) || later.has(id));
    const other = others.find(({ launch, work }) => {
      const made = writes(launch);
      return (
        launch.kernel !== own.kernel &&
        work <= MOST_EXTRA * workOf(own) &&
        wanted.every((id) => made.includes(id)) &&
        reads(launch).every((id) => there.has(id)) &&
        // What stands already stays as it is.
        made.every((id) => !there.has(id))
      );
    });
    const chosen = other?.launch ?? own;
    for (const id of writes(chosen)) there.add(id);
    return chosen;
  });
  return { ...entry, launches };
}
