import type { Kernel } from "../../schedule/kernel/ir.js";
import type { PartCalls } from "../parts.js";
import { integerFacts } from "../signs.js";
import type { UsedFunctions } from "./calls.js";
import { Expressions } from "./expressions.js";
import type { WasmFunction } from "./instruction.js";
import { i32 } from "./instruction.js";
import { Loops } from "./loops.js";
import { Memory } from "./memory.js";
import { Statements } from "./statements.js";
import { FunctionWriter } from "./writer.js";
import { blockEnd } from "../../schedule/kernel/grid.js";

/**
 * A kernel as one wasm function over byte addresses of its buffers and its sizes. The loop that suits it best runs
 * four or eight iterations side by side: the innermost grid loop if its loads and stores are contiguous, else inner
 * loops that reduce or fill a row. What cannot run in lanes stays a plain loop, and so do the last few iterations.
 * Without `lanes` every loop is plain.
 */
export function wasmKernel(
  kernel: Kernel,
  used: UsedFunctions,
  lanes = true,
  calls: PartCalls = new Map(),
): WasmFunction {
  const writer = new FunctionWriter(kernel, used);
  const memory = new Memory(kernel, writer);
  const expressions = new Expressions(writer, memory, integerFacts(kernel));
  const loops = new Loops(writer, expressions, lanes);
  const statements = new Statements(kernel, calls, writer, memory, expressions, loops);
  const body = (): void => statements.list(kernel.body);
  const grid = (depth: number): void => {
    const loop = kernel.grid[depth];
    if (!loop) return body();
    const range = {
      variable: loop.variable,
      lo: loop.first ? expressions.integer(loop.first) : i32(0),
      hi: expressions.integer(loop.extent),
    };
    if (depth === kernel.grid.length - 1 && loop.step === 1 && !loop.block)
      return loops.innermost(range, kernel.body, body);
    loops.plain(range, loop.step, 1, () => {
      statements.statements(blockEnd(loop));
      grid(depth + 1);
    });
  };
  grid(0);
  statements.list(kernel.after);
  return writer.function();
}
