import { exp } from "./math.mjs";

export function create({ X: { data: X, shape } }, { G: { data: G } }) {
  const [R, K] = shape;
  const results = { X: new Float32Array(R * K), l: new Float64Array(1) };
  const run = () => {
    const dX = results.X;
    let l = 0;
    for (let at = 0; at < R * K; at += K) {
      let top = -Infinity;
      for (let k = at; k < at + K; k++) top = Math.max(top, X[k]);
      let total = 0,
        weighted = 0;
      for (let k = at; k < at + K; k++) {
        const e = exp(X[k] - top);
        dX[k] = e;
        total += e;
        weighted += e * G[k];
      }
      const mean = weighted / total;
      l += mean + top + Math.log(total);
      const scale = 1 / (total * R);
      for (let k = at; k < at + K; k++) dX[k] *= scale * (G[k] - mean + 1);
    }
    results.l[0] = l / R;
  };
  return { run, results };
}
