#include "product.h"

static void bias_relu(int B, int J, float *h, const float *b) {
  for (int r = 0; r < B; r++)
    for (int j = 0; j < J; j += 4) store(h + r * J + j, larger(splat(0), add(load(h + r * J + j), load(b + j))));
}
static void relu_back(int n, float *dh, const float *h) {
  for (int k = 0; k < n; k += 4) store(dh + k, wasm_v128_and(load(dh + k), wasm_f32x4_gt(load(h + k), splat(0))));
}
static void column_sums(int R, int C, const float *from, float *to) {
  for (int c = 0; c < C; c++) to[c] = 0;
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c++) to[c] += from[r * C + c];
}

// The sizes are the program's: B rows, 784-256-128-10.
void W2(const float *x, const float *y, const float *w1, const float *b1, const float *w2, const float *b2,
        const float *w3, const float *b3, float *dw1, float *db1, float *dw2, float *db2, float *dw3, float *db3,
        float *l, float *scratch, int B) {
  enum { I = 784, H = 256, J = 128, C = 10 };
  float *h = scratch, *g = h + B * H, *z = g + B * J, *dz = z + B * C + 8, *dg = dz + B * C + 8, *dh = dg + B * J;
  float *packed = dh + B * H;
  product(B, H, I, x, I, 1, w1, H, 1, h, packed);
  bias_relu(B, H, h, b1);
  product(B, J, H, h, H, 1, w2, J, 1, g, packed);
  bias_relu(B, J, g, b2);
  product(B, C, J, g, J, 1, w3, C, 1, z, packed);
  double loss = 0;
  for (int r = 0; r < B; r++) {
    float top = -1e30f, total = 0;
    for (int c = 0; c < C; c++) {
      z[r * C + c] += b3[c];
      top = z[r * C + c] > top ? z[r * C + c] : top;
    }
    for (int c = 0; c < C; c++) total += dz[r * C + c] = exp1(z[r * C + c] - top);
    loss += top + log1(total);
    for (int c = 0; c < C; c++) {
      loss -= y[r * C + c] * z[r * C + c];
      dz[r * C + c] = (dz[r * C + c] / total - y[r * C + c]) / B;
    }
  }
  *l = (float)(loss / B);
  product(J, C, B, g, 1, J, dz, C, 1, dw3, packed);
  column_sums(B, C, dz, db3);
  product(B, J, C, dz, C, 1, w3, 1, C, dg, packed);
  relu_back(B * J, dg, g);
  product(H, J, B, h, 1, H, dg, J, 1, dw2, packed);
  column_sums(B, J, dg, db2);
  product(B, H, J, dg, J, 1, w2, 1, J, dh, packed);
  relu_back(B * H, dh, h);
  product(I, H, B, x, 1, I, dh, H, 1, dw1, packed);
  column_sums(B, H, dh, db1);
}
