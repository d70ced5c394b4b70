import { constant, freshIndex, type DType, type ValueId } from "../../ir/expr.js";
import type { Fresh } from "../../ir/fresh.js";
import { Poly } from "../../ir/poly.js";
import type { Value } from "../../ir/program.js";
import type { Window } from "../plan/windows.js";
import type { Room } from "./scope.js";

/** Tensors that scheduling makes, beyond the program's values. */
export class MadeTensors {
  readonly values = new Map<ValueId, Value>();
  private readonly windows = new Map<string, Value>();
  private readonly scratch = new Map<string, Value>();

  constructor(private readonly fresh: Fresh) {}

  /** For the latest entries of a value. */
  latest(value: Value, { axis, entries }: Window): Value {
    const key = `${value.id} ${axis} ${entries}`;
    const shape = value.shape.map((s, k) => (k === axis ? Poly.constant(entries) : s));
    const tensor = this.windows.get(key) ?? {
      ...value,
      id: this.fresh.id(),
      name: `${value.name}.last`,
      shape,
    };
    this.windows.set(key, tensor);
    this.values.set(tensor.id, tensor);
    return tensor;
  }

  /** Kernels take turns in the same scratch: a tensor for each place among a kernel's, as large as the largest wanted. */
  scratchFor({ dtype, elements }: Room, place: number): ValueId {
    const own = elements.constant;
    const key = `${dtype} ${place} ${own === undefined ? elements.key : ""}`;
    const known = this.scratch.get(key);
    const size = own === undefined ? elements : Poly.constant(Math.max(own, known?.shape[0]?.constant ?? 0));
    const room = roomValue(known?.id ?? this.fresh.id(), `scratch${place}`, dtype, size);
    this.scratch.set(key, room);
    this.values.set(room.id, room);
    return room.id;
  }
}

/** A tensor that is memory and no more: what it holds is the launches' business. As a value it is a run of zeros. */
export const roomValue = (id: ValueId, name: string, dtype: DType, size: Poly): Value => ({
  id,
  name,
  dtype,
  shape: [size],
  definition: {
    kind: "equation",
    axes: [freshIndex("i", size)],
    operator: null,
    body: constant(0, dtype),
  },
});
