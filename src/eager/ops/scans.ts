import type { Elements } from "../dtype.js";
import { isFloat } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { offsetsOf } from "../loops.js";
import { axisOf } from "../shape.js";
import { record } from "../tape.js";
import { Tensor } from "../tensor.js";
import { gather } from "./indexing.js";
import { stack } from "./join.js";
import type { ValuesAndIndices } from "./reductions.js";
import { add, mul0 } from "./scalar.js";
import { flip, narrow, select } from "./views.js";

/** Runs along an axis: `line(data, start, step, n, out, to, outStep)` for each line of elements. */
function alongLines(
  x: Tensor,
  axis: number,
  out: Tensor,
  line: (
    data: Elements,
    at: number,
    step: number,
    n: number,
    out: Elements,
    to: number,
    outStep: number,
  ) => void,
): void {
  const others = (list: readonly number[]): number[] => list.toSpliced(axis, 1);
  const starts = offsetsOf(others(x.shape), others(x.strides));
  const ends = offsetsOf(others(out.shape), others(out.strides));
  for (let i = 0; i < starts.length; i++)
    line(
      x.storage.data,
      x.offset + starts[i]!,
      x.strides[axis]!,
      x.shape[axis]!,
      out.storage.data,
      ends[i]!,
      out.strides[axis]!,
    );
}

/** What each entry makes of those before it; integers become i64. */
function scan(
  x: Tensor,
  axis: number,
  numbers: (a: number, b: number) => number,
  bigs: (a: bigint, b: bigint) => bigint,
): Tensor {
  const source = isFloat(x.dtype) ? x : x.to("i64");
  const out = Tensor.empty(source.dtype, x.shape);
  alongLines(source, axis, out, (data, at, step, n, into, to, outStep) => {
    let total = data[at];
    for (let k = 0; k < n; k++) {
      const next = data[at + k * step]!;
      // In double, so that f32 is rounded once for each entry.
      if (k > 0)
        total =
          typeof next === "bigint"
            ? BigInt.asIntN(64, bigs(BigInt(total!), next))
            : numbers(Number(total), next);
      into[to + k * outStep] = total!;
    }
  });
  return out;
}

/** Sums of the entries up to each one. */
export function cumsum(x: Tensor, dim: number): Tensor {
  const axis = axisOf(dim, x.ndim);
  if (x.ndim === 0) return isFloat(x.dtype) ? x.clone() : x.to("i64");
  const out = scan(
    x,
    axis,
    (a, b) => a + b,
    (a, b) => a + b,
  );
  return record(out, {
    name: "cumsum",
    inputs: [x],
    backward: (g) => [flip(cumsum(flip(g, axis), axis), axis)],
  });
}

/** Products of the entries up to each one. */
export function cumprod(x: Tensor, dim: number): Tensor {
  const axis = axisOf(dim, x.ndim);
  if (x.ndim === 0) return isFloat(x.dtype) ? x.clone() : x.to("i64");
  const out = scan(
    x,
    axis,
    (a, b) => a * b,
    (a, b) => a * b,
  );
  return record(out, {
    name: "cumprod",
    inputs: [x],
    saved: [x],
    backward: (g) => [cumprodAdjoint(x, g, axis)],
  });
}
/**
 * With before[k] = x[0] … x[k - 1] and behind[k] = Σ_{i >= k} g[i] x[k + 1] … x[i] = g[k] + x[k + 1] behind[k + 1], the
 * cotangent of x[k] is before[k] behind[k]. There is no quotient, so zeros are no special case.
 */
function cumprodAdjoint(x: Tensor, g: Tensor, axis: number): Tensor {
  const n = x.shape[axis]!;
  if (n === 0) return x;
  const behind: Tensor[] = new Array<Tensor>(n);
  behind[n - 1] = select(g, axis, n - 1);
  for (let k = n - 2; k >= 0; k--)
    behind[k] = add(select(g, axis, k), mul0(behind[k + 1]!, select(x, axis, k + 1)));
  const before = cumprod(narrow(x, axis, 0, n - 1), axis);
  return stack(
    behind.map((b, k) => (k === 0 ? b : mul0(b, select(before, axis, k - 1)))),
    axis,
  );
}

/** Positions that sort each line, equal ones in their order; NaN is greater than all. */
export function argsort(x: Tensor, dim = -1, descending = false): Tensor {
  const axis = axisOf(dim, x.ndim);
  const out = Tensor.empty("i64", x.shape);
  if (x.ndim === 0) return out;
  alongLines(x, axis, out, (data, at, step, n, into, to, outStep) => {
    const value = (k: number): number | bigint => data[at + k * step]!;
    const compare = (a: number, b: number): number => {
      const [p, q] = [value(a), value(b)];
      if (p === q) return 0;
      if (p !== p || q !== q) return p === p ? -1 : q === q ? 1 : 0;
      return p < q ? -1 : 1;
    };
    const order = Array.from({ length: n }, (_, k) => k).sort((a, b) =>
      descending ? compare(b, a) : compare(a, b),
    );
    order.forEach((k, i) => (into[to + i * outStep] = BigInt(k)));
  });
  return out;
}
/** Sorted along an axis, stable, with the positions that the entries came from. */
export function sort(x: Tensor, dim = -1, descending = false): ValuesAndIndices {
  const indices = argsort(x, dim, descending);
  return { values: x.ndim === 0 ? x.clone() : gather(x, dim, indices), indices };
}
/** The `count` greatest (or least) along an axis, in order. @throws ShapeError where there are fewer */
export function topk(x: Tensor, count: number, dim = -1, largest = true): ValuesAndIndices {
  const size = x.shape[axisOf(dim, x.ndim)] ?? 1;
  if (count > size) throw new ShapeError(`the ${count} greatest of ${size}`);
  if (x.ndim === 0) return sort(x, dim, largest);
  const indices = narrow(argsort(x, dim, largest), dim, 0, count).contiguous();
  return { values: gather(x, dim, indices), indices };
}
