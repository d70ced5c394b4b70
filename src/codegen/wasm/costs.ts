import { SCALARS } from "../../ir/scalar/table.js";
import type { KExpr, Statement } from "../../schedule/kernel/ir.js";
import { bodiesOf } from "../../schedule/kernel/walk.js";
import type { Instruction } from "./instruction.js";
import { parts } from "./instruction.js";

/** What code takes, roughly: a loop within is counted for a few rounds, a function for its usual length. */
export function costOf(list: readonly Instruction[]): number {
  let cost = 0;
  for (const i of list) cost += costOfOne(i);
  return cost;
}
/** Of a loop of which nothing is known. */
export const ROUNDS = 8;
const loopCosts = new WeakMap<Instruction, number>();
function costOfOne(i: Instruction): number {
  switch (i.kind) {
    case "loop": {
      const cost = loopCosts.get(i) ?? (i.rounds ?? ROUNDS) * costOf(i.body);
      loopCosts.set(i, cost);
      return cost;
    }
    case "if":
      return costOfOne(i.condition) + Math.max(costOf(i.then), costOf(i.else));
    case "call":
      return 32 + costOf(i.args);
    case "op":
    case "br_if":
      return (i.kind === "op" && i.op === "nop" ? 0 : 1) + costOf(parts(i));
    default:
      return costOf(parts(i));
  }
}

/** Without loads and functions: evaluating it costs less than a branch. */
export function isCheap(e: KExpr): boolean {
  if (e.op === "address" || e.op === "call")
    return e.dtype !== "f64" && CHEAP.has(e.fn) && e.args.every(isCheap);
  return e.op === "constant" || e.op === "variable";
}
const CHEAP: ReadonlySet<string> = new Set("add sub mul neg min max lt le eq ne and or not".split(" "));

/** How many vectors of a grid's iterations run side by side, the widest first: two where there are several sums. */
export function gridVectors(body: readonly Statement[]): readonly number[] {
  return body.filter((s) => s.kind === "var").length >= 3 ? [2, 1] : [1];
}

/**
 * So many vectors of sums as hide the latency of an addition: four where that is all a round does, fewer where there is
 * more to do in between, or where sums of loops within take registers too.
 */
export function sumVectors(sums: number, body: readonly Statement[]): 1 | 2 | 4 {
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
    for (const list of bodiesOf(s)) {
      const found = weigh(list);
      work += s.kind === "loop" ? 8 * found.work : found.work;
      variables += found.variables;
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
