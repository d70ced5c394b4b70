import type { ValueId } from "../ir/expr.js";
import type { Program } from "../ir/program.js";
import { keepReachable } from "../ir/reach.js";

/** Everything a caller may ask for. */
function rootsOf(program: Program): ValueId[] {
  return [
    ...program.outputs.map((o) => o.value),
    ...program.gradients.map((g) => g.value),
    ...program.stateUpdates.map((u) => u.value),
    ...program.trains.flatMap((t) => [...t.updates.map((u) => u.value), ...t.args.map((a) => a.leaf)]),
  ];
}

export const dce = (program: Program): Program => keepReachable(program, rootsOf(program));
