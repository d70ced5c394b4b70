import { invariant } from "../diagnostics/invariant.js";
import { costOf } from "../ir/cost.js";
import type { ValueId } from "../ir/expr.js";
import { Fresh } from "../ir/fresh.js";
import type { Program, Value } from "../ir/program.js";
import { keepReachable, mentions } from "../ir/reach.js";
import { sizeEstimate } from "./axes.js";
import type { Decision, Kernel, Launch, ScheduledEntry, ScheduledModule } from "./kernel/ir.js";
import { shareLaunches } from "./kernel/share-launches.js";
import type { Kept, LoweredKernel, LoweringContext } from "./lower/context.js";
import { MadeTensors } from "./lower/made.js";
import { mergeBuffers } from "./lower/merge-buffers.js";
import { lowerNest } from "./lower/nest.js";
import { lowerProduct } from "./lower/product.js";
import { lowerRecurrence } from "./lower/recurrence.js";
import { lowerScatter } from "./lower/scatter.js";
import { lowerTile } from "./lower/tile.js";
import { ENTRY_PASSES, MODULE_PASSES, PASS_SWITCHES, runPasses, type ModuleSetting } from "./passes/index.js";
import { contractionOf, packedProductOf } from "./plan/contraction.js";
import { groupKernels, type KernelGroup } from "./plan/group.js";
import { nestKey } from "./plan/nest.js";
import { entriesAfterSteps, windowsOf } from "./plan/windows.js";
import type { TargetDescription } from "./targets.js";

/** What may be left out here, which costs speed alone. */
export const SCHEDULE_SWITCHES: readonly string[] = [
  ...PASS_SWITCHES,
  "fuse",
  "tile",
  "pack",
  "share-launches",
  "windows",
];

/**
 * Index IR → Kernel IR for one target. Each entry point (forward; backward of each loss; step of each train) is
 * scheduled by itself from what it needs; kernels with the same text are one.
 * `off` names optimisations to leave out; `after` sees the program after each pass over Index IR, which for an entry point
 * is the part that it needs.
 */
export function schedule(
  program: Program,
  target: TargetDescription,
  off: readonly string[] = [],
  after?: (pass: string, program: Program) => void,
): ScheduledModule {
  const module = new ModuleScheduler(program, target, new Set(off), after);
  const results = program.outputs;
  const forward = module.entry(
    "forward",
    results.map((o) => o.value),
    { results, gradients: [], updates: [] },
  );
  const backward = new Map<string, ScheduledEntry>();
  for (const loss of program.losses) {
    const gradients = program.gradients
      .filter((g) => g.loss === loss)
      .map((g) => ({ name: g.wrt, value: g.value }));
    backward.set(
      loss,
      module.entry(
        `backward ${loss}`,
        [...results, ...gradients].map((r) => r.value),
        { results, gradients, updates: [] },
      ),
    );
  }
  const step = new Map<string, ScheduledEntry>();
  for (const train of program.trains) {
    if (step.has(train.loss)) continue;
    const updates = [...train.updates, ...program.stateUpdates];
    step.set(
      train.loss,
      module.entry(`step ${train.loss}`, [...results.map((r) => r.value), ...updates.map((u) => u.value)], {
        results,
        gradients: [],
        updates,
      }),
    );
  }
  const shared = off.includes("share-launches") ? forward : module.sharing(forward, [...backward.values()]);
  return {
    program: module.merged(),
    kernels: module.usedBy([shared, ...backward.values(), ...step.values()]),
    aliases: module.aliases,
    forward: shared,
    backward,
    step,
    decisions: module.decisions,
  };
}

class ModuleScheduler {
  readonly kernels = new Map<string, Kernel>();
  readonly aliases = new Map<ValueId, ValueId>();
  readonly decisions = new Map<string, readonly Decision[]>();
  private readonly byText = new Map<string, string>();
  /** By what they compute: the backward pass repeats the forward pass's kernels. */
  private readonly launched = new Map<string, readonly Launch[]>();
  /** Of launches that are all of their group: about how much they do. */
  private readonly work = new Map<Launch, number>();
  private values: Program["values"] = new Map();
  private readonly setting: ModuleSetting;
  private readonly lowered: Program;
  /** What passes have made for the entry points until now. */
  private readonly remembered = new Map<string, Map<string, Value>>();
  private readonly made: MadeTensors;
  private readonly fresh: Fresh;

  constructor(
    program: Program,
    private readonly target: TargetDescription,
    private readonly off: ReadonlySet<string>,
    private readonly after?: (pass: string, program: Program) => void,
  ) {
    this.setting = {
      target,
      off,
      isContraction: (e) => contractionOf(e, target, off) !== null,
      packedRowsOf: (e) => {
        const product = packedProductOf(e, target, off);
        return product && [...product.batch, ...product.rows];
      },
    };
    this.lowered = runPasses(MODULE_PASSES, program, this.setting, after);
    this.fresh = new Fresh(this.lowered.values);
    this.made = new MadeTensors(this.fresh);
  }

  merged(): Program {
    return { ...this.lowered, values: new Map([...this.values, ...this.made.values]) };
  }

  entry(
    name: string,
    roots: readonly ValueId[],
    rest: Omit<ScheduledEntry, "launches" | "kept">,
  ): ScheduledEntry {
    const { fresh } = this;
    const remembered = (pass: string): Map<string, Value> => {
      const known = this.remembered.get(pass) ?? new Map<string, Value>();
      this.remembered.set(pass, known);
      return known;
    };
    const setting = { ...this.setting, roots, fresh, remembered };
    const inlined = runPasses(ENTRY_PASSES, keepReachable(this.lowered, roots), setting, this.after);
    this.values = new Map([...this.values, ...inlined.values]);
    const decisions: Decision[] = [];
    const groups = groupKernels(inlined, this.target, decisions, this.off);
    this.decisions.set(name, decisions);
    const rooted = new Set(roots);
    const owner = (id: ValueId): ValueId => {
      const definition = inlined.values.get(id)?.definition;
      if (definition?.kind !== "reshape") return id;
      const source = owner(definition.of);
      this.aliases.set(id, source);
      return source;
    };
    const reshaped = new Set<ValueId>();
    for (const { id } of inlined.values.values()) if (owner(id) !== id) reshaped.add(owner(id));
    const readers = new Map<ValueId, ValueId[]>();
    for (const value of inlined.values.values())
      for (const id of mentions(value.definition)) readers.set(id, [...(readers.get(id) ?? []), value.id]);
    const windows = new Map<ValueId, Kept>();
    const context: LoweringContext = {
      windows,
      program: inlined,
      target: this.target,
      owner,
      reshaped,
      wanted: (id, members) => rooted.has(id) || (readers.get(id) ?? []).some((r) => !members.has(r)),
    };
    for (const group of groups)
      for (const [id, kept] of this.keptBy(group, context, rooted, (id) => readers.get(id) ?? []))
        windows.set(id, kept);
    const launches = groups.flatMap((group) => this.launch(group, context));
    const kept = new Map([...windows].map(([id, { tensor }]) => [id, tensor.id]));
    return { launches, kept, ...rest };
  }

  /** The entry with launches of others where these do what its own do and little more. */
  sharing(entry: ScheduledEntry, others: readonly ScheduledEntry[]): ScheduledEntry {
    const weighed = others
      .flatMap((o) => o.launches)
      .flatMap((launch) => {
        const work = this.work.get(launch);
        return work === undefined ? [] : [{ launch, work }];
      });
    const leaves = [...this.lowered.values.values()].filter((v) => v.definition.kind === "leaf");
    return shareLaunches(entry, weighed, {
      workOf: (launch) => this.work.get(launch) ?? 0,
      kernelOf: ({ kernel }) => {
        const found = this.kernels.get(kernel);
        invariant(found, "a launch is of a kernel");
        return found;
      },
      ownerOf: (id) => this.aliases.get(id) ?? id,
      given: leaves.map((v) => v.id),
    });
  }
  usedBy(entries: readonly ScheduledEntry[]): ReadonlyMap<string, Kernel> {
    const used = new Set(entries.flatMap((e) => e.launches.map((l) => l.kernel)));
    return new Map([...this.kernels].filter(([name]) => used.has(name)));
  }
  /** What a recurrence keeps of its members, with the tensors for it. */
  private keptBy(
    group: KernelGroup,
    context: LoweringContext,
    roots: ReadonlySet<ValueId>,
    readersOf: (id: ValueId) => readonly ValueId[],
  ): [ValueId, Kept][] {
    if (group.kind !== "recurrence" || this.off.has("windows")) return [];
    const { program } = context;
    const inside = new Set(group.members);
    const late = entriesAfterSteps(group, program, (id) => context.wanted(id, inside));
    return [...windowsOf(group, program, roots, late, readersOf)].flatMap(
      ([id, window]): [ValueId, Kept][] => {
        const value = program.values.get(id);
        return value ? [[id, { tensor: this.made.latest(value, window), window }]] : [];
      },
    );
  }

  private launch(group: KernelGroup, context: LoweringContext): Launch[] {
    switch (group.kind) {
      case "nest":
      case "product":
      case "tile": {
        const key = signature(group, context);
        const launches = this.launched.get(key) ?? this.bound(lowerGroup(group, context), context);
        this.launched.set(key, launches);
        const [only, ...rest] = launches;
        if (only && rest.length === 0) this.work.set(only, workOf(group, context));
        return [...launches];
      }
      case "scatter":
        return this.bound(lowerScatter(group, context), context);
      case "recurrence":
        return this.bound(lowerRecurrence(group, context), context);
    }
  }

  /** The launches of a kernel within the target's number of buffers. */
  private bound(lowered: LoweredKernel, { program }: LoweringContext): Launch[] {
    const tensor = (id: ValueId): Value => {
      const value = program.values.get(id) ?? this.made.values.get(id);
      invariant(value, `value ${id} is defined`);
      return value;
    };
    const { kernels, values } = mergeBuffers(lowered, this.target, tensor, () => this.fresh.id());
    for (const value of values) this.made.values.set(value.id, value);
    return kernels.map((kernel) => this.register(kernel));
  }

  /** One kernel for equal texts; a second one of the same name gets a number. */
  private register({ kernel, tensors, scratch }: LoweredKernel): Launch {
    const text = JSON.stringify({
      ...kernel,
      name: "",
      notes: [],
      spans: [],
      sizes: kernel.sizes.map((s) => [s.name, s.poly.key]),
      contraction: null,
    });
    let name = this.byText.get(text);
    if (name === undefined) {
      name = kernel.name;
      for (let n = 2; this.kernels.has(name); n++) name = `${kernel.name}_${n}`;
      this.kernels.set(name, { ...kernel, name });
      this.byText.set(text, name);
    }
    return { kernel: name, tensors: [...tensors, ...scratch.map((s, k) => this.made.scratchFor(s, k))] };
  }
}

/** Flops and stores of a group, roughly: a store counts as 4 flops. */
function workOf({ members }: RepeatedGroup, { program, wanted }: LoweringContext): number {
  const inside = new Set(members);
  return members.reduce((sum, id) => {
    const definition = program.values.get(id)?.definition;
    if (definition?.kind !== "equation") return sum;
    const { axes, operator, body } = definition;
    const points = axes.reduce((n, i) => n * sizeEstimate(i), 1);
    const reduced =
      operator?.kind === "reduce" ? operator.indices.reduce((n, i) => n * sizeEstimate(i), 1) : 1;
    return sum + points * (reduced * (1 + costOf(body)) + (wanted(id, inside) ? 4 : 0));
  }, 0);
}

type RepeatedGroup = Exclude<KernelGroup, { readonly kind: "scatter" | "recurrence" }>;

function lowerGroup(group: RepeatedGroup, context: LoweringContext): LoweredKernel {
  switch (group.kind) {
    case "nest":
      return lowerNest(group, context);
    case "tile":
      return lowerTile(group, context);
    case "product":
      return lowerProduct(group, context);
  }
}

/** All that the lowering of a group depends on beside the target: nodes and indices are one object where equal. */
function signature(group: RepeatedGroup, { program, wanted, windows }: LoweringContext): string {
  const inside = new Set(group.members);
  const texts = group.members.map((id) => {
    const definition = program.values.get(id)?.definition;
    if (definition?.kind !== "equation") return `${id}`;
    const { axes, operator, body } = definition;
    const indices = operator?.kind === "reduce" ? operator.indices : operator ? [operator.index] : [];
    const bound = [...axes, ...indices].map((i) => i.id).join(",");
    const kept = mentions(definition).flatMap((read) => windows.get(read)?.tensor.id ?? []);
    return `${id} ${wanted(id, inside)} ${bound} ${operator?.guard?.id ?? ""} ${body.id} ${kept.join(",")}`;
  });
  const shape =
    group.kind === "tile"
      ? `${group.tile.row} ${group.tile.column}`
      : group.kind === "nest"
        ? nestKey(group.body)
        : `${nestKey(group.rows.body)} after ${nestKey(group.rows.after)}`;
  return [...texts, shape].join("\n");
}
