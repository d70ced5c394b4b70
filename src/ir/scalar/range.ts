import type { Expr } from "../expr.js";

/** What is known of a number where it is one. */
export interface Range {
  /** 2: positive, 1: not negative, 0: anything. */
  readonly sign: 0 | 1 | 2;
  /** Nothing is less; rounding and underflow are counted: exp(x) is at least 0. */
  readonly floor: number;
}
export const ANYTHING: Range = { sign: 0, floor: -Infinity };

export const leastSign = (...all: readonly Range[]): Range["sign"] =>
  all.reduce<Range["sign"]>((s, r) => (r.sign < s ? r.sign : s), 2);
export const greatestSign = (...all: readonly Range[]): Range["sign"] =>
  all.reduce<Range["sign"]>((s, r) => (r.sign > s ? r.sign : s), 0);

/** A rule about the operands of a call: their ranges, and the operands themselves. */
type Rule<T> = (ranges: readonly Range[], args: readonly Expr[]) => T;
/** What is known of a call's result; nothing of what is left out. */
export type RangeRule = Rule<Partial<Range>>;
/**
 * Where a function is infinite or NaN for finite operands; what overflows is not counted. A rule says whether operands
 * of these ranges may lie there.
 */
export type Poles = "nowhere" | "somewhere" | Rule<boolean>;

/** Of operands one of which, here the k-th, has to be positive, or not negative. */
export const unlessPositive =
  (k = 0): Rule<boolean> =>
  (ranges) =>
    (ranges[k] ?? ANYTHING).sign < 2;
export const ifNegative: Rule<boolean> = ([x = ANYTHING]) => x.sign < 1;

/** Of what is positive for every operand. */
export const POSITIVE: RangeRule = () => ({ sign: 2, floor: 0 });
/** Of what is 0 for 0 alone, else positive. */
export const magnitude: RangeRule = ([x = ANYTHING]) => ({
  sign: x.sign === 2 ? 2 : 1,
  floor: Math.max(0, x.floor),
});
/** Where numbers of both signs cancel, what is left may be no more than their roundings. */
export const sumOfFloors = (x: number, y: number): number =>
  x < 0 === y < 0 ? x + y : x + y - CANCELLED * Math.max(Math.abs(x), Math.abs(y));
const CANCELLED = 1e-2;
