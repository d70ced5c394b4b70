#include "simd.h"

void W6a(float *p, float rate) {
  float x = p[0], y = p[1], d = y - x * x;
  p[0] = x - rate * (-2 * (1 - x) - 400 * d * x);
  p[1] = y - rate * 200 * d;
}

// X comes transposed, so that lanes are rows; N is a multiple of 4. dz holds N floats.
float W6b(float *w, float *b, const float *X, const float *y, float *dz, float rate, int N, int D) {
  f4 sum = splat(0), loss = sum;
  for (int n = 0; n < N; n += 4) {
    f4 z = load_splat(b);
    for (int d = 0; d < D; d++) z = mul_add(load(X + d * N + n), load_splat(w + d), z);
    f4 e = exp4(wasm_f32x4_neg(wasm_f32x4_abs(z)));
    f4 t = quotient(splat(1), add(splat(1), e));
    f4 sigmoid = wasm_v128_bitselect(t, mul(e, t), wasm_f32x4_ge(z, splat(0)));
    // log1p(e) = 2 atanh(e / (e + 2)), for e in 0..1
    f4 s = quotient(e, add(e, splat(2))), q = mul(s, s);
    f4 p = splat(1.0f / 11);
    p = mul_add(p, q, splat(1.0f / 9));
    p = mul_add(p, q, splat(1.0f / 7));
    p = mul_add(p, q, splat(1.0f / 5));
    p = mul_add(p, q, splat(1.0f / 3));
    p = mul_add(p, q, splat(1));
    loss = add(loss, add(larger(splat(0), z), sub(mul(add(s, s), p), mul(load(y + n), z))));
    f4 own = mul(sub(sigmoid, load(y + n)), splat(1.0f / N));
    store(dz + n, own);
    sum = add(sum, own);
  }
  for (int d = 0; d < D; d++) {
    f4 s = splat(0);
    for (int n = 0; n < N; n += 4) s = mul_add(load(X + d * N + n), load(dz + n), s);
    w[d] -= rate * lane_sum(s);
  }
  *b -= rate * lane_sum(sum);
  return lane_sum(loss) / N;
}
