import { arange, noGrad, Tensor, tensor } from "../eager/index.js";
import { invariant } from "../diagnostics/invariant.js";
import type { Expr, Index } from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";

/** One axis of an iteration space: an index variable and the coordinates lo, lo + 1, … that it runs over. */
export interface SpaceAxis {
  readonly index: Index;
  readonly lo: number;
  readonly size: number;
}
/** Values over a space: a number, or a tensor with an axis for each of the space's, of size 1 where it does not vary. */
export type Spread = Tensor | number;
export type Dims = Readonly<Record<string, number>>;

/** A polynomial without indices. */
export function sizeUnder(p: Poly, dims: Dims): number {
  return p.evaluate((atom) => {
    invariant(atom.kind === "dim", "a size is made of dims");
    return sizeOfDim(atom.name, dims);
  });
}
function sizeOfDim(name: string, dims: Dims): number {
  const n = dims[name];
  invariant(n !== undefined, `dim ${name} is bound`);
  return n;
}

export class Space {
  private readonly position: ReadonlyMap<Index, number>;
  private readonly coordinates = new Map<Index, Tensor>();

  constructor(
    readonly axes: readonly SpaceAxis[],
    private readonly dims: Dims,
  ) {
    this.position = new Map(axes.map((a, k) => [a.index, k]));
  }
  get shape(): number[] {
    return this.axes.map((a) => a.size);
  }
  axisOf(index: Index): number {
    const k = this.position.get(index);
    invariant(k !== undefined, `index ${index.name} is one of the iteration's`);
    return k;
  }
  /** A value along one axis, as the space's tensors are shaped. */
  along(axis: number, t: Tensor): Tensor {
    return t.reshape(...this.axes.map((_, k) => (k === axis ? -1 : 1)));
  }
  coordinate(index: Index): Tensor {
    const known = this.coordinates.get(index);
    if (known) return known;
    const k = this.axisOf(index);
    const { lo, size } = this.axes[k]!;
    const made = this.along(k, arange(lo, lo + size, 1, { dtype: "f64" }));
    this.coordinates.set(index, made);
    return made;
  }

  /**
   * A polynomial's values, in f64. Coefficients are fractions whose sum is whole, so the total is rounded. `opaque` gives
   * the values of an integer expression.
   */
  values(p: Poly, opaque: (e: Expr) => Spread): Spread {
    return noGrad(() => {
      let total: Spread = 0;
      for (const { num, den, atoms } of p.terms) {
        let term: Spread = num / den;
        for (const atom of atoms)
          term = times(
            term,
            atom.kind === "dim"
              ? sizeOfDim(atom.name, this.dims)
              : atom.kind === "index"
                ? this.coordinate(atom.index)
                : wide(opaque(atom.expr)),
          );
        total = plus(total, term);
      }
      return typeof total === "number" ? Math.round(total) : total.round();
    });
  }

  /** `index + constant`, where the polynomial is that; a constant has no index. */
  shifted(p: Poly): { readonly axis: number | null; readonly at: number } | null {
    if (p.hasOpaque) return null;
    const [index, ...others] = p.indices;
    if (!index) return { axis: null, at: sizeUnder(p, this.dims) };
    const parts = others.length ? undefined : p.split(index);
    if (parts?.coefficient.constant !== 1) return null;
    return { axis: this.axisOf(index), at: sizeUnder(parts.rest, this.dims) };
  }
}

const wide = (x: Spread): Spread => (typeof x === "number" ? x : x.to("f64"));
const plus = (a: Spread, b: Spread): Spread =>
  typeof a !== "number" ? a.add(b) : typeof b !== "number" ? b.add(a) : a + b;
const times = (a: Spread, b: Spread): Spread =>
  typeof a !== "number" ? a.mul(b) : typeof b !== "number" ? b.mul(a) : a * b;
export const asTensor = (x: Spread, dtype: "f32" | "f64" | "i32" | "i64" | "bool"): Tensor =>
  typeof x === "number" ? tensor(x, { dtype }) : x.to(dtype);
