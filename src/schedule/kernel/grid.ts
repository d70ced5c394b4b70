import { kConstant, kVariable, least, plus } from "./arithmetic.js";
import type { GridLoop, Kernel, Statement } from "./ir.js";

/** What an iteration of a grid loop declares before its body. */
export function blockEnd({ variable, extent, step, block }: GridLoop): readonly Statement[] {
  if (!block) return [];
  const next = plus(kVariable(variable, "i32"), kConstant(step));
  return [{ kind: "let", name: block.end, value: least(next, extent) }];
}

/** The body with what the grid's loops declare before it. */
export const wholeBody = ({ grid, body }: Kernel): readonly Statement[] => [
  ...grid.flatMap(blockEnd),
  ...body,
];
