import { apply, fromTypedArray, type DType as EagerDType, Tensor, where } from "../eager/index.js";
import { invariant } from "../diagnostics/invariant.js";
import type { DType, Expr, ReadExpr, ValueId } from "../ir/expr.js";
import { isFloat } from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";
import { castValue } from "../ir/scalar/cast.js";
import { evaluateScalar, SCALARS } from "../ir/scalar/table.js";
import { asTensor, type Space, type Spread } from "./space.js";

/** Where an expression's tensors come from. */
export interface Scope {
  readonly float: "f32" | "f64";
  tensor(id: ValueId): Tensor;
  /** Still being written, entry by entry: reads copy. */
  isGrowing(id: ValueId): boolean;
}

/** f16 is computed in the run's precision; u32 lives in i64 and is wrapped after each operation. */
export function eagerType(dtype: DType, float: "f32" | "f64"): EagerDType {
  if (dtype === "f64") return "f64";
  return isFloat(dtype)
    ? float
    : dtype === "u32"
      ? "i64"
      : dtype === "i32" || dtype === "bool"
        ? dtype
        : float;
}

/**
 * Scalar expressions over a whole iteration space at once: each node is a tensor operation, and index variables are axes
 * that broadcast against each other. Both arms of a choice are computed, so subscripts are clamped into their tensor; what
 * the arm not chosen holds goes nowhere, nor does a cotangent into it.
 */
export class Evaluator {
  private readonly known = new Map<Expr, Spread>();
  constructor(
    private readonly scope: Scope,
    private readonly space: Space,
  ) {}

  evaluate(e: Expr): Spread {
    const before = this.known.get(e);
    if (before !== undefined) return before;
    const made = this.fit(this.node(e), e.dtype);
    this.known.set(e, made);
    return made;
  }
  polynomial(p: Poly): Spread {
    return this.space.values(p, (e) => this.evaluate(e));
  }
  private fit(x: Spread, dtype: DType): Spread {
    if (typeof x === "number") return x;
    const t = x.to(eagerType(dtype, this.scope.float));
    return dtype === "u32" ? t.mod(2 ** 32) : t;
  }

  private node(e: Expr): Spread {
    switch (e.op) {
      case "constant":
        return e.value;
      case "index":
        return this.polynomial(e.poly);
      case "read":
        return this.read(e);
      case "select": {
        const condition = this.evaluate(e.condition);
        if (typeof condition === "number") return this.evaluate(condition ? e.then : e.else);
        const [a, b] = [this.evaluate(e.then), this.evaluate(e.else)];
        const type = eagerType(e.dtype, this.scope.float);
        return where(condition, asTensor(a, type), asTensor(b, type));
      }
      case "cast":
        return this.cast(this.evaluate(e.arg), e.arg.dtype, e.dtype);
      case "call":
        return this.call(
          e.fn,
          e.args.map((a) => this.evaluate(a)),
          e.args[0]?.dtype ?? e.dtype,
        );
    }
  }
  private cast(x: Spread, from: DType, to: DType): Spread {
    if (typeof x === "number") return castValue(from, to === "f32" || to === "f16" ? "f64" : to, x);
    if (to === "bool") return x.ne(0);
    if (isFloat(to) || !isFloat(from)) return x;
    return elementwise([x], ([v = 0]) => castValue(from, to, v));
  }
  private call(name: string, args: readonly Spread[], dtype: DType): Spread {
    const wide = dtype === "f32" || dtype === "f16" ? "f64" : dtype;
    if (args.every((a) => typeof a === "number")) return evaluateScalar(name, args, wide);
    if (SCALARS[name]?.type === "random")
      return elementwise(args, (values) => evaluateScalar(name, values, wide));
    const [first, ...others] = args;
    invariant(first !== undefined, `${name} has arguments`);
    if ((name === "max" || name === "min") && others.length > 1)
      return others.reduce<Spread>((a, b) => this.call(name, [a, b], dtype), first);
    const type = eagerType(dtype, this.scope.float);
    // A number beside tensors would otherwise be typed by its value.
    return apply(
      name,
      ...args.map((a) => (typeof a === "number" && !isFloat(dtype) ? asTensor(a, type) : a)),
    );
  }

  private read({ value, subscripts }: ReadExpr): Spread {
    const source = this.scope.tensor(value);
    const window = this.window(source, subscripts);
    if (window) return this.scope.isGrowing(value) ? window.clone() : window;
    if (source.size === 0) return 0;
    let positions: Spread = 0;
    subscripts.forEach((s, k) => {
      const size = source.shape[k] ?? 1;
      const at = this.polynomial(s);
      const within = typeof at === "number" ? Math.min(Math.max(at, 0), size - 1) : at.clamp(0, size - 1);
      positions =
        typeof positions === "number"
          ? typeof within === "number"
            ? positions * size + within
            : within.add(positions * size)
          : positions.mul(size).add(within);
    });
    const flat = source.reshape(-1);
    return typeof positions === "number"
      ? flat.select(0, positions)
      : flat.at((positions as Tensor).to("i32"));
  }
  /** A read of every subscript `index + constant`, each index once and all in bounds, is a view. */
  private window(source: Tensor, subscripts: readonly Poly[]): Tensor | null {
    let view = source;
    const axes: (number | null)[] = [];
    for (const [k, s] of subscripts.entries()) {
      const place = this.space.shifted(s);
      if (!place || (place.axis !== null && axes.includes(place.axis))) return null;
      const axis = place.axis === null ? null : this.space.axes[place.axis];
      const start = place.at + (axis?.lo ?? 0);
      const size = axis?.size ?? 1;
      if (start < 0 || start + size > source.shape[k]!) return null;
      view = view.narrow(k, start, size);
      axes.push(place.axis);
    }
    // Constant subscripts go, and the others come in the space's order.
    for (let k = axes.length - 1; k >= 0; k--) if (axes[k] === null) view = view.select(k, 0);
    const kept = axes.filter((a) => a !== null);
    const order = kept.map((_, k) => k).sort((p, q) => kept[p]! - kept[q]!);
    const shape = this.space.axes.map(() => 1);
    for (const axis of kept) shape[axis] = this.space.axes[axis]!.size;
    return view.permute(order).reshape(...shape);
  }
}

/** A function without a derivative, element by element. */
function elementwise(args: readonly Spread[], f: (values: readonly number[]) => number): Tensor {
  const tensors = args.map((a) => asTensor(a, "f64").detach());
  const [first, ...rest] = tensors;
  invariant(first, "there are arguments");
  const shape = rest.reduce((t, u) => t.add(u), first).shape;
  const columns = tensors.map((t) => t.expand(shape).toTypedArray());
  const out = new Float64Array(columns[0]?.length ?? 0);
  for (let i = 0; i < out.length; i++) out[i] = f(columns.map((c) => Number(c[i])));
  return fromTypedArray(out, shape);
}
