import { columnSums, crossEntropy } from "./dense.mjs";
import { product, transpose } from "./product.mjs";

export function create({ w1, b1, w2, b2, w3, b3 }, { x: { data: x }, y: { data: y } }) {
  const [I, H] = w1.shape;
  const [J, C] = w3.shape;
  const B = x.length / I;
  const [h, dh] = [new Float32Array(B * H), new Float32Array(B * H)];
  const [g, dg] = [new Float32Array(B * J), new Float32Array(B * J)];
  const [z, dz] = [new Float32Array(B * C), new Float32Array(B * C)];
  const [w2t, w3t] = [new Float32Array(H * J), new Float32Array(J * C)];
  const results = {
    ...Object.fromEntries(
      Object.entries({ w1, b1, w2, b2, w3, b3 }).map(([k, t]) => [k, new Float32Array(t.data.length)]),
    ),
    l: new Float64Array(1),
  };
  const run = () => {
    product(B, H, I, x, I, 1, w1.data, h);
    biasRelu(B, H, h, b1.data);
    product(B, J, H, h, H, 1, w2.data, g);
    biasRelu(B, J, g, b2.data);
    product(B, C, J, g, J, 1, w3.data, z);
    results.l[0] = crossEntropy(B, C, z, b3.data, y, dz);
    // weights: the activations' transpose times the cotangent
    product(J, C, B, g, 1, J, dz, results.w3);
    columnSums(B, C, dz, results.b3);
    product(B, J, C, dz, C, 1, transpose(J, C, w3.data, w3t), dg);
    reluBack(dg, g);
    product(H, J, B, h, 1, H, dg, results.w2);
    columnSums(B, J, dg, results.b2);
    product(B, H, J, dg, J, 1, transpose(H, J, w2.data, w2t), dh);
    reluBack(dh, h);
    product(I, H, B, x, 1, I, dh, results.w1);
    columnSums(B, H, dh, results.b1);
  };
  return { run, results };
}

function biasRelu(B, J, h, b) {
  for (let r = 0; r < B; r++) for (let j = 0; j < J; j++) h[r * J + j] = Math.max(0, h[r * J + j] + b[j]);
}

function reluBack(dh, h) {
  for (let k = 0; k < h.length; k++) if (!(h[k] > 0)) dh[k] = 0;
}
