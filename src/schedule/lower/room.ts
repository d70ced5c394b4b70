import { constant, freshIndex, type DType, type ValueId } from "../../ir/expr.js";
import type { Poly } from "../../ir/poly.js";
import type { Value } from "../../ir/program.js";

/** A tensor that is memory and no more: what it holds is the launches' business. As a value it is a run of zeros. */
export const roomValue = (id: ValueId, name: string, dtype: DType, size: Poly): Value => ({
  id,
  name,
  dtype,
  shape: [size],
  definition: {
    kind: "equation",
    axes: [freshIndex("i", size)],
    operator: null,
    body: constant(0, dtype),
  },
});
