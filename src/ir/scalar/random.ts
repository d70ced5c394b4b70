/**
 * Threefry-2x32, 20 rounds: Salmon, Moraes, Dror, Shaw, Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011), table 2
 * for the rotations. Pure integer arithmetic, so the words are the same bits on every engine.
 */
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const PARITY = 0x1bd11bda;

export function threefry2x32(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
): [number, number] {
  const keys = [key0 | 0, key1 | 0, key0 ^ key1 ^ PARITY] as const;
  let x0 = (counter0 + keys[0]) | 0;
  let x1 = (counter1 + keys[1]) | 0;
  for (let round = 0; round < 20; round++) {
    const r = ROTATIONS[round % 8] ?? 0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << r) | (x1 >>> (32 - r))) ^ x0;
    if (round % 4 === 3) {
      const group = (round + 1) / 4;
      x0 = (x0 + (keys[group % 3] ?? 0)) | 0;
      x1 = (x1 + (keys[(group + 1) % 3] ?? 0) + group) | 0;
    }
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** Pairs of subscripts, padded with 0, are counters one after the other; each pair's words are the next one's key. */
export function randomWords(seed: number, subscripts: readonly number[]): [number, number] {
  let words: [number, number] = [seed, 0];
  for (let k = 0; k === 0 || k < subscripts.length; k += 2)
    words = threefry2x32(words[0], words[1], subscripts[k] ?? 0, subscripts[k + 1] ?? 0);
  return words;
}
/** Uniform in [0, 1), a multiple of 2^-24. */
export function rand(seed: number, ...subscripts: number[]): number {
  return (randomWords(seed, subscripts)[0] >>> 8) * 2 ** -24;
}
/** Box and Muller: sqrt(-2 log u) cos(2 pi v), u from the first word and in (0, 1], v from the second and in [0, 1). */
export function randn(seed: number, ...subscripts: number[]): number {
  const [x0, x1] = randomWords(seed, subscripts);
  const u = ((x0 >>> 8) + 1) * 2 ** -24;
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * (x1 >>> 8) * 2 ** -24);
}
