import { IndexError, ShapeError } from "./errors.js";

export type Shape = readonly number[];

export const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((size, k) => size === b[k]);
export const showShape = (shape: Shape): string => `[${shape.join(", ")}]`;
/** How a method takes a shape or an order of axes: as numbers, or as one list. */
export type Sizes = readonly number[] | readonly [Shape];
export const listOf = (given: Sizes): number[] => given.flat();
/** A shape as given from outside; a number is an axis. @throws ShapeError */
export function checkShape(given: Shape | number): Shape {
  const shape: unknown = typeof given === "number" ? [given] : given;
  if (!Array.isArray(shape) || !shape.every((n) => Number.isInteger(n) && n >= 0))
    throw new ShapeError(
      `a shape is a list of sizes, as [2, 3], not ${Array.isArray(shape) ? showShape(shape) : String(shape)}`,
    );
  return shape as Shape;
}
/** 0, 1, …, n - 1 */
export const range = (n: number): number[] => Array.from({ length: n }, (_, k) => k);

/** Strides, in elements, of a row-major tensor. */
export function rowMajor(shape: Shape): number[] {
  const strides: number[] = new Array<number>(shape.length);
  let step = 1;
  for (let k = shape.length - 1; k >= 0; k--) {
    strides[k] = step;
    step *= shape[k]!;
  }
  return strides;
}

/** Whether elements stand one after the other in row-major order; axes of size 1 may have any stride. */
export function isRowMajor(shape: Shape, strides: readonly number[]): boolean {
  let step = 1;
  for (let k = shape.length - 1; k >= 0; k--) {
    if (shape[k] !== 1 && strides[k] !== step) return sizeOf(shape) === 0;
    step *= shape[k]!;
  }
  return true;
}

/**
 * NumPy's rule: shapes are aligned at the right, and sizes are equal or 1.
 * @throws ShapeError naming the shapes
 */
export function broadcastShapes(...shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  return range(rank).map((k) => {
    let size = 1;
    for (const shape of shapes) {
      const own = shape[k - rank + shape.length] ?? 1;
      if (own === 1) continue;
      if (size !== 1 && size !== own)
        throw new ShapeError(`shapes ${shapes.map(showShape).join(" and ")} do not broadcast`);
      size = own;
    }
    return size;
  });
}

/** Strides with which a tensor is read as `shape`: 0 along axes that it is repeated over. */
export function broadcastStrides(own: Shape, strides: readonly number[], shape: Shape): number[] {
  const lead = shape.length - own.length;
  return shape.map((_, k) => (k < lead || own[k - lead] === 1 ? 0 : strides[k - lead]!));
}

/** An axis counted from either end, from 0; a single number has one to reduce, sort or scan along. @throws IndexError */
export function axisOf(axis: number, rank: number): number {
  const places = Math.max(rank, 1);
  const found = axis < 0 ? axis + places : axis;
  if (!Number.isInteger(axis) || found < 0 || found >= places)
    throw new IndexError(`axis ${axis} of a tensor with ${rank} axes`);
  return found;
}
/** Axes of a reduction: all of them where none are given. @throws IndexError, ShapeError on a repeated one */
export function axesOf(axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return range(rank);
  const found = (typeof axes === "number" ? [axes] : axes).map((a) => axisOf(a, rank));
  if (new Set(found).size !== found.length) throw new ShapeError(`axes [${found.join(", ")}] repeat one`);
  return rank === 0 ? [] : found;
}

/** A shape with at most one -1, which stands for what is left. @throws ShapeError */
export function resolveShape(wanted: Shape, size: number): number[] {
  const open = wanted.indexOf(-1);
  if (open < 0 && sizeOf(wanted) === size) return [...wanted];
  const rest = sizeOf(wanted.filter((_, k) => k !== open));
  if (open < 0 || rest === 0 || size % rest !== 0 || wanted.some((n, k) => n < 0 && k !== open))
    throw new ShapeError(`${size} elements cannot be shaped as ${showShape(wanted)}`);
  return wanted.map((n, k) => (k === open ? size / rest : n));
}

/**
 * Strides that give the same elements in row-major order under another shape, or null where no strides do.
 * Each group of old axes that lies evenly in memory is cut into new axes, from the last to the first.
 */
export function reshapeStrides(shape: Shape, strides: readonly number[], wanted: Shape): number[] | null {
  if (sizeOf(shape) === 0) return rowMajor(wanted);
  const made = new Array<number>(wanted.length).fill(1);
  let to = wanted.length - 1;
  let group = 1;
  let filled = 1;
  let step = 1;
  for (let k = shape.length - 1; k >= 0; k--) {
    if (shape[k] !== 1) {
      if (group === filled) {
        step = strides[k]!;
        group = filled = 1;
      } else if (strides[k] !== step * group) return null;
      group *= shape[k]!;
    }
    while (to >= 0 && filled < group && (wanted[to] === 1 || group % (filled * wanted[to]!) === 0)) {
      made[to] = step * filled;
      filled *= wanted[to]!;
      to--;
    }
  }
  return filled === group && (to < 0 || wanted.slice(0, to + 1).every((n) => n === 1)) ? made : null;
}
