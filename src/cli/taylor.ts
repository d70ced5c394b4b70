/** Halvings of the step; the first is 2^-3. */
const HALVINGS = 30;
const FIRST = 2 ** -3;
/** A remainder this many times the rounding counts as one. */
const CLEAR = 16;
/** An order that is 2 but for what rounding and the next term make of it. */
const LEAST_ORDER = 1.7;

/** How f(x + h v) leaves its first-order expansion as h halves. */
export interface Remainder {
  /**
   * The power of h with which f(x + h v) - f(x) - h slope falls at the smallest steps at which it stands above rounding:
   * 2 where `slope` is the derivative along v, 1 where it is not; infinite where nothing but rounding is left.
   */
  readonly order: number;
  readonly ok: boolean;
}

/** The steps at which `remainderOf` wants values, the largest first. */
export const STEPS: readonly number[] = Array.from({ length: HALVINGS }, (_, k) => FIRST * 2 ** -k);

/** Numbers in (-1, 1) without a pattern, the same at each run. */
const spread = (n: number, seed: number): number[] =>
  Array.from(
    { length: n },
    (_, k) => 2 * (((k + 1) * 0.6180339887498949 + seed * 0.7548776662466927) % 1) - 1,
  );
/** A direction through all entries of a point, each as large as the entry or 1. */
export const directionFrom = (start: ArrayLike<number>, seed = 1): number[] =>
  spread(start.length, seed).map((v, i) => v * Math.max(1, Math.abs(start[i] ?? 0)));

/**
 * The Taylor test of a slope. A wrong one leaves a remainder that is linear in h, which shows where it stands above
 * rounding, so from a relative error of about 1e-6; a kink or an edge of the domain further away than the smallest
 * steps does not matter.
 * @param values f(x + h v) for each of `STEPS`
 * @param scale magnitude of what is summed up in f, which rounding is relative to; at least |f(x)|
 */
export function remainderOf(
  base: number,
  values: readonly number[],
  slope: number,
  scale = Math.abs(base),
): Remainder {
  const signed = values.map((value, k) => value - base - (STEPS[k] ?? 0) * slope);
  const remainders = signed.map(Math.abs);
  const inside = remainders.findLastIndex((r) => !Number.isFinite(r)) + 1;
  if (values.length !== HALVINGS || inside > HALVINGS - 6) return { order: NaN, ok: false };
  // At the smallest steps, without what is linear in h.
  const rough = signed.slice(-4).map((r, k, last) => Math.abs((last[k - 1] ?? 2 * r) - 2 * r));
  const noise = CLEAR * Math.max(...rough, 2 ** -52 * scale, Number.MIN_VALUE);
  const rounding = remainders.findIndex((r, k) => k >= inside && r <= noise);
  // With the first that is rounding: where f is straight but for a kink or a jump, the fall to it tells.
  const falling = remainders.slice(inside, rounding < 0 ? undefined : rounding + 1);
  if (falling.length < 3 && rounding >= 0) {
    // Too straight to tell an order by: what the largest step leaves is rounding, or the slope is wrong.
    const error = noise / (STEPS[rounding] ?? 1);
    const ok = remainders[rounding] === 0 || error <= 1e-6 * Math.max(Math.abs(slope), scale);
    return { order: ok ? Infinity : 1, ok };
  }
  const ratios = falling.slice(1).map((r, k) => Math.log2((falling[k] ?? NaN) / r));
  const order = ratios.slice(-3).reduce((a, b) => a + b) / Math.min(3, ratios.length);
  return { order, ok: order >= LEAST_ORDER };
}
