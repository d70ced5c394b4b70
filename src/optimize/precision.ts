import type { DType, Expr } from "../ir/expr.js";
import { call, cast, constant, read, rewriter } from "../ir/expr.js";
import type { Definition, Program, Value } from "../ir/program.js";

/** The same program with every f32 computed and stored as `to`. */
export function withPrecision(program: Program, to: DType): Program {
  if (to === "f32") return program;
  const swap = (dtype: DType): DType => (dtype === "f32" ? to : dtype);
  const { expr, poly } = rewriter({
    node: (e): Expr | undefined => {
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
    },
  });
  const convert = (definition: Definition): Definition => {
    switch (definition.kind) {
      case "equation":
        return {
          ...definition,
          body: expr(definition.body),
          operator: definition.operator && {
            ...definition.operator,
            guard: definition.operator.guard && expr(definition.operator.guard),
          },
        };
      case "scatter":
        return {
          ...definition,
          body: expr(definition.body),
          guard: definition.guard && expr(definition.guard),
          target: definition.target.map(poly),
        };
      default:
        return definition;
    }
  };
  const values = new Map(
    [...program.values].map(([id, v]): [number, Value] => [
      id,
      { ...v, dtype: swap(v.dtype), definition: convert(v.definition) },
    ]),
  );
  return { ...program, values };
}
