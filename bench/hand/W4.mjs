import { product, transpose } from "./product.mjs";
import { columnSums, crossEntropy } from "./dense.mjs";

// Convolutions as products with the windows written out: cols[row, 9 channels].

export function create({ k1, b1, k2, b2, wd, bd }, { x: { data: x, shape }, y: { data: y } }) {
  const [B, n1] = shape;
  const [C1, C2, OUT] = [b1.data.length, b2.data.length, bd.data.length];
  const [n2, n3] = [n1 / 2, n1 / 4];
  const [R1, R2, F] = [B * n1 * n1, B * n2 * n2, n3 * n3 * C2];
  const room = (size) => new Float32Array(size);
  const [cols1, c1, dc1] = [room(R1 * 9), room(R1 * C1), room(R1 * C1)];
  const [p1, dp1] = [room(R2 * C1), room(R2 * C1)];
  const [cols2, dcols2, c2, dc2] = [room(R2 * 9 * C1), room(R2 * 9 * C1), room(R2 * C2), room(R2 * C2)];
  const [p2, dp2, z, dz] = [room(B * F), room(B * F), room(B * OUT), room(B * OUT)];
  const [wdt, k2t] = [room(F * OUT), room(9 * C1 * C2)];
  const results = { l: new Float64Array(1) };
  for (const [name, t] of Object.entries({ k1, b1, k2, b2, wd, bd })) results[name] = room(t.data.length);
  const run = () => {
    windows(B, n1, 1, x, cols1);
    product(R1, C1, 9, cols1, 9, 1, k1.data, c1);
    biasRelu(C1, c1, b1.data);
    pool(B, n1, C1, c1, p1);
    windows(B, n2, C1, p1, cols2);
    product(R2, C2, 9 * C1, cols2, 9 * C1, 1, k2.data, c2);
    biasRelu(C2, c2, b2.data);
    pool(B, n2, C2, c2, p2);
    product(B, OUT, F, p2, F, 1, wd.data, z);
    results.l[0] = crossEntropy(B, OUT, z, bd.data, y, dz);
    product(F, OUT, B, p2, 1, F, dz, results.wd);
    columnSums(B, OUT, dz, results.bd);
    product(B, F, OUT, dz, OUT, 1, transpose(F, OUT, wd.data, wdt), dp2);
    poolBack(B, n2, C2, c2, p2, dp2, dc2);
    product(9 * C1, C2, R2, cols2, 1, 9 * C1, dc2, results.k2);
    columnSums(R2, C2, dc2, results.b2);
    product(R2, 9 * C1, C2, dc2, C2, 1, transpose(9 * C1, C2, k2.data, k2t), dcols2);
    fromWindows(B, n2, C1, dcols2, dp1);
    poolBack(B, n1, C1, c1, p1, dp1, dc1);
    product(9, C1, R1, cols1, 1, 9, dc1, results.k1);
    columnSums(R1, C1, dc1, results.b1);
  };
  return { run, results };
}

/** x: [B, n, n, channels], 3×3 windows, 0 outside. */
function windows(B, n, channels, x, cols) {
  let to = 0;
  for (let b = 0; b < B; b++)
    for (let u = 0; u < n; u++)
      for (let v = 0; v < n; v++)
        for (let p = u - 1; p <= u + 1; p++)
          for (let q = v - 1; q <= v + 1; q++) {
            const inside = p >= 0 && p < n && q >= 0 && q < n;
            const from = ((b * n + p) * n + q) * channels;
            for (let c = 0; c < channels; c++) cols[to++] = inside ? x[from + c] : 0;
          }
}

/** The adjoint. */
function fromWindows(B, n, channels, dcols, dx) {
  dx.fill(0);
  let from = 0;
  for (let b = 0; b < B; b++)
    for (let u = 0; u < n; u++)
      for (let v = 0; v < n; v++)
        for (let p = u - 1; p <= u + 1; p++)
          for (let q = v - 1; q <= v + 1; q++, from += channels) {
            if (p < 0 || p >= n || q < 0 || q >= n) continue;
            const to = ((b * n + p) * n + q) * channels;
            for (let c = 0; c < channels; c++) dx[to + c] += dcols[from + c];
          }
}

function biasRelu(channels, y, bias) {
  for (let at = 0; at < y.length; at += channels)
    for (let c = 0; c < channels; c++) y[at + c] = Math.max(0, y[at + c] + bias[c]);
}

/** The 2×2 maxima of [B, n, n, channels]. */
function pool(B, n, channels, x, to) {
  const below = n * channels;
  let k = 0;
  for (let b = 0; b < B; b++)
    for (let u = 0; u < n; u += 2)
      for (let v = 0; v < n; v += 2)
        for (let c = 0; c < channels; c++) {
          const at = ((b * n + u) * n + v) * channels + c;
          const top = Math.max(x[at], x[at + channels]);
          to[k++] = Math.max(top, x[at + below], x[at + below + channels]);
        }
}

/** Through the maxima (the first of equal ones) and relu. */
function poolBack(B, n, channels, x, top, dtop, dx) {
  const below = n * channels;
  dx.fill(0);
  let k = 0;
  for (let b = 0; b < B; b++)
    for (let u = 0; u < n; u += 2)
      for (let v = 0; v < n; v += 2)
        for (let c = 0; c < channels; c++, k++) {
          const at = ((b * n + u) * n + v) * channels + c;
          const m = top[k];
          if (m > 0)
            dx[
              x[at] === m
                ? at
                : x[at + channels] === m
                  ? at + channels
                  : x[at + below] === m
                    ? at + below
                    : at + below + channels
            ] = dtop[k];
        }
}
