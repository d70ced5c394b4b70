import type { Expr, Index, ValueId } from "../../ir/expr.js";
import { and, compare, freshIndex, indexValue, rewriter, TRUE } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Program, Scatter, Value } from "../../ir/program.js";

/**
 * Scatters as loops over the keys: each output element looks for the points that hit it. No atomics, so the bits
 * are the same each time; the cost is the output times those axes of the domain that no key stands for alone.
 * @param only these; null: all of them
 */
export function gatherScatters(program: Program, only: ReadonlySet<ValueId> | null = null): Program {
  const values = new Map(
    [...program.values].map(([id, value]): [number, Value] => {
      const { definition } = value;
      if (definition.kind !== "scatter" || (only && !only.has(id))) return [id, value];
      return [id, { ...value, definition: gathered(value, definition) }];
    }),
  );
  return { ...program, values };
}

function gathered(value: Value, scatter: Scatter): Equation {
  const axes = value.shape.map((size, k) => freshIndex(scatter.target[k]?.asIndex?.name ?? `i${k}`, size));
  // A key that is one index of the domain says which point: no search.
  const known = new Map<Index, Poly>();
  const conditions: Expr[] = [];
  axes.forEach((axis, k) => {
    const key = scatter.target[k] ?? Poly.constant(0);
    const index = key.asIndex;
    const place = Poly.index(axis);
    if (index && scatter.domain.includes(index) && !known.has(index)) {
      known.set(index, place);
      if (!index.lo.isZero) conditions.push(compare("le", indexValue(index.lo), indexValue(place)));
      if (!index.hi.equals(axis.hi)) conditions.push(compare("lt", indexValue(place), indexValue(index.hi)));
    } else conditions.push(compare("eq", indexValue(place), indexValue(key)));
  });
  const { expr } = rewriter({ index: (i) => known.get(i) });
  const guard = expr([...conditions, scatter.guard ?? TRUE].reduce(and));
  const searched = scatter.domain.filter((i) => !known.has(i));
  return {
    kind: "equation",
    axes,
    operator: { kind: "reduce", reducer: "sum", indices: searched, guard },
    body: expr(scatter.body),
  };
}
