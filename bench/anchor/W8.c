#include "simd.h"

// Lotka-Volterra by RK4: the squared distance of trajectories to obs [T, 2], and its gradient for the rates.
// Time is outside and trajectories are inside, four to a vector: a step is one long chain, so several have to overlap.

typedef struct {
  f4 a, b, c, d;
} Rates;
typedef struct {
  f4 a, b, c, d, l;
} Sums;

#define FIELD(k, m, x, y) f4 k = mul(x, sub(r.a, mul(r.b, y))), m = mul(y, sub(mul(r.d, x), r.c));
#define DT splat(0.05f)
#define HALF splat(0.025f)
#define SIXTH splat(0.05f / 6)
#define THIRD splat(0.05f / 3)

// from -> to: x and y, a vector each
static inline f4 forward(Rates r, const float *from, float *to, f4 u, f4 v) {
  f4 x = load(from), y = load(from + 4), two = splat(2);
  FIELD(k1, m1, x, y)
  f4 x2 = mul_add(HALF, k1, x), y2 = mul_add(HALF, m1, y);
  FIELD(k2, m2, x2, y2)
  f4 x3 = mul_add(HALF, k2, x), y3 = mul_add(HALF, m2, y);
  FIELD(k3, m3, x3, y3)
  f4 x4 = mul_add(DT, k3, x), y4 = mul_add(DT, m3, y);
  FIELD(k4, m4, x4, y4)
  x = mul_add(SIXTH, add(add(k1, k4), mul(two, add(k2, k3))), x);
  y = mul_add(SIXTH, add(add(m1, m4), mul(two, add(m2, m3))), y);
  store(to, x), store(to + 4, y);
  f4 eu = sub(x, u), ev = sub(y, v);
  return mul_add(eu, eu, mul(ev, ev));
}

// The transposed Jacobian of the field at (x, y), times the stage's cotangent (p, q).
#define BACK(n, x, y)                                                     \
  f4 sx##n = add(mul(p##n, sub(r.a, mul(r.b, y))), mul(q##n, mul(r.d, y))); \
  f4 sy##n = sub(mul(q##n, sub(mul(r.d, x), r.c)), mul(p##n, mul(r.b, x))); \
  f4 px##n = mul(p##n, x), qy##n = mul(q##n, y);

// `state` before the step, `after` behind it, `g` the cotangent of both components, changed in place.
static inline void backward(Rates r, const float *state, const float *after, float *g, f4 u, f4 v, Sums *sums) {
  f4 two = splat(2);
  f4 gu = mul_add(two, sub(load(after), u), load(g)), gv = mul_add(two, sub(load(after + 4), v), load(g + 4));
  f4 x1 = load(state), y1 = load(state + 4);
  FIELD(k1, m1, x1, y1)
  f4 x2 = mul_add(HALF, k1, x1), y2 = mul_add(HALF, m1, y1);
  FIELD(k2, m2, x2, y2)
  f4 x3 = mul_add(HALF, k2, x1), y3 = mul_add(HALF, m2, y1);
  FIELD(k3, m3, x3, y3)
  f4 x4 = mul_add(DT, k3, x1), y4 = mul_add(DT, m3, y1);
  f4 p4 = mul(SIXTH, gu), q4 = mul(SIXTH, gv);
  BACK(4, x4, y4)
  f4 p3 = mul_add(DT, sx4, mul(THIRD, gu)), q3 = mul_add(DT, sy4, mul(THIRD, gv));
  BACK(3, x3, y3)
  f4 p2 = mul_add(HALF, sx3, mul(THIRD, gu)), q2 = mul_add(HALF, sy3, mul(THIRD, gv));
  BACK(2, x2, y2)
  f4 p1 = mul_add(HALF, sx2, mul(SIXTH, gu)), q1 = mul_add(HALF, sy2, mul(SIXTH, gv));
  BACK(1, x1, y1)
  store(g, add(gu, add(add(sx4, sx3), add(sx2, sx1))));
  store(g + 4, add(gv, add(add(sy4, sy3), add(sy2, sy1))));
  sums->a = add(sums->a, add(add(px4, px3), add(px2, px1)));
  sums->b = sub(sums->b, add(add(mul(px4, y4), mul(px3, y3)), add(mul(px2, y2), mul(px1, y1))));
  sums->c = sub(sums->c, add(add(qy4, qy3), add(qy2, qy1)));
  sums->d = add(sums->d, add(add(mul(qy4, x4), mul(qy3, x3)), add(mul(qy2, x2), mul(qy1, x1))));
}

enum { GROUPS = 8 }; // of four trajectories, whose states over 200 steps fit the second cache

// kept: states [T + 1, groups, 2, 4], of which the first are given. g: [groups, 2, 4] zeros.
static void block(const float *th, const float *obs, int T, int groups, float *kept, float *g, double *sums) {
  Rates r = {splat(th[0]), splat(th[1]), splat(th[2]), splat(th[3])};
  Sums s = {splat(0), splat(0), splat(0), splat(0), splat(0)};
  int row = 8 * groups;
  for (int t = 0; t < T; t++) {
    f4 u = load_splat(obs + 2 * t), v = load_splat(obs + 2 * t + 1);
    for (int i = 0; i < row; i += 8) s.l = add(s.l, forward(r, kept + t * row + i, kept + (t + 1) * row + i, u, v));
  }
  for (int t = T - 1; t >= 0; t--) {
    f4 u = load_splat(obs + 2 * t), v = load_splat(obs + 2 * t + 1);
    for (int i = 0; i < row; i += 8) backward(r, kept + t * row + i, kept + (t + 1) * row + i, g + i, u, v, &s);
  }
  f4 parts[5] = {s.a, s.b, s.c, s.d, s.l};
  for (int k = 0; k < 5; k++) sums[k] += lane_sum(parts[k]);
}

// out: dth[4], l. The one trajectory runs in all lanes. scratch: 8 (T + 2) floats.
void W8(const float *th, const float *obs, float *out, float *scratch, int T) {
  double sums[5] = {0};
  float *kept = scratch + 8;
  store(kept, splat(1)), store(kept + 4, splat(1));
  store(scratch, splat(0)), store(scratch + 4, splat(0));
  block(th, obs, T, 1, kept, scratch, sums);
  for (int k = 0; k < 5; k++) out[k] = (float)(sums[k] / (8.0 * T));
}

// scratch: 8 GROUPS (T + 2) floats. P is a multiple of 4 GROUPS.
void W8b(const float *th, const float *obs, const float *u0, const float *v0, float *out, float *scratch, int T, int P) {
  double sums[5] = {0};
  float *kept = scratch + 8 * GROUPS;
  for (int i = 0; i < P; i += 4 * GROUPS) {
    for (int k = 0; k < GROUPS; k++) {
      store(kept + 8 * k, load(u0 + i + 4 * k)), store(kept + 8 * k + 4, load(v0 + i + 4 * k));
      store(scratch + 8 * k, splat(0)), store(scratch + 8 * k + 4, splat(0));
    }
    block(th, obs, T, GROUPS, kept, scratch, sums);
  }
  for (int k = 0; k < 5; k++) out[k] = (float)(sums[k] / (2.0 * T * P));
}
