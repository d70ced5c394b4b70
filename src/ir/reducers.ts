import type { Reducer } from "./program.js";

/** How the terms of a reduction come together. */
export interface Fold {
  /** The scalar function that takes one more term in; null where the result is more than a fold. */
  readonly fn: string | null;
  /** What that begins with, and of folds the result over nothing; for integers an infinity is the last one there is. */
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
/** The result over nothing. */
export const emptyResult = (reducer: Reducer): number =>
  isPositional(reducer) ? 0 : REDUCERS[reducer].start;
