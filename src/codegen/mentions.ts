import type { DType } from "../ir/expr.js";
import type { KExpr, Place, Statement } from "../schedule/kernel-ir.js";

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
    const expression = (e: KExpr): void => {
      if (e.op === "variable" && !own.has(e.name)) names.set(e.name, e.dtype);
      if (e.op === "load") buffers.add(e.buffer);
      for (const operand of operandsOf(e)) expression(operand);
    };
    const place = ({ buffer, index }: Place): void => {
      buffers.add(buffer);
      expression(index);
    };
    for (const s of inner)
      switch (s.kind) {
        case "comment":
          break;
        case "let":
        case "var":
          expression(s.kind === "let" ? s.value : s.init);
          own.add(s.name);
          break;
        case "assign":
          if (!own.has(s.name)) assigned = true;
          expression(s.value);
          break;
        case "store":
          stores = s.buffer;
          place(s);
          expression(s.value);
          break;
        case "product":
          for (const at of [s.left, s.right, s.into]) place(at);
          expression(s.count);
          break;
        case "if":
          expression(s.condition);
          list(s.then, own);
          list(s.else, own);
          break;
        case "loop":
          for (const bound of [s.lo, s.hi]) expression(bound);
          if (typeof s.step !== "number") expression(s.step);
          list(s.body, new Set([...own, s.variable]));
          break;
      }
  };
  list(statements, new Set());
  return { names, buffers, assigned, stores };
}
function operandsOf(e: KExpr): readonly KExpr[] {
  switch (e.op) {
    case "constant":
    case "variable":
      return [];
    case "load":
      return [e.index];
    case "call":
    case "address":
      return e.args;
    case "select":
      return [e.condition, e.then, e.else];
    case "cast":
      return [e.arg];
  }
}
