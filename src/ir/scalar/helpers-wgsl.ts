import {
  ASIN_F32,
  ATAN_F32,
  ATANH_F32,
  BERNOULLI,
  COS_F32,
  DIGAMMA_F32,
  DIGAMMA_ROOT_F32,
  DIGAMMA_ROOT_LOW_F32,
  ERF_F32,
  ERFCX_F32,
  EXPM1_F32,
  LGAMMA_F32,
  SIN_F32,
  TANH_F32,
} from "./coefficients.js";
import type { HelperTable } from "./helpers.js";
import { helpersFor, helperTable, horner } from "./helpers.js";

/**
 * Helper functions of generated WGSL, in f32. WGSL's own functions may be far off (atan 4096 units in the last
 * place, sin 2^-11, log 2^-21 near 1; tanh may overflow) and pow is undefined for negative bases, so these use
 * only + - * / sqrt, bits, and exp and log where their stated errors do no harm. Errors are relative unless said,
 * and hold for normal numbers: implementations may flush subnormal ones to 0.
 */
const f32 = (x: string, coefficients: readonly number[]): string => horner(x, coefficients, "f");
const bernoulliOver = (count: number, divisor: (k: number) => number): readonly number[] =>
  Array.from({ length: count }, (_, i) => Number(((BERNOULLI[i] ?? 0) / divisor(i + 1)).toPrecision(9)));
const threefryRounds = (rotations: readonly number[], a: string, b: string, group: number): string =>
  rotations.map((r) => `  x0 += x1; x1 = ((x1 << ${r}u) | (x1 >> ${32 - r}u)) ^ x0;`).join("\n") +
  `\n  x0 += ${a}; x1 += ${b} + ${group}u;`;

export const WGSL_HELPERS: HelperTable = helperTable({
  // WGSL refuses constant infinities and NaNs; these come from bits that it cannot see through.
  gradc_from_bits: `fn gradc_from_bits(bits: u32) -> f32 { var hidden = bits; return bitcast<f32>(hidden); }`,
  gradc_inf: `fn gradc_inf() -> f32 { return gradc_from_bits(0x7f800000u); }`,
  gradc_nan: `fn gradc_nan() -> f32 { return gradc_from_bits(0x7fc00000u); }`,
  gradc_is_nan: `fn gradc_is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`,

  gradc_mul0: `fn gradc_mul0(x: f32, y: f32) -> f32 { return select(x * y, 0.0f, x == 0.0f); }`,
  gradc_powi: `
fn gradc_powi(base: f32, n: f32) -> f32 {
  var power = 1.0f;
  var x = base;
  for (var k = i32(abs(n)); k > 0; k = k / 2) {
    if (k % 2 == 1) { power *= x; }
    x *= x;
  }
  return select(power, 1.0f / power, n < 0.0f);
}`,
  // Of the sign of y; the quotient's rounding is made good.
  gradc_mod_f32: `
fn gradc_mod_f32(x: f32, y: f32) -> f32 {
  var r = x - y * floor(x / y);
  if (r != 0.0f && (r < 0.0f) != (y < 0.0f)) { r += y; }
  if (abs(r) >= abs(y)) { r -= y; }
  return r;
}`,
  // Of what may be negative a quotient, no remainder: Vulkan leaves that open, and naga hands it on as it is.
  gradc_mod_i32: `
fn gradc_mod_i32(x: i32, y: i32) -> i32 {
  if (y == 0) { return x; }
  let r = x - x / y * y;
  return select(r, r + y, r != 0 && (r < 0) != (y < 0));
}`,
  gradc_mod_u32: `fn gradc_mod_u32(x: u32, y: u32) -> u32 { if (y == 0u) { return x; } return x % y; }`,
  gradc_floor_div_i32: `
fn gradc_floor_div_i32(x: i32, y: i32) -> i32 {
  if (y == 0) { return 0; }
  let q = x / y;
  return select(q, q - 1, q * y != x && (x < 0) != (y < 0));
}`,
  gradc_floor_div_u32: `fn gradc_floor_div_u32(x: u32, y: u32) -> u32 { if (y == 0u) { return 0u; } return x / y; }`,
  gradc_to_i32: `
fn gradc_to_i32(x: f32) -> i32 {
  if (gradc_is_nan(x)) { return 0; }
  if (x >= 2147483648.0f) { return 2147483647; }
  if (x <= -2147483648.0f) { return -2147483647 - 1; }
  return i32(x);
}`,
  gradc_to_u32: `
fn gradc_to_u32(x: f32) -> u32 {
  if (gradc_is_nan(x) || x <= 0.0f) { return 0u; }
  if (x >= 4294967296.0f) { return 0xffffffffu; }
  return u32(x);
}`,

  // e^x 2^power, 2e-7 where that is a normal number.
  gradc_exp_scaled: `
fn gradc_exp_scaled(x: f32, power: i32) -> f32 {
  let c = clamp(x, -104.0f, 90.0f);
  let n = round(c * 1.442695041f);
  let r = (c - n * 0.693359375f) + n * 2.12194440e-4f;
  let p = 1.0f + (r + r * r * (${f32("r", EXPM1_F32)}));
  let k = i32(n) + power;
  let half = k / 2;
  return p * bitcast<f32>((half + 127) << 23u) * bitcast<f32>((k - half + 127) << 23u);
}`,
  // 2e-7 for |x| < 87; overflows to infinity above 88.7.
  gradc_exp: `fn gradc_exp(x: f32) -> f32 { return gradc_exp_scaled(x, 0); }`,
  // WGSL leaves the logarithm of 0 open, and some devices give a finite number: e^(log 0) has to be 0.
  gradc_log: `fn gradc_log(x: f32) -> f32 { return select(log(x), -gradc_inf(), x == 0.0f); }`,
  gradc_log2: `fn gradc_log2(x: f32) -> f32 { return select(log2(x), -gradc_inf(), x == 0.0f); }`,
  gradc_log10: `fn gradc_log10(x: f32) -> f32 { return gradc_log(x) * 0.4342944819f; }`,
  // 2e-7, also next to 1. -inf at 0, NaN below.
  gradc_log_precise: `
fn gradc_log_precise(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  if (!(bits >= 0x00800000u && bits < 0x7f800000u)) {
    if (gradc_is_nan(x) || x < 0.0f) { return gradc_nan(); }
    return select(-gradc_inf(), x, bits >= 0x7f800000u);
  }
  // m in [sqrt(1/2), sqrt(2)), so that s is in [-0.172, 0.172]
  let e = (i32(bits) - 0x3f3504f3) >> 23u;
  let m = bitcast<f32>(i32(bits) - (e << 23u));
  let s = (m - 1.0f) / (m + 1.0f);
  let z = s * s;
  let n = f32(e);
  return n * 0.693359375f + (2.0f * (s + s * z * (${f32("z", ATANH_F32)})) - n * 2.12194440e-4f);
}`,
  // 4e-7
  gradc_log1p: `
fn gradc_log1p(x: f32) -> f32 {
  if (abs(x) > 0.3f) { return gradc_log_precise(1.0f + x); }
  let s = x / (2.0f + x);
  let z = s * s;
  return 2.0f * (s + s * z * (${f32("z", ATANH_F32)}));
}`,
  // 5e-7
  gradc_expm1: `
fn gradc_expm1(x: f32) -> f32 {
  if (abs(x) > 0.4f) { return gradc_exp(x) - 1.0f; }
  return x + x * x * (${f32("x", EXPM1_F32)});
}`,
  // 5e-7. Half of e^x, which may be infinite, comes from its bits: a driver may move a factor of 1/2 to the end.
  gradc_sinh: `
fn gradc_sinh(x: f32) -> f32 {
  let a = abs(x);
  if (a < 0.4f) { let e = gradc_expm1(x); return 0.5f * (e + e / (1.0f + e)); }
  let h = gradc_exp_scaled(a, -1);
  return sign(x) * (h - 0.25f / h);
}`,
  gradc_cosh: `
fn gradc_cosh(x: f32) -> f32 {
  let h = gradc_exp_scaled(abs(x), -1);
  return h + 0.25f / h;
}`,
  // 3e-7; never overflows
  gradc_tanh: `
fn gradc_tanh(x: f32) -> f32 {
  let a = abs(x);
  if (a < 0.6f) { let z = x * x; return x + x * z * (${f32("z", TANH_F32)}); }
  return sign(x) * (1.0f - 2.0f / (gradc_exp(2.0f * min(a, 20.0f)) + 1.0f));
}`,
  // 5e-7
  gradc_asinh: `
fn gradc_asinh(x: f32) -> f32 {
  let a = abs(x);
  if (a > 4096.0f) { return sign(x) * (gradc_log_precise(a) + 0.6931471806f); }
  return sign(x) * gradc_log1p(a + a * a / (1.0f + sqrt(1.0f + a * a)));
}`,
  gradc_acosh: `
fn gradc_acosh(x: f32) -> f32 {
  if (x < 1.0f) { return gradc_nan(); }
  if (x > 4096.0f) { return gradc_log_precise(x) + 0.6931471806f; }
  let t = x - 1.0f;
  return gradc_log1p(t + sqrt(t * (t + 2.0f)));
}`,
  gradc_atanh: `
fn gradc_atanh(x: f32) -> f32 {
  let a = abs(x);
  if (a >= 1.0f) { if (a == 1.0f) { return sign(x) * gradc_inf(); } return gradc_nan(); }
  return sign(x) * 0.5f * gradc_log1p(2.0f * a / (1.0f - a));
}`,

  // x - quadrant * pi / 2 in three parts of few bits (Cody and Waite); |x| up to 20,000
  gradc_quarter_turns: `
fn gradc_quarter_turns(x: f32) -> vec2f {
  let n = round(x * 0.6366197724f);
  return vec2f(((x - n * 1.5703125f) - n * 4.837512969970703125e-4f) - n * 7.54978995489188e-8f, n - 4.0f * floor(n * 0.25f));
}`,
  gradc_sin_small: `
fn gradc_sin_small(r: f32) -> f32 { let z = r * r; return r + r * z * (${f32("z", SIN_F32)}); }`,
  gradc_cos_small: `
fn gradc_cos_small(r: f32) -> f32 { let z = r * r; return 1.0f - 0.5f * z + z * z * (${f32("z", COS_F32)}); }`,
  // absolute 2e-7 for |x| up to 20,000
  gradc_sin: `
fn gradc_sin(x: f32) -> f32 {
  let t = gradc_quarter_turns(x);
  let odd = t.y == 1.0f || t.y == 3.0f;
  let y = select(gradc_sin_small(t.x), gradc_cos_small(t.x), odd);
  return select(y, -y, t.y >= 2.0f);
}`,
  gradc_cos: `
fn gradc_cos(x: f32) -> f32 {
  let t = gradc_quarter_turns(x);
  let odd = t.y == 1.0f || t.y == 3.0f;
  let y = select(gradc_cos_small(t.x), gradc_sin_small(t.x), odd);
  return select(y, -y, t.y == 1.0f || t.y == 2.0f);
}`,
  gradc_tan: `
fn gradc_tan(x: f32) -> f32 {
  let t = gradc_quarter_turns(x);
  let s = gradc_sin_small(t.x);
  let c = gradc_cos_small(t.x);
  return select(s / c, -c / s, t.y == 1.0f || t.y == 3.0f);
}`,
  // 4e-7
  gradc_asin_small: `
fn gradc_asin_small(x: f32) -> f32 { let z = x * x; return x + x * z * (${f32("z", ASIN_F32)}); }`,
  gradc_asin: `
fn gradc_asin(x: f32) -> f32 {
  let a = abs(x);
  if (a <= 0.5f) { return gradc_asin_small(x); }
  if (!(a <= 1.0f)) { return gradc_nan(); }
  return sign(x) * (1.570796327f - 2.0f * gradc_asin_small(sqrt(0.5f * (1.0f - a))));
}`,
  gradc_acos: `
fn gradc_acos(x: f32) -> f32 {
  let a = abs(x);
  if (a <= 0.5f) { return 1.570796327f - gradc_asin_small(x); }
  if (!(a <= 1.0f)) { return gradc_nan(); }
  let y = 2.0f * gradc_asin_small(sqrt(0.5f * (1.0f - a)));
  return select(y, 3.141592654f - y, x < 0.0f);
}`,
  gradc_atan_small: `
fn gradc_atan_small(x: f32) -> f32 { let z = x * x; return x + x * z * (${f32("z", ATAN_F32)}); }`,
  gradc_atan: `
fn gradc_atan(x: f32) -> f32 {
  if (abs(x) <= 1.0f) { return gradc_atan_small(x); }
  return sign(x) * 1.570796327f - gradc_atan_small(1.0f / x);
}`,
  // atan2(0, 0) = 0
  gradc_atan2: `
fn gradc_atan2(y: f32, x: f32) -> f32 {
  let a = abs(y);
  let b = abs(x);
  if (max(a, b) == 0.0f) { return 0.0f; }
  var t = gradc_atan_small(min(a, b) / max(a, b));
  if (a > b) { t = 1.570796327f - t; }
  if (x < 0.0f) { t = 3.141592654f - t; }
  return select(t, -t, y < 0.0f);
}`,
  gradc_hypot: `
fn gradc_hypot(x: f32, y: f32) -> f32 {
  let most = max(abs(x), abs(y));
  if (most == 0.0f) { return 0.0f; }
  let r = min(abs(x), abs(y)) / most;
  return most * sqrt(1.0f + r * r);
}`,
  // A third of the exponent by its bits, then Newton.
  gradc_cbrt: `
fn gradc_cbrt(x: f32) -> f32 {
  let a = abs(x);
  if (a == 0.0f || a > 3.4e38f) { return x; }
  var y = bitcast<f32>(bitcast<u32>(a) / 3u + 0x2a517d3cu);
  for (var k = 0; k < 3; k++) { y = y - (y - a / (y * y)) * 0.3333333433f; }
  return sign(x) * y;
}`,
  // C's rules; 1e-7 (1 + |y log x|)
  gradc_pow: `
fn gradc_pow(x: f32, y: f32) -> f32 {
  if (y == 0.0f || x == 1.0f) { return 1.0f; }
  if (x == 0.0f) { if (y > 0.0f) { return 0.0f; } return gradc_inf(); }
  let size = gradc_exp(y * gradc_log_precise(abs(x)));
  if (x > 0.0f) { return size; }
  if (y != floor(y)) { return gradc_nan(); }
  return select(size, -size, floor(0.5f * y) * 2.0f != y);
}`,

  gradc_sigmoid: `
fn gradc_sigmoid(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(1.0f, e, x < 0.0f) / (1.0f + e);
}`,
  gradc_softplus: `fn gradc_softplus(x: f32) -> f32 { return max(x, 0.0f) + gradc_log1p(exp(-abs(x))); }`,
  gradc_log_sigmoid: `fn gradc_log_sigmoid(x: f32) -> f32 { return min(x, 0.0f) - gradc_log1p(exp(-abs(x))); }`,
  gradc_leaky_relu: `fn gradc_leaky_relu(x: f32, slope: f32) -> f32 { return select(slope * x, x, x > 0.0f); }`,
  gradc_elu: `fn gradc_elu(x: f32, alpha: f32) -> f32 { if (x > 0.0f) { return x; } return alpha * gradc_expm1(x); }`,
  gradc_gelu: `fn gradc_gelu(x: f32) -> f32 { return 0.5f * x * gradc_erfc(-0.7071067812f * x); }`,
  gradc_silu: `fn gradc_silu(x: f32) -> f32 { return x * gradc_sigmoid(x); }`,
  gradc_mish: `
fn gradc_mish(x: f32) -> f32 {
  let e = exp(min(x, 20.0f));
  let n = e * (e + 2.0f);
  return x * (n / (n + 2.0f));
}`,

  // x >= 1. exp(-x²) from the exact square of x's high half; 1e-6.
  gradc_erfc_tail: `
fn gradc_erfc_tail(x: f32) -> f32 {
  if (x > 10.0f) { return 0.0f; }
  let high = bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
  let square = gradc_exp(-high * high) * gradc_exp((high - x) * (high + x));
  let t = (x - 3.0f) / (x + 3.0f);
  return square * (${f32("t", ERFCX_F32)}) / (1.0f + x);
}`,
  // 3e-7
  gradc_erf: `
fn gradc_erf(x: f32) -> f32 {
  let a = abs(x);
  if (a < 1.0f) { let z = x * x; return x * (${f32("z", ERF_F32)}); }
  return sign(x) * (1.0f - gradc_erfc_tail(a));
}`,
  gradc_erfc: `
fn gradc_erfc(x: f32) -> f32 {
  if (x >= 1.0f) { return gradc_erfc_tail(x); }
  if (x <= -1.0f) { return 2.0f - gradc_erfc_tail(-x); }
  return 1.0f - gradc_erf(x);
}`,
  gradc_lgamma_core: `
fn gradc_lgamma_core(u: f32, fromOne: f32, fromTwo: f32) -> f32 { return fromOne * fromTwo * (${f32("u", LGAMMA_F32)}); }`,
  gradc_lgamma_positive: `
fn gradc_lgamma_positive(x: f32) -> f32 {
  if (x < 1.0f) { return gradc_lgamma_core(x - 0.5f, x, x - 1.0f) - gradc_log_precise(x); }
  if (x <= 2.0f) { return gradc_lgamma_core(x - 1.5f, x - 1.0f, x - 2.0f); }
  if (x > 8.0f) {
    let z = 1.0f / (x * x);
    return (x - 0.5f) * (gradc_log_precise(x) - 1.0f) + 0.4189385332f + (${f32(
      "z",
      bernoulliOver(3, (k) => 2 * k * (2 * k - 1)),
    )}) / x;
  }
  var product = 1.0f;
  var y = x;
  for (; y > 3.0f; y -= 1.0f) { product *= y - 1.0f; }
  return gradc_lgamma_core(y - 2.5f, y - 2.0f, y - 3.0f) + gradc_log_precise(product * (y - 1.0f));
}`,
  // 1e-6 for x > 0; below, relative to 1 + |result|
  gradc_lgamma: `
fn gradc_lgamma(x: f32) -> f32 {
  if (x > 0.0f) { return gradc_lgamma_positive(x); }
  if (x == floor(x)) { return gradc_inf(); }
  if (x > -1e-10f) { return -gradc_log_precise(-x); }
  let sine = gradc_sin(3.141592654f * (x - round(x)));
  return 1.144729886f - gradc_log_precise(abs(x * sine)) - gradc_lgamma_positive(-x);
}`,
  gradc_digamma_positive: `
fn gradc_digamma_positive(x: f32) -> f32 {
  if (x < 1.0f) {
    let u = x - 0.5f;
    return (x - ${Math.fround(DIGAMMA_ROOT_F32 - 1)}f - ${DIGAMMA_ROOT_LOW_F32}f) * (${f32("u", DIGAMMA_F32)}) - 1.0f / x;
  }
  if (x > 8.0f) {
    let z = 1.0f / (x * x);
    return gradc_log_precise(x) - 0.5f / x - z * (${f32(
      "z",
      bernoulliOver(3, (k) => 2 * k),
    )});
  }
  var shift = 0.0f;
  var y = x;
  for (; y > 2.0f; y -= 1.0f) { shift += 1.0f / (y - 1.0f); }
  let u = y - 1.5f;
  return (y - ${DIGAMMA_ROOT_F32}f - ${DIGAMMA_ROOT_LOW_F32}f) * (${f32("u", DIGAMMA_F32)}) + shift;
}`,
  // 2e-6 for x > 0; below, relative to 1 + |result|
  gradc_digamma: `
fn gradc_digamma(x: f32) -> f32 {
  if (x > 0.0f) { return gradc_digamma_positive(x); }
  if (x == floor(x)) { return gradc_nan(); }
  return gradc_digamma_positive(1.0f - x) - 3.141592654f / gradc_tan(3.141592654f * (x - round(x)));
}`,
  gradc_hurwitz_zeta: `
fn gradc_hurwitz_zeta(s: f32, from_a: f32) -> f32 {
  var sum = 0.0f;
  var a = from_a;
  let limit = 4.0f + 0.5f * s;
  for (; a < limit; a += 1.0f) { sum += gradc_powi(1.0f / a, s); }
  let power = gradc_powi(1.0f / a, s);
  sum += power * (a / (s - 1.0f) + 0.5f);
  var factor = power * s / (2.0f * a);
  var coefficients = array<f32, 4>(${bernoulliOver(4, () => 1)
    .map((b) => `${b}f`)
    .join(", ")});
  for (var k = 1; k <= 4; k++) {
    sum += factor * coefficients[k - 1];
    let m = f32(2 * k);
    factor *= ((s + m - 1.0f) / (m + 1.0f)) * ((s + m) / (m + 2.0f)) / (a * a);
  }
  return sum;
}`,
  // 3e-6 for x > 0 where neither n! nor x^-(n + 1) leaves the range of f32
  gradc_polygamma: `
fn gradc_polygamma(n: f32, x: f32) -> f32 {
  if (n == 0.0f) { return gradc_digamma(x); }
  if (!(n > 0.0f) || n != floor(n)) { return gradc_nan(); }
  let odd = i32(n) % 2 == 1;
  var scale = select(-1.0f, 1.0f, odd);
  for (var k = 2; k <= min(i32(n), 40); k++) { scale *= f32(k); }
  if (x > 0.0f) { return scale * gradc_hurwitz_zeta(n + 1.0f, x); }
  if (x == floor(x)) { if (odd) { return gradc_inf(); } return gradc_nan(); }
  let r = x - round(x);
  let above = gradc_hurwitz_zeta(n + 1.0f, 1.0f - r) - gradc_hurwitz_zeta(n + 1.0f, 1.0f - x);
  let below = gradc_powi(1.0f / r, n + 1.0f) + gradc_hurwitz_zeta(n + 1.0f, 1.0f + r);
  return scale * (below + select(-above, above, odd));
}`,

  gradc_threefry: `
fn gradc_threefry(key: vec2u, counter: vec2u) -> vec2u {
  let k2 = key.x ^ key.y ^ 0x1bd11bdau;
  var x0 = counter.x + key.x;
  var x1 = counter.y + key.y;
${threefryRounds([13, 15, 26, 6], "key.y", "k2", 1)}
${threefryRounds([17, 29, 16, 24], "k2", "key.x", 2)}
${threefryRounds([13, 15, 26, 6], "key.x", "key.y", 3)}
${threefryRounds([17, 29, 16, 24], "key.y", "k2", 4)}
${threefryRounds([13, 15, 26, 6], "k2", "key.x", 5)}
  return vec2u(x0, x1);
}`,
  gradc_rand: `fn gradc_rand(words: vec2u) -> f32 { return f32(words.x >> 8u) * 5.9604644775390625e-8f; }`,
  // 1 - u is exact, so log keeps its relative accuracy next to u = 1.
  gradc_randn: `
fn gradc_randn(words: vec2u) -> f32 {
  let u = f32((words.x >> 8u) + 1u) * 5.9604644775390625e-8f;
  let turn = f32(words.y >> 8u) * 5.9604644775390625e-8f;
  return sqrt(-2.0f * gradc_log_precise(u)) * gradc_cos(6.283185307f * (turn - round(turn)));
}`,
});

/** The WGSL helper functions that `code` (a shader's text, or helper names) needs, dependencies first. */
export const wgslHelpers = (code: string): string => helpersFor(WGSL_HELPERS, code);
