import type { DType, Expr } from "../../src/ir/expr.js";
import { read } from "../../src/ir/expr.js";
import { castValue } from "../../src/ir/scalar/cast.js";
import { evaluateScalar, SCALARS } from "../../src/ir/scalar/table.js";
import type { ScalarFunction } from "../../src/ir/scalar/types.js";

export const ENTRIES: readonly ScalarFunction[] = Object.values(SCALARS);

/** Stand-ins for the operands of a call. */
export const operandsOf = (count: number, dtype: DType = "f64"): Expr[] =>
  Array.from({ length: count }, (_, k) => read(k, [], dtype));

export function evaluateExpr(e: Expr, operands: readonly number[]): number {
  const at = (x: Expr): number => evaluateExpr(x, operands);
  switch (e.op) {
    case "constant":
      return e.value;
    case "read":
      return operands[e.value] ?? NaN;
    case "call":
      return evaluateScalar(e.fn, e.args.map(at), e.args[0]?.dtype ?? e.dtype);
    case "select":
      return at(e.condition) ? at(e.then) : at(e.else);
    case "cast":
      return castValue(e.arg.dtype, e.dtype, at(e.arg));
    case "index":
      throw new Error("no index stands in a derivative rule");
  }
}

/** Deterministic points of the domain: a low-discrepancy sequence, then the special ones. */
export function domainPoints(f: ScalarFunction, count: number, special = true): number[][] {
  const { intervals } = f.domain;
  const points = intervals.length
    ? Array.from({ length: count }, (_, i) =>
        intervals.map(([lo, hi], k) => {
          const step = [0.6180339887498949, 0.7548776662466927, 0.8191725133961645][k] ?? 0.5;
          const point = lo + (hi - lo) * ((0.37 + i * step) % 1);
          return f.type === "integer" ? Math.round(point) : point;
        }),
      )
    : [];
  return special ? [...points, ...(f.domain.special ?? []).map((p) => [...p])] : points;
}
export const operandType = (f: ScalarFunction): DType =>
  f.type === "logic" ? "bool" : f.type === "integer" || f.type === "random" ? "i32" : "f32";
