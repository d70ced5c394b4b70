import { invariant } from "../../diagnostics/invariant.js";
import { accumulators, stores, variablesOf, type Accumulator } from "./accumulators.js";
import { ROUNDS } from "./costs.js";
import type { Expressions } from "./expressions.js";
import type { Folds } from "./folds.js";
import type { Instruction } from "./instruction.js";
import { get, i32, op, set } from "./instruction.js";
import { LEFT, type Loop, type Rounds } from "./rounds.js";
import { RowTotals } from "./row-totals.js";
import { gather, NotWidenable, scalarType, uniform, vector } from "./values.js";
import type { FunctionWriter, LaneNames } from "./writer.js";

/** At most so many sums of rows side by side: a register each, and as many for the rest. */
const ROW_SUMS = 8;

/** Loops within a loop that runs in lanes. */
export class LoopsWithinLanes {
  /** Of loops that all lanes run together around what is written. */
  private depth = 0;

  /** @param alone writes a loop that one lane runs for itself */
  constructor(
    private readonly writer: FunctionWriter,
    private readonly expressions: Expressions,
    private readonly rounds: Rounds,
    private readonly folds: Folds,
    private readonly alone: (s: Loop, body: () => void) => void,
  ) {}

  /**
   * A loop of all lanes at once; where that gathers, each lane's row by vectors, or one lane after the other, each with
   * lanes of its own.
   */
  write(s: Loop, body: () => void): void {
    const { writer } = this;
    const together = writer.attempt(() => {
      this.depth++;
      try {
        this.rounds.plain(this.rounds.rangeOf(s), s.step, s.direction, body);
      } finally {
        this.depth--;
      }
    });
    if (together?.found.gathers === 0) return writer.take(together);
    // Of loops within loops, each would be tried once for each lane and each loop around.
    const isLeaf = !s.body.some((inner) => inner.kind === "loop");
    // Within another loop a sum may go on from round to round, and would be rounded at the end of each.
    const rows = isLeaf && this.depth === 0 ? writer.attempt(() => this.byRow(s, body)) : null;
    if (rows) return writer.take(rows);
    const apart = isLeaf ? writer.attempt(() => this.byLane(s, body)) : null;
    const best = apart && apart.found.widened > 0 ? apart : together;
    if (!best) throw new NotWidenable("a loop of each lane's own");
    writer.take(best);
  }
  /**
   * Sums over rows that lie together, a row for each lane: four entries of each row at a time, and at the end of a block
   * the four partial sums of four rows are turned so that they stand in one vector.
   */
  private byRow(s: Loop, body: () => void): void {
    const { writer, rounds, folds } = this;
    if (writer.mask || s.carried || s.direction !== 1 || s.step !== 1 || stores(s))
      throw new NotWidenable("not a sum over a row");
    const found = accumulators(s.body);
    const rows = 4 * writer.vectors;
    if (found.length * rows > ROW_SUMS || !found.every((a) => a.fn === "add" && a.dtype === "f32"))
      throw new NotWidenable("not a few sums over a row");
    const { variable, lo, hi } = rounds.rangeOf(s);
    const range = { variable, lo, hi: writer.keep(hi, "i32") };
    writer.push(set(writer.localOf(s.variable, "i32"), range.lo));
    const totals = found.map((a) => new RowTotals(writer, a.name));
    const mentioned = new Set(variablesOf(s));
    for (const a of found) mentioned.delete(a.name);
    const lanes = Array.from({ length: rows }, (_, lane) => writer.namesOf(lane, mentioned));
    const main = writer.attempt(() =>
      rounds.blocks(range, 4, (stop) => {
        const parts = found.map((a) => folds.openParts(a, rows));
        const last = writer.keep(op("i32.sub", stop, i32(3)), "i32");
        const atRow = (lane: LaneNames, row: number): void =>
          writer.atLane(lane, () => {
            found.forEach((a, k) => writer.define(a.name, vector([parts[k]?.[row] ?? i32(0)], a.dtype)));
            const variable = get(writer.localOf(s.variable, "i32"));
            writer.define(s.variable, { shape: "affine", dtype: "i32", node: variable, stride: 1 });
            writer.widely(1, body);
          });
        const all = (): void => lanes.forEach(atRow);
        rounds.upwards({ ...range, hi: last }, i32(4), (v) => uniform(v, "i32"), all, ROUNDS / 4);
        totals.forEach((total, k) => total.add(parts[k] ?? []));
      }),
    );
    if (!main || main.found.gathers > 0) throw new NotWidenable("rows do not lie together");
    writer.take(main);
    // What is left of the rows, all lanes at once.
    const { code } = writer.aside(() => rounds.rest(range, body, i32(1), LEFT));
    totals.forEach((total) => total.open());
    writer.pushAll(code);
    totals.forEach((total) => total.close());
    writer.found.apart++;
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
        this.alone(s, body);
        found.forEach((a, k) => {
          const value = this.expressions.scalar({ op: "variable", dtype: a.dtype, name: a.name });
          results[k]?.push(writer.keep(value, scalarType(a.dtype)));
        });
      });
    writer.found.apart++;
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
}
