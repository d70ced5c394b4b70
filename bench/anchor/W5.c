#include "product.h"

enum { T = 64, D = 128, HEADS = 4, E = 32, M = 512, QKV = 384 };

// y = (x - mean) / deviation * gain + shift for each row of D; `normal` and `inverse` are kept for the way back.
static void layer_norm(int R, const float *x, const float *gain, const float *shift, float *normal, float *inverse,
                       float *y) {
  for (int r = 0; r < R; r++, x += D, normal += D, y += D) {
    f4 s = splat(0), q = s;
    for (int d = 0; d < D; d += 4) s = add(s, load(x + d));
    f4 mean = splat(lane_sum(s) / D);
    for (int d = 0; d < D; d += 4) {
      f4 c = sub(load(x + d), mean);
      q = mul_add(c, c, q);
    }
    inverse[r] = 1 / __builtin_sqrtf(lane_sum(q) / D + 1e-5f);
    for (int d = 0; d < D; d += 4) {
      f4 n = mul(sub(load(x + d), mean), splat(inverse[r]));
      store(normal + d, n);
      store(y + d, mul_add(n, load(gain + d), load(shift + d)));
    }
  }
}
// The gradients of gain and shift; where `dx` is given, the cotangent of x is added to it.
static void layer_norm_back(int R, const float *dy, const float *gain, const float *normal, const float *inverse,
                            float *dgain, float *dshift, float *dx) {
  for (int d = 0; d < D; d++) dgain[d] = dshift[d] = 0;
  for (int r = 0; r < R; r++, dy += D, normal += D) {
    f4 s = splat(0), q = s;
    for (int d = 0; d < D; d += 4) {
      f4 c = load(dy + d), n = load(normal + d), g = mul(c, load(gain + d));
      store(dgain + d, mul_add(c, n, load(dgain + d)));
      store(dshift + d, add(c, load(dshift + d)));
      s = add(s, g), q = mul_add(g, n, q);
    }
    if (!dx) continue;
    f4 mean = splat(lane_sum(s) / D), along = splat(lane_sum(q) / D);
    for (int d = 0; d < D; d += 4) {
      f4 g = mul(load(dy + d), load(gain + d));
      f4 own = sub(sub(g, mean), mul(load(normal + d), along));
      store(dx + r * D + d, mul_add(own, splat(inverse[r]), load(dx + r * D + d)));
    }
  }
}
static void add_rows(int R, int C, float *y, const float *bias) {
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c += 4) store(y + r * C + c, add(load(y + r * C + c), load(bias + c)));
}
static void column_sums(int R, int C, const float *from, float *to) {
  for (int c = 0; c < C; c++) to[c] = 0;
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c += 4) store(to + c, add(load(to + c), load(from + r * C + c)));
}
static inline f4 tanh4(f4 u) {
  return sub(splat(1), quotient(splat(2), add(exp4(add(u, u)), splat(1))));
}
static void gelu(int n, const float *x, float *y, float *slope) {
  f4 a = splat(0.7978845608f), b = splat(0.044715f), half = splat(0.5f), one = splat(1);
  for (int k = 0; k < n; k += 4) {
    f4 v = load(x + k), v2 = mul(v, v);
    f4 t = tanh4(mul(a, mul_add(mul(b, v2), v, v)));
    f4 rise = mul(a, mul_add(splat(3), mul(b, v2), one));
    store(y + k, mul(mul(half, v), add(one, t)));
    f4 steep = mul(mul(half, v), mul(sub(one, mul(t, t)), rise));
    store(slope + k, mul_add(half, add(one, t), steep));
  }
}
static void copy_rows(int R, int C, const float *from, int fs, float *to, int ts) {
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c += 4) store(to + r * ts + c, load(from + r * fs + c));
}

// One head: weights P [T, T] and the mixture. `qkv` begins at the head, rows of QKV.
static void attend(const float *qkv, float *P, float *mixed, float *tmp, float *packed) {
  product(T, T, E, qkv, QKV, 1, qkv + D, 1, QKV, P, packed);
  f4 scale = splat(0.17677669529f); // 1 / sqrt(E)
  for (float *p = P; p < P + T * T; p += T) {
    f4 tops = splat(-1e30f), totals = splat(0);
    for (int k = 0; k < T; k += 4) tops = larger(tops, load(p + k));
    f4 top = splat(lane_max(tops));
    for (int k = 0; k < T; k += 4) {
      f4 e = exp4(mul(sub(load(p + k), top), scale));
      store(p + k, e);
      totals = add(totals, e);
    }
    f4 share = splat(1 / lane_sum(totals));
    for (int k = 0; k < T; k += 4) store(p + k, mul(load(p + k), share));
  }
  product(T, E, T, P, T, 1, qkv + 2 * D, QKV, 1, tmp, packed);
  copy_rows(T, E, tmp, E, mixed, D);
}
static void attend_back(const float *qkv, const float *P, const float *dmixed, float *dqkv, float *dP, float *tmp,
                        float *packed) {
  product(T, E, T, P, 1, T, dmixed, D, 1, tmp, packed);
  copy_rows(T, E, tmp, E, dqkv + 2 * D, QKV);
  product(T, T, E, dmixed, D, 1, qkv + 2 * D, 1, QKV, dP, packed);
  for (int r = 0; r < T; r++) {
    f4 s = splat(0);
    for (int k = 0; k < T; k += 4) s = mul_add(load(P + r * T + k), load(dP + r * T + k), s);
    f4 mean = splat(lane_sum(s)), scale = splat(0.17677669529f);
    for (int k = 0; k < T; k += 4) {
      float *d = dP + r * T + k;
      store(d, mul(mul(load(P + r * T + k), scale), sub(load(d), mean)));
    }
  }
  product(T, E, T, dP, T, 1, qkv + D, QKV, 1, tmp, packed);
  copy_rows(T, E, tmp, E, dqkv, QKV);
  product(T, E, T, dP, 1, T, qkv, QKV, 1, tmp, packed);
  copy_rows(T, E, tmp, E, dqkv + D, QKV);
}

// p: the 12 params, dp: their gradients, in the program's order.
void W5(const float *x, const float *t, const float **p, float **dp, float *l, float *scratch, int B) {
  const float *g1 = p[0], *be1 = p[1], *wqkv = p[2], *bqkv = p[3], *wo = p[4], *bo = p[5], *g2 = p[6], *be2 = p[7];
  const float *wm1 = p[8], *bm1 = p[9], *wm2 = p[10], *bm2 = p[11];
  int R = B * T;
  float *at = scratch;
#define ROOM(name, size) \
  float *name = at;      \
  at += size;
  ROOM(x1, R * D) ROOM(i1, R) ROOM(n1, R * D) ROOM(qkv, R * QKV) ROOM(P, B * HEADS * T * T) ROOM(mixed, R * D)
  ROOM(y1, R * D) ROOM(x2, R * D) ROOM(i2, R) ROOM(n2, R * D) ROOM(m0, R * M) ROOM(m, R * M) ROOM(slope, R * M)
  ROOM(y, R * D) ROOM(dm, R * M) ROOM(dn, R * D) ROOM(dmixed, R * D) ROOM(dqkv, R * QKV) ROOM(dP, T * T)
  ROOM(tmp, T * T) ROOM(packed, 0)
  layer_norm(R, x, g1, be1, x1, i1, n1);
  product(R, QKV, D, n1, D, 1, wqkv, QKV, 1, qkv, packed);
  add_rows(R, QKV, qkv, bqkv);
  for (int b = 0; b < B; b++)
    for (int h = 0; h < HEADS; h++)
      attend(qkv + b * T * QKV + h * E, P + (b * HEADS + h) * T * T, mixed + b * T * D + h * E, tmp, packed);
  product(R, D, D, mixed, D, 1, wo, D, 1, y1, packed);
  add_rows(R, D, y1, bo);
  for (int k = 0; k < R * D; k += 4) store(y1 + k, add(load(y1 + k), load(x + k)));
  layer_norm(R, y1, g2, be2, x2, i2, n2);
  product(R, M, D, n2, D, 1, wm1, M, 1, m0, packed);
  add_rows(R, M, m0, bm1);
  gelu(R * M, m0, m, slope);
  product(R, D, M, m, M, 1, wm2, D, 1, y, packed);
  add_rows(R, D, y, bm2);
  double loss = 0;
  f4 share = splat(2.0f / (R * D));
  for (int k = 0; k < R * D; k += 4) { // y becomes its cotangent
    f4 e = sub(add(load(y + k), load(y1 + k)), load(t + k));
    loss += lane_sum(mul(e, e));
    store(y + k, mul(e, share));
  }
  *l = (float)(loss / (R * D));
  product(M, D, R, m, 1, M, y, D, 1, dp[10], packed);
  column_sums(R, D, y, dp[11]);
  product(R, M, D, y, D, 1, wm2, 1, D, dm, packed);
  for (int k = 0; k < R * M; k += 4) store(dm + k, mul(load(dm + k), load(slope + k)));
  product(D, M, R, n2, 1, D, dm, M, 1, dp[8], packed);
  column_sums(R, M, dm, dp[9]);
  product(R, D, M, dm, M, 1, wm1, 1, M, dn, packed);
  layer_norm_back(R, dn, g2, x2, i2, dp[6], dp[7], y); // y is now the cotangent of y1
  product(D, D, R, mixed, 1, D, y, D, 1, dp[4], packed);
  column_sums(R, D, y, dp[5]);
  product(R, D, D, y, D, 1, wo, 1, D, dmixed, packed);
  for (int b = 0; b < B; b++)
    for (int h = 0; h < HEADS; h++)
      attend_back(qkv + b * T * QKV + h * E, P + (b * HEADS + h) * T * T, dmixed + b * T * D + h * E,
                  dqkv + b * T * QKV + h * E, dP, tmp, packed);
  product(D, QKV, R, n1, 1, D, dqkv, QKV, 1, dp[2], packed);
  column_sums(R, QKV, dqkv, dp[3]);
  product(R, D, QKV, dqkv, QKV, 1, wqkv, 1, QKV, dn, packed);
  layer_norm_back(R, dn, g1, x1, i1, dp[0], dp[1], 0);
}
