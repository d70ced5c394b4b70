import type { DType } from "../expr.js";
import { isFloat, isInteger } from "../expr.js";

/**
 * Conversions, by the language's rules: float to integer towards zero, saturating, NaN to 0; integers wrap; bool to
 * 0 or 1; to bool is "not 0". A float becomes the nearest narrower one.
 */
export function castValue(from: DType, to: DType, x: number): number {
  if (to === "bool") return Number(x !== 0);
  if (isInteger(to)) {
    if (!isFloat(from)) return to === "u32" ? x >>> 0 : x | 0;
    if (Number.isNaN(x)) return 0;
    const [least, greatest] = to === "u32" ? [0, 4294967295] : [-2147483648, 2147483647];
    return Math.min(Math.max(Math.trunc(x), least), greatest) + 0;
  }
  return to === "f32" ? Math.fround(x) : to === "f16" ? toHalf(x) : x;
}
/** The nearest half-precision number, ties to even. */
function toHalf(x: number): number {
  const a = Math.abs(x);
  if (!(a < 65520)) return a > 0 ? Math.sign(x) * Infinity : x;
  const unit = Math.max(2 ** -24, 2 ** (Math.floor(Math.log2(a)) - 10));
  const steps = a / unit;
  const low = Math.floor(steps);
  const up = steps - low > 0.5 || (steps - low === 0.5 && low % 2 === 1);
  return Math.sign(x) * unit * (up ? low + 1 : low);
}

/** JavaScript: f32 expressions are computed in double, so a conversion to f32 rounds only from f64. */
export function castJs(from: DType, to: DType, text: string): string {
  if (from === to) return text;
  if (to === "bool") return `(${text} !== 0)`;
  if (from === "bool") return `(${text} ? 1 : 0)`;
  if (isInteger(to))
    return isFloat(from) ? `gradc_to_${to}(${text})` : `(${text} ${to === "u32" ? ">>> 0" : "| 0"})`;
  if (to === "f16") return `gradc_to_f16(${text})`;
  return to === "f32" && from === "f64" ? `Math.fround(${text})` : text;
}

/** WGSL. There is no f64. */
export function castWgsl(from: DType, to: DType, text: string): string {
  if (from === to) return text;
  if (isInteger(to) && isFloat(from)) return `gradc_to_${to}(${from === "f16" ? `f32(${text})` : text})`;
  return `${to}(${text})`;
}
