import { invariant } from "../../diagnostics/invariant.js";
import { SCALARS } from "../../ir/scalar/table.js";
import type { Kernel } from "../../schedule/kernel/ir.js";
import { Names } from "../names.js";
import type { CallContext, UsedFunctions } from "./calls.js";
import { mathFunctionName } from "./functions.js";
import type { Instruction, WasmFunction, WasmType } from "./instruction.js";
import { get, set, visit } from "./instruction.js";
import { laneOf, localType, NotWidenable, scalarType, uniform, type Value } from "./values.js";

/** What a name of the kernel stands for. */
type Binding =
  | { readonly kind: "value"; readonly value: Value }
  /** A sum of f32 kept in f64. */
  | { readonly kind: "sum"; readonly local: string };

/** What is found out about code while it is written. */
interface Findings {
  /** How often it gathers or scatters lanes. */
  gathers: number;
  /** Loops of it that run in lanes. */
  widened: number;
  /** Loops within those that run for one lane after the other. */
  apart: number;
  /** Rough cost of one iteration of the loop written last: in lanes, its gathers included, and alone. */
  wideCost: number;
  plainCost: number;
}
const noFindings = (): Findings => ({
  gathers: 0,
  widened: 0,
  apart: 0,
  wideCost: 0,
  plainCost: Infinity,
});
/** Code that was written aside. */
export interface Written {
  readonly code: readonly Instruction[];
  readonly found: Readonly<Findings>;
}

/** What names stand for to one lane. */
export interface LaneNames {
  readonly env: ReadonlyMap<string, Binding>;
}

interface Progress {
  out: Instruction[];
  env: Map<string, Binding>;
  lanes: Lanes;
  found: Findings;
}
interface Lanes {
  /** Vectors side by side; 0 outside of widened loops. */
  readonly vectors: number;
  /** Which lanes do what is being written, by vector; null for all. */
  readonly mask: readonly Instruction[] | null;
  /** Depth of what only some lanes evaluate: addresses there may lie outside of the buffers. */
  readonly guards: number;
}

/** A kernel's function while it is written: locals, what names stand for, the code so far and the lanes that run it. */
export class FunctionWriter implements CallContext {
  private readonly names = new Names(() => false);
  private readonly locals = new Map<string, WasmType>();
  private readonly presets = new Map<string, Instruction>();
  private readonly parameters: readonly string[];
  private labels = 0;
  private now: Progress = {
    out: [],
    env: new Map(),
    lanes: { vectors: 0, mask: null, guards: 0 },
    found: noFindings(),
  };

  constructor(
    private readonly kernel: Kernel,
    private readonly used: UsedFunctions,
  ) {
    const buffers = kernel.buffers.map((b) => this.ascii(b.name));
    const sizes = kernel.sizes.map(({ name }) => {
      const local = this.ascii(name);
      this.define(name, uniform(get(local), "i32"));
      return local;
    });
    this.parameters = [...buffers, ...sizes];
  }

  function(): WasmFunction {
    const { kernel } = this;
    const mentioned = new Set<string>();
    visit(this.now.out, (i) => {
      if ("local" in i) mentioned.add(i.local);
    });
    const presets = [...this.presets].filter(([name]) => mentioned.has(name));
    return {
      name: kernel.name,
      parameters: this.parameters.map((name) => ({ name, type: "i32" })),
      result: null,
      locals: [...this.locals]
        .filter(([name]) => mentioned.has(name))
        .map(([name, type]) => ({ name, type }))
        .sort((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0)),
      body: [...presets.map(([name, value]) => set(name, value)), ...this.now.out],
      exports: [kernel.name],
      notes: kernel.notes.flatMap((n) => n.split("\n")),
    };
  }

  // ---- locals ----

  ascii(name: string): string {
    return this.names.of(name.replace(/[^A-Za-z0-9_]/g, (c) => `u${(c.codePointAt(0) ?? 0).toString(16)}`));
  }
  localOf(name: string, type: WasmType): string {
    const base = this.ascii(name);
    const known = this.locals.get(base);
    const local = known === undefined || known === type ? base : `${base}.${type}`;
    this.locals.set(local, type);
    return local;
  }
  freshLocal(name: string, type: WasmType): string {
    const local = this.names.fresh(name);
    this.locals.set(local, type);
    return local;
  }
  /** A local that is set before all else, where anything reads it. */
  preset(local: string, type: WasmType, value: Instruction): Instruction {
    this.locals.set(local, type);
    this.presets.set(local, value);
    return get(local);
  }
  /** A value that may be used several times. */
  keep(value: Instruction, type: WasmType): Instruction {
    if (value.kind === "get" || value.kind === "const") return value;
    const local = this.freshLocal("t", type);
    this.push(set(local, value));
    return get(local);
  }

  // ---- functions that are called ----

  math(name: string): string {
    this.used.math.add(name);
    return mathFunctionName(name);
  }
  host(name: string, arity: number): string {
    // A function of any number of arguments is one import for each number.
    const imported = typeof SCALARS[name]?.arity === "object" ? `${name}_${arity}` : name;
    this.used.hosts.set(imported, { name, arity });
    return `host.${imported}`;
  }
  helper(fn: WasmFunction): string {
    this.used.helpers.set(fn.name, fn);
    return fn.name;
  }

  // ---- what names stand for ----

  binding(name: string): Binding {
    const found = this.now.env.get(name);
    invariant(found, `${name} is declared`);
    return found;
  }
  define(name: string, value: Value): void {
    this.now.env.set(name, { kind: "value", value });
  }
  /** A variable of f32 that is a sum in f64 here. */
  defineSum(name: string, local: string): void {
    this.now.env.set(name, { kind: "sum", local });
  }
  /** Gives a name the value, in locals of its own. */
  assign(name: string, value: Value): void {
    const own = (local: string, node: Instruction): Instruction => {
      this.push(set(local, node));
      return get(local);
    };
    if (value.shape === "vector") {
      const nodes = value.nodes.map((n, k) => own(this.localOf(`${name}_v${k}`, "v128"), n));
      this.define(name, { ...value, nodes });
    } else this.define(name, { ...value, node: own(this.localOf(name, localType(value)), value.node) });
  }
  scoped(body: () => void): void {
    const outer = this.now.env;
    this.now.env = new Map(outer);
    body();
    this.now.env = outer;
  }

  // ---- code ----

  push(i: Instruction): void {
    this.now.out.push(i);
  }
  pushAll(code: readonly Instruction[]): void {
    for (const i of code) this.push(i);
  }
  /** What has been written of the list that is being written. */
  get written(): readonly Instruction[] {
    return this.now.out;
  }
  /** What `make` writes, as a list of its own. */
  list(make: () => void): readonly Instruction[] {
    const outer = this.now.out;
    this.now.out = [];
    make();
    const made = this.now.out;
    this.now.out = outer;
    return made;
  }
  /** While the condition holds: `rounds` times, as far as costs go. */
  loop(condition: () => Instruction, body: () => void, rounds?: number): void {
    const label = `l${this.labels++}`;
    const inner = this.list(() => {
      body();
      this.push({ kind: "br_if", label, condition: condition() });
    });
    this.push({
      kind: "if",
      condition: condition(),
      then: [{ kind: "loop", label, body: inner, ...(rounds !== undefined && { rounds }) }],
      else: [],
    });
  }
  /** What `make` writes, kept apart: nothing here knows of it but its locals, also where it throws. */
  aside(make: () => void): Written {
    const outer = this.now;
    this.now = { ...outer, out: [], env: new Map(outer.env), found: noFindings() };
    try {
      make();
      return { code: this.now.out, found: this.now.found };
    } finally {
      this.now = outer;
    }
  }
  /** The same; null where something cannot run in lanes. */
  attempt(make: () => void): Written | null {
    try {
      return this.aside(make);
    } catch (error) {
      if (error instanceof NotWidenable) return null;
      throw error;
    }
  }
  take({ code, found }: Written): void {
    this.pushAll(code);
    this.found.apart += found.apart;
    this.found.gathers += found.gathers;
    this.found.widened += found.widened;
  }
  get found(): Findings {
    return this.now.found;
  }

  // ---- lanes ----

  get vectors(): number {
    return this.now.lanes.vectors;
  }
  get mask(): readonly Instruction[] | null {
    return this.now.lanes.mask;
  }
  get isGuarded(): boolean {
    return this.now.lanes.guards > 0;
  }
  perVector<T>(make: (k: number) => T): T[] {
    return Array.from({ length: this.vectors }, (_, k) => make(k));
  }
  /** Runs so many vectors side by side. */
  widely(vectors: number, make: () => void): void {
    this.found.widened++;
    this.within({ ...this.now.lanes, vectors }, make);
  }
  /** What only some lanes evaluate; under a mask, what only these do. */
  guardedly(make: () => void, mask = this.mask): void {
    const { lanes } = this.now;
    this.within({ ...lanes, mask, guards: lanes.guards + 1 }, make);
  }
  /** What one lane, counted through all vectors, does by itself with what names stand for to it. */
  atLane(lane: LaneNames, make: () => void): void {
    const { env } = this.now;
    this.now.env = new Map(lane.env);
    this.within({ ...this.now.lanes, vectors: 0 }, make);
    this.now.env = env;
  }
  /** A lane's own numbers, in locals, of the variables that it mentions. */
  namesOf(lane: number, mentioned: ReadonlySet<string>): LaneNames {
    const env = new Map(this.now.env);
    for (const [name, binding] of env) {
      if (binding.kind !== "value" || binding.value.shape === "uniform" || !mentioned.has(name)) continue;
      const own = laneOf(binding.value, lane);
      env.set(name, {
        kind: "value",
        value: uniform(this.keep(own.node, scalarType(own.dtype)), own.dtype),
      });
    }
    return { env };
  }
  private within(lanes: Lanes, make: () => void): void {
    const outer = this.now.lanes;
    this.now.lanes = lanes;
    make();
    this.now.lanes = outer;
  }
}
