import { product, transpose } from "./product.mjs";

export function create({ A: { data: A, shape }, B: { data: B, shape: other } }, { G: { data: G } }) {
  const [M, K] = shape;
  const N = other[1];
  const C = new Float32Array(M * N);
  const turned = new Float32Array(N * K);
  const results = { A: new Float32Array(M * K), B: new Float32Array(K * N), l: new Float64Array(1) };
  const run = () => {
    product(M, N, K, A, K, 1, B, C);
    let l = 0;
    for (let n = 0; n < C.length; n++) l += C[n] * G[n];
    results.l[0] = l;
    product(M, K, N, G, N, 1, transpose(K, N, B, turned), results.A);
    product(K, N, M, A, 1, K, G, results.B);
  };
  return { run, results };
}
