import type { Elements } from "../dtype.js";
import { allocate, isFloat } from "../dtype.js";
import { DTypeError, IndexError, ShapeError } from "../errors.js";
import { offsetsOf } from "../loops.js";
import {
  axisOf,
  broadcastShapes,
  range,
  rowMajor,
  sameShape,
  type Shape,
  showShape,
  sizeOf,
} from "../shape.js";
import { record } from "../tape.js";
import { Tensor, type Operand } from "../tensor.js";
import { expand, reshape, select, slice, unsqueeze } from "./views.js";
import { tensor } from "../create.js";

/**
 * Reading by computed positions. All of it is one pair of operations on row-major positions: `takeFlat` reads them,
 * and its adjoint `addFlat` adds into zeros there, whose adjoint is `takeFlat` again.
 */
function takeFlat(x: Tensor, positions: Int32Array, shape: Shape, name: string): Tensor {
  const source: Elements = x.contiguous().storage.data;
  const start = x.isContiguous() ? x.offset : 0;
  const data = allocate(x.dtype, positions.length);
  const out: Elements = data;
  for (let i = 0; i < positions.length; i++) out[i] = source[start + positions[i]!]!;
  return record(Tensor.own(data, x.dtype, shape), {
    name,
    inputs: [x],
    backward: (g) => [addFlat(g, positions, x.shape)],
  });
}
function addFlat(g: Tensor, positions: Int32Array, shape: Shape): Tensor {
  const data = allocate(g.dtype, sizeOf(shape));
  const source = g.toTypedArray();
  if (data instanceof BigInt64Array) {
    for (let i = 0; i < positions.length; i++) data[positions[i]!]! += BigInt(source[i]!);
  } else for (let i = 0; i < positions.length; i++) data[positions[i]!]! += Number(source[i]!);
  return record(Tensor.own(data, g.dtype, shape), {
    name: "scatterAdd",
    inputs: [g],
    backward: (gg) => [takeFlat(gg, positions, g.shape, "gather")],
  });
}

function checkIndex(index: Tensor): void {
  if (isFloat(index.dtype) || index.dtype === "bool")
    throw new DTypeError(`indices are integers, not ${index.dtype}`);
}
/** An index counted from either end, from 0. */
const fromEitherEnd = (index: number, size: number, axis: number): number =>
  within(index < 0 ? index + size : index, size, axis, index);
function within(at: number, size: number, axis: number, index = at): number {
  if (!(at >= 0 && at < size))
    throw new IndexError(`index ${index} of axis ${axis}, which has ${size} entries`);
  return at;
}

/**
 * Row-major positions in `shape` of the entries that `index` names along `axis`, its other coordinates being their own.
 * Negative ones do not count from the end: where labels are indices, -1 is a mistake or stands for none.
 */
function positionsAlong(shape: Shape, axis: number, index: Tensor): Int32Array {
  checkIndex(index);
  if (index.ndim !== shape.length)
    throw new ShapeError(`an index with ${index.ndim} axes for a tensor with ${shape.length}`);
  index.shape.forEach((n, k) => {
    if (k !== axis && n > shape[k]!)
      throw new ShapeError(
        `an index of shape ${showShape(index.shape)} for a tensor of shape ${showShape(shape)}`,
      );
  });
  const strides = rowMajor(shape);
  const found = offsetsOf(
    index.shape,
    strides.map((step, k) => (k === axis ? 0 : step)),
  );
  const [size, step] = [shape[axis] ?? 1, strides[axis] ?? 1];
  const values = index.numbers();
  for (let i = 0; i < found.length; i++) found[i]! += within(values[i]!, size, axis) * step;
  return found;
}
/** `out[i, j, …] = x[i, index[i, j, …], …]`, of the index's shape. @throws IndexError, ShapeError, DTypeError */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  const axis = axisOf(dim, x.ndim);
  return takeFlat(x, positionsAlong(x.shape, axis, index), index.shape, "gather");
}

/** x with `source[i, j, …]` added at `[i, index[i, j, …], …]`. */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  const axis = axisOf(dim, x.ndim);
  const part =
    source.ndim === index.ndim
      ? range(index.ndim).reduce((t, k) => slice(t, k, 0, index.shape[k]), source)
      : source;
  if (!sameShape(part.shape, index.shape))
    throw new ShapeError(
      `a source of shape ${showShape(source.shape)} for an index of shape ${showShape(index.shape)}`,
    );
  return x.add(addFlat(part, positionsAlong(x.shape, axis, index), x.shape));
}
/** The entries `which`, a list, of an axis; one index is a list of it. */
export function indexSelect(x: Tensor, dim: number, which: Tensor | readonly number[]): Tensor {
  const axis = axisOf(dim, x.ndim);
  if (x.ndim === 0) throw new ShapeError("indexSelect of a tensor without axes");
  const given = which instanceof Tensor ? which : tensor(which, { dtype: "i64" });
  const index = given.ndim === 0 ? reshape(given, [1]) : given;
  checkIndex(index);
  if (index.ndim !== 1) throw new ShapeError(`indexSelect takes a list of indices, not ${index.ndim} axes`);
  const shape = range(x.ndim).map((k) => (k === axis ? index.size : 1));
  const full = expand(reshape(index, shape), x.shape.with(axis, index.size));
  return takeFlat(x, positionsAlong(x.shape, axis, full), full.shape, "indexSelect");
}

/**
 * One place of an index: a number; Python's slice as text (`"1:5"`, `"::-1"`, `":"`); `"..."` for as many whole axes as
 * are left; null for a new axis; a list or tensor of integers, or a mask of bools.
 */
export type Index = number | string | null | Tensor | readonly number[] | readonly boolean[];

interface Plan {
  /** x with numbers, slices and new axes taken. */
  readonly view: Tensor;
  /** The axes of `view` that lists and masks index, with their indices. */
  readonly lists: readonly { readonly axis: number; readonly index: Tensor }[];
}
function plan(x: Tensor, items: readonly Index[]): Plan {
  const tensors = items.map((item) =>
    Array.isArray(item)
      ? tensor(item as number[], typeof item[0] === "boolean" ? {} : { dtype: "i64" })
      : (item as number | string | null | Tensor),
  );
  const used = tensors.reduce<number>(
    (n, item) =>
      n +
      (item === null || item === "..." ? 0 : item instanceof Tensor && item.dtype === "bool" ? item.ndim : 1),
    0,
  );
  if (items.filter((item) => item === "...").length > 1)
    throw new IndexError('"..." stands once in an index');
  if (used > x.ndim) throw new IndexError(`${used} indices for a tensor with ${x.ndim} axes`);
  let view = x;
  let axis = 0;
  const lists: { axis: number; index: Tensor }[] = [];
  for (const item of tensors) {
    if (item === null) view = unsqueeze(view, axis++);
    else if (item === "...") axis += x.ndim - used;
    else if (typeof item === "number") view = select(view, axis, item);
    else if (typeof item === "string") {
      const [start, stop, step] = parseSlice(item);
      view = slice(view, axis++, start, stop, step ?? 1);
    } else if (item.dtype === "bool" && item.ndim === 0) {
      // One bool is a new axis of one entry or none.
      view = unsqueeze(view, axis);
      lists.push({ axis: axis++, index: nonzero(item)[0]! });
    } else if (item.dtype === "bool") {
      if (!sameShape(item.shape, view.shape.slice(axis, axis + item.ndim)))
        throw new IndexError(
          `a mask of shape ${showShape(item.shape)} for axes of sizes ${showShape(view.shape.slice(axis, axis + item.ndim))}`,
        );
      for (const index of nonzero(item)) lists.push({ axis: axis++, index });
    } else {
      checkIndex(item);
      lists.push({ axis: axis++, index: item });
    }
  }
  return { view, lists };
}
function parseSlice(text: string): (number | null)[] {
  const parts = text.split(":").map((p) => (p.trim() === "" ? null : Number(p)));
  if (parts.length < 2 || parts.length > 3 || parts.some((p) => p !== null && !Number.isInteger(p)))
    throw new IndexError(`\`${text}\` is no slice; write start:stop or start:stop:step`);
  return parts;
}
/** The indices of the true (or nonzero) elements, a list for each axis; a single number counts as a list of it. */
export function nonzero(x: Tensor): Tensor[] {
  if (x.ndim === 0) return nonzero(reshape(x, [1]));
  const data = x.numbers();
  const found: number[][] = x.shape.map(() => []);
  const strides = rowMajor(x.shape);
  for (let i = 0; i < x.size; i++)
    if (data[i] !== 0) found.forEach((list, k) => list.push(Math.floor(i / strides[k]!) % x.shape[k]!));
  return found.map((list) => tensor(list, { dtype: "i64" }));
}

/**
 * Row-major positions that lists name in `view`, and the shape they make. Lists broadcast; their axes stand where the
 * first list was if lists are side by side, else in front.
 */
function positionsOf({ view, lists }: Plan): { positions: Int32Array; shape: number[] } {
  const strides = rowMajor(view.shape);
  const listed = broadcastShapes(...lists.map((l) => l.index.shape));
  const own = new Int32Array(sizeOf(listed));
  for (const { axis, index } of lists) {
    const values = expand(index, listed).numbers();
    for (let i = 0; i < own.length; i++)
      own[i]! += fromEitherEnd(values[i]!, view.shape[axis]!, axis) * strides[axis]!;
  }
  const axes = lists.map((l) => l.axis);
  const first = axes[0] ?? 0;
  const together = axes.every((a, k) => a === first + k);
  const rest = range(view.ndim).filter((k) => !axes.includes(k));
  const lead = together ? rest.filter((k) => k < first) : [];
  const tail = rest.filter((k) => !lead.includes(k));
  const pick = (from: readonly number[], list: readonly number[]): number[] => from.map((k) => list[k]!);
  const [outer, inner] = [lead, tail].map((part) => offsetsOf(pick(part, view.shape), pick(part, strides)));
  const positions = new Int32Array(outer!.length * own.length * inner!.length);
  let at = 0;
  for (const a of outer!) for (const b of own) for (const c of inner!) positions[at++] = a + b + c;
  return { positions, shape: [...pick(lead, view.shape), ...listed, ...pick(tail, view.shape)] };
}

/** `x[items]`: a view unless lists or masks are among them. @throws IndexError */
export function at(x: Tensor, items: readonly Index[]): Tensor {
  const found = plan(x, items);
  if (!found.lists.length) return found.view;
  const { positions, shape } = positionsOf(found);
  return takeFlat(found.view, positions, shape, "index");
}

/**
 * `x[items] = value`, in place; the value broadcasts, and is converted. Of entries that lists name twice the last value
 * stays.
 */
export function assignAt(x: Tensor, items: readonly Index[], value: Operand): void {
  const found = plan(x, items);
  const { view } = found;
  if (!found.lists.length) {
    view.copy_(value instanceof Tensor ? withoutLeadingOnes(value, view.ndim) : value);
    return;
  }
  const { positions, shape } = positionsOf(found);
  const given = value instanceof Tensor ? value.to(view.dtype) : tensor(value, { dtype: view.dtype });
  view.copy_(putFlat(view.clone(), positions, expand(withoutLeadingOnes(given, shape.length), shape)));
}
/** As many axes as `rank`, if those in front that are too many have one entry. */
function withoutLeadingOnes(x: Tensor, rank: number): Tensor {
  const extra = x.ndim - rank;
  return extra > 0 && x.shape.slice(0, extra).every((n) => n === 1) ? reshape(x, x.shape.slice(extra)) : x;
}
function putFlat(x: Tensor, positions: Int32Array, values: Tensor): Tensor {
  const data = x.toTypedArray();
  const [into, from]: [Elements, Elements] = [data, values.toTypedArray()];
  for (let i = 0; i < positions.length; i++) into[positions[i]!] = from[i]!;
  return record(Tensor.own(data, x.dtype, x.shape), {
    name: "put",
    inputs: [x, values],
    backward: (g) => [
      putFlat(g, positions, tensor(0, { dtype: g.dtype }).expand(values.shape)),
      takeFlat(g, positions, values.shape, "gather"),
    ],
  });
}
