import type {
  KernelBuffer,
  Decision,
  Kernel,
  Launch,
  ScheduledEntry,
  ScheduledModule,
} from "../schedule/kernel-ir.js";
import { BYTES, elements, measureKernel } from "../schedule/measure.js";
import type { ValueId } from "../ir/expr.js";
import { idsOf } from "../ir/items.js";
import { Poly } from "../ir/poly.js";
import { sizeText } from "../ir/print.js";
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
  const amount = (p: Poly): Amount => {
    const known = [...p.dims].every((d) => dims.has(d));
    return known ? p.evaluate((a) => (a.kind === "dim" ? (dims.get(a.name) ?? NaN) : NaN)) : sizeText(p);
  };
  const valueOf = (id: ValueId): Value | undefined => module.program.values.get(id) ?? source.values.get(id);
  const bytesOf = (id: ValueId): Poly => {
    const v = valueOf(id);
    return v ? elements(v.shape).mul(BYTES[v.dtype]) : Poly.constant(0);
  };
  const lineOf = (v: Value | undefined): string => (v?.span ? `${v.span.file}:${v.span.start.line}` : "");
  const entries: [string, ScheduledEntry][] = [
    ["forward", module.forward],
    ...[...module.backward].map(([loss, e]): [string, ScheduledEntry] => [`backward ${loss}`, e]),
    ...[...module.step].map(([loss, e]): [string, ScheduledEntry] => [`step ${loss}`, e]),
  ];

  const kernels = [...module.kernels.values()].map((kernel): KernelReport => {
    const uses = entries.flatMap(([name, e]) =>
      e.launches.filter((l) => l.kernel === kernel.name).map((launch) => ({ name, launch })),
    );
    const { flops, loops } = measureKernel(kernel);
    const launch = uses[0]?.launch;
    const traffic = (writes: boolean): { name: string; bytes: Poly }[] =>
      kernel.buffers.flatMap((b, k) => {
        const id = launch?.tensors[k];
        // Scratch stays in the caches.
        const used = !isRoom(b) && b.access !== (writes ? "read" : "write");
        return used && id !== undefined ? [{ name: valueOf(id)?.name ?? b.name, bytes: bytesOf(id) }] : [];
      });
    const [reads, writes] = [traffic(false), traffic(true)];
    const total = (list: readonly { bytes: Poly }[]): Poly =>
      list.reduce((sum, t) => sum.add(t.bytes), Poly.constant(0));
    const bytes = amount(total(reads).add(total(writes)));
    const work = amount(flops);
    return {
      name: kernel.name,
      entries: [...new Set(uses.map((u) => u.name))],
      lines: [...new Set(kernel.spans.map((s) => `${s.file}:${s.start.line}`))],
      computes: kernel.notes.flatMap((n) => n.split(", ")),
      loops: (kernel.contraction?.loops.map((l, depth) => ({ ...l, depth })) ?? loops).map((l) => ({
        ...l,
        extent: amount(l.extent),
      })),
      tile: kernel.contraction?.tile ?? null,
      reads: reads.map((t) => ({ ...t, bytes: amount(t.bytes) })),
      writes: writes.map((t) => ({ ...t, bytes: amount(t.bytes) })),
      bytesRead: amount(total(reads)),
      bytesWritten: amount(total(writes)),
      flops: work,
      intensity: typeof work === "number" && typeof bytes === "number" && bytes > 0 ? work / bytes : null,
      because: reasons(kernel, uses, module.decisions, valueOf),
    };
  });

  const forward = new Set(
    keepReachable(
      source,
      source.outputs.map((o) => o.value),
    ).items.flatMap(idsOf),
  );
  const entryReports = entries.map(([name, e]): EntryReport => {
    const owner = (id: ValueId): ValueId => module.aliases.get(id) ?? id;
    const isLeaf = (id: ValueId): boolean => valueOf(id)?.definition.kind === "leaf";
    const lives = new Map<ValueId, { first: number; last: number }>();
    const live = (id: ValueId, at: number): void => {
      if (isLeaf(owner(id))) return;
      const life = lives.get(owner(id));
      if (life) life.last = at;
      else lives.set(owner(id), { first: at, last: at });
    };
    e.launches.forEach((l, at) => l.tensors.forEach((id) => live(id, at)));
    for (const { value } of [...e.results, ...e.gradients, ...e.updates]) live(value, e.launches.length);
    const sum = (ids: Iterable<ValueId>): Poly =>
      [...ids].reduce((total, id) => total.add(bytesOf(id)), Poly.constant(0));
    const peaks = e.launches.map((_, at) =>
      amount(sum([...lives].filter(([, l]) => l.first <= at && at <= l.last).map(([id]) => id))),
    );
    const numbers = peaks.filter((p): p is number => typeof p === "number");
    const own = kernels.filter((k) => e.launches.some((l) => l.kernel === k.name));
    return {
      name,
      kernels: e.launches.map((l) => l.kernel),
      flops: amount(e.launches.reduce((total, l) => total.add(flopsOf(module, l)), Poly.constant(0))),
      bytes: own.every((k) => typeof k.bytesRead === "number" && typeof k.bytesWritten === "number")
        ? e.launches.reduce((n, l) => {
            const k = own.find((each) => each.name === l.kernel);
            return n + Number(k?.bytesRead ?? 0) + Number(k?.bytesWritten ?? 0);
          }, 0)
        : amount(sum(e.launches.flatMap((l) => [...l.tensors]))),
      memory: {
        tensors: lives.size,
        bytes: amount(sum(lives.keys())),
        peak: numbers.length === peaks.length ? Math.max(0, ...numbers) : null,
      },
      saved:
        e.gradients.length || e.updates.length
          ? savedBy(module, e, forward, isLeaf).map((id) => ({
              name: valueOf(id)?.name ?? String(id),
              line: lineOf(valueOf(id)),
              bytes: amount(bytesOf(id)),
            }))
          : [],
    };
  });

  const recurrences = source.items.flatMap((item) =>
    typeof item === "number"
      ? []
      : [
          recurrence(item, module, valueOf, (ids) =>
            amount(ids.reduce((t, id) => t.add(bytesOf(id)), Poly.constant(0))),
          ),
        ],
  );
  return {
    target,
    dims: Object.fromEntries(source.dims.map((d) => [d.name, dims.get(d.name) ?? null])),
    kernels,
    entries: entryReports,
    recurrences,
  };
}

const flopsOf = (module: ScheduledModule, launch: Launch): Poly => {
  const kernel = module.kernels.get(launch.kernel);
  return kernel ? measureKernel(kernel).flops : Poly.constant(0);
};

/** The reasons given for the first value of each launch's group: what came later joined it. */
function reasons(
  kernel: Kernel,
  uses: readonly { readonly name: string; readonly launch: Launch }[],
  decisions: ScheduledModule["decisions"],
  valueOf: (id: ValueId) => Value | undefined,
): string[] {
  const members = new Set(kernel.notes.flatMap((n) => n.split(", ")));
  const found = uses.flatMap(({ name }) =>
    (decisions.get(name) ?? []).filter((d: Decision) => members.has(valueOf(d.value)?.name ?? "")),
  );
  return [...new Set(found.map((d) => d.why).filter(Boolean))];
}

/** Values of the forward pass that kernels of the gradient read. */
function savedBy(
  module: ScheduledModule,
  entry: ScheduledEntry,
  forward: ReadonlySet<ValueId>,
  isLeaf: (id: ValueId) => boolean,
): ValueId[] {
  const latest = new Map([...entry.kept].map(([id, tensor]) => [tensor, id]));
  const isForward = (tensor: ValueId): boolean => {
    const id = latest.get(tensor) ?? tensor;
    const definition = module.program.values.get(id)?.definition;
    // Entries copied for the gradient while the forward pass runs.
    const isCopy = definition?.kind === "equation" && !definition.operator && definition.body.op === "read";
    return forward.has(id) || (isCopy && definition.body.op === "read" && forward.has(definition.body.value));
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
      if (kernel?.buffers[k]?.access === "read" && isForward(id) && !isLeaf(id)) saved.add(id);
    });
  }
  return [...saved];
}

function recurrence(
  group: RecurrenceGroup,
  module: ScheduledModule,
  valueOf: (id: ValueId) => Value | undefined,
  bytes: (ids: readonly ValueId[]) => Amount,
): RecurrenceReport {
  const ids = idsOf(group);
  const entries = [module.forward, ...module.backward.values(), ...module.step.values()];
  const launched = new Set(entries.flatMap((e) => e.launches.flatMap((l) => l.tensors)));
  const whole = ids.filter((id) => launched.has(id));
  const latest = ids.flatMap((id) => {
    const tensors = entries.map((e) => e.kept.get(id)).filter((t) => t !== undefined && launched.has(t));
    return whole.includes(id) ? [] : tensors.slice(0, 1).map((t) => t ?? id);
  });
  const saved = ids.flatMap((id) => {
    const name = `${valueOf(id)?.name}.saved`;
    const found = [...module.program.values.values()].find((v) => v.name.replace(/_\d+$/, "") === name);
    return found ? [found.id] : [];
  });
  return {
    name: group.name,
    line: group.span ? `${group.span.file}:${group.span.start.line}` : "",
    steps: `${sizeText(group.lo)}..${sizeText(group.hi)}`,
    direction: group.direction === 1 ? "up" : "down",
    policy: policyOf(
      group,
      whole.map((id) => valueOf(id)?.name ?? ""),
      latest.length,
      saved.length,
    ),
    members: ids.map((id) => valueOf(id)?.name ?? String(id)),
    bytes: bytes([...whole, ...latest, ...saved]),
  };
}

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

// ------------------------------------------------------------------------------------------------------- as text

const WIDTH = 100;

/** For a terminal of 80 to 110 columns. */
export function printReport(report: FileReport): string {
  const dims = Object.entries(report.dims).map(([name, value]) => `${name} = ${value ?? "?"}`);
  const open = Object.entries(report.dims).flatMap(([name, value]) => (value === null ? [name] : []));
  const out = [
    `target ${report.target}${dims.length ? `, ${dims.join(", ")}` : ""}`,
    ...(open.length ? [`(--dim ${open[0]}=… gives numbers where formulas stand)`] : []),
    "",
  ];
  for (const k of report.kernels) {
    out.push(`${k.name}   ${k.lines.join(" ")}`);
    const row = (label: string, text: string): void => void out.push(...wrapped(label, text));
    row("computes", k.computes.join(", "));
    row("loops", k.loops.map((l) => `${l.variable} ${l.extent}`).join(", ") || "none");
    if (k.tile) row("tiles", `${k.tile.join(" × ")}, of packed operands`);
    row("reads", k.reads.map((r) => `${r.name} ${size(r.bytes)}`).join(", ") || "nothing");
    row("writes", k.writes.map((w) => `${w.name} ${size(w.bytes)}`).join(", ") || "nothing");
    const intensity = k.intensity === null ? "" : `, ${k.intensity.toPrecision(3)} for each byte`;
    row("flops", `${count(k.flops)}${intensity}`);
    if (k.because.length) row("own kernel", k.because.join("; "));
    row("used by", k.entries.join(", "));
    out.push("");
  }
  for (const r of report.recurrences) {
    out.push(`recurrence ${r.name} in ${r.steps} ${r.direction === "down" ? "downwards " : ""}  ${r.line}`);
    out.push(...wrapped("members", r.members.join(", ")));
    out.push(...wrapped("keeps", `${r.policy}; ${size(r.bytes)}`), "");
  }
  for (const e of report.entries) {
    out.push(`${e.name}: ${e.kernels.length} kernels, ${count(e.flops)} flops`);
    const peak = e.memory.peak === null ? "" : `, at most ${size(e.memory.peak)} at once`;
    out.push(...wrapped("memory", `${e.memory.tensors} tensors, ${size(e.memory.bytes)}${peak}`));
    if (e.saved.length)
      out.push(
        ...wrapped(
          "saved",
          e.saved.map((s) => `${s.name} ${size(s.bytes)}${s.line ? ` (${s.line})` : ""}`).join(", "),
        ),
      );
    out.push("");
  }
  return out.join("\n");
}

function wrapped(label: string, text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line && line.length + word.length + 15 > WIDTH) {
      lines.push(line);
      line = "";
    }
    line += (line && " ") + word;
  }
  lines.push(line);
  return lines.map((l, k) => `  ${(k === 0 ? label : "").padEnd(12)} ${l}`);
}
function size(bytes: Amount): string {
  if (typeof bytes === "string") return `${bytes.includes(" + ") ? `(${bytes})` : bytes} B`;
  for (const [unit, least] of [
    ["GiB", 2 ** 30],
    ["MiB", 2 ** 20],
    ["KiB", 2 ** 10],
  ] as const)
    if (bytes >= least) return `${(bytes / least).toPrecision(3)} ${unit}`;
  return `${bytes} B`;
}
function count(n: Amount): string {
  if (typeof n === "string") return n;
  return n >= 1e6 ? n.toExponential(2) : String(Math.round(n));
}
