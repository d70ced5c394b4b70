import { DTypeError } from "../errors.js";

/** Arithmetic of 64-bit integers, wrapped on storing. Other functions of integers are computed in floats. */
export const BIG: Readonly<Record<string, (a: bigint, b: bigint) => bigint | number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  neg: (a) => -a,
  abs: (a) => (a < 0n ? -a : a),
  sign: (a) => (a > 0n ? 1n : a < 0n ? -1n : 0n),
  square: (a) => a * a,
  min: (a, b) => (a < b ? a : b),
  max: (a, b) => (a > b ? a : b),
  floor_div: (a, b) => (b === 0n ? 0n : (a - floorMod(a, b)) / b),
  mod: (a, b) => (b === 0n ? a : floorMod(a, b)),
  eq: (a, b) => Number(a === b),
  ne: (a, b) => Number(a !== b),
  lt: (a, b) => Number(a < b),
  le: (a, b) => Number(a <= b),
};
function floorMod(a: bigint, b: bigint): bigint {
  const r = a % b;
  return r !== 0n && r < 0n !== b < 0n ? r + b : r;
}

/** a^b by squaring, modulo 2^64 at each step. @throws DTypeError where b is negative */
export function bigPower(a: bigint, b: bigint): bigint {
  if (b < 0n) throw new DTypeError("integers have no negative powers; convert to a float first");
  let [power, square] = [1n, a];
  for (let left = b; left > 0n; left >>= 1n) {
    if (left & 1n) power = BigInt.asIntN(64, power * square);
    square = BigInt.asIntN(64, square * square);
  }
  return power;
}
