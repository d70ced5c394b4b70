// Four f32 lanes: what the anchors share. Freestanding, so no libc.
#pragma once
#include <stdint.h>
#include <wasm_simd128.h>

typedef v128_t f4;

static inline f4 splat(float x) { return wasm_f32x4_splat(x); }
static inline f4 load(const float *p) { return wasm_v128_load(p); }
static inline f4 load_splat(const float *p) { return wasm_v128_load32_splat(p); }
static inline void store(float *p, f4 x) { wasm_v128_store(p, x); }
static inline f4 add(f4 a, f4 b) { return wasm_f32x4_add(a, b); }
static inline f4 sub(f4 a, f4 b) { return wasm_f32x4_sub(a, b); }
static inline f4 mul(f4 a, f4 b) { return wasm_f32x4_mul(a, b); }
static inline f4 quotient(f4 a, f4 b) { return wasm_f32x4_div(a, b); }
static inline f4 mul_add(f4 a, f4 b, f4 c) { return add(mul(a, b), c); }
static inline f4 larger(f4 a, f4 b) { return wasm_f32x4_pmax(a, b); }
static inline float lane_sum(f4 x) {
  return (wasm_f32x4_extract_lane(x, 0) + wasm_f32x4_extract_lane(x, 1)) +
         (wasm_f32x4_extract_lane(x, 2) + wasm_f32x4_extract_lane(x, 3));
}
static inline float lane_max(f4 x) {
  float a = wasm_f32x4_extract_lane(x, 0), b = wasm_f32x4_extract_lane(x, 1);
  float c = wasm_f32x4_extract_lane(x, 2), d = wasm_f32x4_extract_lane(x, 3);
  a = a > b ? a : b;
  c = c > d ? c : d;
  return a > c ? a : c;
}

// exp to about 1e-7 relative: x = k ln 2 + r with ln 2 in two parts, a polynomial in r, and k into the exponent.
static inline f4 exp4(f4 x) {
  x = wasm_f32x4_pmax(splat(-87.0f), wasm_f32x4_pmin(splat(88.0f), x));
  f4 k = wasm_f32x4_nearest(mul(x, splat(1.44269504f)));
  f4 r = mul_add(k, splat(-0.693359375f), x);
  r = mul_add(k, splat(2.12194440e-4f), r);
  f4 p = splat(1.0f / 720);
  p = mul_add(p, r, splat(1.0f / 120));
  p = mul_add(p, r, splat(1.0f / 24));
  p = mul_add(p, r, splat(1.0f / 6));
  p = mul_add(p, r, splat(0.5f));
  p = mul_add(p, r, splat(1.0f));
  p = mul_add(p, r, splat(1.0f));
  v128_t shifted = wasm_i32x4_shl(wasm_i32x4_add(wasm_i32x4_trunc_sat_f32x4(k), wasm_i32x4_splat(127)), 23);
  return mul(p, shifted);
}
static inline float exp1(float x) { return wasm_f32x4_extract_lane(exp4(splat(x)), 0); }

// log of a positive normal number, in double: the exponent, and atanh's series in the mantissa's place in its octave.
static inline double log1(double x) {
  union { double value; uint64_t bits; } u = {x};
  int exponent = (int)((u.bits >> 52) & 2047) - 1023;
  u.bits = (u.bits & 0xfffffffffffffull) | 0x3ff0000000000000ull;
  if (u.value > 1.4142135623730951) {
    u.value *= 0.5;
    exponent++;
  }
  double s = (u.value - 1) / (u.value + 1), q = s * s;
  double series = 1 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11 + q * (1.0 / 13))))));
  return exponent * 0.6931471805599453 + 2 * s * series;
}
