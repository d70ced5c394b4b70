#include "simd.h"

enum { BLOCK = 1000 }; // of f32 sums, which then go into double

// out: dx[N], then da, db, dc, l. N is a multiple of BLOCK.
void W1(const float *x, const float *a, const float *b, const float *c, float *dx, float *out, int N) {
  double sums[4] = {0};
  f4 av = splat(*a), bv = splat(*b), cv = splat(*c), one = splat(1), share = splat(1.0f / N);
  for (int n = 0; n < N; n += BLOCK) {
    f4 sa = splat(0), sb = sa, sc = sa, sl = sa;
    for (int k = n; k < n + BLOCK; k += 4) {
      f4 v = load(x + k);
      f4 u = mul_add(av, v, bv);
      f4 t = sub(one, quotient(splat(2), add(exp4(add(u, u)), one)));
      f4 s = quotient(one, add(one, exp4(wasm_f32x4_neg(mul(cv, v)))));
      f4 e = exp4(wasm_f32x4_neg(mul(v, v)));
      f4 tangent = mul(sub(one, mul(t, t)), s);
      f4 slope = mul(mul(t, s), sub(one, s));
      sl = add(sl, mul_add(t, s, e));
      sa = mul_add(tangent, v, sa);
      sb = add(sb, tangent);
      sc = mul_add(slope, v, sc);
      f4 own = sub(mul_add(tangent, av, mul(slope, cv)), mul(add(v, v), e));
      store(dx + k, mul(own, share));
    }
    sums[0] += lane_sum(sa), sums[1] += lane_sum(sb), sums[2] += lane_sum(sc), sums[3] += lane_sum(sl);
  }
  for (int k = 0; k < 4; k++) out[k] = (float)(sums[k] / N);
}
