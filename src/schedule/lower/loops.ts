import type { Index } from "../../ir/expr.js";
import { kVariable } from "../kernel/arithmetic.js";
import type { Block } from "./emit.js";
import type { KExpr } from "../kernel/ir.js";

/** From `lo` up to and without `hi`. */
export interface Range {
  readonly lo: KExpr;
  readonly hi: KExpr;
}
/** A loop whose rounds of one step have nothing in common; of a greater one, they follow each other. */
export function loop(
  block: Block,
  name: string,
  lo: KExpr,
  hi: KExpr,
  step: number | KExpr,
  body: (inner: Block, variable: KExpr) => void,
): void {
  const inner = block.inner();
  const variable = block.scope.fresh(name);
  body(inner, kVariable(variable, "i32"));
  block.push({
    kind: "loop",
    variable,
    lo,
    hi,
    step,
    direction: 1,
    carried: step !== 1,
    body: inner.statements,
  });
}

/** Nested loops over index ranges; `close` puts the finished loops into the block. */
export function openLoops(
  outer: Block,
  indices: readonly Index[],
  bounds?: (index: Index, block: Block) => { lo: KExpr; hi: KExpr },
  steps: 1 | -1 | null = null,
): { block: Block; close: () => void } {
  let block = outer;
  const closers: (() => void)[] = [];
  for (const index of indices) {
    const parent = block;
    const variable = parent.scope.fresh(index.name);
    const range = bounds?.(index, parent) ?? { lo: parent.poly(index.lo), hi: parent.poly(index.hi) };
    const inner = parent.inner();
    inner.bindIndex(index, kVariable(variable, "i32"));
    closers.push(() =>
      parent.push({
        kind: "loop",
        variable,
        ...range,
        step: 1,
        direction: steps ?? 1,
        carried: steps !== null,
        body: inner.statements,
      }),
    );
    block = inner;
  }
  return {
    block,
    close: () => {
      for (const close of closers.reverse()) close();
    },
  };
}
