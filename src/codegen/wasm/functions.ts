import { invariant } from "../../diagnostics/invariant.js";
import type { Instruction, Opcode, WasmFunction, WasmType } from "./instruction.js";
import { get, i32, lanes, op, set } from "./instruction.js";
import { madd } from "./madd.js";

/**
 * Functions of f32 over four lanes, each written once. One number is a lane of four, so that it gets the same bits
 * whether the engine fuses products with sums or not. Those of the function table that are not here are the host's.
 * Errors are against the exact value, in units of the last place of f32, over the whole range; a test holds them.
 */
interface Recipe {
  /** One line for a reader: the method and its source. */
  readonly note: string;
  readonly body: (lane: Lanes, x: Instruction) => Instruction;
}

/** Arithmetic on four numbers; `name` keeps an intermediate in a local. */
class Lanes {
  constructor(private readonly keep: (value: Instruction, type: WasmType) => Instruction) {}

  private float(name: string, ...args: Instruction[]): Instruction {
    return op(`f32x4.${name}` as Opcode, ...args);
  }
  name(value: Instruction): Instruction {
    return this.keep(value, "v128");
  }
  constant(value: number): Instruction {
    return lanes("f32x4", value, value, value, value);
  }
  bits(value: number): Instruction {
    return lanes("i32x4", value, value, value, value);
  }
  add(a: Instruction, b: Instruction): Instruction {
    return this.float("add", a, b);
  }
  sub(a: Instruction, b: Instruction): Instruction {
    return this.float("sub", a, b);
  }
  mul(a: Instruction, b: Instruction): Instruction {
    return this.float("mul", a, b);
  }
  /** a * b + c, where one rounding less does no harm. */
  madd(a: Instruction, b: Instruction, c: Instruction): Instruction {
    return madd("f32x4", a, b, c.kind === "lanes" ? c : this.name(c));
  }
  div(a: Instruction, b: Instruction): Instruction {
    return this.float("div", a, b);
  }
  max(a: Instruction, b: Instruction): Instruction {
    return this.float("max", a, b);
  }
  abs(a: Instruction): Instruction {
    return this.float("abs", a);
  }
  neg(a: Instruction): Instruction {
    return this.float("neg", a);
  }
  lt(a: Instruction, b: Instruction): Instruction {
    return this.float("lt", a, b);
  }
  eq(a: Instruction, b: Instruction): Instruction {
    return this.float("eq", a, b);
  }
  choose(condition: Instruction, then: Instruction, otherwise: Instruction): Instruction {
    return op("v128.bitselect", then, otherwise, condition);
  }
  fromWhole(a: Instruction): Instruction {
    return op("f32x4.convert_i32x4_s", a);
  }
  addBits(a: Instruction, b: Instruction): Instruction {
    return op("i32x4.add", a, b);
  }
  subBits(a: Instruction, b: Instruction): Instruction {
    return op("i32x4.sub", a, b);
  }
  and(a: Instruction, b: Instruction): Instruction {
    return op("v128.and", a, b);
  }
  or(a: Instruction, b: Instruction): Instruction {
    return op("v128.or", a, b);
  }
  shl(a: Instruction, by: number): Instruction {
    return op("i32x4.shl", a, i32(by));
  }
  shr(a: Instruction, by: number): Instruction {
    return op("i32x4.shr_s", a, i32(by));
  }
  fn(name: string, x: Instruction): Instruction {
    return recipeOf(name).body(this, this.name(x));
  }
  /** Between constants; NaN stays NaN. */
  clamp(x: Instruction, low: number, high: number): Instruction {
    return this.float("pmin", this.float("pmax", x, this.constant(low)), this.constant(high));
  }
  /** Horner's rule, highest coefficient first. */
  polynomial(x: Instruction, coefficients: readonly number[]): Instruction {
    return coefficients
      .slice(1)
      .reduce((sum, c) => this.madd(sum, x, this.constant(c)), this.constant(coefficients[0] ?? 0));
  }
}

/** ln 2 in two parts, the first exact in few bits (Cody and Waite). */
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.12194440054690583e-4;

const ROUNDER = 12582912;
const ROUNDER_BITS = 0x4b400000;

const RECIPES: Readonly<Record<string, Recipe>> = {
  exp: {
    note: "x = n ln 2 + r, exp(r) as a polynomial (coefficients: Cephes expf)",
    body: (l, x) => {
      const clamped = l.name(l.clamp(x, -104, 89));
      // Adding 1.5 * 2^23 rounds to an integer, and leaves it in the low bits.
      const shifted = l.name(l.madd(clamped, l.constant(Math.LOG2E), l.constant(ROUNDER)));
      const n = l.name(l.sub(shifted, l.constant(ROUNDER)));
      const r = l.name(l.madd(n, l.constant(-LN2_LOW), l.madd(n, l.constant(-LN2_HIGH), clamped)));
      const p = l.polynomial(
        r,
        [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1],
      );
      const e = l.name(l.add(l.madd(l.mul(p, r), r, r), l.constant(1)));
      // 2^n in two factors, so that n = 128 and n < -126 stay within the exponent's range.
      const whole = l.name(l.subBits(shifted, l.bits(ROUNDER_BITS)));
      const half = l.name(l.shr(whole, 1));
      const power = (k: Instruction): Instruction => l.shl(l.addBits(k, l.bits(127)), 23);
      return l.mul(l.mul(e, power(half)), power(l.subBits(whole, half)));
    },
  },
  log: {
    note: "x = 2^e m with m in [sqrt(1/2), sqrt(2)), log(m) as a polynomial (coefficients: Cephes logf)",
    body: (l, x) => {
      const tiny = l.name(l.lt(x, l.constant(1.17549435e-38)));
      const raw = l.name(l.choose(tiny, l.mul(x, l.constant(8388608)), x));
      const m0 = l.name(l.or(l.and(raw, l.bits(0x007fffff)), l.bits(0x3f000000)));
      const e0 = l.name(
        l.sub(
          l.fromWhole(l.subBits(l.shr(raw, 23), l.bits(126))),
          l.choose(tiny, l.constant(23), l.constant(0)),
        ),
      );
      const low = l.name(l.lt(m0, l.constant(Math.SQRT1_2)));
      const e = l.name(l.choose(low, l.sub(e0, l.constant(1)), e0));
      const m = l.name(l.sub(l.choose(low, l.add(m0, m0), m0), l.constant(1)));
      const z = l.name(l.mul(m, m));
      const p = l.polynomial(
        m,
        [
          7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1,
          -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
        ],
      );
      const tail = l.name(l.madd(z, l.constant(-0.5), l.madd(e, l.constant(LN2_LOW), l.mul(l.mul(m, z), p))));
      const result = l.name(l.madd(e, l.constant(LN2_HIGH), l.add(m, tail)));
      const positive = l.name(l.lt(l.constant(0), x));
      const special = l.choose(l.eq(x, l.constant(0)), l.constant(-Infinity), l.constant(NaN));
      const finite = l.choose(l.eq(x, l.constant(Infinity)), x, result);
      return l.choose(positive, finite, special);
    },
  },
  expm1: {
    note: "(exp(x) - 1) x / log(exp(x)), Kahan's correction, for |x| < 1/2; else exp(x) - 1",
    body: (l, x) => {
      const u = l.name(l.fn("exp", x));
      const d = l.name(l.sub(u, l.constant(1)));
      const corrected = l.div(l.mul(d, x), l.fn("log", u));
      const near = l.choose(l.eq(d, l.constant(0)), x, corrected);
      return l.choose(l.lt(l.abs(x), l.constant(0.5)), near, d);
    },
  },
  log1p: {
    note: "log(1 + x) x / ((1 + x) - 1): what rounding took from x is put back (Kahan)",
    body: (l, x) => {
      const u = l.name(l.add(l.constant(1), x));
      const d = l.name(l.sub(u, l.constant(1)));
      const g = l.name(l.fn("log", u));
      const corrected = l.div(l.mul(g, x), d);
      const near = l.choose(l.eq(d, l.constant(0)), x, corrected);
      return l.choose(l.lt(l.abs(x), l.constant(1)), near, g);
    },
  },
  tanh: {
    note: "below 0.625 a polynomial (coefficients: Cephes tanhf), else 1 - 2 / (exp(2 |x|) + 1) with the sign of x",
    body: (l, x) => {
      const a = l.name(l.abs(x));
      const z = l.name(l.mul(x, x));
      const p = l.polynomial(
        z,
        [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1],
      );
      const near = l.madd(l.mul(x, z), p, x);
      const large = l.name(
        l.sub(l.constant(1), l.div(l.constant(2), l.add(l.fn("exp", l.add(a, a)), l.constant(1)))),
      );
      const signed = l.choose(l.lt(x, l.constant(0)), l.neg(large), large);
      return l.choose(l.lt(a, l.constant(0.625)), near, signed);
    },
  },
  sigmoid: {
    note: "1 / (1 + exp(-x))",
    body: (l, x) => l.div(l.constant(1), l.add(l.constant(1), l.fn("exp", l.neg(x)))),
  },
  silu: {
    note: "x sigmoid(x)",
    // Of max(x, -200), below which it is 0: -Infinity times 0 is not.
    body: (l, x) => {
      const a = l.name(l.max(x, l.constant(-200)));
      return l.mul(a, l.fn("sigmoid", a));
    },
  },
  softplus: {
    note: "max(x, 0) + log(1 + exp(-|x|))",
    body: (l, x) => l.add(l.max(x, l.constant(0)), l.fn("log1p", l.fn("exp", l.neg(l.abs(x))))),
  },
  log_sigmoid: {
    note: "-softplus(-x)",
    body: (l, x) => l.neg(l.fn("softplus", l.neg(x))),
  },
};

function recipeOf(name: string): Recipe {
  const recipe = RECIPES[name];
  invariant(recipe, `there is a recipe for ${name}`);
  return recipe;
}
export const hasRecipe = (name: string): boolean => name in RECIPES;

/** A function's code on four lanes where it is used: calls are dear, they empty all vector registers. */
export const inlineMath = (
  name: string,
  x: Instruction,
  keep: (value: Instruction, type: WasmType) => Instruction,
): Instruction => new Lanes(keep).fn(name, x);

/** The name of the wasm function for one number. */
export const mathFunctionName = (name: string): string => `${name}_f32`;

/** A function as a wasm function for one number, which becomes the first of four lanes. */
export function mathFunction(name: string): WasmFunction {
  const locals: { name: string; type: WasmType }[] = [];
  const body: Instruction[] = [];
  const keep = (value: Instruction, type: WasmType): Instruction => {
    if (value.kind === "get") return value;
    const local = `t${locals.length}`;
    locals.push({ name: local, type });
    body.push(set(local, value));
    return get(local);
  };
  const made = inlineMath(name, op("f32x4.splat", get("x")), keep);
  return {
    name: mathFunctionName(name),
    parameters: [{ name: "x", type: "f32" }],
    result: "f32",
    locals,
    body: [...body, { kind: "op", op: "f32x4.extract_lane", args: [made], lane: 0 }],
    exports: [],
    notes: [`${name}: ${recipeOf(name).note}`],
  };
}
