import type { Reducer } from "./program.js";

/** How the terms of a reduction come together. */
export interface Fold {
  /** The scalar function that takes one more term in; null where the result is more than a fold. */
  readonly fn: string | null;
  /** What that begins with, and of folds the result over nothing; for integers an infinity is the last one there is. */
  readonly start: number;
}
export const REDUCERS: { readonly [R in Reducer]: Fold } = {
  sum: { fn: "add", start: 0 },
  prod: { fn: "mul", start: 1 },
  max: { fn: "max", start: -Infinity },
  min: { fn: "min", start: Infinity },
  peak: { fn: "larger", start: -Infinity },
  any: { fn: "or", start: 0 },
  all: { fn: "and", start: 1 },
  argmax: { fn: null, start: -Infinity },
  argmin: { fn: null, start: Infinity },
  logsumexp: { fn: null, start: -Infinity },
};

/** The result is where a term stands, not the term. */
export const isPositional = (reducer: Reducer | undefined): boolean =>
  reducer === "argmax" || reducer === "argmin";
