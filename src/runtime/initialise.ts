import type { Dims, Initialiser, TypedArray } from "./types.js";

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];

/**
 * Start values, drawn on the host in f64: key (seed, FNV-1a of the name), counter (row-major position, 0). So a
 * param's values depend on its own name and shape only, and are the same on every backend. The compiler has worked out
 * the name's hash and, from fans, the spread.
 *
 * Threefry-2x32, 20 rounds: Salmon, Moraes, Dror, Shaw, Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011). Pure
 * integer arithmetic, so the words are the same bits on every engine.
 */
export function draw(
  values: TypedArray,
  seed: number,
  key: number,
  value: (x0: number, x1: number) => number,
): void {
  const keys = [seed, key, seed ^ key ^ 0x1bd11bda];
  for (let i = 0; i < values.length; i++) {
    let x0 = (i + seed) | 0;
    let x1 = key | 0;
    for (let round = 0; round < 20;) {
      const r = ROTATIONS[round & 7]!;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << r) | (x1 >>> (32 - r))) ^ x0;
      if (++round & 3) continue;
      const group = round >> 2;
      x0 = (x0 + keys[group % 3]!) | 0;
      x1 = (x1 + keys[(group + 1) % 3]! + group) | 0;
    }
    values[i] = value(x0, x1);
  }
}

/** In [lo, hi), which may depend on the dims. */
export const uniform =
  (key: number, range: (dims: Dims) => readonly [lo: number, hi: number]): Initialiser =>
  (values, seed, dims) => {
    const [lo, hi] = range(dims);
    draw(values, seed, key, (x0) => lo + (hi - lo) * ((x0 >>> 8) / 2 ** 24));
  };

/** Box and Muller, with u in (0, 1] and v in [0, 1); not truncated. */
export const normal =
  (key: number, spread: (dims: Dims) => number): Initialiser =>
  (values, seed, dims) => {
    const std = spread(dims);
    draw(values, seed, key, (x0, x1) => {
      const u = ((x0 >>> 8) + 1) / 2 ** 24;
      return std * Math.sqrt(-2 * Math.log(u)) * Math.cos((2 * Math.PI * (x1 >>> 8)) / 2 ** 24);
    });
  };

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
