// Seeded inputs that every contender shares.
// element i of stream `seed`: v = (fmix32(fmix32(seed)+i) >>> 8) / 2^23 - 1, in [-1, 1), exact in f32;
// result = fround(v*scale + offset), computed in f64 and rounded once.
export function fmix(h) {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}
export function gen(seed, n, scale = 1, offset = 0) {
  const base = fmix(seed),
    out = new Float32Array(n);
  for (let i = 0; i < n; i++) out[i] = ((fmix((base + i) | 0) >>> 8) / 8388608 - 1) * scale + offset;
  return out;
}
export function labels(seed, n, k) {
  const base = fmix(seed),
    out = new Int32Array(n);
  for (let i = 0; i < n; i++) out[i] = (fmix((base + i) | 0) >>> 8) % k;
  return out;
}
export function onehot(lab, k) {
  const o = new Float32Array(lab.length * k);
  lab.forEach((l, i) => {
    o[i * k + l] = 1;
  });
  return o;
}
const s = Math.sqrt,
  f = Math.fround;
const T = (shape, data) => ({ shape, data });
const g = (seed, shape, scale, offset) =>
  T(
    shape,
    gen(
      seed,
      shape.reduce((a, b) => a * b, 1),
      scale,
      offset,
    ),
  );
// Every entry: {param: {...}, data: {...}}: gradients are asked for everything in `param`.
export const inputs = {
  W1() {
    return {
      param: {
        a: T([], new Float32Array([0.7])),
        b: T([], new Float32Array([0.1])),
        c: T([], new Float32Array([1.3])),
        x: g(101, [1e6], 2),
      },
      data: {},
    };
  },
  W2() {
    return {
      param: {
        w1: g(202, [784, 256], s(6 / 784)),
        b1: g(203, [256], 0.1),
        w2: g(204, [256, 128], s(6 / 256)),
        b2: g(205, [128], 0.1),
        w3: g(206, [128, 10], s(6 / 128)),
        b3: g(207, [10], 0.1),
      },
      data: { x: g(201, [64, 784], 0.5, 0.5), y: T([64, 10], onehot(labels(208, 64, 10), 10)) },
    };
  },
  W3() {
    return { param: { A: g(301, [512, 512]), B: g(302, [512, 512]) }, data: { G: g(303, [512, 512]) } };
  },
  W4() {
    return {
      param: {
        k1: g(402, [3, 3, 1, 8], s(6 / 9)),
        b1: g(403, [8], 0.1),
        k2: g(404, [3, 3, 8, 16], s(6 / 72)),
        b2: g(405, [16], 0.1),
        wd: g(406, [784, 10], s(6 / 784)),
        bd: g(407, [10], 0.1),
      },
      data: { x: g(401, [32, 28, 28, 1], 0.5, 0.5), y: T([32, 10], onehot(labels(408, 32, 10), 10)) },
    };
  },
  W5() {
    return {
      param: {
        g1: g(502, [128], 0.1, 1),
        be1: g(503, [128], 0.1),
        wqkv: g(504, [128, 384], s(3 / 128)),
        bqkv: g(505, [384], 0.1),
        wo: g(506, [128, 128], s(3 / 128)),
        bo: g(507, [128], 0.1),
        g2: g(508, [128], 0.1, 1),
        be2: g(509, [128], 0.1),
        wm1: g(510, [128, 512], s(3 / 128)),
        bm1: g(511, [512], 0.1),
        wm2: g(512, [512, 128], s(3 / 512)),
        bm2: g(513, [128], 0.1),
      },
      data: { x: g(501, [4, 64, 128], s(3)), t: g(514, [4, 64, 128]) },
    };
  },
  W6a() {
    return { param: { p: T([2], new Float32Array([-1.2, 1])) }, data: {}, lr: 1e-3, steps: 1000 };
  },
  W6b() {
    const lab = labels(602, 100, 2);
    return {
      param: { w: g(603, [10], 0.1), b: T([], new Float32Array([0])) },
      data: { X: g(601, [100, 10], s(3)), y: T([100], Float32Array.from(lab)) },
      lr: 0.1,
      steps: 1000,
    };
  },
  W7() {
    return { param: { pos: g(701, [512, 3]) }, data: { m: g(702, [512], 0.5, 1) } };
  },
  W8() {
    const th = [1.4, 0.9, 2.9, 1.1],
      dt = 0.05;
    let u = 1,
      v = 1;
    const obs = new Float32Array(400);
    const F = (u, v) => [th[0] * u - th[1] * u * v, th[3] * u * v - th[2] * v];
    for (let i = 0; i < 200; i++) {
      const [a1, c1] = F(u, v),
        [a2, c2] = F(u + (dt / 2) * a1, v + (dt / 2) * c1),
        [a3, c3] = F(u + (dt / 2) * a2, v + (dt / 2) * c2),
        [a4, c4] = F(u + dt * a3, v + dt * c3);
      u += (dt / 6) * (a1 + 2 * a2 + 2 * a3 + a4);
      v += (dt / 6) * (c1 + 2 * c2 + 2 * c3 + c4);
      obs[2 * i] = u;
      obs[2 * i + 1] = v;
    }
    return {
      param: { th: T([4], new Float32Array([1.5, 1.0, 3.0, 1.0])) },
      data: { obs: T([200, 2], obs) },
    };
  },
  // the same ODE, 1024 trajectories at once (initial conditions differ, parameters shared)
  W8b() {
    const r = inputs.W8();
    return { ...r, data: { ...r.data, u0: g(801, [1024], 0.5, 1), v0: g(802, [1024], 0.5, 1) } };
  },
  W9() {
    return { param: { X: g(901, [4096, 1024], 4) }, data: { G: g(902, [4096, 1024]) } };
  },
};
