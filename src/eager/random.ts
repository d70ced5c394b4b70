import { randomWords } from "../ir/scalar/random.js";

/** A stream of random numbers: Threefry-2x32-20 of the seed and a counter, so the same on every machine. */
export class Generator {
  private count = 0;
  constructor(readonly seed: number) {}
  private words(): [number, number] {
    const at = this.count++;
    return randomWords(this.seed | 0, [at | 0, Math.floor(at / 2 ** 32)]);
  }
  /** In [0, 1), of 53 bits. */
  uniform(): number {
    const [high, low] = this.words();
    return ((high >>> 5) * 2 ** 26 + (low >>> 6)) * 2 ** -53;
  }
  /** Box and Muller's transform. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }
  /** An integer in 0 … n - 1. */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }
}
