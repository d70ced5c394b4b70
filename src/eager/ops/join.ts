import { resultType } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { copyElements } from "../loops.js";
import { axisOf, sameShape, showShape } from "../shape.js";
import { record } from "../tape.js";
import { Tensor } from "../tensor.js";
import { narrow, unsqueeze } from "./views.js";

/**
 * Tensors one after the other along an axis that they have. An empty list among tensors of more axes counts for its
 * type alone, so that an accumulation can begin with `tensor([])`.
 * @throws ShapeError where other axes differ
 */
export function cat(given: readonly Tensor[], dim = 0): Tensor {
  const solid = given.filter((t) => t.ndim !== 1 || t.size > 0);
  const tensors = solid.length ? solid : given;
  const [first] = tensors;
  if (!first) throw new ShapeError("cat of no tensors");
  const axis = axisOf(dim, first.ndim);
  const without = (t: Tensor): number[] => t.shape.toSpliced(axis, 1);
  for (const t of tensors)
    if (t.ndim !== first.ndim || first.ndim === 0 || !sameShape(without(t), without(first)))
      throw new ShapeError(
        `cat of shapes ${showShape(first.shape)} and ${showShape(t.shape)} along axis ${axis}`,
      );
  const dtype = resultType(given);
  const parts = tensors.map((t) => t.to(dtype));
  const lengths = parts.map((t) => t.shape[axis]!);
  const starts = lengths.map((_, k) => lengths.slice(0, k).reduce((a, b) => a + b, 0));
  const shape = first.shape.with(
    axis,
    lengths.reduce((a, b) => a + b, 0),
  );
  const out = Tensor.empty(dtype, shape);
  parts.forEach((t, k) => {
    const offset = starts[k]! * out.strides[axis]!;
    copyElements(t.shape, out.storage.data, { strides: out.strides, offset }, t.storage.data, t);
  });
  return record(out, {
    name: "cat",
    inputs: parts,
    backward: (g) => parts.map((_, k) => narrow(g, axis, starts[k]!, lengths[k]!)),
  });
}
/** Tensors of one shape, along a new axis. */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  return cat(
    tensors.map((t) => unsqueeze(t, dim)),
    dim,
  );
}
