import { exp, softplus } from "./math.mjs";

export function create(
  { w: { data: w0 }, b: { data: b0 } },
  { X: { data: X }, y: { data: y } },
  { steps, rate },
) {
  const w = new Float32Array(w0.length);
  const b = new Float32Array(1);
  const dw = new Float64Array(w0.length);
  const loss = new Float64Array(1);
  const run = () => {
    w.set(w0);
    b.set(b0);
    for (let k = 0; k < steps; k++) loss[0] = step(w, b, dw, X, y, rate);
  };
  return { run, results: { w, b } };
}

function step(w, b, dw, X, y, rate) {
  const D = w.length,
    N = y.length;
  let db = 0,
    l = 0;
  dw.fill(0);
  for (let n = 0; n < N; n++) {
    let z = b[0];
    for (let d = 0; d < D; d++) z += X[n * D + d] * w[d];
    l += softplus(z) - y[n] * z;
    const dz = (1 / (1 + exp(-z)) - y[n]) / N;
    db += dz;
    for (let d = 0; d < D; d++) dw[d] += dz * X[n * D + d];
  }
  for (let d = 0; d < D; d++) w[d] -= rate * dw[d];
  b[0] -= rate * db;
  return l / N;
}
