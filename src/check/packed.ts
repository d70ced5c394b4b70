import {
  call,
  compare,
  freshIndex,
  indexValue,
  read,
  select,
  type Expr,
  type Index,
  type ValueId,
} from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Value } from "../ir/program.js";
import type { Context } from "./context.js";

/**
 * Several tensors in one: each flat, row by row, one after the other along a last axis, behind axes that all have. So
 * what works on one value (a written adjoint, its cotangent) works on several.
 */
export class Packing {
  private readonly parts: readonly { readonly value: Value; readonly offset: Poly; readonly size: Poly }[];
  readonly size: Poly;

  /** @param lead so many axes all of them have in common */
  constructor(
    values: readonly Value[],
    private readonly lead: number,
  ) {
    let offset = Poly.constant(0);
    this.parts = values.map((value) => {
      const size = value.shape.slice(lead).reduce((a, b) => a.mul(b), Poly.constant(1));
      const part = { value, offset, size };
      offset = offset.add(size);
      return part;
    });
    this.size = offset;
  }

  get shape(): Poly[] {
    const [first] = this.parts;
    return [...(first?.value.shape.slice(0, this.lead) ?? []), this.size];
  }

  /** All of them as one value. */
  pack(context: Context, name: string): ValueId {
    const axes = this.shape.map((size, k) => freshIndex(`i${k}`, size));
    const place = Poly.index(axes[this.lead] ?? freshIndex("i", this.size));
    const points = axes.slice(0, this.lead).map((a) => Poly.index(a));
    let body: Expr | null = null;
    for (const { value, offset, size } of [...this.parts].reverse()) {
      const own = unravel(place.sub(offset), value.shape.slice(this.lead));
      const entry = read(value.id, [...points, ...own], value.dtype);
      body = body
        ? select(compare("lt", indexValue(place), indexValue(offset.add(size))), entry, body)
        : entry;
    }
    const [first] = this.parts;
    const dtype = first?.value.dtype ?? "f32";
    return context.session.values.equation(name, axes, null, body ?? indexValue(place), dtype);
  }

  /** One of them out of a value of the packed shape. */
  unpack(context: Context, of: ValueId, k: number, name: string): ValueId {
    const part = this.parts[k];
    const shape = part?.value.shape ?? [];
    const axes = shape.map((size, a) => freshIndex(`i${a}`, size));
    const points = axes.slice(0, this.lead).map((a) => Poly.index(a));
    const own = axes.slice(this.lead);
    const place = (part?.offset ?? Poly.constant(0)).add(flat(own));
    const dtype = part?.value.dtype ?? "f32";
    return context.session.values.equation(name, axes, null, read(of, [...points, place], dtype), dtype);
  }
}

/** The number of an entry, row by row. */
const flat = (axes: readonly Index[]): Poly =>
  axes.reduce((place, axis) => place.mul(axis.hi).add(Poly.index(axis)), Poly.constant(0));

/** The subscripts of the entry with a number. */
function unravel(place: Poly, shape: readonly Poly[]): Poly[] {
  let inner = Poly.constant(1);
  const subscripts: Poly[] = [];
  for (let k = shape.length - 1; k >= 0; k--) {
    const over = k === shape.length - 1 ? place : quotient(place, inner);
    subscripts.unshift(k === 0 ? over : remainder(over, shape[k] ?? Poly.constant(1)));
    inner = inner.mul(shape[k] ?? 1);
  }
  return subscripts;
}
const quotient = (a: Poly, b: Poly): Poly =>
  Poly.opaque(call("floor_div", [indexValue(a), indexValue(b)], "i32"));
const remainder = (a: Poly, b: Poly): Poly => Poly.opaque(call("mod", [indexValue(a), indexValue(b)], "i32"));
