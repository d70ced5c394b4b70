export interface Example {
  readonly title: string;
  readonly source: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly dims?: Readonly<Record<string, number>>;
}

/** Values without a pattern that a mistake could hide behind: the fractions of k times the golden ratio. */
const spread = (n: number, scale = 2): number[] =>
  Array.from(
    { length: n },
    (_, k) => Math.round((((k + 1) * 0.6180339887) % 1) * 2000 - 1000) * (scale / 1000),
  );
const matrix = (rows: number, columns: number): number[][] => {
  const flat = spread(rows * columns);
  return Array.from({ length: rows }, (_, r) => flat.slice(r * columns, (r + 1) * columns));
};
const whole = (n: number, below: number): number[] =>
  Array.from({ length: n }, (_, k) => (k * 7 + 3) % below);

const x = { x: spread(7) };
const m = { x: matrix(5, 7) };

/** Small programs over what the language has, for engines to be compared on. */
export const EXAMPLES: readonly Example[] = [
  {
    title: "elementwise",
    source: "dim N input x: f32[N] output y[i] = sin(x[i]) * exp(-x[i]^2) + tanh(x[i])",
    inputs: x,
  },
  {
    title: "of no elements",
    source: "dim N input x: f32[N] output y[i] = 2 * x[i] output s = sum[i] x[i] output p = prod[i] x[i]",
    inputs: { x: [] },
  },
  {
    title: "of one element",
    source: "dim N input x: f32[N] output y[i] = 2 * x[i] loss s = sum[i] x[i]^2",
    inputs: { x: [1.5] },
  },
  {
    title: "scalars only",
    source: "input a: f32, b: f32 param w: f32 = 0.5 loss l = (a * w - b)^2",
    inputs: { a: 2, b: -0.75 },
  },
  {
    title: "row and column sums",
    source: "dim N, M input x: f32[N, M] output r[i] = sum[j] x[i, j] output c[j] = mean[i] x[i, j]",
    inputs: m,
  },
  {
    title: "max, min, prod",
    source:
      "dim N, M input x: f32[N, M] output a[i] = max[j] x[i, j] output b[j] = min[i] x[i, j] output p[i] = prod[j] x[i, j]",
    inputs: m,
  },
  {
    title: "argmax and argmin, the first of equals",
    source: "dim N, M input x: f32[N, M] output a[i] = argmax[j] x[i, j] output b[i] = argmin[j] x[i, j]",
    inputs: {
      x: [
        [1, 3, 3],
        [2, 2, 2],
        [-1, 0, -1],
      ],
    },
  },
  {
    title: "any and all",
    source:
      "dim N, M input x: f32[N, M] output a[i] = any[j] (x[i, j] > 1.5) output b[i] = all[j] (x[i, j] > -1.9)",
    inputs: m,
  },
  {
    title: "a matrix product with ragged tiles",
    source: "dim N, K, M input x: f32[N, K], y: f32[K, M] output z[i, j] = sum[k] x[i, k] * y[k, j]",
    inputs: { x: matrix(5, 7), y: matrix(7, 6) },
  },
  {
    title: "a product and its gradient",
    source:
      "dim N, K, M input x: f32[N, K] param w: f32[K, M] = normal(0.5) h[i, j] = relu(sum[k] x[i, k] * w[k, j]) loss l = sum[i, j] h[i, j]^2",
    inputs: m,
    dims: { M: 3 },
  },
  {
    title: "a window with padding",
    source:
      "dim N input x: f32[N] param w: f32[3] = [0.25, 0.5, -1] output y[i in 0..N] = sum[k] (x[i + k - 1] ?? 0) * w[k] loss l = sum[i] y[i]^2",
    inputs: x,
  },
  {
    title: "a convolution and its gradient",
    source:
      "dim H, W input x: f32[H, W] param k: f32[3, 3] = normal(0.5) y[i in 0..H - 2, j in 0..W - 2] = sum[u, v] x[i + u, j + v] * k[u, v] loss l = mean[i, j] relu(y[i, j])",
    inputs: m,
  },
  {
    title: "strided pooling",
    source: "input x: f32[8] output y[i in 0..4] = max[k in 0..2] x[2 * i + k] loss l = sum[i] y[i]^2",
    inputs: { x: spread(8) },
  },
  {
    title: "a transposed, reversed read",
    source: "dim N, M input x: f32[N, M] output y[j, i in 0..N] = x[N - 1 - i, j]",
    inputs: m,
  },
  {
    title: "a gather",
    source:
      "dim N, V, D input k: i32[N] in 0..V param e: f32[V, D] = normal(1) output y[i, d] = e[k[i], d] loss l = sum[i, d] y[i, d]^2",
    inputs: { k: whole(9, 5) },
    dims: { V: 5, D: 3 },
  },
  {
    title: "a gather with padding",
    source: "dim N, V input k: i32[N], x: f32[V] output y[i] = x[k[i]] ?? -1",
    inputs: { k: [-2, 0, 3, 9, 2], x: spread(4) },
  },
  {
    title: "a gather by argmax",
    source: "dim N, M input x: f32[N, M] output y[i] = x[i, argmax[j] x[i, j]]",
    inputs: m,
  },
  {
    title: "softmax",
    source:
      "dim N, M input x: f32[N, M] param b: f32[M] = normal(1) p[i, j] = softmax[j] (x[i, j] + b[j]) output p loss l = sum[i, j] p[i, j]^2",
    inputs: m,
  },
  {
    title: "softmax under a guard",
    source:
      "dim N, M input x: f32[N, M] param b: f32[M] = normal(1) output p[i, j] = softmax[j | j <= i] (x[i, j] * b[j]) loss l = sum[i, j] p[i, j]^2",
    inputs: m,
  },
  {
    title: "logsumexp and log_softmax",
    source:
      "dim N, M input x: f32[N, M] param b: f32[M] = normal(1) output y[i] = logsumexp[j] (x[i, j] + b[j]) output q[i, j] = log_softmax[j] x[i, j] loss l = sum[i] y[i]",
    inputs: m,
  },
  {
    title: "logsumexp where everything is shut out",
    source: "dim N input x: f32[N] output y = logsumexp[i | x[i] > 100] x[i]",
    inputs: x,
  },
  {
    title: "cumsum and cumprod",
    source:
      "dim N, M input x: f32[N, M] param b: f32[M] = normal(1) output y[i, j] = cumsum[j] (x[i, j] * b[j]) output z[i, j] = cumprod[j] x[i, j] loss l = sum[i, j] y[i, j]^2",
    inputs: m,
  },
  {
    title: "guarded sums",
    source:
      "dim N input x: f32[N] param w: f32[N] = ones() output y[i in 0..N] = sum[j | j < i and x[j] > 0] x[j] * w[j] loss l = sum[i] y[i]^2",
    inputs: x,
  },
  {
    title: "branches that keep NaN out",
    source:
      "dim N input x: f32[N] param w: f32[N] = normal(1) output y[i] = if x[i] > 0 then log(x[i]) * w[i] else 0 loss l = sum[i] (if w[i] > 0 then sqrt(w[i]) else 0)",
    inputs: x,
  },
  {
    title: "integer arithmetic",
    source:
      "dim N input a: i32[N], b: i32[N] output q[i] = a[i] / b[i] output r[i] = a[i] % b[i] output s[i] = a[i] * b[i] - a[i] output g[i] = max(a[i], b[i])",
    inputs: { a: [7, -7, 7, -7, 5, 0], b: [2, 2, -2, -2, 0, 3] },
  },
  {
    title: "u32 in and out",
    source: "dim N input a: u32[N] output b[i] = a[i] * a[i]",
    inputs: { a: [0, 1, 65535, 3, 7] },
  },
  {
    title: "bools in and out",
    source:
      "dim N input a: bool[N], b: bool[N] output c[i] = a[i] and not b[i] output d = any[i] a[i] output n = sum[i] (if a[i] then 1 else 0)",
    inputs: { a: [true, false, true], b: [false, false, true] },
  },
  {
    title: "indices as numbers",
    source: "dim N input x: f32[N] output y[i] = x[i] * (i - N / 2)",
    inputs: { x: spread(8) },
  },
  {
    title: "random values",
    source:
      "dim N, M input s: i32 output u[i in 0..N, j in 0..M] = rand(s)[i, j] output g[i in 0..N] = randn(s + 1)[i]",
    inputs: { s: 42 },
    dims: { N: 3, M: 5 },
  },
  {
    title: "reshape and concat",
    source: "dim N input a: f32[N, 6], b: f32[N] r = reshape(a, [N * 6]) output r output c = concat[i](b, r)",
    inputs: { a: matrix(2, 6), b: spread(2) },
  },
  {
    title: "a scalar recurrence",
    source:
      "dim T input x: f32[T] param a: f32 = 0.9 rec t in 0..T { z[0] = 1 z[t + 1] = a * z[t] + x[t] } output z loss l = z[T]^2",
    inputs: x,
  },
  {
    title: "a recurrence of no steps",
    source: "dim T input x: f32[T] rec t in 0..T { z[0] = 1 z[t + 1] = z[t] + x[t] } output z",
    inputs: { x: [] },
  },
  {
    title: "a recurrence of a batch",
    source:
      "dim T, B, H input x: f32[T, B] param w: f32[H, H] = normal(0.5) rec t in 0..T { h[0, b in 0..B, j in 0..H] = 0 h[t + 1, b, j] = tanh(x[t, b] + sum[k] h[t, b, k] * w[k, j]) } output h loss l = sum[b, j] h[T, b, j]^2",
    inputs: { x: matrix(4, 3) },
    dims: { H: 5 },
  },
  {
    title: "a recurrence that runs downwards",
    source: "dim T input x: f32[T] rec t in T..0 { z[T] = 0 z[t] = 0.5 * z[t + 1] + x[t] } output z",
    inputs: x,
  },
  {
    title: "two quantities that recur together",
    source:
      "dim T input x: f32[T] param w: f32 = 0.3 rec t in 0..T { a[0] = 1 b[0] = 0 a[t + 1] = a[t] - w * b[t] b[t + 1] = b[t] + w * a[t + 1] * x[t] } output a, b loss l = a[T] * b[T]",
    inputs: x,
  },
  {
    title: "a recurrence computed again by segments",
    source:
      "dim T, B, H input x: f32[T, B] param w: f32[H, H] = normal(0.5) rec t in 0..T checkpoint sqrt { h[0, b in 0..B, j in 0..H] = 0 h[t + 1, b, j] = tanh(x[t, b] + sum[k] h[t, b, k] * w[k, j]) } loss l = sum[b, j] h[T, b, j]^2",
    inputs: { x: matrix(7, 3) },
    dims: { H: 4 },
  },
  {
    title: "scalars computed again by segments, independent of each other",
    source:
      "dim T, N input x: f32[T, N] param w: f32[N] = normal(0.5) rec t in T..0 checkpoint 3 { a[T, i] = w[i] a[t, i] = sin(a[t + 1, i] * x[t, i]) } loss l = sum[i] a[0, i]^2 + 0.1 * sum[t in 0..T, i] a[t, i]^3",
    inputs: { x: matrix(7, 3) },
  },
  {
    title: "second derivatives",
    source:
      "dim N input x: f32[N] param w: f32[N] = normal(1) e = sum[i] sin(w[i] * x[i])^2 g = grad(e, w) output g loss l = sum[i] g[i]^2",
    inputs: x,
  },
  {
    title: "many inputs of one equation",
    source:
      "dim N input a: f32[N], b: f32[N], c: f32[N], d: f32[N], e: f32[N], f: f32[N], g: f32[N], h: f32[N], k: f32[N], l: f32[N] output y[i] = a[i] * b[i] + c[i] * d[i] - e[i] * f[i] + g[i] * h[i] - k[i] * l[i]",
    inputs: Object.fromEntries("abcdefghkl".split("").map((name, n) => [name, spread(7, n + 1)])),
  },
  {
    title: "a long sum",
    source: "dim N input x: f32[N] output s = sum[i] x[i] output a = argmax[i] x[i] output t = max[i] x[i]",
    inputs: { x: spread(20_000) },
  },
  {
    title: "long rows",
    source: "dim N, M input x: f32[N, M] output s[i] = sum[j] x[i, j]^2 output a[i] = argmin[j] x[i, j]",
    inputs: { x: matrix(3, 4000) },
  },
];
