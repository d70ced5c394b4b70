import type { DType } from "../../ir/expr.js";
import type { AddressFn, KExpr } from "./ir.js";

export const kConstant = (value: number, dtype: DType = "i32"): KExpr => ({ op: "constant", dtype, value });
export const kVariable = (name: string, dtype: DType): KExpr => ({ op: "variable", dtype, name });
export const kCall = (fn: string, dtype: DType, ...args: KExpr[]): KExpr => ({ op: "call", dtype, fn, args });

/** Exact arithmetic on addresses and loop variables; it cannot overflow, so no target need wrap it. */
export const kIndex = (fn: AddressFn, ...args: KExpr[]): KExpr => ({
  op: "address",
  dtype: "i32",
  fn,
  args,
});

/** Address arithmetic that folds what is known. */
const constantOf = (e: KExpr): number | undefined => (e.op === "constant" ? e.value : undefined);

export function plus(a: KExpr, b: KExpr): KExpr {
  const [x, y] = [constantOf(a), constantOf(b)];
  if (x !== undefined && y !== undefined) return kConstant(x + y);
  if (x === 0) return b;
  return y === 0 ? a : kIndex("add", a, b);
}
export function minus(a: KExpr, b: KExpr): KExpr {
  const [x, y] = [constantOf(a), constantOf(b)];
  if (x !== undefined && y !== undefined) return kConstant(x - y);
  return y === 0 ? a : kIndex("sub", a, b);
}
export function times(a: KExpr, b: KExpr): KExpr {
  const [x, y] = [constantOf(a), constantOf(b)];
  if (x !== undefined && y !== undefined) return kConstant(x * y);
  if (x === 0 || y === 0) return kConstant(0);
  if (x === 1) return b;
  return y === 1 ? a : kIndex("mul", a, b);
}
export function least(a: KExpr, b: KExpr): KExpr {
  const [x, y] = [constantOf(a), constantOf(b)];
  return x !== undefined && y !== undefined ? kConstant(Math.min(x, y)) : kIndex("min", a, b);
}
export function greatest(a: KExpr, b: KExpr): KExpr {
  const [x, y] = [constantOf(a), constantOf(b)];
  return x !== undefined && y !== undefined ? kConstant(Math.max(x, y)) : kIndex("max", a, b);
}
/** Rounded down, of what is not negative. */
export function quotient(a: KExpr, b: KExpr): KExpr {
  const [x, y] = [constantOf(a), constantOf(b)];
  if (x !== undefined && y !== undefined && y > 0) return kConstant(Math.floor(x / y));
  return y === 1 ? a : kIndex("div", a, b);
}
/** Rounded up, of what is not negative. */
export const quotientUp = (a: KExpr, by: number): KExpr =>
  quotient(plus(a, kConstant(by - 1)), kConstant(by));
export function remainder(a: KExpr, b: KExpr): KExpr {
  const [x, y] = [constantOf(a), constantOf(b)];
  if (x !== undefined && y !== undefined && y > 0) return kConstant(x % y);
  return y === 1 ? kConstant(0) : kIndex("rem", a, b);
}
