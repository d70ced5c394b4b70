/**
 * Threefry-2x32, 20 rounds: Salmon, Moraes, Dror, Shaw, Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011).
 * Pure integer arithmetic, so the words are the same bits on every engine. Known answer for zero key and counter:
 * 6b200159 99ba4efe.
 */
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];

/** Both words, unsigned. */
export function threefry2x32(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
): [number, number] {
  const keys = [key0, key1, key0 ^ key1 ^ 0x1bd11bda];
  let x0 = (counter0 + key0) | 0;
  let x1 = (counter1 + key1) | 0;
  for (let round = 0; round < 20;) {
    const r = ROTATIONS[round % 8]!;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << r) | (x1 >>> (32 - r))) ^ x0;
    if (++round % 4 === 0) {
      const group = round / 4;
      x0 = (x0 + keys[group % 3]!) | 0;
      x1 = (x1 + keys[(group + 1) % 3]! + group) | 0;
    }
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** 32-bit FNV-1a of the name's UTF-8 bytes. */
export function fnv1a(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
