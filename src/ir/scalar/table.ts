import type { CallExpr, DType } from "../expr.js";
import { isInteger } from "../expr.js";
import { invariant } from "../../diagnostics/invariant.js";
import { ACTIVATIONS } from "./activation.js";
import { ARITHMETIC } from "./arithmetic.js";
import { RANDOM } from "./draws.js";
import { EXPONENTIAL } from "./exponential.js";
import { LOGIC } from "./logic.js";
import { ROUNDING } from "./rounding.js";
import { SPECIAL } from "./special.js";
import { TRIGONOMETRIC } from "./trigonometric.js";
import { ANYTHING, type Range } from "./range.js";
import type { ScalarFunction } from "./types.js";

const ALL = [ARITHMETIC, LOGIC, ROUNDING, EXPONENTIAL, TRIGONOMETRIC, SPECIAL, ACTIVATIONS, RANDOM].flat();

/** Every scalar function by name. Without a prototype, so `SCALARS["constructor"]` is undefined. */
export const SCALARS: Readonly<Record<string, ScalarFunction>> = Object.freeze(
  Object.assign(
    Object.create(null) as Record<string, ScalarFunction>,
    Object.fromEntries(ALL.map((f) => [f.name, f])),
  ),
);

/** Whether a function is called with so many arguments. */
export const takes = ({ arity }: ScalarFunction, count: number): boolean =>
  typeof arity === "number" ? count === arity : count >= arity.min;
/** The type of a call's result, where nothing says another. */
export function resultType(name: string, args: readonly DType[]): DType {
  switch (SCALARS[name]?.type) {
    case "equality":
    case "comparison":
    case "logic":
      return "bool";
    case "select":
      return args[1] ?? "f32";
    case "random":
      return "f32";
    default:
      return args[0] ?? "f32";
  }
}

/**
 * The value of a call whose operands have type `dtype`: the reference, with integer results wrapped to their type.
 * f32 is not rounded.
 */
export function evaluateScalar(name: string, args: readonly number[], dtype: DType): number {
  const entry = SCALARS[name];
  invariant(entry, `scalar function ${name} is in the table`);
  if (!isInteger(dtype) || entry.type === "random") return entry.evaluate(...args);
  const value = (entry.evaluateInteger ?? entry.evaluate)(...args);
  return dtype === "u32" ? value >>> 0 : value | 0;
}

/** What is known of a call's value, of which its operands have these ranges. */
export function rangeOf({ fn, args }: CallExpr, ranges: readonly Range[]): Range {
  return { ...ANYTHING, ...SCALARS[fn]?.range?.(ranges, args) };
}
/** Whether a call may be infinite or NaN for finite operands of these ranges. */
export function mayHavePole({ fn, args }: CallExpr, ranges: readonly Range[]): boolean {
  const poles = SCALARS[fn]?.poles ?? "somewhere";
  return typeof poles === "function" ? poles(ranges, args) : poles === "somewhere";
}
