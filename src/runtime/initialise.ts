import type { Dims, Initialiser, TypedArray } from "./types.js";

/** Values drawn at a time. What makes words and what makes values of them are short loops, which engines compile soon. */
const BLOCK = 512;

/**
 * Start values, drawn on the host in f64: key (seed, FNV-1a of the name), counter (row-major position, 0). So a
 * param's values depend on its own name and shape only, and are the same on every backend. The compiler has worked out
 * the name's hash and, from fans, the spread. `turn` makes values of two words each.
 */
function draw(
  values: TypedArray,
  seed: number,
  key: number,
  turn: (words: Int32Array, values: TypedArray) => void,
): void {
  const words = new Int32Array(2 * BLOCK);
  for (let at = 0; at < values.length; at += BLOCK) {
    const block = values.subarray(at, at + BLOCK);
    threefry(words, at, block.length, seed, key);
    turn(words, block);
  }
}

/**
 * Threefry-2x32, 20 rounds: Salmon, Moraes, Dror, Shaw, Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011). Pure
 * integer arithmetic, so the words are the same bits on every engine.
 */
export function threefry(words: Int32Array, from: number, count: number, seed: number, key: number): void {
  const keys = [seed, key, seed ^ key ^ 0x1bd11bda, seed, key, seed ^ key ^ 0x1bd11bda, seed];
  for (let i = 0; i < count; i++) {
    let x0 = (from + i + seed) | 0;
    let x1 = key | 0;
    for (let group = 1; group < 6; group++) {
      const r = group & 1;
      x0 = (x0 + x1) | 0;
      x1 = (r ? (x1 << 13) | (x1 >>> 19) : (x1 << 17) | (x1 >>> 15)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = (r ? (x1 << 15) | (x1 >>> 17) : (x1 << 29) | (x1 >>> 3)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = (r ? (x1 << 26) | (x1 >>> 6) : (x1 << 16) | (x1 >>> 16)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = (r ? (x1 << 6) | (x1 >>> 26) : (x1 << 24) | (x1 >>> 8)) ^ x0;
      x0 = (x0 + keys[group]!) | 0;
      x1 = (x1 + keys[group + 1]! + group) | 0;
    }
    words[2 * i] = x0;
    words[2 * i + 1] = x1;
  }
}

/** In [lo, hi), which may depend on the dims. */
export const uniform =
  (key: number, range: (dims: Dims) => readonly [lo: number, hi: number]): Initialiser =>
  (all, seed, dims) => {
    const [lo, hi] = range(dims);
    draw(all, seed, key, (words, values) => {
      for (let i = 0; i < values.length; i++) values[i] = lo + (hi - lo) * ((words[2 * i]! >>> 8) / 2 ** 24);
    });
  };

/** Box and Muller: std sqrt(-2 log u) cos(2 pi v) with u in (0, 1] and v in [0, 1), not truncated. */
export const normal =
  (key: number, spread: (dims: Dims) => number): Initialiser =>
  (all, seed, dims) => {
    const std = spread(dims);
    draw(all, seed, key, (words, values) => normals(words, values, std));
  };

/**
 * Of 24 bits of each word. The series (minimax, below 1e-17 of their values) cost a third of what calls of log and cos
 * do, and are compiled with the loop.
 */
export function normals(words: Int32Array, values: TypedArray, std: number): void {
  for (let i = 0; i < values.length; i++) {
    // u = 2^(k - 24) m / p, where m / p is between the roots of 1/2 and 2, and its logarithm 2 atanh(s).
    const m = (words[2 * i]! >>> 8) + 1;
    const k = 31 - Math.clz32(m * Math.SQRT2);
    const p = 1 << k;
    const s = (m - p) / (m + p);
    const z = s * s;
    let atanh = 0.3069383 + z * 0.289047;
    atanh = 0.4444443873 + z * (0.36364727 + z * atanh);
    atanh = s * (4 + z * (4 / 3 + z * (4 / 5 + z * (4 / 7 + z * atanh))));
    // The cosine of an angle is the sine of what it lacks of a right one, either side of 0.
    const x = (2 ** 22 - Math.abs(words[2 * i + 1]! >> 8)) * (Math.PI / 2 ** 23);
    const y = x * x;
    let sine = 1.60589571e-10 - y * (7.643413e-13 - y * 2.72535e-15);
    sine = 0.00019841269841239 - y * (2.755731921567e-6 - y * (2.5052107249e-8 - y * sine));
    sine = x * (1 - y * (1 / 6 - y * (0.00833333333333329 - y * sine)));
    values[i] = std * Math.sqrt((24 - k) * (2 * Math.LN2) - atanh) * sine;
  }
}

/** 1 on the diagonal of the matrix [rest, last]. */
export const eye: Initialiser = (values, _, __, shape) => {
  const last = shape.at(-1) ?? 1;
  for (let i = 0; i < last && i * (last + 1) < values.length; i++) values[i * (last + 1)] = 1;
};

/**
 * The Q of QR with R's diagonal positive, of a normal matrix [rest, last]; of a wide matrix that of its transpose.
 * Gram–Schmidt twice over is as good as Householder's (Giraud, Langou, Rozložník 2005) and has that sign by itself.
 */
export const orthogonal =
  (key: number): Initialiser =>
  (values, seed, dims, shape) => {
    const matrix = new Float64Array(values.length);
    normal(key, () => 1)(matrix, seed, dims, shape);
    const columns = shape.at(-1) ?? 1;
    const rows = columns && values.length / columns;
    const [length, count, along, across] =
      rows >= columns ? [rows, columns, columns, 1] : [columns, rows, 1, columns];
    const dot = (a: number, b: number): number => {
      let total = 0;
      for (let i = 0; i < length; i++)
        total += matrix[a * across + i * along]! * matrix[b * across + i * along]!;
      return total;
    };
    for (let v = 0; v < count; v++) {
      for (let pass = 0; pass < 2; pass++)
        for (let w = 0; w < v; w++) {
          const overlap = dot(v, w);
          for (let i = 0; i < length; i++)
            matrix[v * across + i * along]! -= overlap * matrix[w * across + i * along]!;
        }
      const norm = Math.sqrt(dot(v, v));
      for (let i = 0; i < length; i++) matrix[v * across + i * along]! /= norm;
    }
    values.set(matrix);
  };
