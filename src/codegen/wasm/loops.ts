import { invariant } from "../../diagnostics/invariant.js";
import type { KExpr, Statement } from "../../schedule/kernel-ir.js";
import { accumulators, type Accumulator } from "./accumulators.js";
import { callInstruction, constantOf } from "./calls.js";
import { costOf, gridVectors, sumVectors } from "./costs.js";
import type { Expressions } from "./expressions.js";
import type { Instruction } from "./instruction.js";
import { get, i32, op, set } from "./instruction.js";
import { eachLane, extract, NotWidenable, uniform, vector, type Value } from "./values.js";
import type { FunctionWriter, Written } from "./writer.js";

/** A loop in lanes, written aside. `pays`: it takes clearly less than alone, its gathers included. */
interface Attempt extends Written {
  readonly pays: boolean;
}
const LEAST_GAIN = 0.8;

/** Entries of a long sum that are added in f32 lanes before they go to an f64. */
const BLOCK = 256;

interface Range {
  readonly variable: string;
  readonly lo: Instruction;
  readonly hi: Instruction;
}

/** Loops: four or more iterations side by side where that pays, else one after the other. */
export class Loops {
  /** Loops in lanes are wanted only where nothing is gathered. */
  private contiguousOnly = false;
  /** Rough cost of one iteration of the loop tried last, in lanes and alone. */
  private wideCost = 0;
  private plainCost = Infinity;

  constructor(
    private readonly writer: FunctionWriter,
    private readonly expressions: Expressions,
    private readonly lanes: boolean,
  ) {}

  /** The innermost loop of a grid, whose iterations are independent. */
  innermost(range: Range, statements: readonly Statement[], body: () => void): void {
    const variable = this.writer.localOf(range.variable, "i32");
    this.better(
      () => {
        this.writer.push(set(variable, range.lo));
        for (const n of gridVectors(statements)) this.wide(range, n, body);
        this.rest(range, body);
      },
      () => this.plain(range, 1, 1, body),
    );
  }

  /** A loop within a kernel's body. */
  inner(s: Statement & { readonly kind: "loop" }, body: () => void): void {
    const range = {
      variable: s.variable,
      lo: this.expressions.integer(s.lo),
      hi: this.expressions.integer(s.hi),
    };
    const plain = (): void => this.plain(range, s.step, s.direction, body);
    if (this.writer.vectors === 0 && s.direction === 1 && s.step === 1)
      this.better(() => this.reducing(s, range, body), plain);
    else plain();
  }

  // ---- the choice ----

  /**
   * A loop in lanes, or as it is: in lanes where all loads and stores are contiguous; else with such loops inside it;
   * else in lanes if that pays all the same; else loops inside it may.
   */
  private better(inLanes: () => void, plain: () => void): void {
    const { writer } = this;
    const wide = this.attempt(inLanes);
    if (wide && wide.widened > 0 && wide.gathers === 0) return writer.take(wide);
    const outer = this.contiguousOnly;
    this.contiguousOnly = true;
    const strict = this.attempt(plain);
    this.contiguousOnly = outer;
    invariant(strict, "plain loops can always be made");
    if (outer || strict.widened > 0) return writer.take(strict);
    if (wide?.pays && wide.widened > 0) return writer.take(wide);
    plain();
  }
  /** Null where something cannot run in lanes. */
  private attempt(make: () => void): Attempt | null {
    this.wideCost = 0;
    this.plainCost = Infinity;
    try {
      const written = this.writer.aside(make);
      return { ...written, pays: this.wideCost < LEAST_GAIN * this.plainCost };
    } catch (error) {
      if (error instanceof NotWidenable) return null;
      throw error;
    }
  }

  // ---- one after the other ----

  plain(range: Range, step: number | KExpr, direction: 1 | -1, body: () => void): void {
    const { writer } = this;
    const local = writer.localOf(range.variable, "i32");
    const advance = typeof step === "number" ? i32(step) : this.expressions.integer(step);
    if (direction === 1) {
      writer.push(set(local, range.lo));
      return this.rest({ ...range, hi: writer.keep(range.hi, "i32") }, body, advance);
    }
    const first = writer.keep(range.lo, "i32");
    const variable = get(local);
    writer.push(set(local, op("i32.sub", range.hi, i32(1))));
    writer.loop(
      () => op("i32.ge_s", variable, first),
      () => {
        this.iteration(range.variable, uniform(variable, "i32"), body);
        writer.push(set(local, op("i32.sub", variable, advance)));
      },
    );
  }
  /** From the variable's value on. */
  private rest({ variable, hi }: Range, body: () => void, step = i32(1)): void {
    this.plainCost = this.upwards(variable, hi, step, (v) => uniform(v, "i32"), body);
  }
  /** While the variable is less than `end`. What one round takes, roughly. */
  private upwards(
    name: string,
    end: Instruction,
    step: Instruction,
    meaning: (variable: Instruction) => Value,
    body: () => void,
  ): number {
    const { writer } = this;
    const local = writer.localOf(name, "i32");
    const variable = get(local);
    let cost = 0;
    writer.loop(
      () => op("i32.lt_s", variable, end),
      () => {
        this.iteration(name, meaning(variable), body);
        writer.push(set(local, op("i32.add", variable, step)));
        cost = costOf(writer.written);
      },
    );
    return cost;
  }
  private iteration(name: string, value: Value, body: () => void): void {
    this.writer.scoped(() => {
      this.writer.define(name, value);
      body();
    });
  }

  // ---- in lanes ----

  /** From the variable's value on, while enough iterations for so many vectors are left. */
  private wide({ variable, hi }: Range, vectors: number, body: () => void): void {
    if (!this.lanes) throw new NotWidenable("lanes are switched off");
    const { writer } = this;
    const width = 4 * vectors;
    const end = writer.keep(op("i32.sub", hi, i32(width - 1)), "i32");
    const meaning = (node: Instruction): Value => ({ shape: "affine", dtype: "i32", node, stride: 1 });
    writer.widely(vectors, () => {
      this.wideCost = this.upwards(variable, end, i32(width), meaning, body) / width;
    });
  }

  /** An inner loop in lanes: its accumulators have a part in each lane, joined after each block. */
  private reducing(s: Statement & { readonly kind: "loop" }, range: Range, body: () => void): void {
    if (s.carried) throw new NotWidenable("iterations depend on each other");
    const { writer } = this;
    const found = accumulators(s.body);
    const local = writer.localOf(s.variable, "i32");
    writer.push(set(local, range.lo));
    if (found.length === 0) this.wide(range, 1, body);
    else this.inBlocks(range, found, sumVectors(found.length, s.body), body);
    this.rest(range, body);
  }
  private inBlocks(range: Range, found: readonly Accumulator[], vectors: number, body: () => void): void {
    const { writer } = this;
    const variable = get(writer.localOf(range.variable, "i32"));
    const width = 4 * vectors;
    const last = writer.keep(op("i32.sub", range.hi, i32(width - 1)), "i32");
    writer.loop(
      () => op("i32.lt_s", variable, last),
      () => {
        const stop = writer.freshLocal("stop", "i32");
        const far = writer.keep(op("i32.add", variable, i32(BLOCK * width)), "i32");
        writer.push(set(stop, op("select", far, range.hi, op("i32.lt_s", far, range.hi))));
        const parts = found.map((a) => this.openParts(a, vectors));
        writer.scoped(() => {
          found.forEach((a, k) => writer.define(a.name, vector(parts[k] ?? [], a.dtype)));
          this.wide({ ...range, hi: get(stop) }, vectors, body);
        });
        found.forEach((a, k) => this.joinParts(a, parts[k] ?? []));
      },
    );
  }
  private openParts(a: Accumulator, vectors: number): Instruction[] {
    const { writer } = this;
    return Array.from({ length: vectors }, () => {
      const part = writer.freshLocal(`${writer.ascii(a.name)}_part`, "v128");
      writer.push(set(part, constantOf(a.identity, a.dtype, true)));
      return get(part);
    });
  }
  private joinParts(a: Accumulator, parts: readonly Instruction[]): void {
    const { writer } = this;
    const join = (x: Instruction, y: Instruction, wide: boolean): Instruction => {
      const made = callInstruction(a.fn, [x, y], a.dtype, [], wide, writer);
      invariant(made, "accumulators join by instructions");
      return made;
    };
    const all = writer.keep(
      parts.reduce((x, y) => join(x, y, true)),
      "v128",
    );
    const binding = writer.binding(a.name);
    const each = eachLane((lane) => extract(all, lane, a.dtype));
    if (binding.kind === "sum") {
      const total = each.map((x) => op("f64.promote_f32", x)).reduce((x, y) => op("f64.add", x, y));
      return writer.push(set(binding.local, op("f64.add", get(binding.local), total)));
    }
    const { value } = binding;
    invariant(value.shape === "uniform" && value.node.kind === "get", "a scalar accumulator");
    const total = each.reduce((x, y) => join(x, y, false));
    writer.push(set(value.node.local, join(value.node, total, false)));
  }
}
