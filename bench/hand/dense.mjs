import { exp } from "./math.mjs";

/** Sums over rows of a row-major [R, C]. */
export function columnSums(R, C, from, to) {
  to.fill(0);
  for (let r = 0; r < R; r++) for (let c = 0; c < C; c++) to[c] += from[r * C + c];
}

/** The mean over rows of logsumexp(z + b) - y·(z + b), and its gradient for z. */
export function crossEntropy(B, C, z, b, y, dz) {
  let loss = 0;
  for (let r = 0; r < B; r++) {
    const at = r * C;
    let top = -Infinity;
    for (let c = 0; c < C; c++) top = Math.max(top, (z[at + c] += b[c]));
    let total = 0;
    for (let c = 0; c < C; c++) {
      const e = exp(z[at + c] - top);
      dz[at + c] = e;
      total += e;
      loss -= y[at + c] * z[at + c];
    }
    loss += top + Math.log(total);
    for (let c = 0; c < C; c++) dz[at + c] = (dz[at + c] / total - y[at + c]) / B;
  }
  return loss / B;
}
