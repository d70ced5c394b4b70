import type { DType } from "./dtype.js";
import type { Tensor } from "./tensor.js";

/** NumPy's print options as they are by default. */
const PRECISION = 8;
const LINE = 75;
const THRESHOLD = 1000;
const EDGE = 3;
/** From here on f32 has an exponent (NumPy since 2.3). */
const SINGLE_LARGE = 1e6;

type Word = (x: number | bigint) => string;

/** The fewest digits that read back as x, in JavaScript's exponential form, of f32 or of a double. */
function shortest(x: number, dtype: DType): string {
  if (dtype !== "f32") return x.toExponential();
  for (let digits = 0; digits < 9; digits++) {
    const text = rounded(x, digits);
    if (Math.fround(Number(text)) === x) return text;
  }
  return x.toExponential();
}
const trimmed = (text: string): string => text.replace(/0+$/, "");

/** `12.5`, `3.`: with a point always, and at most `precision` digits behind it. */
function positional(x: number, dtype: DType, precision = PRECISION): string {
  const [mantissa = "", power = "0"] = shortest(Math.abs(x), dtype).split("e");
  const digits = mantissa.replace(".", "");
  const point = Number(power) + 1;
  const sign = x < 0 || Object.is(x, -0) ? "-" : "";
  const fraction = point >= 0 ? digits.slice(point) : "0".repeat(-point) + digits;
  if (fraction.length > precision) return sign + trimmed(Math.abs(x).toFixed(precision));
  return `${sign}${point > 0 ? digits.slice(0, point).padEnd(point, "0") : "0"}.${trimmed(fraction)}`;
}
/** In exponential form with so many digits, halves to even; JavaScript rounds them away from 0. */
function rounded(x: number, digits: number): string {
  const text = x.toExponential(digits);
  const [mantissa = "", power = "0"] = x.toExponential(Math.min(100, digits + 60)).split("e");
  const all = mantissa.replace("-", "").length - 2; // digits behind the point
  const [kept, rest] = [mantissa.slice(0, digits - all), mantissa.slice(digits - all)];
  return /^50*$/.test(rest) && /[02468]$/.test(kept) ? `${kept}e${power}` : text;
}
/** `1.5e+10`, the parts being whole part, fraction (the exact value's, where there are `least` digits), exponent with sign. */
function scientific(x: number, dtype: DType, least = 0): [whole: string, fraction: string, exponent: string] {
  const [, behind = ""] = /\.(\d+)/.exec(shortest(x, dtype)) ?? [];
  const text =
    behind.length > PRECISION || behind.length < least ? rounded(x, least || PRECISION) : shortest(x, dtype);
  const [mantissa = "", power = "0"] = text.split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  const sign = power.startsWith("-") ? "-" : "+";
  return [
    Object.is(x, -0) ? "-0" : whole,
    trimmed(fraction),
    sign + power.replace(/^[+-]/, "").padStart(2, "0"),
  ];
}

/** One number by itself, as Python prints a float. */
function scalarText(x: number | bigint, dtype: DType): string {
  if (dtype === "bool") return x ? "True" : "False";
  if (dtype === "i32" || dtype === "i64") return String(x);
  const value = Number(x);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-4 && size < (dtype === "f32" ? SINGLE_LARGE : 1e16))) {
    const text = positional(value, dtype, 30);
    return text.endsWith(".") ? `${text}0` : text;
  }
  const [whole, fraction, exponent] = scientific(value, dtype);
  const all = /\.(\d+)/.exec(shortest(value, dtype))?.[1] ?? fraction;
  return `${whole}${all ? `.${all}` : ""}e${exponent}`;
}

/** How the elements shown are written, all of one width (numpy/_core/arrayprint.py, FloatingFormat). */
function wordsFor(shown: readonly (number | bigint)[], dtype: DType): Word {
  if (dtype === "bool") return (x) => (x ? " True" : "False");
  if (dtype === "i32" || dtype === "i64") {
    const width = shown.reduce<number>((w, x) => Math.max(w, String(x).length), 0);
    return (x) => String(x).padStart(width);
  }
  const numbers = shown.map(Number);
  const finite = numbers.filter(Number.isFinite);
  const sizes = finite.filter((x) => x !== 0).map(Math.abs);
  const greatest = sizes.reduce((a, b) => Math.max(a, b), 0);
  const least = sizes.reduce((a, b) => Math.min(a, b), Infinity);
  const exponential =
    sizes.length > 0 &&
    (greatest >= (dtype === "f32" ? SINGLE_LARGE : 1e8) || least < 1e-4 || greatest / least > 1000);
  const longest = (texts: readonly string[]): number => texts.reduce((n, t) => Math.max(n, t.length), 0);

  let left = 0;
  let right = 0;
  let write: (x: number) => string;
  if (exponential) {
    const parts = finite.map((x) => scientific(x, dtype));
    const digits = longest(parts.map((p) => p[1]));
    const power = longest(parts.map((p) => p[2])) - 1;
    left = longest(parts.map((p) => p[0]));
    right = power + 2 + digits;
    write = (x) => {
      const [whole, fraction, exponent] = scientific(x, dtype, digits);
      const sign = exponent.slice(0, 1);
      return `${whole.padStart(left)}.${fraction.padEnd(digits, "0")}e${sign}${exponent.slice(1).padStart(power, "0")}`;
    };
  } else {
    const parts = finite.map((x) => positional(x, dtype).split("."));
    left = longest(parts.map(([whole = ""]) => whole));
    right = longest(parts.map(([, fraction = ""]) => fraction));
    write = (x) => {
      const [whole = "", fraction = ""] = positional(x, dtype).split(".");
      return `${whole.padStart(left)}.${fraction.padEnd(right)}`;
    };
  }
  if (finite.length < numbers.length) {
    const negative = numbers.some((x) => x === -Infinity) ? 1 : 0;
    left = Math.max(left, 3 - (right + 1), 3 + negative - (right + 1));
  }
  const width = left + right + 1;
  return (x) => {
    const value = Number(x);
    return Number.isFinite(value) ? write(value) : scalarText(value, dtype).padStart(width);
  };
}

/** The entries of an axis that are shown: all, or the first and last few with a gap (null) between. */
function shownOf(size: number, summary: boolean): (number | null)[] {
  const all = Array.from({ length: size }, (_, k) => k);
  return summary && size > 2 * EDGE ? [...all.slice(0, EDGE), null, ...all.slice(-EDGE)] : all;
}

/** As NumPy's `str` of the same array; lines after the first are `indent` further in. */
export function format(t: Tensor, indent = 0): string {
  const data = t.toTypedArray();
  if (t.ndim === 0) return scalarText(data[0] ?? 0, t.dtype);
  if (t.size === 0) return "[]";
  const summary = t.size > THRESHOLD;
  const shown: (number | bigint)[] = [];
  const collect = (axis: number, at: number): void => {
    const size = t.shape[axis];
    if (size === undefined) shown.push(data[at]!);
    else for (const k of shownOf(size, summary)) if (k !== null) collect(axis + 1, at * size + k);
  };
  collect(0, 0);
  const word = wordsFor(shown, t.dtype);

  const build = (axis: number, at: number, hanging: string, width: number): string => {
    const size = t.shape[axis]!;
    const left = t.shape.length - axis;
    const entries = shownOf(size, summary);
    if (left > 1) {
      const parts = entries.map((k) =>
        k === null ? "..." : build(axis + 1, at * size + k, `${hanging} `, width - 1),
      );
      return `[${parts.join("\n".repeat(left - 1) + hanging)}]`;
    }
    let text = "";
    let line = hanging;
    entries.forEach((k, position) => {
      const next = k === null ? "..." : word(data[at * size + k]!);
      if (line.length + next.length > width - 1 && line.length > hanging.length) {
        text += `${line.trimEnd()}\n`;
        line = hanging;
      }
      line += next + (position < entries.length - 1 ? " " : "");
    });
    return `[${(text + line).slice(hanging.length)}]`;
  };
  return build(0, 0, " ".repeat(indent + 1), LINE);
}
