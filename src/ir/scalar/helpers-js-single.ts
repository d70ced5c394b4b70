import { COS_SINGLE, EXP_SINGLE, LOG_SINGLE, SIN_SINGLE, TANH_SINGLE } from "./coefficients.js";
import { horner } from "./helpers.js";

/**
 * The functions that most programs spend their time in, for f32 results of generated JavaScript: in double, inlined
 * by the engine, with a relative error below 2e-9 (of f32's unit: 1/30), which a test holds. They take half the time
 * of Math's or less; where an argument is out of their range they ask Math.
 */
export const JS_SINGLE_HELPERS: Readonly<Record<string, string>> = {
  // x = n log(2) + r, |r| <= log(2) / 2; 2^n from a table. (Math.round alone would take as long as the rest.)
  gradc_exp: `
const gradc_powers = Float64Array.from({ length: 2046 }, (_, k) => 2 ** (k - 1022));
function gradc_exp(x) {
  if (!(Math.abs(x) < 700)) return Math.exp(x);
  const n = x * ${Math.LOG2E} + 1022.5 | 0, r = x - (n - 1022) * ${Math.LN2};
  return (1 + r + r * r * (${horner("r", EXP_SINGLE)})) * gradc_powers[n];
}`,
  // x = 2^n m, sqrt(1/2) <= m < sqrt(2), from the double's high word; log(m) by s = (m - 1) / (m + 1).
  gradc_log: `
const gradc_double = new Float64Array(1), gradc_words = new Int32Array(gradc_double.buffer);
function gradc_log(x) {
  if (!(x > 1e-300 && x < 1e300)) return Math.log(x);
  gradc_double[0] = x;
  const high = gradc_words[1], n = high - 0x3fe6a09e >> 20;
  gradc_words[1] = high - (n << 20);
  const m = gradc_double[0], s = (m - 1) / (m + 1), z = s * s;
  return n * ${Math.LN2} + s * (2 + z * (${horner("z", LOG_SINGLE)}));
}`,
  // x = (n + turn) pi / 2 + r, |r| <= pi / 4; pi / 2 in two parts of which the first has 33 bits (Cody and Waite).
  gradc_turned: `
function gradc_turned(x, turn) {
  const n = Math.floor(x * ${2 / Math.PI} + 0.5), r = x - n * 1.5707963267341256 - n * 6.077100506506192e-11, z = r * r;
  const quarter = n + turn & 3;
  const y = quarter & 1 ? 1 + z * (${horner("z", COS_SINGLE)}) : r + r * z * (${horner("z", SIN_SINGLE)});
  return quarter & 2 ? -y : y;
}`,
  gradc_sin: `function gradc_sin(x) { return Math.abs(x) < 1e5 ? gradc_turned(x, 0) : Math.sin(x); }`,
  gradc_cos: `function gradc_cos(x) { return Math.abs(x) < 1e5 ? gradc_turned(x, 1) : Math.cos(x); }`,
  gradc_tanh: `
function gradc_tanh(x) {
  const a = Math.abs(x), z = x * x;
  if (a < 0.3) return x + x * z * (${horner("z", TANH_SINGLE)});
  const y = 1 - 2 / (gradc_exp(2 * a) + 1);
  return x < 0 ? -y : y;
}`,
  gradc_sigmoid_single: `
function gradc_sigmoid_single(x) {
  const e = gradc_exp(-Math.abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}`,
  gradc_silu_single: `function gradc_silu_single(x) { return x < -800 ? 0 : x * gradc_sigmoid_single(x); }`,
  // log(1 + e) for e in [0, 1]: what rounding takes from a small e is put back by the series.
  gradc_log1p_of_exp: `
function gradc_log1p_of_exp(x) {
  const e = gradc_exp(x);
  return e < 1e-4 ? e - e * e * (0.5 - e / 3) : gradc_log(1 + e);
}`,
  gradc_softplus_single: `
function gradc_softplus_single(x) { return Math.max(x, 0) + gradc_log1p_of_exp(-Math.abs(x)); }`,
  gradc_log_sigmoid_single: `
function gradc_log_sigmoid_single(x) { return Math.min(x, 0) - gradc_log1p_of_exp(-Math.abs(x)); }`,
};
