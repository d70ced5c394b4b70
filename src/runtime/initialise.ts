import { fnv1a, threefry2x32 } from "./threefry.js";
import type { InitialiserData } from "./types.js";

/**
 * Start values, drawn on the host in f64: key (seed, FNV-1a of the name), counter (row-major position, 0). So a
 * param's values depend on its own name and shape only, and are the same on every backend.
 *
 * fan_in is the product of all axes but the last, fan_out the last times all axes but the last two; with one axis
 * both are its size. He et al., Delving Deep into Rectifiers (2015); Glorot, Bengio (2010). Normals are not truncated.
 */
export function initialValues(
  init: InitialiserData,
  shape: readonly number[],
  name: string,
  seed: number,
  fanInGiven?: number,
): Float64Array {
  const length = shape.reduce((a, b) => a * b, 1);
  const last = shape.at(-1) ?? 1;
  const values = new Float64Array(length);
  const key = fnv1a(name);
  const fill = (draw: (x0: number, x1: number) => number): Float64Array => {
    for (let i = 0; i < length; i++) values[i] = draw(...threefry2x32(seed, key, i, 0));
    return values;
  };
  const uniform = (lo: number, hi: number): Float64Array =>
    fill((x0) => lo + (hi - lo) * ((x0 >>> 8) * 2 ** -24));
  // Box and Muller, with u in (0, 1] and v in [0, 1).
  const normal = (std: number): Float64Array =>
    fill((x0, x1) => {
      const u = ((x0 >>> 8) + 1) * 2 ** -24;
      return std * Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * (x1 >>> 8) * 2 ** -24);
    });
  const single = shape.length < 2;
  const fanIn = Math.max(1, fanInGiven ?? (single ? last : product(shape.slice(0, -1))));
  const fanOut = single ? last : last * product(shape.slice(0, -2));
  switch (init.kind) {
    case "fill":
      return values.fill(init.value);
    case "values":
      values.set(init.data);
      return values;
    case "normal":
      return normal(init.b);
    case "uniform":
      return uniform(init.a, init.b);
    case "he_normal":
      return normal(Math.sqrt(2 / fanIn));
    case "he_uniform":
      return uniform(-Math.sqrt(6 / fanIn), Math.sqrt(6 / fanIn));
    case "glorot_normal":
      return normal(Math.sqrt(2 / Math.max(1, fanIn + fanOut)));
    case "glorot_uniform": {
      const bound = Math.sqrt(6 / Math.max(1, fanIn + fanOut));
      return uniform(-bound, bound);
    }
    case "eye":
      for (let i = 0; i < last && i * last + i < length; i++) values[i * last + i] = 1;
      return values;
    case "orthogonal":
      return orthonormalise(normal(1), last ? length / last : 0, last);
  }
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/**
 * The Q of QR with R's diagonal positive, of the matrix [rows, columns]; of a wide matrix that of its transpose.
 * Gram–Schmidt twice over is as good as Householder's (Giraud, Langou, Rozložník 2005) and has that sign by itself.
 */
function orthonormalise(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const tall = rows >= columns;
  const [length, count, along, across] = tall ? [rows, columns, columns, 1] : [columns, rows, 1, columns];
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
  return matrix;
}
