import { invariant } from "../../diagnostics/invariant.js";
import type { DType, Expr } from "../expr.js";
import { isInteger } from "../expr.js";
import type { Domain, ErrorBound, Parameter, ScalarFunction, TargetCode, TypeRule } from "./types.js";

type Optional = "visible" | "parameters" | "type" | "zeroCotangentGivesZero" | "wgsl";
export type Definition = Omit<ScalarFunction, "name" | Optional> &
  Partial<Pick<ScalarFunction, Exclude<Optional, "parameters" | "wgsl">>> & {
    /** Names, or whole parameters; default `x`, or `x, y`. */
    readonly parameters?: readonly (string | Parameter)[];
    readonly wgsl: TargetCode & { readonly bound?: ErrorBound };
  };

/** Room for a few f32 roundings in each of several steps. */
const USUAL_BOUND: ErrorBound = { relative: 2e-6, absolute: 1e-37 };

/** Fills what most functions share: visible, of floats, finite partials. */
export function define(name: string, definition: Definition): ScalarFunction {
  const count = typeof definition.arity === "number" ? definition.arity : definition.arity.min;
  const names = definition.parameters ?? ["x", "y", "z"].slice(0, count);
  return {
    visible: true,
    type: "float",
    zeroCotangentGivesZero: false,
    ...definition,
    name,
    parameters: names.map((p) => (typeof p === "string" ? { name: p } : p)),
    wgsl: { bound: USUAL_BOUND, ...definition.wgsl },
  };
}

/** `f(a, b)` in both languages' syntax; a name that begins with `gradc_` is a helper. */
export function callOf(callee: string): TargetCode {
  const expression = (args: readonly string[]): string => `${callee}(${args.join(", ")})`;
  return callee.startsWith("gradc_") ? { expression, helpers: [callee] } : { expression };
}
/** JavaScript, by the precision wanted: a function of doubles, and a quicker one for results of f32. */
export function jsCall(double: string, single: string): TargetCode {
  const [exact, quick] = [callOf(double), callOf(single)];
  return {
    expression: (args, dtype) => (dtype === "f64" ? exact : quick).expression(args, dtype),
    helpers: [...(exact.helpers ?? []), ...(quick.helpers ?? [])],
  };
}
/** As `callOf`, for WGSL: a helper computes in f32, also for f16 operands. */
export function wgslCall(callee: string, bound?: ErrorBound): TargetCode & { readonly bound?: ErrorBound } {
  const code = callOf(callee);
  const expression = (args: readonly string[], dtype: DType): string =>
    dtype === "f16" && code.helpers
      ? `f16(${code.expression(
          args.map((a) => `f32(${a})`),
          "f32",
        )})`
      : code.expression(args, dtype);
  return { ...code, expression, ...(bound && { bound }) };
}
/** `(a op b)` */
export const infix = (operator: string): TargetCode => ({
  expression: ([a, b]) => `(${a} ${operator} ${b})`,
});
/** JavaScript: an integer result is wrapped to its type. */
export const infixWrapped = (operator: string): TargetCode => ({
  expression: ([a, b], dtype) => wrapJs(`${a} ${operator} ${b}`, dtype),
});
export function wrapJs(text: string, dtype: DType): string {
  return isInteger(dtype) ? `(${text} ${dtype === "u32" ? ">>> 0" : "| 0"})` : `(${text})`;
}
/** One text for floats, another for integers. */
export function byType(float: TargetCode, integer: TargetCode): TargetCode {
  const helpers = [...(float.helpers ?? []), ...(integer.helpers ?? [])];
  return {
    expression: (args, dtype) => (isInteger(dtype) ? integer : float).expression(args, dtype),
    ...(helpers.length && { helpers }),
  };
}

/** The operands of a rule for two. */
export function two(args: readonly Expr[]): readonly [Expr, Expr] {
  const [a, b] = args;
  invariant(a && b, "a call of two operands has them");
  return [a, b];
}
/** The operand of a rule for one. */
export function one(args: readonly Expr[]): Expr {
  const [a] = args;
  invariant(a, "a call of one operand has it");
  return a;
}
/** Two numbers of either sign. */
export const PAIR: Domain = {
  intervals: [
    [-8, 8],
    [-8, 8],
  ],
};
/** Tuples where two operands tie or stand at a sign change. */
export const TIES = [
  [0, 0],
  [2, 2],
  [-1, 1],
  [1, 0],
  [0, 1],
  [-3, -3],
] as const;
/** Arguments of a function of one, as a domain lists them. */
export const points = (...values: number[]): number[][] => values.map((x) => [x]);

/** For functions that pass no derivative. */
export const noDerivative = (): readonly null[] => [];
export const rule = (type: TypeRule): { readonly type: TypeRule; readonly visible: false } => ({
  type,
  visible: false,
});
