#include "product.h"

void W3(const float *A, const float *B, const float *G, float *C, float *dA, float *dB, float *l, float *scratch, int M,
        int K, int N) {
  product(M, N, K, A, K, 1, B, N, 1, C, scratch);
  double loss = 0;
  for (int m = 0; m < M; m++) {
    f4 s = splat(0);
    for (int n = 0; n < N; n += 4) s = mul_add(load(C + m * N + n), load(G + m * N + n), s);
    loss += lane_sum(s);
  }
  *l = (float)loss;
  product(M, K, N, G, N, 1, B, 1, N, dA, scratch);
  product(K, N, M, A, 1, K, G, N, 1, dB, scratch);
}
