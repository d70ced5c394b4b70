import type { DType } from "./expr.js";
import type { Reducer } from "./program.js";

/** How the terms of a reduction come together. */
export interface Fold {
  /** The scalar function that takes one more term in; null where the result is more than a fold. */
  readonly fn: string | null;
  /** What that begins with, and of folds the result over nothing; see `startOf` for integers. */
  readonly start: number;
  /** It gives where the entry that it looks for stands, not the entry. */
  readonly isPositional?: true;
}
export const REDUCERS: { readonly [R in Reducer]: Fold } = {
  sum: { fn: "add", start: 0 },
  prod: { fn: "mul", start: 1 },
  max: { fn: "max", start: -Infinity },
  min: { fn: "min", start: Infinity },
  peak: { fn: "larger", start: -Infinity },
  any: { fn: "or", start: 0 },
  all: { fn: "and", start: 1 },
  argmax: { fn: null, start: -Infinity, isPositional: true },
  argmin: { fn: null, start: Infinity, isPositional: true },
  logsumexp: { fn: null, start: -Infinity },
};

export const isPositional = (reducer: Reducer | undefined): boolean =>
  reducer !== undefined && REDUCERS[reducer].isPositional === true;
const LAST: { readonly [D in DType]?: readonly [number, number] } = {
  i32: [-2147483648, 2147483647],
  u32: [0, 4294967295],
};
/** What a reduction of terms of this type begins with: in place of an infinity the last integer there is. */
export function startOf(reducer: Reducer, dtype: DType): number {
  const { start } = REDUCERS[reducer];
  const [least, greatest] = LAST[dtype] ?? [-Infinity, Infinity];
  return Math.min(Math.max(start, least), greatest);
}
/** The result over nothing. */
export const emptyResult = (reducer: Reducer, dtype: DType): number =>
  isPositional(reducer) ? 0 : startOf(reducer, dtype);
