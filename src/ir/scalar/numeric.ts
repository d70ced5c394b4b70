import {
  BERNOULLI,
  DIGAMMA_F64,
  DIGAMMA_ROOT,
  DIGAMMA_ROOT_LOW,
  ERF_F64,
  ERFCX_FAR_F64,
  ERFCX_NEAR_F64,
  LGAMMA_F64,
} from "./coefficients.js";

/** The reference values in double that Math lacks. Errors are a few units in the last place unless said. */

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let k = coefficients.length - 1; k >= 0; k--) sum = sum * x + (coefficients[k] ?? 0);
  return sum;
}

/** exp(-x²) with the rounding of the square made good: the high half's square is exact. */
function expMinusSquare(x: number): number {
  const high = Math.fround(x);
  return Math.exp(-high * high) * Math.exp((high - x) * (high + x));
}
/** erfc for x >= 1. */
function erfcTail(x: number): number {
  if (x > 27.3) return 0;
  const scaled = x < 3 ? polynomial(ERFCX_NEAR_F64, x - 2) : polynomial(ERFCX_FAR_F64, 1 / (x * x)) / x;
  return expMinusSquare(x) * scaled;
}
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 1) return x * polynomial(ERF_F64, x * x);
  if (Number.isNaN(x)) return x;
  return Math.sign(x) * (1 - erfcTail(a));
}
export function erfc(x: number): number {
  if (x >= 1) return erfcTail(x);
  if (x <= -1) return 2 - erfcTail(-x);
  return 1 - erf(x);
}

/** sin(pi x), exact at integers. */
function sinPi(x: number): number {
  const r = x - 2 * Math.round(x / 2); // in [-1, 1]
  const folded = Math.abs(r) > 0.5 ? Math.sign(r) * (1 - Math.abs(r)) : r;
  return Math.sin(Math.PI * folded);
}
/** pi / tan(pi x) */
function piCotPi(x: number): number {
  const r = x - Math.round(x); // in [-1/2, 1/2]
  return Math.abs(r) === 0.5 ? 0 : Math.PI / Math.tan(Math.PI * r);
}

/** Stirling's series Σ B(2k) / (2k (2k - 1) x^(2k - 1)). */
function stirlingCorrection(x: number): number {
  let sum = 0;
  const z = 1 / (x * x);
  for (let k = 10; k >= 1; k--) sum = sum * z + (BERNOULLI[k - 1] ?? 0) / (2 * k * (2 * k - 1));
  return sum / x;
}
/** lgamma(1.5 + u) for |u| <= 1/2, with fromOne = u + 1/2 and fromTwo = u - 1/2 free of rounding. */
const lgammaCore = (u: number, fromOne: number, fromTwo: number): number =>
  fromOne * fromTwo * polynomial(LGAMMA_F64, u);
/** log |gamma(x)|. Relative to max(1, |result|) near its zeros at negative x. */
export function lgamma(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x <= 0) {
    if (Number.isInteger(x) || x === -Infinity) return Infinity;
    // Next to 0 the product would underflow.
    if (x > -1e-20) return -Math.log(-x);
    return Math.log(Math.PI / Math.abs(x * sinPi(x))) - lgamma(-x);
  }
  if (x === Infinity) return x;
  if (x < 1) return lgammaCore(x - 0.5, x, x - 1) - Math.log(x);
  if (x <= 2) return lgammaCore(x - 1.5, x - 1, x - 2);
  if (x > 10) return (x - 0.5) * (Math.log(x) - 1) + 0.41893853320467274178 + stirlingCorrection(x); // (log(2 pi) - 1) / 2
  let product = 1;
  for (; x > 3; x--) product *= x - 1;
  return lgammaCore(x - 2.5, x - 2, x - 3) + Math.log(product * (x - 1));
}

/** The derivative of lgamma. Relative accuracy for x > 0, its root included. */
export function digamma(x: number): number {
  if (x === -Infinity || Number.isNaN(x)) return NaN;
  if (x === 0) return -1 / x;
  if (x < 0) return Number.isInteger(x) ? NaN : digamma(1 - x) - piCotPi(x);
  if (x < 1) return (x - (DIGAMMA_ROOT - 1) - DIGAMMA_ROOT_LOW) * polynomial(DIGAMMA_F64, x - 0.5) - 1 / x;
  if (x > 10) {
    let sum = 0;
    const z = 1 / (x * x);
    for (let k = 10; k >= 1; k--) sum = sum * z + (BERNOULLI[k - 1] ?? 0) / (2 * k);
    return Math.log(x) - 0.5 / x - sum * z;
  }
  let shift = 0;
  for (; x > 2; x--) shift += 1 / (x - 1);
  return (x - DIGAMMA_ROOT - DIGAMMA_ROOT_LOW) * polynomial(DIGAMMA_F64, x - 1.5) + shift;
}

/** Hurwitz zeta Σ (a + k)^-s for a > 0 and s >= 2, by Euler and Maclaurin's formula (DLMF 25.11.28). */
function hurwitzZeta(s: number, a: number): number {
  let sum = 0;
  const from = 12 + s / 2;
  for (; a < from; a++) sum += a ** -s;
  const power = a ** -s;
  sum += power * (a / (s - 1) + 0.5);
  let factor = (power * s) / (2 * a); // s (s + 1) … (s + 2k - 2) / (2k)! · a^(-s - 2k + 1)
  for (let k = 1; k <= BERNOULLI.length; k++) {
    sum += factor * (BERNOULLI[k - 1] ?? 0);
    factor *= ((s + 2 * k - 1) * (s + 2 * k)) / ((2 * k + 1) * (2 * k + 2) * a * a);
  }
  return sum;
}
/** The n-th derivative of digamma, n = 0, 1, …: (-1)^(n + 1) n! ζ(n + 1, x) (DLMF 5.15). */
export function polygamma(n: number, x: number): number {
  if (!Number.isInteger(n) || n < 0 || Number.isNaN(x)) return NaN;
  if (n === 0) return digamma(x);
  const s = n + 1;
  const sign = n % 2 ? 1 : -1;
  let factorial = 1;
  for (let k = 2; k <= n; k++) factorial *= k;
  if (x === Infinity) return sign * 0;
  if (x > 0) return sign * factorial * hurwitzZeta(s, x);
  if (Number.isInteger(x)) return n % 2 ? Infinity : NaN;
  if (x === -Infinity) return NaN;
  // With x = r - m, m the nearest integer: Σ (r + j)^-s over j >= -m, the terms below j = 0 by reflection.
  const mirror = s % 2 ? -1 : 1;
  const r = x - Math.round(x);
  const zeta = r ** -s + hurwitzZeta(s, 1 + r) + mirror * (hurwitzZeta(s, 1 - r) - hurwitzZeta(s, 1 - x));
  return sign * factorial * zeta;
}

/** Half to even. */
export function roundHalfEven(x: number): number {
  return Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);
}
/** C's pow: JavaScript's gives NaN for (±1)^(±inf) and 1^NaN. */
export function pow(x: number, y: number): number {
  return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y;
}

export const sigmoid = (x: number): number => {
  const e = Math.exp(-Math.abs(x));
  return (x < 0 ? e : 1) / (1 + e);
};
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
/** x tanh(softplus(x)), with tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2). */
export const mish = (x: number): number => {
  const e = Math.exp(Math.min(x, 40));
  const n = e * (e + 2);
  return x < -800 ? 0 : (x * n) / (n + 2);
};
export const gelu = (x: number): number => (x < -60 ? 0 : 0.5 * x * erfc(-x * Math.SQRT1_2));
export const silu = (x: number): number => (x < -800 ? 0 : x * sigmoid(x));

/** Klambauer et al., Self-Normalizing Neural Networks (2017). */
export const SELU_SCALE = 1.0507009873554805;
export const SELU_ALPHA = 1.6732632423543772;
