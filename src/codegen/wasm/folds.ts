import { invariant } from "../../diagnostics/invariant.js";
import type { Statement } from "../../schedule/kernel/ir.js";
import { accumulators, type Accumulator } from "./accumulators.js";
import { callInstruction, constantOf } from "./calls.js";
import { sumVectors } from "./costs.js";
import type { Instruction } from "./instruction.js";
import { get, i32, op, set } from "./instruction.js";
import { LEFT, type Loop, type Range, type Rounds } from "./rounds.js";
import { eachLane, extract, NotWidenable, vector } from "./values.js";
import type { FunctionWriter } from "./writer.js";

/** Inner loops in lanes: their accumulators have a part in each lane, joined after each block. */
export class Folds {
  /** How many vectors were found best for a loop: it is written several times over. */
  private readonly vectorsOf = new Map<object, number>();

  constructor(
    private readonly writer: FunctionWriter,
    private readonly rounds: Rounds,
  ) {}

  reducing(s: Loop, range: Range, body: () => void): void {
    if (s.carried) throw new NotWidenable("iterations depend on each other");
    const { writer } = this;
    const found = accumulators(s.body);
    const local = writer.localOf(s.variable, "i32");
    writer.push(set(local, range.lo));
    if (found.length === 0) this.rounds.wide(range, 1, body);
    else this.folding(range, found, s.body, body);
    this.rounds.rest(range, body, i32(1), LEFT);
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
    const tried = this.writer.attempt(() => this.inBlocks(range, found, vectors, body));
    return tried?.found.apart === 0 ? vectors : 1;
  }
  private inBlocks(range: Range, found: readonly Accumulator[], vectors: number, body: () => void): void {
    const { writer } = this;
    this.rounds.blocks(range, 4 * vectors, (hi) => {
      const parts = found.map((a) => this.openParts(a, vectors));
      writer.scoped(() => {
        found.forEach((a, k) => writer.define(a.name, vector(parts[k] ?? [], a.dtype)));
        this.rounds.wide({ ...range, hi }, vectors, body);
      });
      found.forEach((a, k) => this.joinParts(a, parts[k] ?? []));
    });
  }
  /** A local for each vector of a sum's terms. */
  openParts(a: Accumulator, vectors: number): Instruction[] {
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
