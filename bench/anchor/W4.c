#include "product.h"

// Convolutions as products with the windows written out: cols[row, 9 channels].
enum { H = 28, C1 = 8, C2 = 16, OUT = 10 };

// x: [B, n, n, channels], 3×3 windows, 0 outside
static void windows(int B, int n, int channels, const float *x, float *cols) {
  for (int b = 0; b < B; b++)
    for (int u = 0; u < n; u++)
      for (int v = 0; v < n; v++)
        for (int p = -1; p <= 1; p++)
          for (int q = -1; q <= 1; q++) {
            int inside = u + p >= 0 && u + p < n && v + q >= 0 && v + q < n;
            const float *from = x + ((b * n + u + p) * n + v + q) * channels;
            for (int c = 0; c < channels; c++) *cols++ = inside ? from[c] : 0;
          }
}
// The adjoint: dx is added to.
static void from_windows(int B, int n, int channels, const float *dcols, float *dx) {
  for (int k = 0; k < B * n * n * channels; k++) dx[k] = 0;
  for (int b = 0; b < B; b++)
    for (int u = 0; u < n; u++)
      for (int v = 0; v < n; v++)
        for (int p = -1; p <= 1; p++)
          for (int q = -1; q <= 1; q++, dcols += channels) {
            if (u + p < 0 || u + p >= n || v + q < 0 || v + q >= n) continue;
            float *to = dx + ((b * n + u + p) * n + v + q) * channels;
            for (int c = 0; c < channels; c += 4) store(to + c, add(load(to + c), load(dcols + c)));
          }
}

static void bias_relu(int rows, int channels, float *y, const float *bias) {
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < channels; c += 4)
      store(y + r * channels + c, larger(splat(0), add(load(y + r * channels + c), load(bias + c))));
}
// The 2×2 maxima of [B, n, n, channels].
static void pool(int B, int n, int channels, const float *x, float *to) {
  for (int b = 0; b < B; b++)
    for (int u = 0; u < n; u += 2)
      for (int v = 0; v < n; v += 2)
        for (int c = 0; c < channels; c += 4, to += 4) {
          const float *at = x + ((b * n + u) * n + v) * channels + c;
          f4 top = larger(load(at), load(at + channels));
          store(to, larger(top, larger(load(at + n * channels), load(at + (n + 1) * channels))));
        }
}
// Through the maxima (the first of equal ones) and relu.
static void pool_back(int B, int n, int channels, const float *x, const float *top, const float *dtop, float *dx) {
  for (int b = 0; b < B; b++)
    for (int u = 0; u < n; u += 2)
      for (int v = 0; v < n; v += 2)
        for (int c = 0; c < channels; c += 4, top += 4, dtop += 4) {
          int at = ((b * n + u) * n + v) * channels + c;
          f4 m = load(top), left = wasm_v128_and(load(dtop), wasm_f32x4_gt(m, splat(0)));
          int places[4] = {0, channels, n * channels, (n + 1) * channels};
          for (int k = 0; k < 4; k++) {
            f4 here = wasm_f32x4_eq(load(x + at + places[k]), m);
            store(dx + at + places[k], wasm_v128_and(left, here));
            left = wasm_v128_andnot(left, here);
          }
        }
}
static void column_sums(int R, int C, const float *from, float *to) {
  for (int c = 0; c < C; c++) to[c] = 0;
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c++) to[c] += from[r * C + c];
}

void W4(const float *x, const float *y, const float *k1, const float *b1, const float *k2, const float *b2,
        const float *wd, const float *bd, float *dk1, float *db1, float *dk2, float *db2, float *dwd, float *dbd,
        float *l, float *scratch, int B) {
  int n1 = H, n2 = H / 2, n3 = H / 4, R1 = B * n1 * n1, R2 = B * n2 * n2, F = n3 * n3 * C2;
  float *cols1 = scratch, *c1 = cols1 + R1 * 9, *p1 = c1 + R1 * C1, *cols2 = p1 + R2 * C1;
  float *c2 = cols2 + R2 * 9 * C1, *p2 = c2 + R2 * C2, *z = p2 + B * F, *dz = z + B * OUT + 8;
  float *dp2 = dz + B * OUT + 8, *dc2 = dp2 + B * F, *dcols2 = dc2 + R2 * C2, *dp1 = dcols2 + R2 * 9 * C1;
  float *dc1 = dp1 + R2 * C1, *packed = dc1 + R1 * C1;
  windows(B, n1, 1, x, cols1);
  product(R1, C1, 9, cols1, 9, 1, k1, C1, 1, c1, packed);
  bias_relu(R1, C1, c1, b1);
  pool(B, n1, C1, c1, p1);
  windows(B, n2, C1, p1, cols2);
  product(R2, C2, 9 * C1, cols2, 9 * C1, 1, k2, C2, 1, c2, packed);
  bias_relu(R2, C2, c2, b2);
  pool(B, n2, C2, c2, p2);
  product(B, OUT, F, p2, F, 1, wd, OUT, 1, z, packed);
  double loss = 0;
  for (int r = 0; r < B; r++) {
    float top = -1e30f, total = 0;
    for (int c = 0; c < OUT; c++) {
      z[r * OUT + c] += bd[c];
      top = z[r * OUT + c] > top ? z[r * OUT + c] : top;
    }
    for (int c = 0; c < OUT; c++) total += dz[r * OUT + c] = exp1(z[r * OUT + c] - top);
    loss += top + log1(total);
    for (int c = 0; c < OUT; c++) {
      loss -= y[r * OUT + c] * z[r * OUT + c];
      dz[r * OUT + c] = (dz[r * OUT + c] / total - y[r * OUT + c]) / B;
    }
  }
  *l = (float)(loss / B);
  product(F, OUT, B, p2, 1, F, dz, OUT, 1, dwd, packed);
  column_sums(B, OUT, dz, dbd);
  product(B, F, OUT, dz, OUT, 1, wd, 1, OUT, dp2, packed);
  pool_back(B, n2, C2, c2, p2, dp2, dc2);
  product(9 * C1, C2, R2, cols2, 1, 9 * C1, dc2, C2, 1, dk2, packed);
  column_sums(R2, C2, dc2, db2);
  product(R2, 9 * C1, C2, dc2, C2, 1, k2, 1, C2, dcols2, packed);
  from_windows(B, n2, C1, dcols2, dp1);
  pool_back(B, n1, C1, c1, p1, dp1, dc1);
  product(9, C1, R1, cols1, 1, 9, dc1, C1, 1, dk1, packed);
  column_sums(R1, C1, dc1, db1);
}
