import { invariant } from "../../diagnostics/invariant.js";
import type { KExpr, Statement } from "../../schedule/kernel/ir.js";
import { accumulators, stores, variablesOf, type Accumulator } from "./accumulators.js";
import { callInstruction, constantOf } from "./calls.js";
import { costOf, gridVectors, ROUNDS, sumVectors } from "./costs.js";
import type { Expressions } from "./expressions.js";
import type { Instruction } from "./instruction.js";
import { get, i32, op, set } from "./instruction.js";
import {
  eachLane,
  extract,
  gather,
  NotWidenable,
  scalarType,
  uniform,
  vector,
  type Value,
} from "./values.js";
import { RowTotals } from "./row-totals.js";
import type { FunctionWriter, LaneNames, Written } from "./writer.js";

/** A loop written aside, with rough costs of one iteration: in lanes, its gathers included, and alone. */
interface Attempt extends Written {
  readonly wideCost: number;
  readonly plainCost: number;
}
const LEAST_GAIN = 0.8;

/** Entries of a long sum that are added in f32 lanes before they go to an f64. */
const BLOCK = 256;

/** At most so many sums of rows side by side: a register each, and as many for the rest. */
const ROW_SUMS = 8;

/** Iterations that lanes leave, as far as costs go. */
const LEFT = 2;

type Loop = Statement & { readonly kind: "loop" };
/** How a loop runs; "loops in lanes": those inside it do, where they gather nothing. */
type Choice = "lanes" | "loops in lanes" | "as it is";
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
  /** What was found best for a loop, by whether gathers are allowed: it is written several times over. */
  private readonly choices = new Map<object, { contiguous?: Choice; any?: Choice }>();
  /** The same of the vectors of a loop that folds. */
  private readonly vectorsOf = new Map<object, number>();

  constructor(
    private readonly writer: FunctionWriter,
    private readonly expressions: Expressions,
    private readonly lanes: boolean,
  ) {}

  /** The innermost loop of a grid, whose iterations are independent. */
  innermost(range: Range, statements: readonly Statement[], body: () => void): void {
    const variable = this.writer.localOf(range.variable, "i32");
    this.better(
      statements,
      () => {
        this.writer.push(set(variable, range.lo));
        for (const n of gridVectors(statements)) this.wide(range, n, body);
        this.rest(range, body, i32(1), LEFT);
      },
      () => this.plain(range, 1, 1, body),
    );
  }

  /** A loop within a kernel's body. */
  inner(s: Loop, body: () => void): void {
    if (this.writer.vectors > 0) return this.withinLanes(s, body);
    const range = {
      variable: s.variable,
      lo: this.expressions.integer(s.lo),
      hi: this.expressions.integer(s.hi),
    };
    const plain = (): void => this.plain(range, s.step, s.direction, body);
    if (s.direction === 1 && s.step === 1) this.better(s, () => this.reducing(s, range, body), plain);
    else plain();
  }

  /**
   * A loop of all lanes at once; where that gathers, each lane's row by vectors, or one lane after the other, each with
   * lanes of its own.
   */
  private withinLanes(s: Loop, body: () => void): void {
    const { writer } = this;
    const together = this.attempt(() => {
      const range = {
        variable: s.variable,
        lo: this.expressions.integer(s.lo),
        hi: this.expressions.integer(s.hi),
      };
      this.plain(range, s.step, s.direction, body);
    });
    if (together?.gathers === 0) return writer.take(together);
    // Of loops within loops, each would be tried once for each lane and each loop around.
    const isLeaf = !s.body.some((inner) => inner.kind === "loop");
    const rows = isLeaf ? this.attempt(() => this.byRow(s, body)) : null;
    if (rows) return writer.take(rows);
    const apart = isLeaf ? this.attempt(() => this.byLane(s, body)) : null;
    const best = apart && apart.widened > 0 ? apart : together;
    if (!best) throw new NotWidenable("a loop of each lane's own");
    writer.take(best);
  }
  /**
   * Sums over rows that lie together, a row for each lane: four entries of each row at a time, and at the end of a block
   * the four partial sums of four rows are turned so that they stand in one vector.
   */
  private byRow(s: Loop, body: () => void): void {
    const { writer } = this;
    if (writer.mask || s.carried || s.direction !== 1 || s.step !== 1 || stores(s))
      throw new NotWidenable("not a sum over a row");
    const found = accumulators(s.body);
    const rows = 4 * writer.vectors;
    if (found.length * rows > ROW_SUMS || !found.every((a) => a.fn === "add" && a.dtype === "f32"))
      throw new NotWidenable("not a few sums over a row");
    const range = {
      variable: s.variable,
      lo: this.expressions.integer(s.lo),
      hi: writer.keep(this.expressions.integer(s.hi), "i32"),
    };
    writer.push(set(writer.localOf(s.variable, "i32"), range.lo));
    const totals = found.map((a) => new RowTotals(writer, a.name));
    const mentioned = new Set(variablesOf(s));
    for (const a of found) mentioned.delete(a.name);
    const lanes = Array.from({ length: rows }, (_, lane) => writer.namesOf(lane, mentioned));
    const main = this.attempt(() =>
      this.blocks(range, 4, (stop) => {
        const parts = found.map((a) => this.openParts(a, rows));
        const last = writer.keep(op("i32.sub", stop, i32(3)), "i32");
        const atRow = (lane: LaneNames, row: number): void =>
          writer.atLane(lane, () => {
            found.forEach((a, k) => writer.define(a.name, vector([parts[k]?.[row] ?? i32(0)], a.dtype)));
            const variable = get(writer.localOf(s.variable, "i32"));
            writer.define(s.variable, { shape: "affine", dtype: "i32", node: variable, stride: 1 });
            writer.widely(1, body);
          });
        const all = (): void => lanes.forEach(atRow);
        this.upwards({ ...range, hi: last }, i32(4), (v) => uniform(v, "i32"), all, ROUNDS / 4);
        totals.forEach((total, k) => total.add(parts[k] ?? []));
      }),
    );
    if (!main || main.gathers > 0) throw new NotWidenable("rows do not lie together");
    writer.take(main);
    // What is left of the rows, all lanes at once.
    const { code } = writer.aside(() => this.rest(range, body, i32(1), LEFT));
    totals.forEach((total) => total.open());
    writer.pushAll(code);
    totals.forEach((total) => total.close());
    writer.countApart();
  }
  private byLane(s: Loop, body: () => void): void {
    const { writer } = this;
    if (writer.mask) throw new NotWidenable("a loop of some lanes");
    // A row that each iteration has for itself is one row for all lanes.
    if (stores(s)) throw new NotWidenable("a loop that fills a row");
    const found = accumulators(s.body);
    const mentioned = variablesOf(s);
    const results = found.map((): Instruction[] => []);
    for (let lane = 0; lane < 4 * writer.vectors; lane++)
      writer.atLane(writer.namesOf(lane, mentioned), () => {
        for (const a of found) this.openLane(a);
        this.inner(s, body);
        found.forEach((a, k) => {
          const value = this.expressions.scalar({ op: "variable", dtype: a.dtype, name: a.name });
          results[k]?.push(writer.keep(value, scalarType(a.dtype)));
        });
      });
    writer.countApart();
    found.forEach((a, k) => {
      const binding = writer.binding(a.name);
      const lanes = results[k] ?? [];
      if (binding.kind !== "value" || binding.value.shape !== "vector")
        throw new NotWidenable("a variable of all lanes is assigned");
      binding.value.nodes.forEach((node, n) => {
        invariant(node.kind === "get", "variables are locals");
        writer.push(set(node.local, gather(lanes.slice(4 * n, 4 * n + 4), a.dtype)));
      });
    });
  }

  /** An accumulator of one lane, which goes on from the lane's value. */
  private openLane({ name, dtype, fn }: Accumulator): void {
    const { writer } = this;
    const before = this.expressions.scalar({ op: "variable", dtype, name });
    const isSum = fn === "add" && dtype === "f32";
    const local = writer.freshLocal(`${writer.ascii(name)}_lane`, isSum ? "f64" : scalarType(dtype));
    writer.push(set(local, isSum ? op("f64.promote_f32", before) : before));
    if (isSum) writer.defineSum(name, local);
    else writer.define(name, uniform(get(local), dtype));
  }

  // ---- the choice ----

  /**
   * A loop in lanes, or as it is: in lanes where all loads and stores are contiguous; else with such loops inside it;
   * unless lanes with loops apart take less; else in lanes if that pays all the same; else loops inside it may.
   */
  private better(loop: object, inLanes: () => void, plain: () => void): void {
    const choices = this.choices.get(loop) ?? {};
    this.choices.set(loop, choices);
    const flag = this.contiguousOnly ? "contiguous" : "any";
    const known = choices[flag];
    const wide = known === undefined || known === "lanes" ? this.attempt(inLanes) : null;
    const isWide = wide !== null && wide.widened > 0;
    if (isWide && (known === "lanes" || (wide.gathers === 0 && wide.apart === 0))) {
      choices[flag] = "lanes";
      return this.writer.take(wide);
    }
    const strict = known === "as it is" ? null : this.strictly(plain);
    if (strict && (known === "loops in lanes" || flag === "contiguous" || strict.widened > 0)) {
      const isBetter = isWide && wide.gathers === 0 && wide.wideCost < LEAST_GAIN * strict.plainCost;
      choices[flag] = isBetter ? "lanes" : "loops in lanes";
      return this.writer.take(isBetter ? wide : strict);
    }
    if (isWide && wide.wideCost < LEAST_GAIN * wide.plainCost) {
      choices[flag] = "lanes";
      return this.writer.take(wide);
    }
    choices[flag] = "as it is";
    plain();
  }
  /** With such loops inside it in lanes as gather nothing. */
  private strictly(plain: () => void): Attempt {
    const outer = this.contiguousOnly;
    this.contiguousOnly = true;
    const strict = this.attempt(plain);
    this.contiguousOnly = outer;
    invariant(strict, "plain loops can always be made");
    return strict;
  }
  /** Null where something cannot run in lanes. */
  private attempt(make: () => void): Attempt | null {
    const { wideCost, plainCost } = this;
    this.wideCost = 0;
    this.plainCost = Infinity;
    try {
      const written = this.writer.aside(make);
      return { ...written, wideCost: this.wideCost, plainCost: this.plainCost };
    } catch (error) {
      if (error instanceof NotWidenable) return null;
      throw error;
    } finally {
      Object.assign(this, { wideCost, plainCost });
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
  private rest({ variable, hi }: Range, body: () => void, step = i32(1), rounds = ROUNDS): void {
    this.plainCost = this.upwards({ variable, hi }, step, (v) => uniform(v, "i32"), body, rounds);
  }
  /** While the variable is less than `hi`. What one round takes, roughly. */
  private upwards(
    { variable: name, hi }: Pick<Range, "variable" | "hi">,
    step: Instruction,
    meaning: (variable: Instruction) => Value,
    body: () => void,
    rounds: number,
  ): number {
    const { writer } = this;
    const local = writer.localOf(name, "i32");
    const variable = get(local);
    let cost = 0;
    writer.loop(
      () => op("i32.lt_s", variable, hi),
      () => {
        this.iteration(name, meaning(variable), body);
        writer.push(set(local, op("i32.add", variable, step)));
        cost = costOf(writer.written);
      },
      rounds,
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
      const rounds = Math.max(1, ROUNDS / width);
      this.wideCost = this.upwards({ variable, hi: end }, i32(width), meaning, body, rounds) / width;
    });
  }

  /** An inner loop in lanes: its accumulators have a part in each lane, joined after each block. */
  private reducing(s: Loop, range: Range, body: () => void): void {
    if (s.carried) throw new NotWidenable("iterations depend on each other");
    const { writer } = this;
    const found = accumulators(s.body);
    const local = writer.localOf(s.variable, "i32");
    writer.push(set(local, range.lo));
    if (found.length === 0) this.wide(range, 1, body);
    else this.folding(range, found, s.body, body);
    this.rest(range, body, i32(1), LEFT);
  }
  /** As many vectors as the sums want; one where a loop within runs for each lane by itself. */
  private folding(
    range: Range,
    found: readonly Accumulator[],
    statements: readonly Statement[],
    body: () => void,
  ): void {
    const vectors = this.vectorsOf.get(statements) ?? this.foldingVectors(range, found, statements, body);
    this.vectorsOf.set(statements, vectors);
    this.inBlocks(range, found, vectors, body);
  }
  private foldingVectors(
    range: Range,
    found: readonly Accumulator[],
    statements: readonly Statement[],
    body: () => void,
  ): number {
    const vectors = sumVectors(found.length, statements);
    if (vectors === 1 || !statements.some((s) => s.kind === "loop")) return vectors;
    const tried = this.attempt(() => this.inBlocks(range, found, vectors, body));
    return tried?.apart === 0 ? vectors : 1;
  }
  private inBlocks(range: Range, found: readonly Accumulator[], vectors: number, body: () => void): void {
    const { writer } = this;
    this.blocks(range, 4 * vectors, (hi) => {
      const parts = found.map((a) => this.openParts(a, vectors));
      writer.scoped(() => {
        found.forEach((a, k) => writer.define(a.name, vector(parts[k] ?? [], a.dtype)));
        this.wide({ ...range, hi }, vectors, body);
      });
      found.forEach((a, k) => this.joinParts(a, parts[k] ?? []));
    });
  }
  /** From the variable's value on, in blocks with an end of their own, while at least `width` iterations are left. */
  private blocks(range: Range, width: number, body: (stop: Instruction) => void): void {
    const { writer } = this;
    const variable = get(writer.localOf(range.variable, "i32"));
    const last = writer.keep(op("i32.sub", range.hi, i32(width - 1)), "i32");
    writer.loop(
      () => op("i32.lt_s", variable, last),
      () => {
        const stop = writer.freshLocal("stop", "i32");
        const far = writer.keep(op("i32.add", variable, i32(BLOCK * width)), "i32");
        writer.push(set(stop, op("select", far, range.hi, op("i32.lt_s", far, range.hi))));
        body(get(stop));
      },
      1,
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
