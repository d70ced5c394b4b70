import type { Kernel } from "../../src/schedule/kernel/ir.js";
import { argmax, elementwise, guardedWindow, integerGather, reduction, tiledProduct } from "./kernels.js";

export type Data = Float32Array | Int32Array | Uint32Array | Uint8Array;
/** A kernel with data for its buffers (results are filled with 99, which no kernel leaves) and its sizes. */
export interface Run {
  readonly kernel: Kernel;
  readonly buffers: readonly Data[];
  readonly sizes: readonly number[];
  readonly expected: readonly (readonly number[])[];
}

const wave = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(i * 1.7) * 2);
const blank = (length: number): Float32Array => new Float32Array(length).fill(99);

/** c = a b in double. */
function product(m: number, n: number, k: number): Run {
  const a = wave(m * k);
  const b = wave(k * n);
  const c = Array.from({ length: m * n }, (_, at) => {
    let sum = 0;
    for (let p = 0; p < k; p++) sum += (a[Math.floor(at / n) * k + p] ?? NaN) * (b[p * n + (at % n)] ?? NaN);
    return sum;
  });
  return { kernel: tiledProduct(4), buffers: [a, b, blank(m * n)], sizes: [m, n, k], expected: [c] };
}

export const RUNS: readonly Run[] = [
  {
    kernel: elementwise,
    buffers: [Float32Array.of(1, 4, 0, -3, 0.5), Float32Array.of(2), blank(5)],
    sizes: [5],
    expected: [[0, 2 * Math.log(4), -1, 2, 2 * Math.log(0.5)]],
  },
  {
    kernel: reduction,
    buffers: [Float32Array.of(1, 2, 3, 4, 5, 6), Float32Array.of(0, 1, -1), blank(2)],
    sizes: [2, 3],
    expected: [[5, 14]],
  },
  product(4, 4, 3),
  product(6, 9, 5),
  product(70, 33, 4),
  {
    kernel: guardedWindow,
    buffers: [Float32Array.of(1, 2, 3, 4), blank(4)],
    sizes: [4],
    expected: [[3, 6, 9, 7]],
  },
  {
    kernel: argmax,
    buffers: [
      Float32Array.of(0, 2, 2, -1, -2, -3),
      new Int32Array(2).fill(99),
      blank(2),
      new Uint8Array(2).fill(99),
    ],
    sizes: [2, 3],
    expected: [
      [1, 0],
      [2, -1],
      [1, 0],
    ],
  },
  {
    kernel: argmax,
    buffers: [new Float32Array(1), new Int32Array(1).fill(99), blank(1), new Uint8Array(1).fill(99)],
    sizes: [1, 0],
    expected: [[0], [-Infinity], [0]],
  },
  {
    kernel: integerGather,
    buffers: [
      Int32Array.of(-4, 2147483647, 7),
      Uint32Array.of(2, 0, 1),
      Uint8Array.of(1, 1, 0, 1, 1, 1),
      new Int32Array(6).fill(99),
    ],
    sizes: [6],
    expected: [[1, 4, -2, 2, 1, 4]],
  },
];
