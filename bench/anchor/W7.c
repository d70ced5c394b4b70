#include "simd.h"

// scratch: 3 N floats, the positions with each coordinate by itself. N is a multiple of 4.
void W7(const float *pos, const float *m, float *dpos, float *l, float *scratch, int N) {
  float *xs = scratch, *ys = xs + N, *zs = ys + N;
  for (int i = 0; i < N; i++) xs[i] = pos[3 * i], ys[i] = pos[3 * i + 1], zs[i] = pos[3 * i + 2];
  double energy = 0;
  for (int i = 0; i < N; i++) {
    f4 x = splat(xs[i]), y = splat(ys[i]), z = splat(zs[i]);
    f4 potential = splat(0), fx = potential, fy = potential, fz = potential;
    for (int j = 0; j < N; j += 4) {
      f4 dx = sub(x, load(xs + j)), dy = sub(y, load(ys + j)), dz = sub(z, load(zs + j));
      f4 r2 = mul_add(dx, dx, mul_add(dy, dy, mul_add(dz, dz, splat(0.0025f))));
      f4 inverse = quotient(splat(1), wasm_f32x4_sqrt(r2));
      f4 u = mul(load(m + j), inverse);
      f4 f = mul(u, mul(inverse, inverse));
      potential = add(potential, u);
      fx = mul_add(f, dx, fx), fy = mul_add(f, dy, fy), fz = mul_add(f, dz, fz);
    }
    energy += m[i] * lane_sum(potential);
    dpos[3 * i] = m[i] * lane_sum(fx);
    dpos[3 * i + 1] = m[i] * lane_sum(fy);
    dpos[3 * i + 2] = m[i] * lane_sum(fz);
  }
  *l = (float)(-0.5 * energy);
}
