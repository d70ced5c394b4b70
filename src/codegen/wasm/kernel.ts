import { invariant } from "../../diagnostics/invariant.js";
import type { DType } from "../../ir/expr.js";
import { SCALARS } from "../../ir/scalar/table.js";
import {
  blockEnd,
  type AddressFn,
  type KExpr,
  type Kernel,
  type KernelBuffer,
  type Place,
  type ProductStatement,
  type Statement,
} from "../../schedule/kernel-ir.js";
import { Names } from "../names.js";
import { integerFacts, isPositiveConstant, type IntegerFacts } from "../signs.js";
import { accumulators, doubleSums, type Accumulator } from "./accumulators.js";
import { callInstruction, castInstruction, constantOf, type CallContext } from "./calls.js";
import type { Instruction, Opcode, WasmFunction, WasmType } from "./instruction.js";
import { get, i32, op, set } from "./instruction.js";
import { productRoutine } from "./product.js";
import {
  extract,
  gather,
  laneType,
  localType,
  NotWidenable,
  scalarType,
  spread,
  uniform,
  vector,
  type Value,
} from "./values.js";

/** A function of the function table, with the number of arguments it is called with. */
export interface HostFunction {
  readonly name: string;
  readonly arity: number;
}

/** Functions that the kernels of a module call, collected while they are made. */
export interface UsedFunctions {
  readonly math: Set<string>;
  /** By the name of their import. */
  readonly hosts: Map<string, HostFunction>;
  readonly helpers: Set<string>;
}

type Binding =
  | { readonly kind: "value"; readonly value: Value }
  /** A sum of f32 kept in f64. */
  | { readonly kind: "sum"; readonly local: string };

/** A loop emitted aside. `pays`: in lanes it takes clearly less than alone, its gathers included. */
interface Attempt {
  readonly out: Instruction[];
  readonly gathers: number;
  readonly widened: number;
  readonly pays: boolean;
}
const LEAST_GAIN = 0.8;

/** Entries of a long sum that are added in f32 lanes before they go to an f64. */
const BLOCK = 256;

/**
 * A kernel as one wasm function over byte addresses of its buffers and its sizes. The loop that suits it best runs
 * four or eight iterations side by side: the innermost grid loop if its loads and stores are contiguous, else inner
 * loops that reduce or fill a row. What cannot run in lanes stays a plain loop, and so do the last few iterations.
 * Without `lanes` every loop is plain.
 */
export function wasmKernel(kernel: Kernel, used: UsedFunctions, lanes = true): WasmFunction {
  return new KernelEmitter(kernel, used, lanes).function();
}

class KernelEmitter implements CallContext {
  private readonly names = new Names(() => false);
  private readonly locals = new Map<string, WasmType>();
  private readonly buffers: ReadonlyMap<string, KernelBuffer>;
  private readonly sums: ReadonlySet<string>;
  private readonly facts: IntegerFacts;
  private out: Instruction[] = [];
  private env = new Map<string, Binding>();
  /** Vectors side by side; 0 outside of widened loops. */
  private vectors = 0;
  private mask: readonly Instruction[] | null = null;
  /** Depth of what only some lanes evaluate: addresses there may lie outside of the buffers. */
  private guarded = 0;
  private gathers = 0;
  private widened = 0;
  private labels = 0;

  constructor(
    private readonly kernel: Kernel,
    private readonly used: UsedFunctions,
    private readonly lanes: boolean,
  ) {
    this.buffers = new Map(kernel.buffers.map((b) => [b.name, b]));
    this.sums = doubleSums([...kernel.body, ...kernel.after]);
    this.facts = integerFacts(kernel);
  }

  function(): WasmFunction {
    const { kernel } = this;
    const buffers = kernel.buffers.map((b) => ({ name: this.ascii(b.name), type: "i32" as const }));
    const sizes = kernel.sizes.map(({ name }) => {
      const local = this.ascii(name);
      this.env.set(name, { kind: "value", value: uniform(get(local), "i32") });
      return { name: local, type: "i32" as const };
    });
    kernel.buffers.forEach((b, k) => this.bufferLocals.set(b.name, buffers[k]?.name ?? ""));
    this.grid(0);
    this.list(kernel.after);
    const body = this.out;
    const mentioned = new Set<string>();
    visitLocals(body, (name) => mentioned.add(name));
    if (mentioned.has(LIMIT))
      body.unshift(set(LIMIT, op("i32.sub", op("i32.shl", op("memory.size"), i32(16)), i32(64))));
    return {
      name: kernel.name,
      parameters: [...buffers, ...sizes],
      result: null,
      locals: [...this.locals]
        .filter(([name]) => mentioned.has(name))
        .map(([name, type]) => ({ name, type }))
        .sort((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0)),
      body,
      exported: true,
      notes: kernel.notes.flatMap((n) => n.split("\n")),
    };
  }
  private readonly bufferLocals = new Map<string, string>();

  // ---- names ----

  private ascii(name: string): string {
    return this.names.of(name.replace(/[^A-Za-z0-9_]/g, (c) => `u${(c.codePointAt(0) ?? 0).toString(16)}`));
  }
  private localOf(name: string, type: WasmType): string {
    const base = this.ascii(name);
    const known = this.locals.get(base);
    const local = known === undefined || known === type ? base : `${base}.${type}`;
    this.locals.set(local, type);
    return local;
  }
  private freshLocal(name: string, type: WasmType): string {
    const local = this.names.fresh(name);
    this.locals.set(local, type);
    return local;
  }
  private keep(value: Instruction, type: WasmType): Instruction {
    if (value.kind === "get" || value.kind === "const") return value;
    const local = this.freshLocal("t", type);
    this.out.push(set(local, value));
    return get(local);
  }
  temp(value: Instruction, dtype: DType, wide: boolean): Instruction {
    return this.keep(value, wide ? "v128" : scalarType(dtype));
  }
  local(value: Instruction, type: WasmType): Instruction {
    return this.keep(value, type);
  }
  math(name: string): string {
    this.used.math.add(name);
    return name;
  }
  host(name: string, arity: number): string {
    // A function of any number of arguments is one import for each number.
    const imported = typeof SCALARS[name]?.arity === "object" ? `${name}_${arity}` : name;
    this.used.hosts.set(imported, { name, arity });
    return `host.${imported}`;
  }
  helper(name: string): string {
    this.used.helpers.add(name);
    return name;
  }

  // ---- the grid ----

  private grid(depth: number): void {
    const loop = this.kernel.grid[depth];
    if (!loop) return this.list(this.kernel.body);
    const innermost = depth === this.kernel.grid.length - 1;
    const lo = loop.first ? this.integer(loop.first) : i32(0);
    const hi = this.integer(loop.extent);
    if (!innermost || loop.step !== 1 || loop.block) {
      return this.plainLoop(loop.variable, lo, hi, loop.step, 1, () => {
        for (const s of blockEnd(loop)) this.statement(s);
        this.grid(depth + 1);
      });
    }
    const variable = this.localOf(loop.variable, "i32");
    const body = (): void => this.list(this.kernel.body);
    const widths = mostAccumulators(this.kernel.body) >= 3 ? [2, 1] : [1];
    const wide = this.attempt(() => {
      this.out.push(set(variable, lo));
      for (const n of widths) this.wideLoop(loop.variable, variable, hi, n, body);
      this.plainRest(loop.variable, variable, hi, body);
    });
    this.better(wide, () => this.plainLoop(loop.variable, lo, hi, 1, 1, body));
  }

  /**
   * A loop in lanes, or as it is: in lanes where all loads and stores are contiguous; else with such loops inside it;
   * else in lanes if that pays all the same; else loops inside it may.
   */
  private better(wide: Attempt | null, plain: () => void): void {
    if (wide && wide.widened > 0 && wide.gathers === 0) return this.take(wide);
    const outer = this.contiguousOnly;
    this.contiguousOnly = true;
    const strict = this.attempt(plain);
    this.contiguousOnly = outer;
    invariant(strict, "plain loops can always be made");
    if (outer || strict.widened > 0) return this.take(strict);
    if (wide?.pays && wide.widened > 0) return this.take(wide);
    plain();
  }
  /** Loops in lanes are wanted only where nothing is gathered. */
  private contiguousOnly = false;

  /** Runs an emission aside; null where something cannot run in lanes. */
  private attempt(make: () => void): Attempt | null {
    const { out, env, gathers, widened, vectors, mask, guarded } = this;
    this.costs = { wide: 0, plain: Infinity };
    this.out = [];
    this.env = new Map(env);
    this.gathers = 0;
    this.widened = 0;
    try {
      make();
      const pays = this.costs.wide < LEAST_GAIN * this.costs.plain;
      return { out: this.out, gathers: this.gathers, widened: this.widened, pays };
    } catch (error) {
      if (error instanceof NotWidenable) return null;
      throw error;
    } finally {
      Object.assign(this, { out, env, gathers, widened, vectors, mask, guarded });
    }
  }
  /** Rough cost of one iteration of the loop tried last, in lanes and alone. */
  private costs = { wide: 0, plain: Infinity };
  private take(made: Attempt): void {
    this.out.push(...made.out);
    this.gathers += made.gathers;
    this.widened += made.widened;
  }

  // ---- loops ----

  private loop(condition: () => Instruction, body: () => void): void {
    const label = `l${this.labels++}`;
    const outer = this.out;
    this.out = [];
    body();
    this.out.push({ kind: "br", label, condition: condition() });
    const inner = this.out;
    this.out = outer;
    this.out.push({
      kind: "if",
      condition: condition(),
      then: [{ kind: "loop", label, body: inner }],
      else: [],
    });
  }
  private scoped(body: () => void): void {
    const saved = this.env;
    this.env = new Map(saved);
    body();
    this.env = saved;
  }

  private plainLoop(
    name: string,
    lo: Instruction,
    hi: Instruction,
    step: number | KExpr,
    direction: 1 | -1,
    body: () => void,
  ): void {
    const variable = this.localOf(name, "i32");
    const advance = typeof step === "number" ? i32(step) : this.integer(step);
    if (direction === 1) {
      this.out.push(set(variable, lo));
      return this.plainRest(name, variable, this.keep(hi, "i32"), body, advance);
    }
    const first = this.keep(lo, "i32");
    this.out.push(set(variable, op("i32.sub", hi, i32(1))));
    this.loop(
      () => op("i32.ge_s", get(variable), first),
      () => {
        this.scoped(() => {
          this.env.set(name, { kind: "value", value: uniform(get(variable), "i32") });
          body();
        });
        this.out.push(set(variable, op("i32.sub", get(variable), advance)));
      },
    );
  }
  /** From the variable's value on, one iteration at a time. */
  private plainRest(name: string, variable: string, hi: Instruction, body: () => void, step = i32(1)): void {
    this.loop(
      () => op("i32.lt_s", get(variable), hi),
      () => {
        this.scoped(() => {
          this.env.set(name, { kind: "value", value: uniform(get(variable), "i32") });
          body();
        });
        this.out.push(set(variable, op("i32.add", get(variable), step)));
        this.costs = { ...this.costs, plain: costOf(this.out) };
      },
    );
  }
  /** While `4 * vectors` iterations are left, that many at a time. */
  private wideLoop(name: string, variable: string, hi: Instruction, vectors: number, body: () => void): void {
    if (!this.lanes) throw new NotWidenable("lanes are switched off");
    const width = 4 * vectors;
    const last = this.keep(op("i32.sub", hi, i32(width - 1)), "i32");
    this.vectors = vectors;
    this.widened++;
    this.loop(
      () => op("i32.lt_s", get(variable), last),
      () => {
        this.scoped(() => {
          this.env.set(name, {
            kind: "value",
            value: { shape: "affine", dtype: "i32", node: get(variable), stride: 1 },
          });
          body();
        });
        this.out.push(set(variable, op("i32.add", get(variable), i32(width))));
        this.costs = { ...this.costs, wide: costOf(this.out) / width };
      },
    );
    this.vectors = 0;
  }

  private loopStatement(s: Statement & { readonly kind: "loop" }): void {
    const lo = this.integer(s.lo);
    const hi = this.integer(s.hi);
    const body = (): void => this.list(s.body);
    if (this.vectors === 0 && s.direction === 1 && s.step === 1) {
      const wide = this.attempt(() => this.reducingLoop(s, lo, hi));
      return this.better(wide, () => this.plainLoop(s.variable, lo, hi, 1, 1, body));
    }
    this.plainLoop(s.variable, lo, hi, s.step, s.direction, body);
  }

  /** An inner loop in lanes: its accumulators have a part in each lane, joined after each block. */
  private reducingLoop(s: Statement & { readonly kind: "loop" }, lo: Instruction, hi: Instruction): void {
    if (s.carried) throw new NotWidenable("iterations depend on each other");
    const found = accumulators(s.body);
    const variable = this.localOf(s.variable, "i32");
    const vectors = found.length > 0 ? vectorsSideBySide(found.length, s.body) : 1;
    const end = this.keep(hi, "i32");
    this.out.push(set(variable, lo));
    if (found.length === 0) {
      this.wideLoop(s.variable, variable, end, vectors, () => this.list(s.body));
      return this.plainRest(s.variable, variable, end, () => this.list(s.body));
    }
    const width = 4 * vectors;
    const last = this.keep(op("i32.sub", end, i32(width - 1)), "i32");
    this.loop(
      () => op("i32.lt_s", get(variable), last),
      () => {
        const stop = this.freshLocal("stop", "i32");
        const far = this.keep(op("i32.add", get(variable), i32(BLOCK * width)), "i32");
        this.out.push(set(stop, op("select", far, end, op("i32.lt_s", far, end))));
        const parts = found.map((a) => this.openParts(a, vectors));
        this.scoped(() => {
          found.forEach((a, k) =>
            this.env.set(a.name, {
              kind: "value",
              value: vector((parts[k] ?? []).map(get), a.dtype),
            }),
          );
          this.wideLoop(s.variable, variable, get(stop), vectors, () => this.list(s.body));
        });
        found.forEach((a, k) => this.joinParts(a, parts[k] ?? []));
      },
    );
    this.plainRest(s.variable, variable, end, () => this.list(s.body));
  }
  private openParts(a: Accumulator, vectors: number): string[] {
    return Array.from({ length: vectors }, () => {
      const part = this.freshLocal(`${this.ascii(a.name)}_part`, "v128");
      this.out.push(set(part, constantOf(a.identity, a.dtype, true)));
      return part;
    });
  }
  private joinParts(a: Accumulator, parts: readonly string[]): void {
    const join = (x: Instruction, y: Instruction, wide: boolean): Instruction => {
      const made = callInstruction(a.fn, [x, y], a.dtype, [], wide, this);
      invariant(made, "accumulators join by instructions");
      return made;
    };
    const all = this.keep(
      parts.map(get).reduce((x, y) => join(x, y, true)),
      "v128",
    );
    const binding = this.env.get(a.name);
    const one = [0, 1, 2, 3].map((lane) => extract(all, lane, a.dtype));
    if (binding?.kind === "sum") {
      const total = one.map((x) => op("f64.promote_f32", x)).reduce((x, y) => op("f64.add", x, y));
      this.out.push(set(binding.local, op("f64.add", get(binding.local), total)));
      return;
    }
    invariant(
      binding?.value.shape === "uniform" && binding.value.node.kind === "get",
      "a scalar accumulator",
    );
    const total = one.reduce((x, y) => join(x, y, false));
    this.out.push(set(binding.value.node.local, join(binding.value.node, total, false)));
  }

  // ---- statements ----

  private list(statements: readonly Statement[]): void {
    this.scoped(() => {
      for (const s of statements) this.statement(s);
    });
  }
  private statement(s: Statement): void {
    switch (s.kind) {
      case "comment":
        this.out.push({ kind: "comment", text: s.text });
        return;
      case "let":
        this.env.set(s.name, { kind: "value", value: this.bind(s.name, this.evaluate(s.value)) });
        return;
      case "var": {
        if (this.vectors === 0 && this.sums.has(s.name)) {
          const local = this.localOf(`${s.name}_sum`, "f64");
          this.out.push(set(local, op("f64.promote_f32", this.scalar(s.init))));
          this.env.set(s.name, { kind: "sum", local });
          return;
        }
        const init = this.evaluate(s.init);
        const value = this.vectors > 0 ? vector(spread(init, this.vectors), s.init.dtype) : init;
        this.env.set(s.name, { kind: "value", value: this.bind(s.name, value) });
        return;
      }
      case "assign":
        return this.assign(s.name, s.value);
      case "store":
        return this.store(s);
      case "product":
        return this.product(s);
      case "if":
        return this.branch(s);
      case "loop":
        return this.loopStatement(s);
    }
  }

  /** Puts a value into locals of its own. */
  private bind(name: string, value: Value): Value {
    if (value.shape !== "vector") {
      const local = this.localOf(name, localType(value));
      this.out.push(set(local, value.node));
      return { ...value, node: get(local) };
    }
    const nodes = value.nodes.map((node, k) => {
      const local = this.localOf(`${name}_v${k}`, "v128");
      this.out.push(set(local, node));
      return get(local);
    });
    return { ...value, nodes };
  }

  private assign(name: string, e: KExpr): void {
    const binding = this.env.get(name);
    invariant(binding, `${name} is declared`);
    if (binding.kind === "sum") {
      const term = e.op === "call" && e.fn === "add" ? e.args[1] : undefined;
      invariant(term, "a sum is added to");
      const added = op("f64.promote_f32", this.scalar(term));
      this.out.push(set(binding.local, op("f64.add", get(binding.local), added)));
      return;
    }
    const { value } = binding;
    if (value.shape === "vector") {
      const made = spread(this.evaluate(e), this.vectors);
      value.nodes.forEach((node, k) => {
        invariant(node.kind === "get", "variables are locals");
        const next = made[k] ?? node;
        const keeps = this.mask?.[k];
        this.out.push(set(node.local, keeps ? op("v128.bitselect", next, node, keeps) : next));
      });
      return;
    }
    if (this.vectors > 0) throw new NotWidenable("a variable of all lanes is assigned");
    invariant(value.node.kind === "get", "variables are locals");
    this.out.push(set(value.node.local, this.scalar(e)));
  }

  private store(s: Statement & { readonly kind: "store" }): void {
    const buffer = this.buffer(s.buffer);
    const index = this.evaluate(s.index);
    const value = this.evaluate(s.value);
    const { dtype } = buffer;
    if (index.shape === "uniform") {
      if (this.vectors > 0) throw new NotWidenable("all lanes store to one place");
      this.out.push(
        op(memoryOp(dtype, "store"), this.address(s.buffer, dtype, index.node), this.node(value)),
      );
      return;
    }
    const nodes = spread(value, this.vectors);
    if (index.shape === "affine" && index.stride === 1 && bytesOf(dtype) === 4 && !this.mask) {
      const at = this.keep(this.address(s.buffer, dtype, index.node), "i32");
      nodes.forEach((node, k) =>
        this.out.push({ kind: "op", op: "v128.store", args: [at, node], offset: 16 * k }),
      );
      return;
    }
    this.gathers++;
    if (index.shape === "affine" && bytesOf(dtype) === 4 && !this.mask) {
      const at = this.strided(s.buffer, dtype, index);
      nodes.forEach((node, k) => {
        const kept = this.keep(node, "v128");
        for (let lane = 0; lane < 4; lane++)
          this.out.push(laneAccess("v128.store32_lane", at, index.stride, 4 * k + lane, this.vectors, kept));
      });
      return;
    }
    const places = spread(index, this.vectors).map((v) => this.keep(v, "v128"));
    nodes.forEach((node, k) => {
      const kept = this.keep(node, "v128");
      for (let lane = 0; lane < 4; lane++) {
        const place = extract(places[k] ?? i32(0), lane, "i32");
        const one = op(
          memoryOp(dtype, "store"),
          this.address(s.buffer, dtype, place),
          extract(kept, lane, dtype),
        );
        const keeps = this.mask?.[k];
        this.out.push(
          keeps ? { kind: "if", condition: extract(keeps, lane, "bool"), then: [one], else: [] } : one,
        );
      }
    });
  }

  private product({ dtype, rows, columns, count, left, right, into }: ProductStatement): void {
    if (this.vectors > 0) throw new NotWidenable("a product has lanes of its own");
    const place = ({ buffer, index }: Place): Instruction => this.address(buffer, dtype, this.scalar(index));
    this.out.push({
      kind: "call",
      fn: this.helper(productRoutine(dtype, rows, columns)),
      args: [place(left), place(right), this.scalar(count), place(into)],
    });
  }

  private branch(s: Statement & { readonly kind: "if" }): void {
    const condition = this.evaluate(s.condition);
    if (condition.shape === "uniform") {
      const outer = this.out;
      const arm = (list: readonly Statement[]): Instruction[] => {
        this.out = [];
        this.list(list);
        return this.out;
      };
      const then = arm(s.then);
      const otherwise = arm(s.else);
      this.out = outer;
      this.out.push({ kind: "if", condition: condition.node, then, else: otherwise });
      return;
    }
    const chosen = spread(condition, this.vectors).map((m) => this.keep(m, "v128"));
    const before = this.mask;
    const under = (masks: readonly Instruction[], list: readonly Statement[]): void => {
      if (list.length === 0) return;
      this.mask = masks.map((m, k) => {
        const outer = before?.[k];
        return outer ? this.keep(op("v128.and", m, outer), "v128") : m;
      });
      this.guarded++;
      this.list(list);
      this.guarded--;
      this.mask = before;
    };
    under(chosen, s.then);
    under(
      chosen.map((m) => this.keep(op("v128.not", m), "v128")),
      s.else,
    );
  }

  // ---- expressions ----

  /** A value that all lanes share, as a scalar instruction. */
  private node(value: Value): Instruction {
    if (value.shape === "uniform") return value.node;
    throw new NotWidenable("a bound or place of each lane's own");
  }
  private scalar(e: KExpr): Instruction {
    return this.node(this.evaluate(e));
  }
  private integer(e: KExpr): Instruction {
    return this.keep(this.scalar(e), "i32");
  }

  private evaluate(e: KExpr): Value {
    switch (e.op) {
      case "constant":
        return uniform(constantOf(e.value, e.dtype, false), e.dtype);
      case "variable": {
        const binding = this.env.get(e.name);
        invariant(binding, `${e.name} is declared`);
        if (binding.kind === "sum") return uniform(op("f32.demote_f64", get(binding.local)), "f32");
        return binding.value;
      }
      case "load":
        return this.load(e.buffer, e.dtype, this.evaluate(e.index));
      case "address":
        return this.addressValue(
          e.fn,
          e.args.map((a) => this.evaluate(a)),
        );
      case "cast": {
        const arg = this.evaluate(e.arg);
        if (arg.shape === "uniform")
          return uniform(castInstruction(arg.node, e.arg.dtype, e.dtype, false), e.dtype);
        const nodes = spread(arg, this.vectors);
        return vector(
          nodes.map((n) => castInstruction(n, e.arg.dtype, e.dtype, true)),
          e.dtype,
        );
      }
      case "select":
        return this.choice(e);
      case "call":
        return this.callValue(e);
    }
  }

  /** The right side of `and` and `or` is evaluated where the left one leaves it open: it may read out of bounds. */
  private shortCircuit(e: KExpr & { readonly op: "call" }): Value | undefined {
    const [left, right] = e.args;
    if ((e.fn !== "and" && e.fn !== "or") || !left || !right || isCheap(right)) return undefined;
    const constant = (value: number): KExpr => ({ op: "constant", dtype: "bool", value });
    return e.fn === "and"
      ? this.choice({ op: "select", dtype: "bool", condition: left, then: right, else: constant(0) })
      : this.choice({ op: "select", dtype: "bool", condition: left, then: constant(1), else: right });
  }

  private callValue(e: KExpr & { readonly op: "call" }): Value {
    const chosen = this.shortCircuit(e);
    if (chosen) return chosen;
    const args = e.args.map((a) => this.evaluate(a));
    const operand = e.args[e.args.length - 1]?.dtype ?? e.dtype;
    const literals = e.args.map((a) => (a.op === "constant" ? a.value : undefined));
    if (args.every((a) => a.shape === "uniform")) {
      const [x, y] = e.args;
      const isPlain = x && y && isPositiveConstant(y) && this.facts.isNonNegative(x);
      if (isPlain && operand === "i32" && (e.fn === "floor_div" || e.fn === "mod")) {
        const [a, b] = args.map((v) => this.node(v));
        if (a && b) return uniform(op(e.fn === "mod" ? "i32.rem_u" : "i32.div_u", a, b), "i32");
      }
      const made = callInstruction(
        e.fn,
        args.map((a) => this.node(a)),
        operand,
        literals,
        false,
        this,
        e.dtype,
      );
      invariant(made, "every function can be called for one number");
      return uniform(made, e.dtype);
    }
    // One number for all lanes is loaded into them at once, and once for several vectors.
    const once = (a: Value): Value => {
      if (a.shape !== "uniform") return a;
      const { node } = a;
      if (node.kind === "op" && (node.op === "f32.load" || node.op === "i32.load")) {
        const all = this.keep({ ...node, op: "v128.load32_splat" }, "v128");
        return vector(new Array<Instruction>(this.vectors).fill(all), a.dtype);
      }
      return this.vectors > 1 ? uniform(this.keep(node, scalarType(a.dtype)), a.dtype) : a;
    };
    const wide = args.map((a) => spread(once(a), this.vectors));
    const nodes = Array.from({ length: this.vectors }, (_, k) => {
      const operands = wide.map((w) => w[k] ?? i32(0));
      const made = callInstruction(e.fn, operands, operand, literals, true, this, e.dtype);
      if (made) return made;
      // Lane by lane.
      const kept = operands.map((o) => this.keep(o, "v128"));
      const each = [0, 1, 2, 3].map((lane) => {
        const one = callInstruction(
          e.fn,
          kept.map((o, n) => extract(o, lane, e.args[n]?.dtype ?? operand)),
          operand,
          literals,
          false,
          this,
          e.dtype,
        );
        invariant(one, "every function can be called for one number");
        return one;
      });
      return gather(each, e.dtype);
    });
    return vector(nodes, e.dtype);
  }

  private choice(e: KExpr & { readonly op: "select" }): Value {
    const condition = this.evaluate(e.condition);
    if (this.vectors === 0) {
      const type = scalarType(e.dtype);
      if (isCheap(e.then) && isCheap(e.else))
        return uniform(op("select", this.scalar(e.then), this.scalar(e.else), this.node(condition)), e.dtype);
      const outer = this.out;
      const arm = (x: KExpr): Instruction[] => {
        this.out = [];
        const node = this.scalar(x);
        return [...this.out, node];
      };
      const then = arm(e.then);
      const otherwise = arm(e.else);
      this.out = outer;
      return uniform(
        { kind: "if", condition: this.node(condition), then, else: otherwise, result: type },
        e.dtype,
      );
    }
    this.guarded++;
    const then = this.evaluate(e.then);
    const otherwise = this.evaluate(e.else);
    this.guarded--;
    const [x, y, c] = [then, otherwise, condition].map((v) => spread(v, this.vectors));
    const nodes = Array.from({ length: this.vectors }, (_, k) =>
      op("v128.bitselect", x?.[k] ?? i32(0), y?.[k] ?? i32(0), c?.[k] ?? i32(0)),
    );
    return vector(nodes, e.dtype);
  }

  private addressValue(fn: (KExpr & { readonly op: "address" })["fn"], args: readonly Value[]): Value {
    return args
      .slice(1)
      .reduce<Value>(
        (a, b) => this.addressPair(fn, a, b),
        fn === "neg" && args[0]
          ? this.addressPair("sub", uniform(i32(0), "i32"), args[0])
          : (args[0] ?? uniform(i32(0), "i32")),
      );
  }
  private addressPair(fn: AddressFn, a: Value, b: Value): Value {
    if (fn === "div" || fn === "rem") return uniform(op(`i32.${fn}_u`, this.node(a), this.node(b)), "i32");
    const flat = (v: Value): { node: Instruction; stride: number } | undefined =>
      v.shape === "vector" ? undefined : { node: v.node, stride: v.shape === "affine" ? v.stride : 0 };
    const [x, y] = [flat(a), flat(b)];
    if (x && y) {
      const made = (node: Instruction, stride: number): Value =>
        stride === 0 ? uniform(node, "i32") : { shape: "affine", dtype: "i32", node, stride };
      const factor = (v: { node: Instruction; stride: number }): number | undefined =>
        v.node.kind === "const" && v.stride === 0 ? v.node.value : undefined;
      if (fn === "add" || fn === "sub") {
        const sign = fn === "add" ? 1 : -1;
        return made(plus(fn, x.node, y.node), x.stride + sign * y.stride);
      }
      if (x.stride === 0 && y.stride === 0) {
        if (fn === "mul") return made(op("i32.mul", x.node, y.node), 0);
        const [p, q] = [this.keep(x.node, "i32"), this.keep(y.node, "i32")];
        return made(op("select", fn === "min" ? p : q, fn === "min" ? q : p, op("i32.lt_s", p, q)), 0);
      }
      if (fn === "mul") {
        const scale = factor(y) ?? factor(x);
        if (scale !== undefined) return made(op("i32.mul", x.node, y.node), (x.stride + y.stride) * scale);
      }
    }
    const [u, v] = [spread(a, this.vectors), spread(b, this.vectors)];
    const name = fn === "min" || fn === "max" ? (`i32x4.${fn}_s` as const) : (`i32x4.${fn}` as Opcode);
    return vector(
      u.map((n, k) => op(name, n, v[k] ?? n)),
      "i32",
    );
  }

  private load(buffer: string, dtype: DType, index: Value): Value {
    this.buffer(buffer);
    const scalarLoad = (at: Instruction, offset = 0): Instruction => ({
      kind: "op",
      op: memoryOp(dtype, "load"),
      args: [at],
      offset,
    });
    if (index.shape === "uniform") {
      const at = this.address(buffer, dtype, index.node);
      return uniform(scalarLoad(this.guarded > 0 ? this.clamped(at) : at), dtype);
    }
    laneType(dtype);
    const bytes = bytesOf(dtype);
    if (index.shape === "affine" && index.stride === 1 && bytes === 4) {
      const address = this.address(buffer, dtype, index.node);
      const at =
        this.guarded > 0 ? this.clamped(address) : this.vectors > 1 ? this.keep(address, "i32") : address;
      return vector(
        Array.from({ length: this.vectors }, (_, k): Instruction => ({
          kind: "op",
          op: "v128.load",
          args: [at],
          offset: 16 * k,
        })),
        dtype,
      );
    }
    this.gathers++;
    if (index.shape === "affine" && bytes === 4 && this.guarded === 0) {
      const at = this.strided(buffer, dtype, index);
      const access = (op: LaneOp, lane: number, ...rest: Instruction[]): Instruction =>
        laneAccess(op, at, index.stride, lane, this.vectors, ...rest);
      const nodes = Array.from({ length: this.vectors }, (_, k) =>
        [1, 2, 3].reduce(
          (v, lane) => access("v128.load32_lane", 4 * k + lane, v),
          access("v128.load32_zero", 4 * k),
        ),
      );
      return vector(nodes, dtype);
    }
    const places = spread(index, this.vectors).map((v) => this.keep(v, "v128"));
    const nodes = places.map((place) =>
      gather(
        [0, 1, 2, 3].map((lane) => {
          const at = this.address(buffer, dtype, extract(place, lane, "i32"));
          return scalarLoad(this.guarded > 0 ? this.clamped(at) : at);
        }),
        dtype,
      ),
    );
    return vector(nodes, dtype);
  }

  /** Address of the lowest of the elements that lanes at a constant distance stand for. */
  private strided(buffer: string, dtype: DType, index: Value & { readonly shape: "affine" }): Instruction {
    const back = index.stride < 0 ? (4 * this.vectors - 1) * index.stride : 0;
    return this.keep(this.address(buffer, dtype, plus("add", index.node, i32(back))), "i32");
  }

  private buffer(name: string): KernelBuffer {
    const found = this.buffers.get(name);
    invariant(found, `${name} is a buffer of the kernel`);
    return found;
  }
  private address(buffer: string, dtype: DType, index: Instruction): Instruction {
    const base = get(this.bufferLocals.get(buffer) ?? "");
    if (index.kind === "const" && index.value === 0) return base;
    const shift = { 1: 0, 4: 2, 8: 3 }[bytesOf(dtype)] ?? 2;
    return op("i32.add", base, shift ? op("i32.shl", index, i32(shift)) : index);
  }
  /** Lanes that are not chosen may have any address: it is kept within the memory, and what is read is dropped. */
  private clamped(address: Instruction): Instruction {
    this.locals.set(LIMIT, "i32");
    const at = this.keep(address, "i32");
    return this.keep(op("select", at, get(LIMIT), op("i32.lt_u", at, get(LIMIT))), "i32");
  }
}

type LaneOp = "v128.load32_zero" | "v128.load32_lane" | "v128.store32_lane";
/** One of the elements `stride` apart, counted from the first lane of the first vector. */
function laneAccess(
  name: LaneOp,
  lowest: Instruction,
  stride: number,
  lane: number,
  vectors: number,
  ...vector: readonly Instruction[]
): Instruction {
  const place = stride < 0 ? (lane - 4 * vectors + 1) * stride : lane * stride;
  const access = { kind: "op", op: name, args: [lowest, ...vector], offset: 4 * place } as const;
  return name === "v128.load32_zero" ? access : { ...access, lane: lane % 4 };
}

/** Local of the highest address from which 64 bytes can be read. */
const LIMIT = "limit.";

function plus(fn: "add" | "sub", a: Instruction, b: Instruction): Instruction {
  if (b.kind === "const" && b.value === 0) return a;
  if (fn === "add" && a.kind === "const" && a.value === 0) return b;
  return op(`i32.${fn}`, a, b);
}
function bytesOf(dtype: DType): 1 | 4 | 8 {
  return dtype === "bool" ? 1 : dtype === "f64" ? 8 : 4;
}
function memoryOp(dtype: DType, what: "load" | "store"): Opcode {
  if (dtype === "bool") return what === "load" ? "i32.load8_u" : "i32.store8";
  return `${scalarType(dtype)}.${what}`;
}
/** Without loads and functions: evaluating it costs less than a branch. */
function isCheap(e: KExpr): boolean {
  if (e.op === "address" || e.op === "call")
    return e.dtype !== "f64" && COMPARED.has(e.fn) && e.args.every(isCheap);
  return e.op === "constant" || e.op === "variable";
}
const COMPARED: ReadonlySet<string> = new Set([
  "add",
  "sub",
  "mul",
  "neg",
  "min",
  "max",
  "lt",
  "le",
  "eq",
  "ne",
  "and",
  "or",
  "not",
]);
/**
 * So many vectors of sums as hide the latency of an addition: four where that is all a round does, fewer where there is
 * more to do in between, or where sums of loops within take registers too.
 */
function vectorsSideBySide(sums: number, body: readonly Statement[]): 1 | 2 | 4 {
  const { work, variables } = weigh(body);
  const busy = work > BUSY ? 2 : 4;
  const room = Math.floor(REGISTERS / 2 / (sums + variables));
  const least = Math.min(busy, room);
  return least >= 4 ? 4 : least >= 2 ? 2 : 1;
}
const BUSY = 6;
const REGISTERS = 16;
function weigh(body: readonly Statement[]): { work: number; variables: number } {
  let work = 0;
  let variables = 0;
  for (const s of body) {
    if (s.kind === "var") variables++;
    if (s.kind === "let" || s.kind === "assign" || s.kind === "store") work += workOf(s.value);
    if (s.kind === "loop" || s.kind === "if") {
      const inner = s.kind === "loop" ? [s.body] : [s.then, s.else];
      for (const list of inner) {
        const found = weigh(list);
        work += s.kind === "loop" ? 8 * found.work : found.work;
        variables += found.variables;
      }
    }
  }
  return { work, variables };
}
function workOf(e: KExpr): number {
  switch (e.op) {
    case "constant":
    case "variable":
    case "address":
      return 0;
    case "load":
      return 1;
    case "cast":
      return 1 + workOf(e.arg);
    case "select":
      return 1 + workOf(e.condition) + workOf(e.then) + workOf(e.else);
    case "call":
      return (SCALARS[e.fn]?.cost ?? 1) + e.args.reduce((n, a) => n + workOf(a), 0);
  }
}

function mostAccumulators(body: readonly Statement[]): number {
  return body.filter((s) => s.kind === "var").length;
}
const loopCosts = new WeakMap<Instruction, number>();
/** Instructions, loops within counted for a few rounds, functions for their usual length. */
function costOf(list: readonly Instruction[]): number {
  let cost = 0;
  for (const i of list) {
    switch (i.kind) {
      case "set":
      case "tee":
        cost += costOf([i.value]);
        break;
      case "op":
        cost += 1 + costOf(i.args);
        break;
      case "call":
        cost += 20 + costOf(i.args);
        break;
      case "block":
      case "loop": {
        const known = loopCosts.get(i) ?? 8 * costOf(i.body);
        loopCosts.set(i, known);
        cost += known;
        break;
      }
      case "if":
        cost += costOf([i.condition]) + Math.max(costOf(i.then), costOf(i.else));
        break;
      case "br":
        cost += 1 + (i.condition ? costOf([i.condition]) : 0);
        break;
      default:
    }
  }
  return cost;
}
function visitLocals(list: readonly Instruction[], found: (name: string) => void): void {
  for (const i of list) {
    switch (i.kind) {
      case "get":
        found(i.local);
        break;
      case "set":
      case "tee":
        found(i.local);
        visitLocals([i.value], found);
        break;
      case "op":
      case "call":
        visitLocals(i.args, found);
        break;
      case "block":
      case "loop":
        visitLocals(i.body, found);
        break;
      case "if":
        visitLocals([i.condition, ...i.then, ...i.else], found);
        break;
      case "br":
        if (i.condition) visitLocals([i.condition], found);
        break;
      default:
    }
  }
}
