import type { DType } from "../ir/expr.js";
import type { KExpr, Statement } from "../schedule/kernel/ir.js";
import { bodiesOf, expressionsOf, visitExpression } from "../schedule/kernel/walk.js";

/** What statements take from outside, and do there. */
export interface Mentions {
  /** From outside, in order. */
  readonly names: ReadonlyMap<string, DType>;
  readonly buffers: ReadonlySet<string>;
  /** Whether a variable from outside is assigned to. */
  readonly assigned: boolean;
  /** The buffer that is stored to last. */
  readonly stores: string | undefined;
}
export function mentionsOf(statements: readonly Statement[]): Mentions {
  const names = new Map<string, DType>();
  const buffers = new Set<string>();
  let assigned = false;
  let stores: string | undefined;
  const list = (inner: readonly Statement[], outer: ReadonlySet<string>): void => {
    const own = new Set(outer);
    const mention = (e: KExpr): void => {
      if (e.op === "variable" && !own.has(e.name)) names.set(e.name, e.dtype);
      if (e.op === "load") buffers.add(e.buffer);
    };
    for (const s of inner) {
      if (s.kind === "assign" && !own.has(s.name)) assigned = true;
      if (s.kind === "store") buffers.add((stores = s.buffer));
      if (s.kind === "product") for (const { buffer } of [s.left, s.right, s.into]) buffers.add(buffer);
      for (const e of expressionsOf(s)) visitExpression(e, mention);
      if (s.kind === "let" || s.kind === "var") own.add(s.name);
      const visible = s.kind === "loop" ? new Set([...own, s.variable]) : own;
      for (const body of bodiesOf(s)) list(body, visible);
    }
  };
  list(statements, new Set());
  return { names, buffers, assigned, stores };
}
