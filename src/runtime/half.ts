/** The value of IEEE 754 binary16 bits. */
export function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * 2 ** (Math.max(exponent, 1) - 25) * (fraction + (exponent ? 1024 : 0));
}

/** The bits of the nearest binary16, ties to even. */
export function floatToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.min(Math.abs(value), 65536);
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  // Adding 2^52 rounds to an integer, ties to even, as any double addition does.
  const units = size / 2 ** (exponent - 10) + 2 ** 52 - 2 ** 52;
  // The implicit bit of a normal number is the 1 that its exponent is short of here.
  return sign | Math.min((exponent + 14) * 1024 + units, 0x7c00);
}
