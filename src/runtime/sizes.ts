import { DataError, unknownName } from "./errors.js";
import type { DimSpec, SizeCheck, SizeData } from "./types.js";

/** A dim's value, and where it comes from in words: "`dims`", "input `x`". */
export interface BoundDim {
  readonly value: number;
  readonly source: string;
}
export type Dims = ReadonlyMap<string, BoundDim>;

/** Numbers that a value's shape brings: one axis each, or of a flat array only the product of all axes. */
export interface GivenShape {
  /** "input `x`" */
  readonly source: string;
  readonly axes: readonly SizeData[];
  readonly shape: readonly number[] | { readonly total: number };
}

/** slope * dim + offset; no dim where the slope is 0. */
interface Linear {
  readonly slope: number;
  readonly dim?: string;
  readonly offset: number;
}

export function evaluate(size: SizeData, dims: Dims): number {
  if (typeof size === "number") return size;
  if (typeof size === "string") {
    const bound = dims.get(size);
    if (!bound) throw unbound(size);
    return bound.value;
  }
  let total = 0;
  for (const [coefficient, ...atoms] of size.terms)
    total += atoms.reduce((product, atom) => product * evaluate(atom, dims), coefficient);
  return total / (size.over ?? 1);
}

/** The dims that a size is made of. */
export function dimsOf(size: SizeData): string[] {
  if (typeof size === "number") return [];
  return typeof size === "string" ? [size] : size.terms.flatMap(([, ...atoms]) => atoms);
}

/** As it would be written: `B`, `2 * N - 1`, `(H * W + 1) / 2`. */
export function sizeText(size: SizeData): string {
  if (typeof size !== "object") return `${size}`;
  let text = "";
  for (const [coefficient, ...atoms] of size.terms) {
    const factors = [
      ...(Math.abs(coefficient) === 1 && atoms.length ? [] : [Math.abs(coefficient)]),
      ...atoms,
    ].join(" * ");
    text += (text ? (coefficient < 0 ? " - " : " + ") : coefficient < 0 ? "-" : "") + factors;
  }
  if ((size.over ?? 1) === 1) return text || "0";
  return `${size.terms.length > 1 ? `(${text})` : text} / ${size.over}`;
}

export const unbound = (dim: string): DataError =>
  new DataError(
    "GRAD6008",
    `nothing binds the dim \`${dim}\`: give it in \`dims\`, or a value whose shape has it`,
  );

/** Which of the sizes' dims is still open, if any. */
export function openDim(sizes: readonly SizeData[], dims: Dims): string | undefined {
  for (const size of sizes) for (const dim of dimsOf(size)) if (!dims.has(dim)) return dim;
  return undefined;
}

/**
 * Binds what `known` and the shapes determine: defaults, definitions, and each axis (or flat length) that is linear
 * in one unknown dim. Dims that nothing determines stay out of the result.
 * @throws DataError where two sources disagree (both are named) or a size comes out negative or broken.
 */
export function bindDims(
  specs: readonly DimSpec[],
  known: Dims,
  given: readonly GivenShape[],
): Map<string, BoundDim> {
  const dims = new Map<string, BoundDim>();
  for (const [name, bound] of known) {
    if (!specs.some((spec) => spec.name === name))
      throw unknownName(
        "dim",
        name,
        specs.map((spec) => spec.name),
      );
    if (!(Number.isSafeInteger(bound.value) && bound.value >= 0))
      throw new DataError(
        "GRAD6009",
        `dim \`${name}\` must be a whole number, not ${bound.value} (from ${bound.source})`,
      );
    dims.set(name, bound);
  }
  for (const { name, default: value } of specs)
    if (value !== undefined && !dims.has(name)) dims.set(name, { value, source: "its default" });

  const definitions = new Map(
    specs.flatMap((spec) => (spec.definition ? [[spec.name, spec.definition]] : [])),
  );
  const linear = (size: SizeData): Linear | undefined => {
    if (typeof size === "number") return { slope: 0, offset: size };
    if (typeof size === "string") {
      const bound = dims.get(size);
      if (bound) return { slope: 0, offset: bound.value };
      const definition = definitions.get(size);
      if (!definition) return { slope: 1, dim: size, offset: 0 };
      const { numerator, divisor, root, least } = definition;
      return divisor === undefined && !root && least === undefined ? linear(numerator) : undefined;
    }
    let total: Linear | undefined = { slope: 0, offset: 0 };
    for (const [coefficient, ...atoms] of size.terms)
      total = sum(total, multiplyAll([coefficient / (size.over ?? 1), ...atoms]));
    return total;
  };
  const multiplyAll = (sizes: readonly SizeData[]): Linear | undefined =>
    sizes.reduce<Linear | undefined>((product, size) => multiply(product, linear(size)), {
      slope: 0,
      offset: 1,
    });

  for (let before = -1; before < dims.size;) {
    before = dims.size;
    for (const [name, { numerator, divisor, floor, root, least }] of definitions) {
      if (openDim([numerator, divisor ?? 1], dims) !== undefined) continue;
      const exact = evaluate(numerator, dims) / evaluate(divisor ?? 1, dims);
      const value = Math.max(
        floor ? Math.floor(exact) : root ? Math.ceil(Math.sqrt(exact)) : exact,
        least ?? -Infinity,
      );
      if (!(Number.isSafeInteger(value) && value >= 0))
        throw new DataError(
          "GRAD6009",
          `dim \`${name}\` would be ${value} with ${values(dims, [numerator, divisor ?? 1])}`,
        );
      const old = dims.get(name);
      if (!old) dims.set(name, { value, source: "its definition" });
      else if (old.value !== value)
        throw disagreement(name, old, value, `its definition (${values(dims, [numerator, divisor ?? 1])})`);
    }
    for (const { source, axes, shape } of given) {
      const equations: [Linear | undefined, number][] =
        "total" in shape
          ? [[multiplyAll(axes), shape.total]]
          : shape.map((extent, axis) => [linear(axes[axis] ?? 1), extent]);
      for (const [form, extent] of equations) {
        if (!form?.dim || dims.has(form.dim)) continue;
        // The slope may be a rounded fraction; the comparison of the shapes below is exact.
        const exact = (extent - form.offset) / form.slope;
        const value = Math.round(exact);
        if (!(Math.abs(exact - value) < 1e-6 && value >= 0))
          throw new DataError(
            "GRAD6003",
            `${source} is ${shapeText(shape)}, which [${axes.map(sizeText).join(", ")}] cannot be for any whole ${form.dim}`,
          );
        dims.set(form.dim, { value, source });
      }
    }
  }
  for (const one of given) compareShape(one, dims);
  return dims;
}

function compareShape({ source, axes, shape }: GivenShape, dims: Dims): void {
  if (openDim(axes, dims) !== undefined) return;
  const wanted = axes.map((axis) => evaluate(axis, dims));
  const fits =
    "total" in shape
      ? shape.total === wanted.reduce((a, b) => a * b, 1)
      : shape.every((extent, axis) => extent === wanted[axis]);
  if (fits) return;
  const why = [...new Set(axes.flatMap(dimsOf))].map(
    (dim) => `${dim} = ${dims.get(dim)?.value} from ${dims.get(dim)?.source}`,
  );
  throw new DataError(
    why.length ? "GRAD6007" : "GRAD6003",
    `${source} is ${shapeText(shape)}, but [${axes.map(sizeText).join(", ")}] is ${shapeText(wanted)}${why.length ? ` (${why.join(", ")})` : ""}`,
  );
}

const shapeText = (shape: GivenShape["shape"]): string =>
  "total" in shape ? `${shape.total} long` : `[${shape.join(", ")}]`;

const disagreement = (name: string, old: BoundDim, value: number, source: string): DataError =>
  new DataError(
    "GRAD6007",
    `dim \`${name}\` is ${old.value} from ${old.source}, but ${value} from ${source}`,
  );

const values = (dims: Dims, sizes: readonly SizeData[]): string =>
  [...new Set(sizes.flatMap(dimsOf))].map((dim) => `${dim} = ${dims.get(dim)?.value}`).join(", ");

/** @throws DataError with the check's own code and message, and the dims' values. Checks of open dims wait. */
export function runChecks(checks: readonly SizeCheck[], dims: Dims): void {
  for (const { value, kind, code, message } of checks) {
    if (openDim([value], dims) !== undefined) continue;
    const found = evaluate(value, dims);
    const holds = kind === "zero" ? found === 0 : kind === "integer" ? Number.isInteger(found) : found >= 0;
    if (!holds) throw new DataError(code, `${message} (${values(dims, [value])})`);
  }
}

function sum(a: Linear | undefined, b: Linear | undefined): Linear | undefined {
  if (!a || !b || (a.dim && b.dim && a.dim !== b.dim)) return undefined;
  return line(a.slope + b.slope, a.dim ?? b.dim, a.offset + b.offset);
}

function multiply(a: Linear | undefined, b: Linear | undefined): Linear | undefined {
  if (!a || !b || (a.dim && b.dim)) return undefined;
  return line(a.slope * b.offset + b.slope * a.offset, a.dim ?? b.dim, a.offset * b.offset);
}

const line = (slope: number, dim: string | undefined, offset: number): Linear =>
  slope && dim ? { slope, dim, offset } : { slope: 0, offset };
