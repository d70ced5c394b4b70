import { IndexError, ShapeError } from "../errors.js";
import { addElements } from "../loops.js";
import {
  axesOf,
  axisOf,
  broadcastShapes,
  broadcastStrides,
  range,
  reshapeStrides,
  resolveShape,
  sameShape,
  type Shape,
  showShape,
  sizeOf,
} from "../shape.js";
import { isGradEnabled, record } from "../tape.js";
import { Tensor } from "../tensor.js";

/**
 * Views: other shapes, strides and offsets over the same elements. `again` takes the same view of another tensor of
 * x's shape; with it every view has a derivative: its adjoint adds a cotangent into zeros, through the view, unless there
 * is one that copies nothing.
 */
function view(
  x: Tensor,
  name: string,
  geometry: { readonly shape: Shape; readonly strides: readonly number[]; readonly offset?: number },
  again: (x: Tensor) => Tensor,
  adjoint?: (g: Tensor) => Tensor,
): Tensor {
  const before = x.view?.remake;
  const out = new Tensor(x.storage, x.dtype, geometry.shape, geometry.strides, geometry.offset ?? x.offset, {
    base: x.view?.base ?? x,
    remake: before ? (base) => again(before(base)) : again,
    recorded: isGradEnabled(),
  });
  const dense = adjoint ?? ((g: Tensor): Tensor => addThrough(g, x.shape, again));
  const part = adjoint ? null : { of: again, overwrites: false };
  return record(out, { name, inputs: [x], backward: (g) => [dense(g)], part });
}

/** The adjoint of a view: zeros of `shape`, with `g` added where `take` of it points. Its own adjoint is the view. */
function addThrough(g: Tensor, shape: Shape, take: (x: Tensor) => Tensor): Tensor {
  const out = Tensor.empty(g.dtype, shape);
  const window = take(out);
  const [into, from] = [out.storage.data, g.storage.data];
  if (into instanceof BigInt64Array || from instanceof BigInt64Array)
    throw new ShapeError("cotangents are floats");
  addElements(g.shape, into, window, from, g);
  return record(out, { name: "viewAdjoint", inputs: [g], backward: (gg) => [take(gg)] });
}

/**
 * The same elements in row-major order under another shape; one size may be -1. A view where strides allow, else a copy.
 * @throws ShapeError where the number of elements differs
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const wanted = resolveShape(shape, x.size);
  if (sameShape(wanted, x.shape)) return x;
  const strides = reshapeStrides(x.shape, x.strides, wanted);
  const back = (g: Tensor): Tensor => reshape(g, x.shape);
  if (strides) return view(x, "reshape", { shape: wanted, strides }, (t) => reshape(t, wanted), back);
  return reshape(x.clone(), wanted);
}

/** Axes `from` to `to`, both included, as one; of a single number a list of it. */
export function flatten(x: Tensor, from = 0, to = -1): Tensor {
  const [first, last] = [axisOf(from, x.ndim), axisOf(to, x.ndim)];
  if (first > last) throw new ShapeError(`axes from ${from} to ${to} are none`);
  const joined = sizeOf(x.shape.slice(first, last + 1));
  return reshape(x, [...x.shape.slice(0, first), joined, ...x.shape.slice(last + 1)]);
}

/** Axes in another order. @throws ShapeError unless `order` names each once */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  const axes = axesOf(order, x.ndim);
  if (axes.length !== x.ndim)
    throw new ShapeError(`an order of ${order.length} axes for a tensor with ${x.ndim}`);
  const inverse = range(x.ndim).map((k) => axes.indexOf(k));
  return view(
    x,
    "permute",
    { shape: axes.map((a) => x.shape[a]!), strides: axes.map((a) => x.strides[a]!) },
    (t) => permute(t, axes),
    (g) => permute(g, inverse),
  );
}
export function transpose(x: Tensor, a: number, b: number): Tensor {
  const order = range(x.ndim);
  const [i, j] = [axisOf(a, x.ndim), axisOf(b, x.ndim)];
  if (x.ndim === 0) return x;
  [order[i], order[j]] = [j, i];
  return permute(x, order);
}
export function movedim(x: Tensor, from: number, to: number): Tensor {
  const order = range(x.ndim);
  const [moved = 0] = order.splice(axisOf(from, x.ndim), 1);
  order.splice(axisOf(to, x.ndim), 0, moved);
  return permute(x, order);
}

/** Repeats axes of size 1, and new ones in front, without copying; -1 keeps a size. @throws ShapeError */
export function expand(x: Tensor, shape: Shape): Tensor {
  const lead = shape.length - x.ndim;
  const wanted = shape.map((n, k) => (n === -1 && k >= lead ? x.shape[k - lead]! : n));
  if (lead < 0 || wanted.some((n) => n < 0) || !sameShape(broadcastShapes(x.shape, wanted), wanted))
    throw new ShapeError(`shape ${showShape(x.shape)} does not expand to ${showShape(shape)}`);
  if (sameShape(wanted, x.shape)) return x;
  return view(
    x,
    "expand",
    { shape: wanted, strides: broadcastStrides(x.shape, x.strides, wanted) },
    (t) => expand(t, wanted),
    (g) => sumTo(g, x.shape),
  );
}
/** The adjoint of broadcasting: sums over the axes that `shape` was repeated along. */
export function sumTo(g: Tensor, shape: Shape): Tensor {
  if (sameShape(g.shape, shape)) return g;
  const lead = g.ndim - shape.length;
  const axes = range(g.ndim).filter((k) => k < lead || (shape[k - lead] === 1 && g.shape[k] !== 1));
  return reshape(g.sum(axes), shape);
}

/** The entry `index` of an axis, which goes away. Negative indices count from the end. @throws IndexError */
export function select(x: Tensor, axis: number, index: number): Tensor {
  const a = axisOf(axis, x.ndim);
  const size = x.shape[a] ?? 0;
  const at = index < 0 ? index + size : index;
  if (!Number.isInteger(index) || at < 0 || at >= size)
    throw new IndexError(`index ${index} of axis ${a}, which has ${size} entries`);
  return view(
    x,
    "select",
    {
      shape: x.shape.toSpliced(a, 1),
      strides: x.strides.toSpliced(a, 1),
      offset: x.offset + at * x.strides[a]!,
    },
    (t) => select(t, a, at),
  );
}

/**
 * Entries start, start + step, … before stop of an axis, by Python's rules: negative bounds count from the end, bounds
 * past an end are that end, and a negative step runs backwards.
 * @throws IndexError where the step is 0 or not an integer
 */
export function slice(
  x: Tensor,
  axis: number,
  start?: number | null,
  stop?: number | null,
  step = 1,
): Tensor {
  const a = axisOf(axis, x.ndim);
  const size = x.shape[a];
  if (size === undefined) throw new IndexError("a slice of a tensor without axes");
  if (!Number.isInteger(step) || step === 0) throw new IndexError(`a slice with step ${step}`);
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const bound = (given: number | null | undefined, otherwise: number): number =>
    given === null || given === undefined
      ? otherwise
      : Math.min(Math.max(given < 0 ? given + size : given, low), high);
  const from = bound(start, step > 0 ? low : high);
  const to = bound(stop, step > 0 ? high : low);
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (count === size && step === 1) return x;
  return view(
    x,
    step === -1 && count === size ? "flip" : "slice",
    {
      shape: x.shape.with(a, count),
      strides: x.strides.with(a, x.strides[a]! * step),
      offset: count ? x.offset + from * x.strides[a]! : x.offset,
    },
    (t) => slice(t, a, from, to < 0 ? null : to, step),
  );
}
/** `length` entries of an axis from `start`, which counts from the end where it is negative. */
export function narrow(x: Tensor, axis: number, start: number, length: number): Tensor {
  const size = x.shape[axisOf(axis, x.ndim)] ?? 0;
  const from = start < 0 ? start + size : start;
  if (!(from >= 0 && length >= 0 && from + length <= size))
    throw new IndexError(`entries ${start} to ${start + length} of an axis of ${size}`);
  return slice(x, axis, from, from + length);
}
/** Axes in reverse; a view. */
export function flip(x: Tensor, axes: number | readonly number[]): Tensor {
  return axesOf(axes, x.ndim).reduce((t, axis) => slice(t, axis, null, null, -1), x);
}

/** Without the axis, or all axes, of size 1; an axis of another size stays. */
export function squeeze(x: Tensor, axis?: number): Tensor {
  const only = axis === undefined ? null : axisOf(axis, x.ndim);
  return reshape(
    x,
    x.shape.filter((n, k) => n !== 1 || (only !== null && k !== only)),
  );
}
/** With a new axis of size 1 at `axis` of the result. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  return reshape(x, x.shape.toSpliced(axisOf(axis, x.ndim + 1), 0, 1));
}

/** The entries (i, i + offset) of two axes as a new last axis; a view. */
export function diagonal(x: Tensor, offset = 0, first = 0, second = 1): Tensor {
  const [a, b] = [axisOf(first, x.ndim), axisOf(second, x.ndim)];
  if (a === b || x.ndim < 2) throw new ShapeError("a diagonal needs two different axes");
  const [down, right] = [Math.max(0, -offset), Math.max(0, offset)];
  const count = Math.max(0, Math.min(x.shape[a]! - down, x.shape[b]! - right));
  const kept = range(x.ndim).filter((k) => k !== a && k !== b);
  return view(
    x,
    "diagonal",
    {
      shape: [...kept.map((k) => x.shape[k]!), count],
      strides: [...kept.map((k) => x.strides[k]!), x.strides[a]! + x.strides[b]!],
      offset: x.offset + (count ? down * x.strides[a]! + right * x.strides[b]! : 0),
    },
    (t) => diagonal(t, offset, a, b),
  );
}

/**
 * Sliding windows: entry w of the axis becomes the `size` entries w * step + 0, dilation, 2 * dilation, … as a new last
 * axis. A view, so its adjoint sums where windows overlap.
 * @throws ShapeError where not one window fits
 */
export function unfold(x: Tensor, axis: number, size: number, step = 1, dilation = 1): Tensor {
  const a = axisOf(axis, x.ndim);
  const length = x.shape[a];
  const stride = x.strides[a];
  if (length === undefined || stride === undefined) throw new ShapeError("a single number has no windows");
  const reach = (size - 1) * dilation + 1;
  if (size < 1 || step < 1 || dilation < 1 || reach > length)
    throw new ShapeError(`windows of ${reach} entries, ${step} apart, along an axis of ${length}`);
  return view(
    x,
    "unfold",
    {
      shape: [...x.shape.with(a, Math.floor((length - reach) / step) + 1), size],
      strides: [...x.strides.with(a, stride * step), stride * dilation],
    },
    (t) => unfold(t, a, size, step, dilation),
  );
}

/** x with `[before, after]` entries of `value` around each of the last axes given, first of these first. */
export function pad(
  x: Tensor,
  widths: readonly (readonly [number, number])[],
  value: number | bigint = 0,
): Tensor {
  const lead = x.ndim - widths.length;
  if (lead < 0 || widths.some(([a, b]) => a < 0 || b < 0))
    throw new ShapeError(`padding of ${widths.length} axes of a tensor with ${x.ndim}`);
  if (widths.every(([a, b]) => a === 0 && b === 0)) return x;
  const inner = (t: Tensor): Tensor =>
    widths.reduce((v, [before], k) => narrow(v, lead + k, before, x.shape[lead + k]!), t);
  const shape = x.shape.map((n, k) => n + (widths[k - lead]?.[0] ?? 0) + (widths[k - lead]?.[1] ?? 0));
  const out = Tensor.empty(x.dtype, shape);
  if (value) out.fill_(value);
  inner(out).copy_(x.detach());
  return record(Tensor.own(out.storage.data, x.dtype, shape), {
    name: "pad",
    inputs: [x],
    backward: (g) => [inner(g)],
  });
}
/** Several windows of an axis, one after the other, of the sizes given (the last may be shorter). */
export function split(x: Tensor, size: number | readonly number[], axis = 0): Tensor[] {
  const length = x.shape[axisOf(axis, x.ndim)];
  if (length === undefined) throw new ShapeError("a single number is not split");
  if (typeof size === "number" && !(size > 0)) throw new ShapeError(`windows of ${size} entries`);
  // Of no entries there is one window, which is empty.
  const sizes =
    typeof size === "number"
      ? range(Math.max(1, Math.ceil(length / size))).map((k) => Math.min(size, length - k * size))
      : size;
  if (sizes.some((n) => n < 0) || sizes.reduce((a, b) => a + b, 0) !== length)
    throw new ShapeError(`an axis of ${length} entries split as ${showShape(sizes)}`);
  let at = 0;
  return sizes.map((n) => narrow(x, axis, (at += n) - n, n));
}
