import { resultType, type Numbers } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { offsetsOf } from "../loops.js";
import { multiply } from "../matmul-kernel.js";
import { broadcastShapes, broadcastStrides, range, showShape, sizeOf } from "../shape.js";
import { record } from "../tape.js";
import { Tensor } from "../tensor.js";
import { diagonal, expand, permute, reshape, sumTo, transpose, unsqueeze } from "./views.js";
import { mul } from "./scalar.js";

/**
 * The matrix product of the last two axes, [..., m, k] · [..., k, n] → [..., m, n]; axes before them broadcast. A vector
 * stands for a row on the left and a column on the right, and its axis is gone from the result.
 * @throws ShapeError where the inner sizes differ
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  if (a.ndim === 0 || b.ndim === 0) throw new ShapeError("matmul of a tensor without axes; use mul");
  if (a.ndim === 1) {
    const product = matmul(unsqueeze(a, 0), b.ndim === 1 ? unsqueeze(b, 1) : b);
    return reshape(product, b.ndim === 1 ? [] : product.shape.toSpliced(-2, 1));
  }
  if (b.ndim === 1) {
    const product = matmul(a, unsqueeze(b, 1));
    return reshape(product, product.shape.slice(0, -1));
  }
  const [rows, depth, inner, columns] = [a.shape.at(-2)!, a.shape.at(-1)!, b.shape.at(-2)!, b.shape.at(-1)!];
  if (depth !== inner)
    throw new ShapeError(
      `matmul of shapes ${showShape(a.shape)} and ${showShape(b.shape)}: ${depth} is not ${inner}`,
    );
  const dtype = resultType([a, b]);
  const [x, y] = [a.to(dtype), b.to(dtype)];
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const out = Tensor.empty(dtype, [...batch, rows, columns]);
  const [starts, others] = [x, y].map((t) =>
    offsetsOf(batch, broadcastStrides(t.shape.slice(0, -2), t.strides.slice(0, -2), batch)),
  );
  for (let i = 0; i < sizeOf(batch); i++)
    productInto(out, i * rows * columns, x, x.offset + starts![i]!, y, y.offset + others![i]!);
  return record(out, {
    name: "matmul",
    inputs: [x, y],
    saved: [x, y],
    backward: (g, [left, right]) => [
      left ? sumTo(matmul(g, transpose(y, -2, -1)), x.shape) : null,
      right ? sumTo(matmul(transpose(x, -2, -1), g), y.shape) : null,
    ],
  });
}
function productInto(out: Tensor, to: number, x: Tensor, xAt: number, y: Tensor, yAt: number): void {
  const [rows, depth] = x.shape.slice(-2) as [number, number];
  const columns = y.shape.at(-1)!;
  const [xr, xc] = x.strides.slice(-2) as [number, number];
  const [yr, yc] = y.strides.slice(-2) as [number, number];
  const [into, p, q] = [out.storage.data, x.storage.data, y.storage.data];
  if (into instanceof BigInt64Array || p instanceof BigInt64Array || q instanceof BigInt64Array) {
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) {
        let total = 0n;
        for (let k = 0; k < depth; k++)
          total += BigInt(p[xAt + i * xr + k * xc]!) * BigInt(q[yAt + k * yr + j * yc]!);
        (into as BigInt64Array)[to + i * columns + j] = total;
      }
    return;
  }
  const sums =
    into instanceof Float64Array ? into.subarray(to, to + rows * columns) : new Float64Array(rows * columns);
  const matrix = (data: Numbers, offset: number, rowStride: number, columnStride: number) => ({
    data,
    offset,
    rowStride,
    columnStride,
  });
  multiply(matrix(p, xAt, xr, xc), matrix(q, yAt, yr, yc), rows, depth, columns, sums);
  if (out.dtype === "bool") for (let i = 0; i < sums.length; i++) into[to + i] = Number(sums[i] !== 0);
  else if (!(into instanceof Float64Array)) into.set(sums, to);
}

/**
 * Einstein's sum: `einsum("bij,bjk->bik", a, b)`. A letter in several operands aligns them; one that the result lacks is
 * summed over; one twice in an operand takes the diagonal; `...` stands for leading axes that broadcast. Without `->` the
 * result has the letters that occur once, in order.
 * @throws ShapeError where text and shapes disagree
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  const { terms, result } = parseEquation(equation, operands);
  let parts = operands.map((t, k) => distinct(t, terms[k]!));
  checkSizes(equation, parts);
  while (parts.length > 1) {
    const [a, b, ...rest] = parts as [Part, Part, ...Part[]];
    const later = new Set([...result, ...rest.flatMap((p) => p.letters)]);
    parts = [contract(a, b, later), ...rest];
  }
  const [only] = parts;
  if (!only) throw new ShapeError("einsum of no operands");
  const last = sumOut(only, new Set(result));
  return permute(
    last.tensor,
    result.map((letter) => last.letters.indexOf(letter)),
  );
}

interface Part {
  readonly tensor: Tensor;
  /** One for each axis, all different. */
  readonly letters: readonly string[];
}
function parseEquation(
  equation: string,
  operands: readonly Tensor[],
): { terms: string[][]; result: string[] } {
  const [left = "", right] = equation.replace(/\s/g, "").split("->");
  const texts = left.split(",");
  if (texts.length !== operands.length)
    throw new ShapeError(`einsum "${equation}" names ${texts.length} operands, and ${operands.length} came`);
  const named = (text: string): string[] => [...text.replace("...", "")];
  const open = texts.map((text, k) => (text.includes("...") ? operands[k]!.ndim - named(text).length : 0));
  const most = Math.max(0, ...open);
  // The axes of `...` are letters of their own, counted from the last so that shorter ones align at the right.
  const letters = (text: string, count: number): string[] => {
    const [before = "", after = ""] = text.split("...");
    if (!text.includes("...")) return [...text];
    return [...before, ...range(count).map((k) => `.${count - k}`), ...after];
  };
  const terms = texts.map((text, k) => letters(text, open[k]!));
  terms.forEach((term, k) => {
    if (term.length !== operands[k]!.ndim || open[k]! < 0)
      throw new ShapeError(`einsum "${equation}": operand ${k} has shape ${showShape(operands[k]!.shape)}`);
  });
  const all = terms.flat();
  const once = [
    ...new Set(all.filter((l) => !l.startsWith(".") && all.indexOf(l) === all.lastIndexOf(l))),
  ].sort();
  const result =
    right === undefined ? [...range(most).map((k) => `.${most - k}`), ...once] : letters(right, most);
  if (result.some((l) => !all.includes(l)) || new Set(result).size !== result.length)
    throw new ShapeError(
      `einsum "${equation}": the result's letters are each of one operand at least, and once`,
    );
  return { terms, result };
}
/** A letter that an operand has twice: its diagonal. */
function distinct(tensor: Tensor, letters: readonly string[]): Part {
  const second = letters.findIndex((l, k) => letters.indexOf(l) < k);
  if (second < 0) return { tensor, letters };
  const letter = letters[second]!;
  const first = letters.indexOf(letter);
  if (tensor.shape[first] !== tensor.shape[second])
    throw new ShapeError(
      `einsum: "${letter}" is of sizes ${tensor.shape[first]} and ${tensor.shape[second]}`,
    );
  return distinct(diagonal(tensor, 0, first, second), [
    ...letters.filter((_, k) => k !== first && k !== second),
    letter,
  ]);
}
function checkSizes(equation: string, parts: readonly Part[]): void {
  const sizes = new Map<string, number>();
  for (const { tensor, letters } of parts)
    letters.forEach((letter, k) => {
      const size = tensor.shape[k]!;
      const before = sizes.get(letter) ?? 1;
      if (before !== 1 && size !== 1 && before !== size)
        throw new ShapeError(`einsum "${equation}": "${letter}" is of sizes ${before} and ${size}`);
      sizes.set(letter, Math.max(before, size));
    });
}
/** Sums over the letters that nothing later has. */
function sumOut(part: Part, later: ReadonlySet<string>): Part {
  const gone = range(part.letters.length).filter((k) => !later.has(part.letters[k]!));
  if (!gone.length) return part;
  return { tensor: part.tensor.sum(gone), letters: part.letters.filter((l) => later.has(l)) };
}
/** Two operands as a batched matrix product: letters of both that stay are the batch, those that go are contracted. */
function contract(left: Part, right: Part, later: ReadonlySet<string>): Part {
  const a = sumOut(left, new Set([...later, ...right.letters]));
  const b = sumOut(right, new Set([...later, ...left.letters]));
  const both = a.letters.filter((l) => b.letters.includes(l));
  const batch = both.filter((l) => later.has(l));
  const inner = both.filter((l) => !later.has(l));
  const rows = a.letters.filter((l) => !both.includes(l));
  const columns = b.letters.filter((l) => !both.includes(l));
  const sizeIn = (part: Part, l: string): number => part.tensor.shape[part.letters.indexOf(l)]!;
  const common = (l: string): number => Math.max(sizeIn(a, l), sizeIn(b, l));
  const letters = [...batch, ...rows, ...columns];
  const ordered = (part: Part, order: readonly string[]): Tensor => {
    const turned = permute(
      part.tensor,
      order.map((l) => part.letters.indexOf(l)),
    );
    return expand(
      turned,
      order.map((l) => (both.includes(l) ? common(l) : sizeIn(part, l))),
    );
  };
  const sizes = (list: readonly string[], part: Part): number[] =>
    list.map((l) => (both.includes(l) ? common(l) : sizeIn(part, l)));
  const [m, k, n] = [sizeOf(sizes(rows, a)), sizeOf(sizes(inner, a)), sizeOf(sizes(columns, b))];
  const lead = sizes(batch, a);
  const shape = [...lead, ...sizes(rows, a), ...sizes(columns, b)];
  const p = reshape(ordered(a, [...batch, ...rows, ...inner]), [...lead, m, k]);
  const q = reshape(ordered(b, [...batch, ...inner, ...columns]), [...lead, k, n]);
  return { tensor: reshape(inner.length ? matmul(p, q) : mul(p, q), shape), letters };
}
