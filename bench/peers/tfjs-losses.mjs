// The workloads in TensorFlow.js: `tf` and the inputs (params and data) → the loss.

const crossEntropy = (z, y) => z.logSumExp(1).sub(y.mul(z).sum(1)).mean();

function layerNorm(x, gain, shift) {
  const centred = x.sub(x.mean(-1, true));
  return centred.mul(centred.square().mean(-1, true).add(1e-5).rsqrt()).mul(gain).add(shift);
}
function gelu(x) {
  const inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(0.7978845608028654);
  return x.mul(0.5).mul(inner.tanh().add(1));
}
function transformerBlock(tf, p) {
  const [B, T, D] = p.x.shape;
  const [H, E] = [4, D / 4];
  const rows = p.x.reshape([B * T, D]);
  const n1 = layerNorm(rows, p.g1, p.be1);
  const qkv = n1.matMul(p.wqkv).add(p.bqkv).reshape([B, T, 3, H, E]).transpose([2, 0, 3, 1, 4]);
  const [q, k, v] = tf.unstack(qkv);
  const weight = tf
    .matMul(q, k, false, true)
    .mul(1 / Math.sqrt(E))
    .softmax();
  const mixed = tf
    .matMul(weight, v)
    .transpose([0, 2, 1, 3])
    .reshape([B * T, D]);
  const y1 = rows.add(mixed.matMul(p.wo)).add(p.bo);
  const m = gelu(layerNorm(y1, p.g2, p.be2).matMul(p.wm1).add(p.bm1));
  const y = y1.add(m.matMul(p.wm2)).add(p.bm2);
  return y
    .sub(p.t.reshape([B * T, D]))
    .square()
    .mean();
}

function trajectory(tf, th, obs, u, v, steps, dt) {
  const rate = tf.unstack(th);
  const wanted = tf.unstack(obs.reshape([2 * steps]));
  const field = (x, y) => {
    const xy = x.mul(y);
    return [rate[0].mul(x).sub(rate[1].mul(xy)), rate[3].mul(xy).sub(rate[2].mul(y))];
  };
  let loss = tf.scalar(0);
  const combined = (x, [k1, k2, k3, k4]) =>
    x.add(
      k1
        .add(k2.mul(2))
        .add(k3.mul(2))
        .add(k4)
        .mul(dt / 6),
    );
  for (let t = 0; t < steps; t++) {
    const [a1, c1] = field(u, v);
    const [a2, c2] = field(u.add(a1.mul(dt / 2)), v.add(c1.mul(dt / 2)));
    const [a3, c3] = field(u.add(a2.mul(dt / 2)), v.add(c2.mul(dt / 2)));
    const [a4, c4] = field(u.add(a3.mul(dt)), v.add(c3.mul(dt)));
    u = combined(u, [a1, a2, a3, a4]);
    v = combined(v, [c1, c2, c3, c4]);
    const here = u
      .sub(wanted[2 * t])
      .square()
      .mean();
    loss = loss.add(here).add(
      v
        .sub(wanted[2 * t + 1])
        .square()
        .mean(),
    );
  }
  return loss.mul(1 / (2 * steps));
}

export const LOSSES = {
  W1: (tf, { x, a, b, c }) =>
    a.mul(x).add(b).tanh().mul(c.mul(x).sigmoid()).add(x.square().neg().exp()).mean(),
  W2(tf, p) {
    const h = p.x.matMul(p.w1).add(p.b1).relu();
    const g = h.matMul(p.w2).add(p.b2).relu();
    return crossEntropy(g.matMul(p.w3).add(p.b3), p.y);
  },
  W3: (tf, { A, B, G }) => A.matMul(B).mul(G).sum(),
  W4(tf, p) {
    const p1 = tf.maxPool(tf.conv2d(p.x, p.k1, 1, "same").add(p.b1).relu(), 2, 2, "same");
    const p2 = tf.maxPool(tf.conv2d(p1, p.k2, 1, "same").add(p.b2).relu(), 2, 2, "same");
    return crossEntropy(p2.reshape([p.x.shape[0], -1]).matMul(p.wd).add(p.bd), p.y);
  },
  W5: transformerBlock,
  W6a(tf, { p }) {
    const [x, y] = tf.unstack(p);
    return tf.scalar(1).sub(x).square().add(y.sub(x.square()).square().mul(100));
  },
  W6b(tf, { X, y, w, b }) {
    const z = X.matMul(w.reshape([-1, 1]))
      .reshape([-1])
      .add(b);
    return z.softplus().sub(y.mul(z)).mean();
  },
  W7(tf, { pos, m }) {
    const N = m.shape[0];
    const offset = pos.reshape([N, 1, 3]).sub(pos.reshape([1, N, 3]));
    const inverse = offset.square().sum(-1).add(0.0025).rsqrt();
    return m
      .reshape([N, 1])
      .mul(m.reshape([1, N]))
      .mul(inverse)
      .sum()
      .mul(-0.5);
  },
  W8: (tf, { th, obs }) => trajectory(tf, th, obs, tf.scalar(1), tf.scalar(1), 200, 0.05),
  W8b: (tf, { th, obs, u0, v0 }) => trajectory(tf, th, obs, u0, v0, 200, 0.05),
  W9: (tf, { X, G }) => X.softmax().mul(G).sum(-1).add(X.logSumExp(-1)).mean(),
};
