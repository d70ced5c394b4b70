export interface Digits {
  readonly count: number;
  /** Pixels in [0, 1], 784 an image. */
  readonly x: Float32Array;
  readonly label: Int32Array;
}
export function loadDigits(): { train: Digits; test: Digits };
/** 0..n-1 in an order drawn from `seed`. */
export function shuffled(n: number, seed: number): number[];
