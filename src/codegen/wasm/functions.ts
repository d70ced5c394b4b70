import { invariant } from "../../diagnostics/invariant.js";
import { EXP_F32 } from "../../ir/scalar/coefficients.js";
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
  /** NaN stays NaN. */
  atLeast(x: Instruction, low: number): Instruction {
    return this.float("pmax", x, this.constant(low));
  }
  /** Between constants; NaN stays NaN. */
  clamp(x: Instruction, low: number, high: number): Instruction {
    return this.float("pmin", this.atLeast(x, low), this.constant(high));
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

/**
 * x = n ln 2 + r with |r| <= ln 2 / 2, for |x| < 200 (Cody and Waite). `shifted` has n + bias in its low bits, and
 * nothing in the ones between them and the exponent's, so that shifting it left by 23 leaves n + bias for an exponent;
 * `excess` is exp(r) - 1.
 */
function reduce(l: Lanes, x: Instruction, bias: number): { shifted: Instruction; excess: Instruction } {
  // Adding 1.5 * 2^23 rounds to an integer.
  const rounder = l.constant(1.5 * 2 ** 23 + bias);
  const shifted = l.name(l.madd(x, l.constant(Math.LOG2E), rounder));
  const n = l.name(l.sub(shifted, rounder));
  const r = l.name(l.madd(n, l.constant(-LN2_LOW), l.madd(n, l.constant(-LN2_HIGH), x)));
  const tail = l.polynomial(r, [...EXP_F32].reverse());
  return { shifted, excess: l.name(l.madd(tail, l.mul(r, r), r)) };
}

/** A factor of 2^24 keeps what is below 2^-126 within the exponent's range. */
const DENORMAL = 24;

const RECIPES: Readonly<Record<string, Recipe>> = {
  exp: {
    note: "x = n ln 2 + r, exp(r) as a polynomial",
    body: (l, x) => {
      const { shifted, excess } = reduce(l, l.name(l.clamp(x, -104, 89)), 2 * 127);
      // 2^n in two factors, so that n = 128 and n < -126 stay within the exponent's range.
      const half = l.name(l.shr(shifted, 1));
      const e = l.add(excess, l.constant(1));
      return l.mul(l.mul(e, l.shl(half, 23)), l.shl(l.subBits(shifted, half), 23));
    },
  },
  decay: {
    note: "exp of what is not positive",
    body: (l, x) => {
      const { shifted, excess } = reduce(l, l.name(l.atLeast(x, -104)), 127 + DENORMAL);
      const e = l.mul(l.add(excess, l.constant(1)), l.shl(shifted, 23));
      return l.mul(e, l.constant(2 ** -DENORMAL));
    },
  },
  log: {
    note: "x = 2^e m with m in [sqrt(1/2), sqrt(2)), log(m) as a polynomial (coefficients: Cephes logf)",
    body: (l, x) => {
      const tiny = l.name(l.lt(x, l.constant(1.17549435e-38)));
      const raw = l.name(l.choose(tiny, l.mul(x, l.constant(8388608)), x));
      // The bits of sqrt(1/2) taken off, the exponent's end is where e changes.
      const root = l.bits(0x3f3504f3);
      const k = l.name(l.subBits(raw, root));
      const e = l.name(l.sub(l.fromWhole(l.shr(k, 23)), l.and(tiny, l.constant(23))));
      const m = l.name(l.sub(l.addBits(l.and(k, l.bits(0x007fffff)), root), l.constant(1)));
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
    note: "x = n ln 2 + r, 2^n (exp(r) - 1) + 2^n - 1",
    body: (l, x) => {
      // Twice the half of it, for 2^128 has no exponent.
      const { shifted, excess } = reduce(l, l.name(l.clamp(x, -18, 89)), 126);
      const power = l.name(l.shl(shifted, 23));
      const half = l.name(l.madd(power, excess, l.sub(power, l.constant(0.5))));
      // The sum has lost the sign of 0.
      return l.or(l.add(half, half), l.and(x, l.bits(1 << 31)));
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
    note: "u / (u + 2) with u = exp(2 x) - 1",
    body: (l, x) => {
      const { shifted, excess } = reduce(l, l.name(l.clamp(l.add(x, x), -20, 20)), 127);
      const power = l.name(l.shl(shifted, 23));
      const u = l.name(l.madd(power, excess, l.sub(power, l.constant(1))));
      return l.div(u, l.add(u, l.constant(2)));
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
    body: (l, x) => l.add(l.max(x, l.constant(0)), l.fn("log1p", l.fn("decay", l.neg(l.abs(x))))),
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
