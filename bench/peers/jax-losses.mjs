import { numpy as np, nn, lax } from "@jax-js/jax";

// The workloads in jax-js. An array that is used again is taken by `.ref`: each use consumes one reference.

const crossEntropy = (z, y) => nn.logsumexp(z.ref, 1).sub(y.mul(z).sum(1)).mean();
const square = (x) => x.ref.mul(x);
const rsqrt = (x) => np.reciprocal(np.sqrt(x));

/** NHWC with HWIO kernels, as the language has them; jax-js convolves NCHW with OIHW. */
function convolved(x, kernel, bias) {
  const channels = bias.shape[0];
  const y = lax.convGeneralDilated(x, kernel.transpose([3, 2, 0, 1]), [1, 1], "SAME");
  return nn.relu(y.add(bias.reshape([1, channels, 1, 1])));
}
function pooled(x) {
  const [B, C, H, W] = x.shape;
  return x.reshape([B, C, H / 2, 2, W / 2, 2]).max([3, 5]);
}

function layerNorm(x, gain, shift) {
  const centred = x.ref.sub(x.mean(-1, { keepdims: true }));
  const variance = square(centred.ref).mean(-1, { keepdims: true });
  return centred
    .mul(rsqrt(variance.add(1e-5)))
    .mul(gain)
    .add(shift);
}
function gelu(x) {
  const inner = x.ref.add(x.ref.mul(x.ref).mul(x.ref).mul(0.044715)).mul(0.7978845608028654);
  return x.mul(0.5).mul(np.tanh(inner).add(1));
}
function transformerBlock(p, { x, t }) {
  const [B, T, D] = x.shape;
  const [H, E] = [4, D / 4];
  const rows = x.reshape([B * T, D]);
  const n1 = layerNorm(rows.ref, p.g1, p.be1);
  const qkv = np.matmul(n1, p.wqkv).add(p.bqkv).reshape([B, T, 3, H, E]).transpose([2, 0, 3, 1, 4]);
  const [q, k, v] = [qkv.ref.slice(0), qkv.ref.slice(1), qkv.slice(2)];
  const weight = nn.softmax(np.matmul(q, k.transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(E)), -1);
  const mixed = np
    .matmul(weight, v)
    .transpose([0, 2, 1, 3])
    .reshape([B * T, D]);
  const y1 = rows.add(np.matmul(mixed, p.wo)).add(p.bo);
  const n2 = layerNorm(y1.ref, p.g2, p.be2);
  const m = gelu(np.matmul(n2, p.wm1).add(p.bm1));
  const y = y1.add(np.matmul(m, p.wm2)).add(p.bm2);
  return square(y.sub(t.reshape([B * T, D]))).mean();
}

/** Written out: jax-js has no loop that can be differentiated. */
function trajectory(th, obs, u, v, steps, dt) {
  const rate = [0, 1, 2, 3].map((k) => th.ref.slice(k));
  th.dispose();
  const field = (x, y) => {
    const xy = x.ref.mul(y.ref);
    return [rate[0].ref.mul(x).sub(rate[1].ref.mul(xy.ref)), rate[3].ref.mul(xy).sub(rate[2].ref.mul(y))];
  };
  const along = (x, k, h) => x.ref.add(k.ref.mul(h));
  const combined = (x, [k1, k2, k3, k4]) =>
    x.add(
      k1
        .add(k2.mul(2))
        .add(k3.mul(2))
        .add(k4)
        .mul(dt / 6),
    );
  let loss = null;
  const distance = (x, wanted) => square(x.ref.sub(wanted)).mean();
  for (let t = 0; t < steps; t++) {
    const [a1, c1] = field(u.ref, v.ref);
    const [a2, c2] = field(along(u, a1, dt / 2), along(v, c1, dt / 2));
    const [a3, c3] = field(along(u, a2, dt / 2), along(v, c2, dt / 2));
    const [a4, c4] = field(along(u, a3, dt), along(v, c3, dt));
    u = combined(u, [a1, a2, a3, a4]);
    v = combined(v, [c1, c2, c3, c4]);
    const here = distance(u, obs.ref.slice(t, 0)).add(distance(v, obs.ref.slice(t, 1)));
    loss = loss ? loss.add(here) : here;
  }
  for (const x of [u, v, obs, ...rate]) x.dispose();
  return loss.mul(1 / (2 * steps));
}

/** (params, data) → the loss; both consumed. */
export const LOSSES = {
  W1: ({ x, a, b, c }) =>
    np
      .tanh(a.mul(x.ref).add(b))
      .mul(nn.sigmoid(c.mul(x.ref)))
      .add(np.exp(square(x).neg()))
      .mean(),
  W2(p, { x, y }) {
    const h = nn.relu(np.matmul(x, p.w1).add(p.b1));
    const g = nn.relu(np.matmul(h, p.w2).add(p.b2));
    return crossEntropy(np.matmul(g, p.w3).add(p.b3), y);
  },
  W3: ({ A, B }, { G }) => np.matmul(A, B).mul(G).sum(),
  W4(p, { x, y }) {
    const [B, H, W] = x.shape;
    const p1 = pooled(convolved(x.reshape([B, 1, H, W]), p.k1, p.b1));
    const p2 = pooled(convolved(p1, p.k2, p.b2));
    const flat = p2.transpose([0, 2, 3, 1]).reshape([B, (H / 4) * (W / 4) * 16]);
    return crossEntropy(np.matmul(flat, p.wd).add(p.bd), y);
  },
  W5: transformerBlock,
  W6a({ p }) {
    const [x, y] = [p.ref.slice(0), p.slice(1)];
    return square(x.ref.mul(-1).add(1)).add(square(y.sub(square(x))).mul(100));
  },
  W6b({ w, b }, { X, y }) {
    const z = np.matmul(X, w).add(b);
    return nn.softplus(z.ref).sub(y.mul(z)).mean();
  },
  W7({ pos }, { m }) {
    const N = m.shape[0];
    const offset = pos.ref.reshape([N, 1, 3]).sub(pos.reshape([1, N, 3]));
    const inverse = rsqrt(square(offset).sum(-1).add(0.0025));
    return m.ref
      .reshape([N, 1])
      .mul(m.reshape([1, N]))
      .mul(inverse)
      .sum()
      .mul(-0.5);
  },
  W8: ({ th }, { obs }) => trajectory(th, obs, np.array(1), np.array(1), 200, 0.05),
  W8b: ({ th }, { obs, u0, v0 }) => trajectory(th, obs, u0, v0, 200, 0.05),
  W9({ X }, { G }) {
    return nn.softmax(X.ref, -1).mul(G).sum(-1).add(nn.logsumexp(X, -1)).mean();
  },
};
