import { invariant } from "../../diagnostics/invariant.js";
import type { Instruction } from "./instruction.js";
import { get, lanes, op, set, shuffle } from "./instruction.js";
import type { FunctionWriter } from "./writer.js";

/**
 * A sum of f32 that each lane takes over a row of its own, kept in f64 while partial sums come in; the variable's own
 * locals, a vector for four rows, hold what is added in f32 between `open` and `close`.
 */
export class RowTotals {
  /** Of four rows: the f64 sums of the first two and of the others. */
  private readonly vectors: readonly { variable: string; low: string; high: string }[];

  constructor(
    private readonly writer: FunctionWriter,
    name: string,
  ) {
    const binding = writer.binding(name);
    invariant(binding.kind === "value" && binding.value.shape === "vector", "a variable of all lanes");
    this.vectors = binding.value.nodes.map((node) => {
      invariant(node.kind === "get", "variables are locals");
      const [low, high] = ["low", "high"].map((half) =>
        writer.freshLocal(`${writer.ascii(name)}_${half}`, "v128"),
      );
      invariant(low && high, "two locals");
      const [first, second] = doubled(node);
      writer.push(set(low, first));
      writer.push(set(high, second));
      return { variable: node.local, low, high };
    });
  }

  /** Takes in the partial sums, four to a vector, of each row. */
  add(rows: readonly Instruction[]): void {
    this.vectors.forEach((vector, k) =>
      this.take(vector, this.writer.keep(turned(rows.slice(4 * k, 4 * k + 4)), "v128")),
    );
  }
  open(): void {
    for (const { variable } of this.vectors) this.writer.push(set(variable, lanes("f32x4", 0, 0, 0, 0)));
  }
  close(): void {
    for (const vector of this.vectors) {
      this.take(vector, get(vector.variable));
      const [low, high] = [vector.low, vector.high].map((half) => op("f32x4.demote_f64x2_zero", get(half)));
      invariant(low && high, "two halves");
      this.writer.push(set(vector.variable, shuffle(low, high, 0, 1, 4, 5)));
    }
  }
  private take({ low, high }: { low: string; high: string }, sums: Instruction): void {
    const [first, second] = doubled(sums);
    this.writer.push(set(low, op("f64x2.add", get(low), first)));
    this.writer.push(set(high, op("f64x2.add", get(high), second)));
  }
}

/** Four f32 as f64: the first two, and the others. */
const doubled = (v: Instruction): [Instruction, Instruction] => [
  op("f64x2.promote_low_f32x4", v),
  op("f64x2.promote_low_f32x4", shuffle(v, v, 2, 3, 2, 3)),
];

/** The sums of the lanes of four vectors, as one vector. */
function turned([a, b, c, d]: readonly Instruction[]): Instruction {
  invariant(a && b && c && d, "four rows");
  const halved = (x: Instruction, y: Instruction): Instruction =>
    op("f32x4.add", shuffle(x, y, 0, 4, 1, 5), shuffle(x, y, 2, 6, 3, 7));
  const both = (x: Instruction, y: Instruction): Instruction =>
    op("f32x4.add", shuffle(x, y, 0, 1, 4, 5), shuffle(x, y, 2, 3, 6, 7));
  return both(halved(a, b), halved(c, d));
}
