import type { Expr } from "../ir/expr.js";
import { and, compare, freshIndex, indexValue, TRUE } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Program, Value } from "../ir/program.js";

/**
 * Scatters as loops over the keys: each output element looks for the points that hit it. No atomics, so the bits
 * are the same each time; the cost is the domain times the output.
 */
export function gatherScatters(program: Program): Program {
  const values = new Map(
    [...program.values].map(([id, value]): [number, Value] => {
      const { definition } = value;
      if (definition.kind !== "scatter") return [id, value];
      const axes = value.shape.map((size, k) => freshIndex(`i${k}`, size));
      const hit = axes.reduce<Expr>(
        (all, axis, k) =>
          and(
            all,
            compare("eq", indexValue(Poly.index(axis)), indexValue(definition.target[k] ?? Poly.constant(0))),
          ),
        definition.guard ?? TRUE,
      );
      return [
        id,
        {
          ...value,
          definition: {
            kind: "equation",
            axes,
            operator: { kind: "reduce", reducer: "sum", indices: definition.domain, guard: hit },
            body: definition.body,
          },
        },
      ];
    }),
  );
  return { ...program, values };
}
