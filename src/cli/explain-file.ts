import {
  entriesOf,
  type Kernel,
  type KernelBuffer,
  type Launch,
  type ScheduledEntry,
  type ScheduledModule,
} from "../schedule/kernel/ir.js";
import { BYTES, elements, measureKernel } from "../schedule/kernel/measure.js";
import type { ValueId } from "../ir/expr.js";
import { idsOf } from "../ir/items.js";
import { Poly } from "../ir/poly.js";
import { sizeText } from "../ir/text/print.js";
import type { Program, RecurrenceGroup, Value } from "../ir/program.js";
import { keepReachable } from "../ir/reach.js";

/** A number where every dim has a value, else its formula. */
export type Amount = number | string;
export interface KernelReport {
  readonly name: string;
  readonly entries: readonly string[];
  /** `FILE:LINE` of the equations, each once. */
  readonly lines: readonly string[];
  readonly computes: readonly string[];
  /** Of a packed contraction: the register tile that its panels are multiplied in. */
  readonly tile: readonly [number, number] | null;
  readonly loops: readonly { readonly variable: string; readonly extent: Amount; readonly depth: number }[];
  readonly reads: readonly { readonly name: string; readonly bytes: Amount }[];
  readonly writes: readonly { readonly name: string; readonly bytes: Amount }[];
  readonly bytesRead: Amount;
  readonly bytesWritten: Amount;
  readonly flops: Amount;
  /** Flops for each byte read or written; null where a dim is open. */
  readonly intensity: number | null;
  /** Why it did not join an earlier kernel. */
  readonly because: readonly string[];
}
export interface EntryReport {
  readonly name: string;
  readonly kernels: readonly string[];
  readonly flops: Amount;
  readonly bytes: Amount;
  /** Intermediate tensors and results, together and at the moment when most of them live. */
  readonly memory: { readonly tensors: number; readonly bytes: Amount; readonly peak: number | null };
  /** Values of the forward pass that the gradient reads again. */
  readonly saved: readonly { readonly name: string; readonly line: string; readonly bytes: Amount }[];
}
export interface RecurrenceReport {
  readonly name: string;
  readonly line: string;
  readonly steps: string;
  readonly direction: "up" | "down";
  readonly policy: string;
  readonly members: readonly string[];
  readonly bytes: Amount;
}
export interface FileReport {
  readonly target: string;
  readonly dims: Readonly<Record<string, number | null>>;
  readonly kernels: readonly KernelReport[];
  readonly entries: readonly EntryReport[];
  readonly recurrences: readonly RecurrenceReport[];
}

const isRoom = (buffer: KernelBuffer | undefined): boolean =>
  buffer?.access === "scratch" || buffer?.access === "shared";

/** What the schedule of a file does: its kernels, memory and recurrences, with what was decided and why. */
export function explainModule(
  module: ScheduledModule,
  source: Program,
  target: string,
  dims: ReadonlyMap<string, number>,
): FileReport {
  const explainer = new Explainer(module, source, dims);
  const kernels = [...module.kernels.values()].map((kernel) => explainer.kernel(kernel));
  return {
    target,
    dims: Object.fromEntries(source.dims.map((d) => [d.name, dims.get(d.name) ?? null])),
    kernels,
    entries: [...explainer.entries].map(([name, entry]) => explainer.entry(name, entry, kernels)),
    recurrences: source.items.flatMap((item) =>
      typeof item === "number" ? [] : [explainer.recurrence(item)],
    ),
  };
}

class Explainer {
  readonly entries: ReadonlyMap<string, ScheduledEntry>;
  /** Values that outputs and losses take. */
  private readonly forward: ReadonlySet<ValueId>;

  constructor(
    private readonly module: ScheduledModule,
    private readonly source: Program,
    private readonly dims: ReadonlyMap<string, number>,
  ) {
    this.entries = new Map(entriesOf(module));
    const roots = source.outputs.map((o) => o.value);
    this.forward = new Set(keepReachable(source, roots).items.flatMap(idsOf));
  }

  // ---- values and amounts ----

  private amount(p: Poly): Amount {
    const { dims } = this;
    const known = [...p.dims].every((d) => dims.has(d));
    return known ? p.evaluate((a) => (a.kind === "dim" ? (dims.get(a.name) ?? NaN) : NaN)) : sizeText(p);
  }
  private value(id: ValueId): Value | undefined {
    return this.module.program.values.get(id) ?? this.source.values.get(id);
  }
  private nameOf(id: ValueId): string {
    return this.value(id)?.name ?? String(id);
  }
  private bytesOf(ids: Iterable<ValueId>): Poly {
    return sumOf(
      [...ids].map((id) => {
        const v = this.value(id);
        return v ? elements(v.shape).mul(BYTES[v.dtype]) : Poly.constant(0);
      }),
    );
  }
  private isLeaf(id: ValueId): boolean {
    return this.value(id)?.definition.kind === "leaf";
  }

  // ---- kernels ----

  kernel(kernel: Kernel): KernelReport {
    const uses = [...this.entries].flatMap(([entry, { launches }]) =>
      launches.filter((l) => l.kernel === kernel.name).map((launch) => ({ entry, launch })),
    );
    const { flops, loops } = measureKernel(kernel);
    const tensors = uses[0]?.launch.tensors ?? [];
    const [reads, writes] = [this.traffic(kernel, tensors, "read"), this.traffic(kernel, tensors, "write")];
    const read = this.bytesOf(reads.map((t) => t.id));
    const written = this.bytesOf(writes.map((t) => t.id));
    const listed = (list: typeof reads): KernelReport["reads"] =>
      list.map(({ id, name }) => ({ name, bytes: this.amount(this.bytesOf([id])) }));
    const bytes = this.amount(sumOf([read, written]));
    const work = this.amount(flops);
    return {
      name: kernel.name,
      entries: [...new Set(uses.map((u) => u.entry))],
      lines: [...new Set(kernel.spans.map((s) => `${s.file}:${s.start.line}`))],
      computes: computedBy(kernel),
      loops: (kernel.contraction?.loops.map((l, depth) => ({ ...l, depth })) ?? loops).map((l) => ({
        ...l,
        extent: this.amount(l.extent),
      })),
      tile: kernel.contraction?.tile ?? null,
      reads: listed(reads),
      writes: listed(writes),
      bytesRead: this.amount(read),
      bytesWritten: this.amount(written),
      flops: work,
      intensity: typeof work === "number" && typeof bytes === "number" && bytes > 0 ? work / bytes : null,
      because: this.reasons(
        kernel,
        uses.map((u) => u.entry),
      ),
    };
  }
  /** The tensors that a kernel reads, or writes. Scratch stays in the caches. */
  private traffic(
    kernel: Kernel,
    tensors: readonly ValueId[],
    access: "read" | "write",
  ): { readonly id: ValueId; readonly name: string }[] {
    const other = access === "read" ? "write" : "read";
    return kernel.buffers.flatMap((b, k) => {
      const id = tensors[k];
      const isUsed = !isRoom(b) && b.access !== other;
      return isUsed && id !== undefined ? [{ id, name: this.value(id)?.name ?? b.name }] : [];
    });
  }
  /** The reasons given for the first value of each launch's group: what came later joined it. */
  private reasons(kernel: Kernel, entries: readonly string[]): string[] {
    const members = new Set(computedBy(kernel));
    const found = entries.flatMap((name) =>
      (this.module.decisions.get(name) ?? []).filter((d) => members.has(this.value(d.value)?.name ?? "")),
    );
    return [...new Set(found.map((d) => d.why).filter(Boolean))];
  }

  // ---- entry points ----

  entry(name: string, entry: ScheduledEntry, kernels: readonly KernelReport[]): EntryReport {
    const { launches } = entry;
    const own = kernels.filter((k) => launches.some((l) => l.kernel === k.name));
    const saved = entry.gradients.length || entry.updates.length ? this.savedBy(entry) : [];
    return {
      name,
      kernels: launches.map((l) => l.kernel),
      flops: this.amount(sumOf(launches.map((l) => this.flopsOf(l)))),
      bytes: own.every((k) => typeof k.bytesRead === "number" && typeof k.bytesWritten === "number")
        ? launches.reduce((n, l) => {
            const k = own.find((each) => each.name === l.kernel);
            return n + Number(k?.bytesRead ?? 0) + Number(k?.bytesWritten ?? 0);
          }, 0)
        : this.amount(this.bytesOf(launches.flatMap((l) => l.tensors))),
      memory: this.memory(entry),
      saved: saved.map((id) => ({
        name: this.nameOf(id),
        line: lineOf(this.value(id)),
        bytes: this.amount(this.bytesOf([id])),
      })),
    };
  }
  private flopsOf({ kernel }: Launch): Poly {
    const found = this.module.kernels.get(kernel);
    return found ? measureKernel(found).flops : Poly.constant(0);
  }
  private memory({ launches, results, gradients, updates }: ScheduledEntry): EntryReport["memory"] {
    const lives = new Map<ValueId, { readonly first: number; last: number }>();
    const live = (id: ValueId, at: number): void => {
      const owner = this.module.aliases.get(id) ?? id;
      if (this.isLeaf(owner)) return;
      const life = lives.get(owner);
      if (life) life.last = at;
      else lives.set(owner, { first: at, last: at });
    };
    launches.forEach((l, at) => l.tensors.forEach((id) => live(id, at)));
    for (const { value } of [...results, ...gradients, ...updates]) live(value, launches.length);
    const peaks = launches.map((_, at) => {
      const alive = [...lives].filter(([, l]) => l.first <= at && at <= l.last);
      return this.amount(this.bytesOf(alive.map(([id]) => id)));
    });
    const numbers = peaks.filter((p): p is number => typeof p === "number");
    return {
      tensors: lives.size,
      bytes: this.amount(this.bytesOf(lives.keys())),
      peak: numbers.length === peaks.length ? Math.max(0, ...numbers) : null,
    };
  }
  /** Values of the forward pass that kernels of the gradient read. */
  private savedBy(entry: ScheduledEntry): ValueId[] {
    const { module, forward } = this;
    const latest = new Map([...entry.kept].map(([id, tensor]) => [tensor, id]));
    const isForward = (tensor: ValueId): boolean => {
      const id = latest.get(tensor) ?? tensor;
      const definition = module.program.values.get(id)?.definition;
      // Entries copied for the gradient while the forward pass runs.
      const isCopy = definition?.kind === "equation" && !definition.operator && definition.body.op === "read";
      return (
        forward.has(id) || (isCopy && definition.body.op === "read" && forward.has(definition.body.value))
      );
    };
    const saved = new Set<ValueId>();
    for (const launch of entry.launches) {
      const kernel = module.kernels.get(launch.kernel);
      const written = launch.tensors.filter((_, k) => {
        const buffer = kernel?.buffers[k];
        return buffer?.access !== "read" && !isRoom(buffer);
      });
      if (written.every(isForward)) continue;
      launch.tensors.forEach((id, k) => {
        if (kernel?.buffers[k]?.access === "read" && isForward(id) && !this.isLeaf(id)) saved.add(id);
      });
    }
    return [...saved];
  }

  // ---- recurrences ----

  recurrence(group: RecurrenceGroup): RecurrenceReport {
    const ids = idsOf(group);
    const entries = [...this.entries.values()];
    const launched = new Set(entries.flatMap((e) => e.launches.flatMap((l) => l.tensors)));
    const whole = ids.filter((id) => launched.has(id));
    const latest = ids.flatMap((id) => {
      const tensors = entries.map((e) => e.kept.get(id)).filter((t) => t !== undefined && launched.has(t));
      return whole.includes(id) ? [] : tensors.slice(0, 1).map((t) => t ?? id);
    });
    const saved = ids.flatMap((id) => {
      const name = `${this.value(id)?.name}.saved`;
      const found = [...this.module.program.values.values()].find(
        (v) => v.name.replace(/_\d+$/, "") === name,
      );
      return found ? [found.id] : [];
    });
    const names = whole.map((id) => this.value(id)?.name ?? "");
    return {
      name: group.name,
      line: lineOf(group),
      steps: `${sizeText(group.lo)}..${sizeText(group.hi)}`,
      direction: group.direction === 1 ? "up" : "down",
      policy: policyOf(group, names, latest.length, saved.length),
      members: ids.map((id) => this.nameOf(id)),
      bytes: this.amount(this.bytesOf([...whole, ...latest, ...saved])),
    };
  }
}

const sumOf = (list: readonly Poly[]): Poly => list.reduce((sum, p) => sum.add(p), Poly.constant(0));
const computedBy = (kernel: Kernel): string[] => kernel.notes.flatMap((n) => n.split(", "));
const lineOf = (of: Value | RecurrenceGroup | undefined): string =>
  of?.span ? `${of.span.file}:${of.span.start.line}` : "";

/** What is kept of a recurrence, in words. */
function policyOf(
  { checkpoint }: RecurrenceGroup,
  whole: readonly string[],
  latest: number,
  saved: number,
): string {
  const isCut = checkpoint === "sqrt" || typeof checkpoint === "number";
  const chosen =
    isCut && saved === 0 ? `; checkpoint ${checkpoint} has no effect where they are read as a whole` : "";
  const others =
    saved > 0
      ? `entries at the begin of each segment are saved, the steps computed again (checkpoint ${checkpoint})`
      : latest > 0
        ? "the latest entries are kept, no others are read"
        : "";
  if (whole.length === 0) return `${others || "no step is kept, none is read later"}${chosen}`;
  if (others)
    return `every step of ${whole.join(", ")} is kept, which all are read; of the others ${others}${chosen}`;
  if (checkpoint === "none") return "every step is kept (checkpoint none)";
  return isCut ? `every step is kept${chosen}` : "every step is kept (the compiler's choice)";
}
