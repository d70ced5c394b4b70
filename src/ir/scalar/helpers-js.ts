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
import { JS_SINGLE_HELPERS } from "./helpers-js-single.js";
import type { HelperTable } from "./helpers.js";
import { helpersFor, helperTable, horner } from "./helpers.js";

/**
 * Helper functions of generated JavaScript. In double, self-contained, without imports; errors are a few units in
 * the last place of a double (`numeric.ts` has the same algorithms, with their sources), except near the zeros of
 * lgamma and digamma at negative arguments, where they are so relative to 1.
 */
const stirling = (power: 1 | 2): string =>
  horner(
    "z",
    Array.from({ length: 10 }, (_, i) => (BERNOULLI[i] ?? 0) / (2 * (i + 1) * (power === 1 ? 2 * i + 1 : 1))),
  );

export const JS_HELPERS: HelperTable = helperTable({
  ...JS_SINGLE_HELPERS,
  gradc_mul0: `function gradc_mul0(x, y) { return x === 0 ? 0 : x * y; }`,
  gradc_square: `function gradc_square(x) { return x * x; }`,
  gradc_powi: `
function gradc_powi(x, n) {
  let power = 1;
  for (let k = Math.abs(n); k > 0; k = Math.floor(k / 2)) {
    if (k % 2 === 1) power *= x;
    x *= x;
  }
  return n < 0 ? 1 / power : power;
}`,
  gradc_pow: `
function gradc_pow(x, y) { return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y); }`,
  gradc_mod: `
function gradc_mod(x, y) {
  const r = x % y;
  return r !== 0 && r < 0 !== y < 0 ? r + y : r;
}`,
  gradc_mod_int: `
function gradc_mod_int(x, y) {
  if (y === 0) return x;
  const r = x % y;
  return r !== 0 && r < 0 !== y < 0 ? r + y : r + 0;
}`,
  gradc_floor_div: `function gradc_floor_div(x, y) { return y === 0 ? 0 : Math.floor(x / y) | 0; }`,
  gradc_floor_div_u32: `function gradc_floor_div_u32(x, y) { return y === 0 ? 0 : Math.floor(x / y) >>> 0; }`,
  gradc_round: `
function gradc_round(x) { return Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x); }`,
  gradc_to_i32: `
function gradc_to_i32(x) { return x >= 2147483647 ? 2147483647 : x <= -2147483648 ? -2147483648 : x | 0; }`,
  gradc_to_u32: `
function gradc_to_u32(x) { return x >= 4294967295 ? 4294967295 : x > 0 ? Math.trunc(x) : 0; }`,
  // Half precision to nearest even: adding and taking away a power of two rounds at the unit wanted.
  gradc_to_f16: `
function gradc_to_f16(x) {
  const a = Math.abs(x);
  if (!(a < 65520)) return a > 0 ? Math.sign(x) * Infinity : x;
  const unit = Math.max(2 ** -24, 2 ** (Math.floor(Math.log2(a)) - 10));
  const steps = a / unit, low = Math.floor(steps), rest = steps - low;
  return Math.sign(x) * unit * (rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low);
}`,

  gradc_erfc_tail: `
function gradc_erfc_tail(x) {
  if (x > 27.3) return 0;
  const high = Math.fround(x);
  const square = Math.exp(-high * high) * Math.exp((high - x) * (high + x));
  if (x < 3) { const u = x - 2; return square * (${horner("u", ERFCX_NEAR_F64)}); }
  const z = 1 / (x * x);
  return square * (${horner("z", ERFCX_FAR_F64)}) / x;
}`,
  gradc_erf: `
function gradc_erf(x) {
  const a = Math.abs(x), z = x * x;
  if (a < 1) return x * (${horner("z", ERF_F64)});
  return a >= 1 ? Math.sign(x) * (1 - gradc_erfc_tail(a)) : x;
}`,
  gradc_erfc: `
function gradc_erfc(x) {
  return x >= 1 ? gradc_erfc_tail(x) : x <= -1 ? 2 - gradc_erfc_tail(-x) : 1 - gradc_erf(x);
}`,
  gradc_lgamma_core: `
function gradc_lgamma_core(u, fromOne, fromTwo) { return fromOne * fromTwo * (${horner("u", LGAMMA_F64)}); }`,
  gradc_lgamma_positive: `
function gradc_lgamma_positive(x) {
  if (x === Infinity) return x;
  if (x < 1) return gradc_lgamma_core(x - 0.5, x, x - 1) - Math.log(x);
  if (x <= 2) return gradc_lgamma_core(x - 1.5, x - 1, x - 2);
  if (x > 10) { const z = 1 / (x * x); return (x - 0.5) * (Math.log(x) - 1) + 0.41893853320467274 + (${stirling(1)}) / x; }
  let product = 1;
  for (; x > 3; x--) product *= x - 1;
  return gradc_lgamma_core(x - 2.5, x - 2, x - 3) + Math.log(product * (x - 1));
}`,
  gradc_lgamma: `
function gradc_lgamma(x) {
  if (x > 0) return gradc_lgamma_positive(x);
  if (!(x > -Infinity)) return x === x ? Infinity : x;
  if (x === Math.floor(x)) return Infinity;
  if (x > -1e-20) return -Math.log(-x);
  return Math.log(Math.PI / Math.abs(x * Math.sin(Math.PI * (x - Math.round(x))))) - gradc_lgamma_positive(-x);
}`,
  gradc_digamma_positive: `
function gradc_digamma_positive(x) {
  if (x < 1) { const u = x - 0.5; return (x - ${DIGAMMA_ROOT - 1} - ${DIGAMMA_ROOT_LOW}) * (${horner("u", DIGAMMA_F64)}) - 1 / x; }
  if (x > 10) { const z = 1 / (x * x); return Math.log(x) - 0.5 / x - z * (${stirling(2)}); }
  let shift = 0;
  for (; x > 2; x--) shift += 1 / (x - 1);
  const u = x - 1.5;
  return (x - ${DIGAMMA_ROOT} - ${DIGAMMA_ROOT_LOW}) * (${horner("u", DIGAMMA_F64)}) + shift;
}`,
  gradc_digamma: `
function gradc_digamma(x) {
  if (x > 0) return gradc_digamma_positive(x);
  if (x === 0) return -1 / x;
  if (!(x > -Infinity) || x === Math.floor(x)) return NaN;
  const r = x - Math.round(x);
  return gradc_digamma_positive(1 - x) - (Math.abs(r) === 0.5 ? 0 : Math.PI / Math.tan(Math.PI * r));
}`,
  gradc_hurwitz_zeta: `
function gradc_hurwitz_zeta(s, a) {
  let sum = 0;
  for (const from = 12 + s / 2; a < from; a++) sum += Math.pow(a, -s);
  const power = Math.pow(a, -s);
  let factor = power * s / (2 * a), k = 1;
  sum += power * (a / (s - 1) + 0.5);
  for (const bernoulli of [${BERNOULLI.join(", ")}]) {
    sum += factor * bernoulli;
    factor *= (s + 2 * k - 1) * (s + 2 * k) / ((2 * k + 1) * (2 * k + 2) * a * a);
    k++;
  }
  return sum;
}`,
  gradc_polygamma: `
function gradc_polygamma(n, x) {
  if (n === 0) return gradc_digamma(x);
  if (!(n > 0) || n !== Math.floor(n) || x !== x || x === -Infinity) return NaN;
  let scale = n % 2 === 1 ? 1 : -1;
  for (let k = 2; k <= n; k++) scale *= k;
  if (x === Infinity) return 0 * scale;
  if (x > 0) return scale * gradc_hurwitz_zeta(n + 1, x);
  if (x === Math.floor(x)) return n % 2 === 1 ? Infinity : NaN;
  const r = x - Math.round(x), mirror = n % 2 === 1 ? 1 : -1;
  return scale * (Math.pow(r, -(n + 1)) + gradc_hurwitz_zeta(n + 1, 1 + r)
    + mirror * (gradc_hurwitz_zeta(n + 1, 1 - r) - gradc_hurwitz_zeta(n + 1, 1 - x)));
}`,

  gradc_rsqrt: `function gradc_rsqrt(x) { return 1 / Math.sqrt(x); }`,
  gradc_exp2: `function gradc_exp2(x) { return Math.pow(2, x); }`,
  gradc_hypot: `
function gradc_hypot(x, y) {
  const a = Math.abs(x), b = Math.abs(y), most = Math.max(a, b), least = Math.min(a, b);
  if (most === 0) return 0;
  if (a === Infinity || b === Infinity) return Infinity;
  const r = least / most;
  return most * Math.sqrt(1 + r * r);
}`,
  gradc_sigmoid: `
function gradc_sigmoid(x) {
  const e = Math.exp(-Math.abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}`,
  gradc_softplus: `function gradc_softplus(x) { return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))); }`,
  gradc_log_sigmoid: `function gradc_log_sigmoid(x) { return Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))); }`,
  gradc_leaky_relu: `function gradc_leaky_relu(x, slope) { return x > 0 ? x : slope * x; }`,
  gradc_elu: `function gradc_elu(x, alpha) { return x > 0 ? x : alpha * Math.expm1(x); }`,
  gradc_gelu: `function gradc_gelu(x) { return x < -60 ? 0 : 0.5 * x * gradc_erfc(x * ${-Math.SQRT1_2}); }`,
  gradc_silu: `function gradc_silu(x) { return x < -800 ? 0 : x * gradc_sigmoid(x); }`,
  gradc_mish: `
function gradc_mish(x) {
  const e = Math.exp(Math.min(x, 40)), n = e * (e + 2);
  return x < -800 ? 0 : x * n / (n + 2);
}`,

  // Returns the first word and leaves the second in gradc_word1.
  gradc_threefry: `
let gradc_word1 = 0;
function gradc_threefry(k0, k1, c0, c1) {
  const k2 = k0 ^ k1 ^ 0x1bd11bda;
  let x0 = c0 + k0 | 0, x1 = c1 + k1 | 0;
${[
  "k1 k2 1 13 15 26 6",
  "k2 k0 2 17 29 16 24",
  "k0 k1 3 13 15 26 6",
  "k1 k2 4 17 29 16 24",
  "k2 k0 5 13 15 26 6",
]
  .map((line) => line.split(" "))
  .map(
    ([a, b, group, ...rotations]) =>
      `  ${rotations.map((r) => `x0 = x0 + x1 | 0; x1 = (x1 << ${r} | x1 >>> ${32 - Number(r)}) ^ x0;`).join(" ")}\n` +
      `  x0 = x0 + ${a} | 0; x1 = x1 + ${b} + ${group} | 0;`,
  )
  .join("\n")}
  gradc_word1 = x1;
  return x0;
}`,
  gradc_rand: `
function gradc_rand(word0) { return (word0 >>> 8) * ${2 ** -24}; }`,
  gradc_randn: `
function gradc_randn(word0, word1) {
  return Math.sqrt(-2 * Math.log(((word0 >>> 8) + 1) * ${2 ** -24})) * Math.cos((word1 >>> 8) * ${2 * Math.PI * 2 ** -24});
}`,
});

/** The JavaScript helper functions that `code` (kernel text, or helper names) needs, dependencies first. */
export const jsHelpers = (code: string): string => helpersFor(JS_HELPERS, code);
