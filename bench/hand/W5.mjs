import { exp } from "./math.mjs";
import { product, transpose } from "./product.mjs";
import { columnSums } from "./dense.mjs";

const HEADS = 4;

export function create(params, { x: { data: x, shape }, t: { data: target } }) {
  const [B, T, D] = shape;
  const [E, R] = [D / HEADS, B * T];
  const M = params.bm1.data.length;
  const w = Object.fromEntries(Object.entries(params).map(([name, p]) => [name, p.data]));
  const room = (size) => new Float32Array(size);
  const results = { l: new Float64Array(1) };
  for (const name of Object.keys(w)) results[name] = room(w[name].length);
  const [norm1, norm2] = [new LayerNorm(R, D), new LayerNorm(R, D)];
  const [qkv, dqkv, P] = [room(R * 3 * D), room(R * 3 * D), room(B * HEADS * T * T)];
  const [mixed, dmixed, y1, y, dn] = Array.from({ length: 5 }, () => room(R * D));
  const [m0, m, dm, slope] = Array.from({ length: 4 }, () => room(R * M));
  const turned = room(D * M);
  const heads = new Heads(T, D, E);
  const eachHead = (visit) => {
    for (let b = 0; b < B; b++)
      for (let h = 0; h < HEADS; h++)
        visit(b * T * 3 * D + h * E, (b * HEADS + h) * T * T, b * T * D + h * E);
  };
  const run = () => {
    norm1.forward(x, w.g1, w.be1);
    product(R, 3 * D, D, norm1.y, D, 1, w.wqkv, qkv);
    addRows(qkv, w.bqkv);
    eachHead((at, weights, to) => heads.forward(qkv, at, P, weights, mixed, to));
    product(R, D, D, mixed, D, 1, w.wo, y1);
    addRows(y1, w.bo);
    for (let k = 0; k < y1.length; k++) y1[k] += x[k];
    norm2.forward(y1, w.g2, w.be2);
    product(R, M, D, norm2.y, D, 1, w.wm1, m0);
    addRows(m0, w.bm1);
    gelu(m0, m, slope);
    product(R, D, M, m, M, 1, w.wm2, y);
    addRows(y, w.bm2);
    let loss = 0;
    for (let k = 0; k < y.length; k++) {
      const e = y[k] + y1[k] - target[k];
      loss += e * e;
      y[k] = (2 * e) / y.length; // y becomes its cotangent
    }
    results.l[0] = loss / y.length;
    product(M, D, R, m, 1, M, y, results.wm2);
    columnSums(R, D, y, results.bm2);
    product(R, M, D, y, D, 1, transpose(M, D, w.wm2, turned), dm);
    for (let k = 0; k < dm.length; k++) dm[k] *= slope[k];
    product(D, M, R, norm2.y, 1, D, dm, results.wm1);
    columnSums(R, M, dm, results.bm1);
    product(R, D, M, dm, M, 1, transpose(D, M, w.wm1, turned), dn);
    norm2.backward(dn, w.g2, results.g2, results.be2, y); // y is now the cotangent of y1
    product(D, D, R, mixed, 1, D, y, results.wo);
    columnSums(R, D, y, results.bo);
    product(R, D, D, y, D, 1, transpose(D, D, w.wo, turned), dmixed);
    eachHead((at, weights, to) => heads.backward(qkv, at, P, weights, dmixed, to, dqkv));
    product(D, 3 * D, R, norm1.y, 1, D, dqkv, results.wqkv);
    columnSums(R, 3 * D, dqkv, results.bqkv);
    product(R, D, 3 * D, dqkv, 3 * D, 1, transpose(D, 3 * D, w.wqkv, turned), dn);
    norm1.backward(dn, w.g1, results.g1, results.be1, null);
  };
  return { run, results };
}

class LayerNorm {
  constructor(R, D) {
    this.D = D;
    this.normal = new Float32Array(R * D);
    this.inverse = new Float64Array(R);
    this.y = new Float32Array(R * D);
  }
  forward(x, gain, shift) {
    const { D, normal, inverse, y } = this;
    for (let r = 0, at = 0; r < inverse.length; r++, at += D) {
      let mean = 0,
        variance = 0;
      for (let d = 0; d < D; d++) mean += x[at + d];
      mean /= D;
      for (let d = 0; d < D; d++) variance += (x[at + d] - mean) * (x[at + d] - mean);
      const scale = (inverse[r] = 1 / Math.sqrt(variance / D + 1e-5));
      for (let d = 0; d < D; d++) {
        const n = (x[at + d] - mean) * scale;
        normal[at + d] = n;
        y[at + d] = n * gain[d] + shift[d];
      }
    }
  }
  /** The gradients of gain and shift; the cotangent of x is added to `dx` where that is given. */
  backward(dy, gain, dgain, dshift, dx) {
    const { D, normal, inverse } = this;
    dgain.fill(0);
    dshift.fill(0);
    for (let r = 0, at = 0; r < inverse.length; r++, at += D) {
      let mean = 0,
        along = 0;
      for (let d = 0; d < D; d++) {
        const c = dy[at + d],
          n = normal[at + d];
        dgain[d] += c * n;
        dshift[d] += c;
        mean += c * gain[d];
        along += c * gain[d] * n;
      }
      if (dx)
        for (let d = 0; d < D; d++)
          dx[at + d] += (dy[at + d] * gain[d] - mean / D - (normal[at + d] * along) / D) * inverse[r];
    }
  }
}

/** One head of attention at a time, within rows of q, k and v side by side. */
class Heads {
  constructor(T, D, E) {
    Object.assign(this, { T, D, E });
    this.part = new Float32Array(T * E);
    this.turned = new Float32Array(T * E);
    this.dP = new Float32Array(T * T);
    this.square = new Float32Array(T * T);
  }
  /** Rows of E entries of `from`, `stride` apart, as [T, E]. */
  gather(from, at, stride) {
    const { T, E, part } = this;
    for (let s = 0; s < T; s++) for (let e = 0; e < E; e++) part[s * E + e] = from[at + s * stride + e];
    return part;
  }
  scatter(to, at, stride) {
    const { T, E, part } = this;
    for (let s = 0; s < T; s++) for (let e = 0; e < E; e++) to[at + s * stride + e] = part[s * E + e];
  }
  forward(qkv, at, P, weights, mixed, to) {
    const { T, D, E, square, turned, part } = this;
    transpose(T, E, this.gather(qkv, at + D, 3 * D), turned);
    product(T, T, E, this.gather(qkv, at, 3 * D), E, 1, turned, square);
    for (let s = 0; s < T; s++) softmaxRow(square, s * T, T, 1 / Math.sqrt(E), P, weights + s * T);
    const own = P.subarray(weights, weights + T * T);
    const v = this.gather(qkv, at + 2 * D, 3 * D).slice();
    product(T, E, T, own, T, 1, v, part);
    this.scatter(mixed, to, D);
  }
  backward(qkv, at, P, weights, dmixed, from, dqkv) {
    const { T, D, E, dP, turned, part } = this;
    const own = P.subarray(weights, weights + T * T);
    transpose(T, E, this.gather(qkv, at + 2 * D, 3 * D), turned);
    const given = this.gather(dmixed, from, D).slice();
    product(T, T, E, given, E, 1, turned, dP);
    product(T, E, T, own, 1, T, given, part);
    this.scatter(dqkv, at + 2 * D, 3 * D);
    for (let s = 0; s < T; s++) {
      let mean = 0;
      for (let k = s * T; k < (s + 1) * T; k++) mean += own[k] * dP[k];
      for (let k = s * T; k < (s + 1) * T; k++) dP[k] = (own[k] * (dP[k] - mean)) / Math.sqrt(E);
    }
    product(T, E, T, dP, T, 1, this.gather(qkv, at + D, 3 * D).slice(), part);
    this.scatter(dqkv, at, 3 * D);
    product(T, E, T, dP, 1, T, this.gather(qkv, at, 3 * D).slice(), part);
    this.scatter(dqkv, at + D, 3 * D);
  }
}

function softmaxRow(from, at, count, scale, to, place) {
  let top = -Infinity,
    total = 0;
  for (let k = 0; k < count; k++) top = Math.max(top, from[at + k]);
  for (let k = 0; k < count; k++) total += to[place + k] = exp((from[at + k] - top) * scale);
  for (let k = 0; k < count; k++) to[place + k] /= total;
}

function addRows(y, bias) {
  for (let at = 0; at < y.length; at += bias.length)
    for (let c = 0; c < bias.length; c++) y[at + c] += bias[c];
}

function gelu(x, y, slope) {
  const a = 0.7978845608028654,
    b = 0.044715;
  for (let k = 0; k < x.length; k++) {
    const v = x[k];
    const t = 1 - 2 / (exp(2 * a * (v + b * v * v * v)) + 1);
    y[k] = 0.5 * v * (1 + t);
    slope[k] = 0.5 * (1 + t) + 0.5 * v * (1 - t * t) * a * (1 + 3 * b * v * v);
  }
}
