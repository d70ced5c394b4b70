import type { DType, Expr } from "../expr.js";
import type { Poles, RangeRule } from "./range.js";

/**
 * How operands and result are typed. Operands are of one type except where said; nothing converts by itself.
 * - float: floats → the same float
 * - arithmetic: floats or integers → the same
 * - integer: integers → the same
 * - equality: anything → bool;  comparison: floats or integers → bool
 * - logic: bools → bool
 * - select: bool, then two of any one type → that type
 * - random: integers → float (f32 unless the program's precision says otherwise)
 */
export type TypeRule =
  "float" | "arithmetic" | "integer" | "equality" | "comparison" | "logic" | "select" | "random";

/** An argument as the caller names it; one with a default may be left out (the IR's call always has it). */
export interface Parameter {
  readonly name: string;
  readonly default?: number;
  /** Must be a literal integer. */
  readonly literal?: true;
}

/** Code of one target. Operand texts are atoms: names, literals, calls or bracketed; so is the result. */
export interface TargetCode {
  /** `dtype` is the type of the operands (of the second and third for `select`). */
  expression(args: readonly string[], dtype: DType): string;
  /** Helper functions that the expression may name, without their own dependencies. */
  readonly helpers?: readonly string[];
}

/** |computed - exact| <= absolute + relative * |exact| */
export interface ErrorBound {
  readonly relative: number;
  readonly absolute: number;
}

export interface DerivativeContext {
  readonly args: readonly Expr[];
  /** The result of the call, for rules that are cheaper in terms of it. */
  readonly y: Expr;
}

/** Closed interval; tests sample it. */
export type Interval = readonly [number, number];

export interface Domain {
  /** One for each argument (variadic functions: for as many as the tests should pass). */
  readonly intervals: readonly Interval[];
  /** Argument tuples where care is needed: large, small, edges, ties. */
  readonly special?: readonly (readonly number[])[];
  /** Whether the function is differentiable within `distance` of the point; absent: everywhere. */
  readonly smooth?: (args: readonly number[], distance: number) => boolean;
}

export interface ScalarFunction {
  readonly name: string;
  /** `min`: that many or more. */
  readonly arity: number | { readonly min: number };
  /** One or two sentences with the formula, and the source of the algorithm where there is one. */
  readonly doc: string;
  /** The function that it does the same as where both may stand; names are made from that one. */
  readonly variantOf?: string;
  /** Whether users call it by this name; the others stand for operators or come from derivatives. */
  readonly visible: boolean;
  readonly parameters: readonly Parameter[];
  readonly type: TypeRule;
  /** f64 reference, to about 1e-15 relative. bool is 0 or 1. */
  readonly evaluate: (...args: number[]) => number;
  /** Where integers need their own: called with values of i32 or u32; the result is wrapped to the type afterwards. */
  readonly evaluateInteger?: (...args: number[]) => number;
  /**
   * One partial derivative for each argument as a scalar expression; null where none passes. For float operands.
   * A partial that is a choice against 0 is a `select` with 0 as an arm.
   */
  readonly derivative: (ctx: DerivativeContext) => readonly (Expr | null)[];
  /** Partials may be infinite: the sweep contributes 0 where the incoming cotangent is exactly 0. */
  readonly zeroCotangentGivesZero: boolean;
  /** No default: a function that is taken for finite and is not lets a NaN through a cotangent of 0. */
  readonly poles: Poles;
  /** Absent: nothing is known of the result. */
  readonly range?: RangeRule;
  /** Its two operands may change places. */
  readonly isCommutative?: true;
  /** It gives the same for an operand and its negative. */
  readonly isEven?: true;
  /** Its derivative is finite wherever it is defined: 0 times it is 0. */
  readonly isTame?: true;
  /** Rough number of floating-point operations. */
  readonly cost: number;
  readonly domain: Domain;
  /**
   * Present where the function is short for other ones; the checker then puts this in place of a call. The other
   * fields hold all the same.
   */
  readonly expand?: (args: readonly Expr[]) => Expr;
  /** Computes in double (integers in int32 arithmetic); a bool operand may be a boolean or 0 or 1. */
  readonly js: TargetCode;
  /** f32; f16 goes through it. `bound`: what the tests hold it to over `domain`. */
  readonly wgsl: TargetCode & { readonly bound: ErrorBound };
}
