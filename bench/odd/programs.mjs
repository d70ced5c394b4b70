// Programs beside the workloads, each at sizes that suit no tile or vector and at the next ones that do.

/**
 * @typedef {object} Odd
 * @property {string} source
 * @property {Record<string, string>} param names to dims, by which the tensors are filled
 * @property {Record<string, string>} data
 * @property {Record<string, number>} dims
 * @property {[Record<string, number>, Record<string, number>][]} sizes pairs: dims that differ from `dims`, and what they
 *   are held against
 * @property {number} [scale] of the params; default 1 / sqrt of the first dim
 */

/** @type {Record<string, Odd>} */
export const PROGRAMS = {
  product: {
    source: `
dim M, K, N
param A: f32[M, K], B: f32[K, N]
input G: f32[M, N]
C[m, n] = sum[k] A[m, k] * B[k, n]
loss l = sum[m, n] C[m, n] * G[m, n]`,
    param: { A: "M K", B: "K N" },
    data: { G: "M N" },
    dims: { M: 128, K: 128, N: 128 },
    sizes: [
      ...[
        [63, 64],
        [65, 72],
        [127, 128],
        [509, 512],
        [1000, 1024],
      ].map(([odd, even]) => [
        { M: odd, K: odd, N: odd },
        { M: even, K: even, N: even },
      ]),
      [{ M: 1 }, { M: 128 }],
      [{ N: 1 }, { N: 128 }],
      [{ K: 3 }, { K: 128 }],
    ],
  },
  dense: {
    source: `
dim B, I, H, C
input x: f32[B, I], y: f32[B, C]
param w1: f32[I, H], b1: f32[H], w2: f32[H, C], b2: f32[C]
h[b, j] = relu(sum[i] x[b, i] * w1[i, j] + b1[j])
z[b, c] = sum[j] h[b, j] * w2[j, c] + b2[c]
loss l = mean[b] (logsumexp[c] z[b, c] - sum[c] y[b, c] * z[b, c])`,
    param: { w1: "I H", b1: "H", w2: "H C", b2: "C" },
    data: { x: "B I", y: "B C" },
    dims: { B: 64, I: 256, H: 128, C: 16 },
    sizes: [
      [{ B: 63 }, { B: 64 }],
      [{ B: 1 }, { B: 64 }],
      [{ B: 1000 }, { B: 64 }],
      [{ I: 251 }, { I: 256 }],
      [{ H: 127 }, { H: 128 }],
      [{ C: 10 }, { C: 16 }],
    ],
  },
  softmax: {
    source: `
dim R, K
param X: f32[R, K]
input G: f32[R, K]
p[r, k] = softmax[k] X[r, k]
loss l = mean[r] sum[k] p[r, k] * G[r, k]`,
    param: { X: "R K" },
    data: { G: "R K" },
    dims: { R: 256, K: 1024 },
    scale: 3,
    sizes: [
      [{ K: 1000 }, { K: 1024 }],
      [{ K: 1021 }, { K: 1024 }],
      [{ R: 4, K: 65536 }, {}],
      [{ R: 65536, K: 4 }, {}],
    ],
  },
  attention: {
    source: `
dim B, T, H, E
param q: f32[B, T, H, E], k: f32[B, T, H, E], v: f32[B, T, H, E]
input g: f32[B, T, H, E]
score[b, h, s, r] = (sum[e] q[b, s, h, e] * k[b, r, h, e]) / sqrt(E)
weight[b, h, s, r] = softmax[r] score[b, h, s, r]
y[b, s, h, e] = sum[r] weight[b, h, s, r] * v[b, r, h, e]
loss l = mean[b, s, h, e] y[b, s, h, e] * g[b, s, h, e]`,
    param: { q: "B T H E", k: "B T H E", v: "B T H E" },
    data: { g: "B T H E" },
    dims: { B: 2, T: 64, H: 4, E: 32 },
    scale: 1,
    sizes: [
      [{ T: 63 }, { T: 64 }],
      [{ E: 31 }, { E: 32 }],
      [{ B: 1, T: 512, H: 1 }, {}],
    ],
  },
  lstm: {
    source: `
dim B, T, I, H
input x: f32[B, T, I]
param Wi: f32[4, I, H], Wh: f32[4, H, H], bias: f32[4, H]
rec t in 0..T {
  h[0, n in 0..B, j in 0..H] = 0
  c[0, n in 0..B, j in 0..H] = 0
  g[t, n, k, j] = sum[i] x[n, t, i] * Wi[k, i, j] + sum[m] h[t, n, m] * Wh[k, m, j] + bias[k, j]
  c[t + 1, n, j] = sigmoid(g[t, n, 1, j]) * c[t, n, j] + sigmoid(g[t, n, 0, j]) * tanh(g[t, n, 2, j])
  h[t + 1, n, j] = sigmoid(g[t, n, 3, j]) * tanh(c[t + 1, n, j])
}
loss l = mean[n in 0..B, j in 0..H] h[T, n, j]^2`,
    param: { Wi: "4 I H", Wh: "4 H H", bias: "4 H" },
    data: { x: "B T I" },
    dims: { B: 16, T: 16, I: 64, H: 64 },
    scale: 0.2,
    sizes: [
      [{ H: 63 }, { H: 64 }],
      [{ B: 13 }, { B: 16 }],
      [{ T: 128 }, { T: 16 }],
      [{ B: 1 }, { B: 16 }],
    ],
  },
  mixture: {
    source: `
dim N, K, D
input X: f32[N, D]
param alpha: f32[K], mu: f32[K, D], rho: f32[K, D]
log_weight[k] = log_softmax[k] alpha[k]
sigma[k, d] = softplus(rho[k, d])
log_density[n, k] = log_weight[k] - sum[d] (0.5 * ((X[n, d] - mu[k, d]) / sigma[k, d])^2 + log(sigma[k, d]))
loss l = -mean[n] logsumexp[k] log_density[n, k]`,
    param: { alpha: "K", mu: "K D", rho: "K D" },
    data: { X: "N D" },
    dims: { N: 1024, K: 8, D: 8 },
    scale: 1,
    sizes: [
      [{ N: 1000 }, { N: 1024 }],
      [{ K: 7 }, { K: 8 }],
      [{ D: 7 }, { D: 8 }],
      [{ K: 3, D: 2 }, {}],
    ],
  },
  stencil: {
    source: `
dim N, S
param u0: f32[N, N], k: f32
rec t in 0..S {
  u[0, i, j] = u0[i, j]
  u[t + 1, i, j] = u[t, i, j] + k * ((u[t, i - 1, j] ?? 0) + (u[t, i + 1, j] ?? 0) + (u[t, i, j - 1] ?? 0) + (u[t, i, j + 1] ?? 0) - 4 * u[t, i, j])
}
loss l = mean[i in 0..N, j in 0..N] u[S, i, j]^2`,
    param: { u0: "N N", k: "" },
    data: {},
    dims: { N: 64, S: 10 },
    scale: 0.2,
    sizes: [
      [{ N: 63 }, { N: 64 }],
      [{ N: 65 }, { N: 72 }],
      [{ N: 255, S: 10 }, { N: 64 }],
      [{ S: 100 }, { S: 10 }],
    ],
  },
  conv1d: {
    source: `
dim B, L, C, O, K = 5
input x: f32[B, L, C]
param w: f32[K, C, O], bias: f32[O]
y[b, u in 0..L, o] = relu(sum[k, c] (x[b, u + k - 2, c] ?? 0) * w[k, c, o] + bias[o])
loss l = mean[b, u, o] y[b, u, o]^2`,
    param: { w: "5 C O", bias: "O" },
    data: { x: "B L C" },
    dims: { B: 8, L: 256, C: 16, O: 32 },
    scale: 0.2,
    sizes: [
      [{ L: 255 }, { L: 256 }],
      [{ O: 31 }, { O: 32 }],
      [{ C: 1 }, { C: 16 }],
      [{ B: 1, L: 2048 }, {}],
    ],
  },
  depthwise: {
    source: `
dim B, H, C, K = 3
input x: f32[B, H, H, C]
param w: f32[K, K, C]
y[b, u in 0..H, v in 0..H, c] = sum[p, q] (x[b, u + p - 1, v + q - 1, c] ?? 0) * w[p, q, c]
loss l = mean[b, u, v, c] silu(y[b, u, v, c])`,
    param: { w: "3 3 C" },
    data: { x: "B H H C" },
    dims: { B: 4, H: 32, C: 16 },
    scale: 0.3,
    sizes: [
      [{ H: 31 }, { H: 32 }],
      [{ C: 17 }, { C: 24 }],
      [{ C: 3 }, { C: 16 }],
      [{ C: 128, H: 12 }, {}],
    ],
  },
  chain: {
    source: `
dim N
param x: f32[N], a: f32
input g: f32[N]
loss l = mean[n] g[n] * tanh(a * x[n])`,
    param: { x: "N", a: "" },
    data: { g: "N" },
    dims: { N: 100_000 },
    scale: 1,
    sizes: [
      [{ N: 99_991 }, { N: 100_000 }],
      [{ N: 1 }, { N: 4 }],
      [{ N: 4_000_000 }, { N: 100_000 }],
    ],
  },
  particles: {
    source: `
dim N
param pos: f32[N, 3]
input m: f32[N]
r2[i, j] = sum[a] (pos[i, a] - pos[j, a])^2
loss l = -0.5 * sum[i, j] m[i] * m[j] * rsqrt(r2[i, j] + 0.0025)`,
    param: { pos: "N 3" },
    data: { m: "N" },
    dims: { N: 512 },
    scale: 1,
    sizes: [
      [{ N: 509 }, { N: 512 }],
      [{ N: 2048 }, { N: 512 }],
    ],
  },
};
