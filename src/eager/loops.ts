import type { Elements, Numbers } from "./dtype.js";
import { isRowMajor, range, sizeOf, type Shape } from "./shape.js";

/** Where the elements of an operand stand in its storage. */
export interface Layout {
  readonly strides: readonly number[];
  readonly offset: number;
}

/**
 * Walks a shape over several operands in row-major order, a run of the innermost axis at a time: `row(n, at, steps)`
 * with each operand's start and step. Axes that lie evenly in every operand are joined first, so contiguous operands
 * are one run.
 */
export function eachRow(
  shape: Shape,
  operands: readonly Layout[],
  row: (n: number, at: readonly number[], steps: readonly number[]) => void,
): void {
  if (sizeOf(shape) === 0) return;
  const sizes: number[] = [];
  const steps: number[][] = operands.map(() => []);
  for (let k = 0; k < shape.length; k++) {
    const size = shape[k]!;
    if (size === 1) continue;
    const last = sizes.length - 1;
    const joins = last >= 0 && operands.every((o, j) => steps[j]![last] === o.strides[k]! * size);
    if (joins) sizes[last]! *= size;
    else sizes.push(size);
    operands.forEach((o, j) => (steps[j]![sizes.length - 1] = o.strides[k]!));
  }
  const inner = sizes.length - 1;
  const at = operands.map((o) => o.offset);
  const innerSteps = operands.map((_, j) => steps[j]![inner] ?? 0);
  if (inner <= 0) {
    row(sizes[0] ?? 1, at, innerSteps);
    return;
  }
  const count = new Array<number>(inner).fill(0);
  for (;;) {
    row(sizes[inner]!, at, innerSteps);
    let k = inner - 1;
    while (k >= 0) {
      count[k]!++;
      for (let j = 0; j < at.length; j++) at[j]! += steps[j]![k]!;
      if (count[k]! < sizes[k]!) break;
      for (let j = 0; j < at.length; j++) at[j]! -= steps[j]![k]! * sizes[k]!;
      count[k] = 0;
      k--;
    }
    if (k < 0) return;
  }
}

/** Offsets of all elements in row-major order, relative to the first. */
export function offsetsOf(shape: Shape, strides: readonly number[]): Int32Array {
  const found = new Int32Array(sizeOf(shape));
  if (isRowMajor(shape, strides)) {
    for (let i = 0; i < found.length; i++) found[i] = i;
    return found;
  }
  let length = 1;
  for (const k of range(shape.length)) {
    const size = shape[k]!;
    // From the back, so that no entry is overwritten before it is read.
    for (let i = length - 1; i >= 0; i--)
      for (let j = size - 1; j >= 0; j--) found[i * size + j] = found[i]! + j * strides[k]!;
    length *= size;
  }
  return found;
}

export function copyElements(shape: Shape, out: Elements, to: Layout, source: Elements, from: Layout): void {
  eachRow(shape, [to, from], (n, [o = 0, i = 0], [so = 0, si = 0]) => {
    for (let k = 0; k < n; k++, o += so, i += si) out[o] = source[i]!;
  });
}
/** out += source; where entries of `out` coincide they are summed, in row-major order. */
export function addElements(shape: Shape, out: Numbers, to: Layout, source: Numbers, from: Layout): void {
  eachRow(shape, [to, from], (n, [o = 0, i = 0], [so = 0, si = 0]) => {
    for (let k = 0; k < n; k++, o += so, i += si) out[o]! += source[i]!;
  });
}

export interface Source<T> extends Layout {
  readonly data: ArrayLike<T>;
}
/** Where a row-major result goes. */
export interface Target {
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly data: Elements;
}

/** out = f(a), element by element. */
export function mapOne<T>(out: Target, a: Source<T>, f: (a: T) => number | bigint): void {
  const [into, x] = [out.data, a.data];
  eachRow(out.shape, [{ ...out, offset: 0 }, a], (n, [o = 0, i = 0], [, si = 0]) => {
    for (let k = 0; k < n; k++, i += si) into[o + k] = f(x[i]!);
  });
}
/** out = f(a, b) */
export function mapTwo<T>(out: Target, a: Source<T>, b: Source<T>, f: (a: T, b: T) => number | bigint): void {
  const [into, x, y] = [out.data, a.data, b.data];
  eachRow(out.shape, [{ ...out, offset: 0 }, a, b], (n, [o = 0, i = 0, j = 0], [, si = 0, sj = 0]) => {
    for (let k = 0; k < n; k++, i += si, j += sj) into[o + k] = f(x[i]!, y[j]!);
  });
}
/** out = f(…sources) */
export function mapMany<T>(
  out: Target,
  sources: readonly Source<T>[],
  f: (...values: T[]) => number | bigint,
): void {
  const values = new Array<T>(sources.length);
  eachRow(out.shape, [{ ...out, offset: 0 }, ...sources], (n, [o = 0, ...at], [, ...steps]) => {
    for (let k = 0; k < n; k++) {
      for (let j = 0; j < sources.length; j++) values[j] = sources[j]!.data[at[j]! + k * steps[j]!]!;
      out.data[o + k] = f(...values);
    }
  });
}

/** The operations that most time goes into, without a call for each element. */
export const ARITHMETIC: Readonly<
  Record<
    string,
    (
      n: number,
      out: Numbers,
      o: number,
      a: ArrayLike<number>,
      i: number,
      si: number,
      b: ArrayLike<number>,
      j: number,
      sj: number,
    ) => void
  >
> = {
  add(n, out, o, a, i, si, b, j, sj) {
    for (let k = 0; k < n; k++, i += si, j += sj) out[o + k] = a[i]! + b[j]!;
  },
  sub(n, out, o, a, i, si, b, j, sj) {
    for (let k = 0; k < n; k++, i += si, j += sj) out[o + k] = a[i]! - b[j]!;
  },
  mul(n, out, o, a, i, si, b, j, sj) {
    for (let k = 0; k < n; k++, i += si, j += sj) out[o + k] = a[i]! * b[j]!;
  },
  mul0(n, out, o, a, i, si, b, j, sj) {
    for (let k = 0; k < n; k++, i += si, j += sj) {
      const x = a[i]!;
      out[o + k] = x === 0 ? 0 : x * b[j]!;
    }
  },
  div(n, out, o, a, i, si, b, j, sj) {
    for (let k = 0; k < n; k++, i += si, j += sj) out[o + k] = a[i]! / b[j]!;
  },
};
