import type { KExpr, Statement } from "../../schedule/kernel/ir.js";
import { costOf, ROUNDS } from "./costs.js";
import type { Expressions } from "./expressions.js";
import type { Instruction } from "./instruction.js";
import { get, i32, op, set } from "./instruction.js";
import { NotWidenable, uniform, type Value } from "./values.js";
import type { FunctionWriter } from "./writer.js";

export type Loop = Statement & { readonly kind: "loop" };
export interface Range {
  readonly variable: string;
  readonly lo: Instruction;
  readonly hi: Instruction;
}

/** Iterations that lanes leave, as far as costs go. */
export const LEFT = 2;

/** Entries of a long sum that are added in f32 lanes before they go to an f64. */
const BLOCK = 256;

/** Writes loops: iterations one after the other, or so many vectors of them at a time. */
export class Rounds {
  constructor(
    private readonly writer: FunctionWriter,
    private readonly expressions: Expressions,
    private readonly lanes: boolean,
  ) {}

  rangeOf({ variable, lo, hi }: Loop): Range {
    return { variable, lo: this.expressions.integer(lo), hi: this.expressions.integer(hi) };
  }

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
  rest({ variable, hi }: Range, body: () => void, step = i32(1), rounds = ROUNDS): void {
    const cost = this.upwards({ variable, hi }, step, (v) => uniform(v, "i32"), body, rounds);
    this.writer.found.plainCost = cost;
  }
  /** While the variable is less than `hi`. What one round takes, roughly. */
  upwards(
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

  /** From the variable's value on, while enough iterations for so many vectors are left. */
  wide({ variable, hi }: Range, vectors: number, body: () => void): void {
    if (!this.lanes) throw new NotWidenable("lanes are switched off");
    const { writer } = this;
    const width = 4 * vectors;
    const end = writer.keep(op("i32.sub", hi, i32(width - 1)), "i32");
    const meaning = (node: Instruction): Value => ({ shape: "affine", dtype: "i32", node, stride: 1 });
    writer.widely(vectors, () => {
      const rounds = Math.max(1, ROUNDS / width);
      const cost = this.upwards({ variable, hi: end }, i32(width), meaning, body, rounds);
      writer.found.wideCost = cost / width;
    });
  }

  /** From the variable's value on, in blocks with an end of their own, while at least `width` iterations are left. */
  blocks(range: Range, width: number, body: (stop: Instruction) => void): void {
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
}
