import { allocate, convert, type DType, kind, kindOf } from "../dtype.js";
import { AutogradError, DTypeError, ShapeError } from "../errors.js";
import { copyElements, offsetsOf } from "../loops.js";
import { broadcastShapes, broadcastStrides, range, sameShape, showShape, sizeOf } from "../shape.js";
import { type Edge, edgeOf, isGradEnabled, Node } from "../tape.js";
import { zerosLike } from "../create.js";
import { Tensor, type Operand } from "../tensor.js";

/**
 * Changes in place. All of them are a result computed as usual and then copied over the elements: the copy counts the
 * storage's version up, and the tensor takes over the result's place on the tape. Where it is a view, its base becomes
 * "the old base with this window replaced", and every view of it is taken anew when it is next used.
 */
export function copy<T extends Tensor>(target: T, source: Operand): T {
  if (!(source instanceof Tensor) && !["number", "bigint", "boolean"].includes(typeof source))
    throw new DTypeError(`a tensor or a number is written, not ${kindOf(source)}`);
  const given = source instanceof Tensor ? source : oneElement(source, target.dtype);
  if (!sameShape(broadcastShapes(given.shape, target.shape), target.shape))
    throw new ShapeError(`shape ${showShape(given.shape)} cannot be written over ${showShape(target.shape)}`);
  if (overlaps(target))
    throw new ShapeError(
      "an expanded tensor, or one of overlapping windows, holds one element in several places, and cannot be changed in place",
    );
  const base = target.view?.base ?? target;
  const replacement = given.to(target.dtype).expand(target.shape);
  const tracked = isGradEnabled() && (target.requiresGrad || base.requiresGrad || replacement.requiresGrad);
  if (tracked) checkAllowed(target, base);
  const before = edgeOf(base);
  const incoming = edgeOf(replacement);
  const from = replacement.storage === target.storage ? replacement.detach().clone() : replacement;
  copyElements(target.shape, target.storage.data, target, from.storage.data, {
    strides: broadcastStrides(from.shape, from.strides, target.shape),
    offset: from.offset,
  });
  target.storage.version++;
  if (!tracked) return target;
  const { view } = target;
  if (!view) {
    target.history = incoming ?? overwritten(target, before);
    return target;
  }
  const { remake } = view;
  const node = new Node(
    "copyIntoView",
    [before, incoming],
    [{ shape: base.shape, dtype: base.dtype }],
    ([g], [old]) => [old && g ? zeroWindow(g, remake) : null, g ? remake(g) : null],
    [],
    null,
    { of: remake, overwrites: true },
  );
  base.history = { node, output: 0 };
  return target;
}

/** Whether two entries of a tensor are one element. */
function overlaps({ shape, strides, size }: Tensor): boolean {
  if (size < 2) return false;
  const axes = range(shape.length)
    .filter((k) => shape[k]! > 1)
    .map((k) => ({ size: shape[k]!, step: Math.abs(strides[k]!) }))
    .sort((a, b) => a.step - b.step);
  // Where each step is longer than all that the shorter ones reach, no two are.
  let reach = 0;
  for (const { size, step } of axes) {
    if (step <= reach) return new Set(offsetsOf(shape, strides)).size < sizeOf(shape);
    reach += (size - 1) * step;
  }
  return false;
}

function oneElement(value: number | bigint | boolean, dtype: DType): Tensor {
  const data = allocate(dtype, 1);
  data[0] = convert(value, dtype) as never;
  return Tensor.own(data, dtype, []);
}
/** The place on the tape of what was overwritten by constants: it still requires a gradient, and passes zeros. */
function overwritten({ shape, dtype }: Tensor, before: Edge | null): Edge | null {
  if (!before) return null;
  return {
    node: new Node("copy", [before], [{ shape, dtype }], ([g]) => [g ? zerosLike(g) : null]),
    output: 0,
  };
}

function checkAllowed(target: Tensor, base: Tensor): void {
  if (target.isLeafRequiringGrad || base.isLeafRequiringGrad)
    throw new AutogradError(
      "a leaf that requires a gradient, or a view of one, cannot be changed in place; do it within noGrad",
    );
  if (target.view && !target.view.recorded && base.requiresGrad)
    throw new AutogradError(
      "a view made within noGrad is changed in place outside of it: the tape does not know it",
    );
}

/** g with zeros where the window is. */
function zeroWindow(g: Tensor, remake: (base: Tensor) => Tensor): Tensor {
  const out = g.clone();
  remake(out).zero_();
  return out;
}

/**
 * target = change(target), in place. The derivative of `change` sees the elements from before.
 * @throws DTypeError where the result is of a higher kind (bool, integers, floats) than the target
 */
export function update<T extends Tensor>(target: T, change: (x: Tensor) => Tensor): T {
  const tracked = isGradEnabled() && target.requiresGrad;
  if (tracked) checkAllowed(target, target.view?.base ?? target);
  let before: Tensor = target;
  if (tracked) {
    before = target.detach().clone();
    before.history = target.history;
  }
  const made = change(before);
  if (kind(made.dtype) > kind(target.dtype))
    throw new DTypeError(`a result of ${made.dtype} cannot be written over ${target.dtype}`);
  if (!sameShape(made.shape, target.shape))
    throw new ShapeError(`a result of shape ${showShape(made.shape)} in place of ${showShape(target.shape)}`);
  return copy(target, made);
}
