import type { DType, Expr } from "../ir/expr.js";
import { call, cast, constant, read } from "../ir/expr.js";
import type { Program, Value } from "../ir/program.js";
import { rewriteDefinition } from "../ir/rewrite.js";

/** The same program with every f32 computed and stored as `to`. */
export function withPrecision(program: Program, to: DType): Program {
  if (to === "f32") return program;
  const swap = (dtype: DType): DType => (dtype === "f32" ? to : dtype);
  const node = (e: Expr): Expr | undefined => {
    if (e.dtype !== "f32") return undefined;
    switch (e.op) {
      case "constant":
        return constant(e.value, to);
      case "read":
        return read(e.value, e.subscripts, to);
      case "call":
        return call(e.fn, e.args, to);
      case "cast":
        return cast(e.arg, to);
      case "index":
      case "select":
        return undefined;
    }
  };
  const values = new Map(
    [...program.values].map(([id, v]): [number, Value] => [
      id,
      { ...v, dtype: swap(v.dtype), definition: rewriteDefinition(v.definition, { node }) },
    ]),
  );
  return { ...program, values };
}
