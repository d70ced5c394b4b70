#include "simd.h"

// K is a multiple of 4.
void W9(const float *X, const float *G, float *dX, float *l, int R, int K) {
  double loss = 0;
  for (int r = 0; r < R; r++, X += K, G += K, dX += K) {
    f4 tops = splat(-1e30f);
    for (int k = 0; k < K; k += 4) tops = larger(tops, load(X + k));
    float top = lane_max(tops);
    f4 totals = splat(0), weights = totals;
    for (int k = 0; k < K; k += 4) {
      f4 e = exp4(sub(load(X + k), splat(top)));
      store(dX + k, e);
      totals = add(totals, e);
      weights = mul_add(e, load(G + k), weights);
    }
    float total = lane_sum(totals), mean = lane_sum(weights) / total;
    loss += mean + top + log1(total);
    f4 scale = splat(1 / (total * R)), shift = splat(1 - mean);
    for (int k = 0; k < K; k += 4) store(dX + k, mul(load(dX + k), mul(scale, add(load(G + k), shift))));
  }
  *l = (float)(loss / R);
}
