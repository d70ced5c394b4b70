// c[m, n] (+)= sum over k of a[m, k] * b[k, n]: both operands packed, 4×8 sums in registers.
#pragma once
#include "simd.h"

// Of the larger operand: rows of 4, or columns of 8, each with all its k.
static inline void pack_rows(int M, int K, const float *a, int am, int ak, float *to) {
  for (int m = 0; m < M; m += 4)
    for (int k = 0; k < K; k++)
      for (int r = 0; r < 4; r++) *to++ = m + r < M ? a[(m + r) * am + k * ak] : 0;
}
static inline void pack_columns(int n, int N, int K, const float *b, int bk, int bn, float *to) {
  for (int k = 0; k < K; k++)
    for (int c = 0; c < 8; c++) *to++ = n + c < N ? b[k * bk + (n + c) * bn] : 0;
}

static inline void tile(int K, const float *a, const float *b, f4 s[8]) {
  f4 s0 = splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  for (int k = 0; k < K; k++, a += 4, b += 8) {
    f4 y0 = load(b), y1 = load(b + 4), x = load_splat(a);
    s0 = mul_add(x, y0, s0), s1 = mul_add(x, y1, s1);
    x = load_splat(a + 1);
    s2 = mul_add(x, y0, s2), s3 = mul_add(x, y1, s3);
    x = load_splat(a + 2);
    s4 = mul_add(x, y0, s4), s5 = mul_add(x, y1, s5);
    x = load_splat(a + 3);
    s6 = mul_add(x, y0, s6), s7 = mul_add(x, y1, s7);
  }
  s[0] = s0, s[1] = s1, s[2] = s2, s[3] = s3, s[4] = s4, s[5] = s5, s[6] = s6, s[7] = s7;
}

// `scratch` holds (M + 3) * K + 8 * K floats. c is row-major.
static void product(int M, int N, int K, const float *a, int am, int ak, const float *b, int bk, int bn, float *c,
                    float *scratch) {
  float *columns = scratch, *rows = scratch + 8 * K;
  pack_rows(M, K, a, am, ak, rows);
  for (int n = 0; n < N; n += 8) {
    pack_columns(n, N, K, b, bk, bn, columns);
    for (int m = 0; m < M; m += 4) {
      f4 s[8];
      tile(K, rows + m * K, columns, s);
      for (int r = 0; r < 4 && m + r < M; r++) {
        float *to = c + (m + r) * N + n;
        if (n + 8 <= N) {
          store(to, s[2 * r]);
          store(to + 4, s[2 * r + 1]);
        } else {
          const float *from = (const float *)(s + 2 * r);
          for (int k = 0; k < N - n; k++) to[k] = from[k];
        }
      }
    }
  }
}
