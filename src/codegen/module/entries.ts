import { invariant } from "../../diagnostics/invariant.js";
import type { ValueId } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Value } from "../../ir/program.js";
import { HOST_ARRAYS } from "../../runtime/device.js";
import type { KExpr, Kernel, Launch, ScheduledEntry, ScheduledModule } from "../../schedule/kernel/ir.js";
import { bracketed, DimScope } from "./code.js";
import { keyText } from "./data.js";

export interface EntryOrder {
  /** Names of the leaves, in the order of the module's tensors. */
  readonly leaves: readonly string[];
  readonly results: readonly string[];
  /** What gradients are for. */
  readonly wrt: readonly string[];
  /** The order in which entry points take dims: where they have calls in common, these read the same. */
  readonly dims: readonly string[];
}

/**
 * A scheduled module's entry points as JavaScript, the runtime's `Entries`. A call's arguments are the tensors, the
 * sizes and, on a GPU (`countsInvocations`), the number of invocations.
 */
export function entriesText(module: ScheduledModule, order: EntryOrder, countsInvocations: boolean): string {
  const text = (entry: ScheduledEntry, indent: string): string =>
    new EntryPrinter(module, order, countsInvocations).text(entry, indent);
  const byLoss = (entries: ReadonlyMap<string, ScheduledEntry>): string =>
    entries.size
      ? `{\n${[...entries].map(([loss, e]) => `    ${keyText(loss)}: ${text(e, "    ")},\n`).join("")}  }`
      : "{}";
  return [
    "{",
    `  forward: ${text(module.forward, "  ")},`,
    `  backward: ${byLoss(module.backward)},`,
    `  step: ${byLoss(module.step)},`,
    "}",
  ].join("\n");
}

/** One entry point. */
class EntryPrinter {
  private readonly scope: DimScope;
  private readonly tensors: EntryTensors;

  constructor(
    private readonly module: ScheduledModule,
    private readonly order: EntryOrder,
    private readonly countsInvocations: boolean,
  ) {
    this.scope = new DimScope(["k", "t", "v"], order.dims);
    this.tensors = new EntryTensors(module, order.leaves, this.scope);
  }

  text({ launches, results, gradients, updates }: ScheduledEntry, indent: string): string {
    const { tensors, order, scope } = this;
    const calls = launches.map((launch) => this.call(launch));
    const shown = [
      this.list(order.results, results),
      ...(gradients.length ? [this.list(order.wrt, gradients)] : []),
    ];
    const after = updates.flatMap(({ leaf, value }) => tensors.update(leaf, value));
    const run = [...tensors.before, ...calls, ...after].map((line) => `${indent}    ${line}\n`).join("");
    return [
      `(${["k", "t", "v", scope.parameter].filter(Boolean).join(", ")}) => {`,
      ...tensors.made.map((line) => `${indent}  ${line}`),
      `${indent}  return [() => {\n${run}${indent}  }, ${shown.join(", ")}];`,
      `${indent}}`,
    ].join("\n");
  }
  private list(wanted: readonly string[], given: ScheduledEntry["results"]): string {
    const kept = wanted.map((name) => {
      const found = given.find((one) => one.name === name);
      invariant(found, `every entry point gives ${name}`);
      return this.tensors.kept(found.value);
    });
    return `[${kept.join(", ")}]`;
  }

  private call(launch: Launch): string {
    const { scope, tensors } = this;
    const kernel = this.module.kernels.get(launch.kernel);
    invariant(kernel, `kernel ${launch.kernel} exists`);
    const { spread } = launch;
    // The ends of a range come last.
    const sizes = kernel.sizes.slice(0, kernel.sizes.length - 2 * (spread?.axes.length ?? 0));
    const args = [
      ...launch.tensors.map((id) => tensors.tensor(id)),
      ...sizes.map((size) => scope.text(size.poly)),
      ...(this.countsInvocations ? [invocations(kernel, scope)] : []),
    ];
    if (!spread) return `k.${kernel.name}(${args.join(", ")});`;
    const rooms = spread.own.map((k) => `[${k}, ${tensors.bytes(launch.tensors[k] ?? -1)}]`);
    const ends = spread.axes.map(({ extent }) => sizeText(extent, kernel.sizes, scope));
    const axes = spread.axes.map(({ together }, k) => `[${ends[k]}, ${together}]`);
    const lists = [axes, rooms].map((list) => `[${list.join(", ")}]`);
    const work = scope.text(spread.work);
    const how = [`"${kernel.name}"`, work, ...lists];
    // Small work is a call like others: no list is made for it.
    const alone = `k.${kernel.name}(${[...args, ...ends.flatMap((end) => ["0", end])].join(", ")})`;
    return `if (${work} < k.worthwhile) ${alone}; else k.spread(${[...how, ...args].join(", ")});`;
  }
}

/** What an entry point calls its tensors, with the lines that make those that are no leaves. */
class EntryTensors {
  readonly made: string[] = [];
  /** Copies to take before anything runs. */
  readonly before: string[] = [];
  private readonly names = new Map<ValueId, string>();
  private readonly copies = new Map<ValueId, string>();

  constructor(
    private readonly module: ScheduledModule,
    private readonly leaves: readonly string[],
    private readonly scope: DimScope,
  ) {}

  tensor(id: ValueId): string {
    return this.nameOf(this.owner(id));
  }
  /** As it is before anything runs: of a leaf that an update may change, or an upload while it is read, a copy. */
  kept(id: ValueId): string {
    const value = this.owner(id);
    if (value.definition.kind !== "leaf" || value.definition.role === "const") return this.nameOf(value);
    const known = this.copies.get(value.id) ?? this.make(`${value.name}_before`, value);
    if (!this.copies.has(value.id)) this.before.push(this.copy(known, this.nameOf(value), value));
    this.copies.set(value.id, known);
    return known;
  }
  /** The line that gives a leaf its new value, if that is another one's. */
  update(leaf: ValueId, value: ValueId): string[] {
    const to = this.owner(leaf);
    return to === this.owner(value) ? [] : [this.copy(this.nameOf(to), this.kept(value), to)];
  }
  bytes(id: ValueId): string {
    return this.bytesOf(this.owner(id));
  }

  /** The value that owns the memory: a reshape has its source's. */
  private owner(id: ValueId): Value {
    const { program, aliases } = this.module;
    const value = program.values.get(aliases.get(id) ?? id);
    invariant(value, `value ${id} is defined`);
    return aliases.has(value.id) ? this.owner(value.id) : value;
  }
  private nameOf(value: Value): string {
    if (value.definition.kind === "leaf") return `t[${this.leaves.indexOf(value.name)}]`;
    const name = this.names.get(value.id) ?? this.make(value.name, value);
    this.names.set(value.id, name);
    return name;
  }
  private make(name: string, value: Value): string {
    const identifier = this.scope.fresh(name);
    const type = value.dtype === "f32" ? "" : `, "${value.dtype}"`;
    this.made.push(`const ${identifier} = v(${this.scope.text(length(value))}${type});`);
    return identifier;
  }
  private copy(to: string, from: string, value: Value): string {
    return `k.copy(${to}, ${from}, ${this.bytesOf(value)});`;
  }
  private bytesOf(value: Value): string {
    return this.scope.text(length(value).mul(HOST_ARRAYS[value.dtype].BYTES_PER_ELEMENT));
  }
}
const length = ({ shape }: Value): Poly => shape.reduce((a, b) => a.mul(b), Poly.constant(1));

/** Points of the grid. */
function invocations({ grid, sizes }: Kernel, scope: DimScope): string {
  const counts = grid.map(({ extent, step }) => {
    const text = scope.text(extentOf(extent, sizes));
    return step === 1 ? bracketed(text) : `Math.ceil(${bracketed(text)} / ${step})`;
  });
  return counts.join(" * ") || "1";
}

/** Arithmetic on a kernel's sizes as JavaScript. */
function sizeText(e: KExpr, sizes: Kernel["sizes"], scope: DimScope): string {
  if (e.op !== "address") return bracketed(scope.text(extentOf(e, sizes)));
  const [a = "0", b = "0"] = e.args.map((x) => sizeText(x, sizes, scope));
  switch (e.fn) {
    case "add":
      return `(${a} + ${b})`;
    case "sub":
      return `(${a} - ${b})`;
    case "mul":
      return `(${a} * ${b})`;
    case "neg":
      return `(-${a})`;
    case "min":
    case "max":
      return `Math.${e.fn}(${a}, ${b})`;
    case "div":
      return `Math.floor(${a} / ${b})`;
    case "rem":
      return `(${a} % ${b})`;
  }
}

function extentOf(extent: KExpr, sizes: Kernel["sizes"]): Poly {
  if (extent.op === "constant") return Poly.constant(extent.value);
  if (extent.op === "address") {
    const [first = Poly.constant(0), ...rest] = extent.args.map((a) => extentOf(a, sizes));
    if (extent.fn === "add") return rest.reduce((a, b) => a.add(b), first);
    if (extent.fn === "sub") return rest.reduce((a, b) => a.sub(b), first);
    if (extent.fn === "mul") return rest.reduce((a, b) => a.mul(b), first);
  }
  invariant(extent.op === "variable", "a grid extent is a polynomial in the sizes");
  const found = sizes.find((s) => s.name === extent.name);
  invariant(found, `size ${extent.name} is a parameter`);
  return found.poly;
}
