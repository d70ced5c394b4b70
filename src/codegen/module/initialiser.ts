import { Poly } from "../../ir/poly.js";
import type { Initialiser, Value } from "../../ir/program.js";
import { eye, normal, orthogonal, uniform } from "../../runtime/initialise.js";
import type { Dims, Initialiser as RuntimeInitialiser, LeafSpec } from "../../runtime/types.js";
import { bracketed, type ModuleCode } from "./code.js";

/** 32-bit FNV-1a of the name's UTF-8 bytes. */
export function fnv1a(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * How a leaf starts, as the runtime's data: the name's hash and, from the fans, the spread are worked out here. fan_in is
 * the product of all axes but the last, fan_out the last times all axes but the last two; with one axis both are its
 * size. He et al., Delving Deep into Rectifiers (2015); Glorot, Bengio (2010).
 */
export function initialiserOf(init: Initialiser, { name, shape }: Value, code: ModuleCode): LeafSpec["init"] {
  const key = fnv1a(name);
  const hash = `0x${key.toString(16)}`;
  const made = (from: string, args: readonly string[], value: RuntimeInitialiser): RuntimeInitialiser => {
    code.imports.add(from);
    return code.named(args.length ? `${from}(${args.join(", ")})` : from, value);
  };
  const normals = (spread: (dims: Dims) => number): RuntimeInitialiser =>
    made("normal", [hash, code.textOf(spread)], normal(key, spread));
  const uniforms = (range: (dims: Dims) => readonly [number, number]): RuntimeInitialiser =>
    made("uniform", [hash, code.textOf(range)], uniform(key, range));

  const one = Poly.constant(1);
  const product = (sizes: readonly Poly[]): Poly => sizes.reduce((a, b) => a.mul(b), one);
  const [last = one] = shape.slice(-1);
  const single = shape.length < 2;
  const fanIn = ("fanIn" in init && init.fanIn) || (single ? last : product(shape.slice(0, -1)));
  const fans = fanIn.add(single ? last : last.mul(product(shape.slice(0, -2))));
  const rootText = (over: number, fan: string): string => `Math.sqrt(${over} / ${bracketed(fan)})`;
  const ofVariance = (over: number, fan: Poly): RuntimeInitialiser =>
    normals(
      code.ofDims(
        [fan],
        ([f = ""]) => rootText(over, f),
        ([f = NaN]) => Math.sqrt(over / f),
      ),
    );
  const within = (over: number, fan: Poly): RuntimeInitialiser =>
    uniforms(
      code.ofDims(
        [fan],
        ([f = ""]) => `[-${rootText(over, f)}, ${rootText(over, f)}]`,
        ([f = NaN]) => [-Math.sqrt(over / f), Math.sqrt(over / f)],
      ),
    );
  switch (init.kind) {
    case "fill":
      return init.value;
    case "values":
      return init.data;
    case "normal":
      return normals(
        code.ofDims(
          [],
          () => `${init.b}`,
          () => init.b,
        ),
      );
    case "uniform":
      return uniforms(
        code.ofDims(
          [],
          () => `[${init.a}, ${init.b}]`,
          () => [init.a, init.b],
        ),
      );
    case "he_normal":
      return ofVariance(2, fanIn);
    case "he_uniform":
      return within(6, fanIn);
    case "glorot_normal":
      return ofVariance(2, fans);
    case "glorot_uniform":
      return within(6, fans);
    case "eye":
      return made("eye", [], eye);
    case "orthogonal":
      return made("orthogonal", [hash], orthogonal(key));
  }
}
