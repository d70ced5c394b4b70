import type { Instruction, Opcode, WasmFunction, WasmType } from "./instruction.js";
import { call, f32, get, i32, lanes, op, set } from "./instruction.js";

/**
 * Functions of f32 as wasm functions, each written once and made twice: over one number (`exp_f32`) and over four
 * (`exp_f32x4`). Those of the function table that are not here are the host's. Errors are against the exact value,
 * in units of the last place of f32, over the whole range; a test holds them.
 */
export type LaneType = "f32" | "f32x4";

interface Recipe {
  readonly arity: number;
  readonly uses: readonly string[];
  /** One line for a reader: the method and its source. */
  readonly note: string;
  readonly body: (lane: Lanes, ...args: Instruction[]) => Instruction;
}

/** Arithmetic on one number or on four; `name` keeps an intermediate in a local. */
class Lanes {
  readonly locals: { name: string; type: WasmType }[] = [];
  readonly body: Instruction[] = [];
  /** `keep`: puts a value into a local of the function that this becomes a part of; absent: it is one by itself. */
  constructor(
    readonly type: LaneType,
    private readonly keep?: (value: Instruction, type: WasmType) => Instruction,
  ) {}

  private get integer(): "i32" | "i32x4" {
    return this.type === "f32" ? "i32" : "i32x4";
  }
  private float(name: string, ...args: Instruction[]): Instruction {
    return op(`${this.type}.${name}` as Opcode, ...args);
  }
  private whole(name: string, ...args: Instruction[]): Instruction {
    return op(`${this.integer}.${name}` as Opcode, ...args);
  }
  name(value: Instruction): Instruction {
    return this.named(value, this.type === "f32" ? "f32" : "v128");
  }
  /** The same for integers and conditions. */
  nameBits(value: Instruction): Instruction {
    return this.named(value, this.type === "f32" ? "i32" : "v128");
  }
  private named(value: Instruction, type: WasmType): Instruction {
    if (this.keep) return this.keep(value, type);
    const local = `t${this.locals.length}`;
    this.locals.push({ name: local, type });
    this.body.push(set(local, value));
    return get(local);
  }
  constant(value: number): Instruction {
    return this.type === "f32" ? f32(value) : lanes("f32x4", value, value, value, value);
  }
  bits(value: number): Instruction {
    return this.type === "f32" ? i32(value) : lanes("i32x4", value, value, value, value);
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
  div(a: Instruction, b: Instruction): Instruction {
    return this.float("div", a, b);
  }
  min(a: Instruction, b: Instruction): Instruction {
    return this.float("min", a, b);
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
  nearest(a: Instruction): Instruction {
    return this.float("nearest", a);
  }
  lt(a: Instruction, b: Instruction): Instruction {
    return this.float("lt", a, b);
  }
  eq(a: Instruction, b: Instruction): Instruction {
    return this.float("eq", a, b);
  }
  choose(condition: Instruction, then: Instruction, otherwise: Instruction): Instruction {
    return this.type === "f32"
      ? op("select", then, otherwise, condition)
      : op("v128.bitselect", then, otherwise, condition);
  }
  toWhole(a: Instruction): Instruction {
    return this.type === "f32" ? op("i32.trunc_sat_f32_s", a) : op("i32x4.trunc_sat_f32x4_s", a);
  }
  fromWhole(a: Instruction): Instruction {
    return this.type === "f32" ? op("f32.convert_i32_s", a) : op("f32x4.convert_i32x4_s", a);
  }
  asBits(a: Instruction): Instruction {
    return this.type === "f32" ? op("i32.reinterpret_f32", a) : a;
  }
  asFloat(a: Instruction): Instruction {
    return this.type === "f32" ? op("f32.reinterpret_i32", a) : a;
  }
  addBits(a: Instruction, b: Instruction): Instruction {
    return this.whole("add", a, b);
  }
  subBits(a: Instruction, b: Instruction): Instruction {
    return this.whole("sub", a, b);
  }
  and(a: Instruction, b: Instruction): Instruction {
    return this.type === "f32" ? op("i32.and", a, b) : op("v128.and", a, b);
  }
  or(a: Instruction, b: Instruction): Instruction {
    return this.type === "f32" ? op("i32.or", a, b) : op("v128.or", a, b);
  }
  shl(a: Instruction, by: number): Instruction {
    return this.whole("shl", a, i32(by));
  }
  shr(a: Instruction, by: number): Instruction {
    return this.whole("shr_s", a, i32(by));
  }
  fn(name: string, ...args: Instruction[]): Instruction {
    return this.keep ? this.inlined(name, args) : call(`${name}_${this.type}`, ...args);
  }
  inlined(name: string, args: readonly Instruction[]): Instruction {
    const recipe = RECIPES[name];
    if (!recipe) throw new RangeError(`there is no recipe for ${name}`);
    return recipe.body(this, ...args.map((a) => this.name(a)));
  }
  /** Between constants; NaN stays NaN. On lanes the one-instruction forms. */
  clamp(x: Instruction, low: number, high: number): Instruction {
    const [most, least] = this.type === "f32" ? ["max", "min"] : ["pmax", "pmin"];
    return this.float(least, this.float(most, x, this.constant(low)), this.constant(high));
  }
  /** Horner's rule, highest coefficient first. */
  polynomial(x: Instruction, coefficients: readonly number[]): Instruction {
    return coefficients
      .slice(1)
      .reduce((sum, c) => this.add(this.mul(sum, x), this.constant(c)), this.constant(coefficients[0] ?? 0));
  }
}

/** ln 2 in two parts, the first exact in few bits (Cody and Waite). */
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.12194440054690583e-4;

const ROUNDER = 12582912;
const ROUNDER_BITS = 0x4b400000;

const RECIPES: Readonly<Record<string, Recipe>> = {
  exp: {
    arity: 1,
    uses: [],
    note: "x = n ln 2 + r, exp(r) as a polynomial (coefficients: Cephes expf)",
    body: (l, x) => {
      const clamped = l.name(l.clamp(x, -104, 89));
      // Adding 1.5 * 2^23 rounds to an integer, and leaves it in the low bits.
      const shifted = l.name(l.add(l.mul(clamped, l.constant(Math.LOG2E)), l.constant(ROUNDER)));
      const n = l.name(l.sub(shifted, l.constant(ROUNDER)));
      const r = l.name(l.sub(l.sub(clamped, l.mul(n, l.constant(LN2_HIGH))), l.mul(n, l.constant(LN2_LOW))));
      const p = l.polynomial(
        r,
        [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1],
      );
      const e = l.name(l.add(l.add(l.mul(l.mul(p, r), r), r), l.constant(1)));
      // 2^n in two factors, so that n = 128 and n < -126 stay within the exponent's range.
      const whole = l.nameBits(l.subBits(l.asBits(shifted), l.bits(ROUNDER_BITS)));
      const half = l.nameBits(l.shr(whole, 1));
      const power = (k: Instruction): Instruction => l.asFloat(l.shl(l.addBits(k, l.bits(127)), 23));
      return l.mul(l.mul(e, power(half)), power(l.subBits(whole, half)));
    },
  },
  log: {
    arity: 1,
    uses: [],
    note: "x = 2^e m with m in [sqrt(1/2), sqrt(2)), log(m) as a polynomial (coefficients: Cephes logf)",
    body: (l, x) => {
      const tiny = l.nameBits(l.lt(x, l.constant(1.17549435e-38)));
      const scaled = l.name(l.choose(tiny, l.mul(x, l.constant(8388608)), x));
      const raw = l.nameBits(l.asBits(scaled));
      const m0 = l.name(l.asFloat(l.or(l.and(raw, l.bits(0x007fffff)), l.bits(0x3f000000))));
      const e0 = l.name(
        l.sub(
          l.fromWhole(l.subBits(l.shr(raw, 23), l.bits(126))),
          l.choose(tiny, l.constant(23), l.constant(0)),
        ),
      );
      const low = l.nameBits(l.lt(m0, l.constant(Math.SQRT1_2)));
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
      const tail = l.name(
        l.sub(l.add(l.mul(l.mul(m, z), p), l.mul(e, l.constant(LN2_LOW))), l.mul(z, l.constant(0.5))),
      );
      const result = l.name(l.add(l.add(m, tail), l.mul(e, l.constant(LN2_HIGH))));
      const positive = l.nameBits(l.lt(l.constant(0), x));
      const special = l.choose(l.eq(x, l.constant(0)), l.constant(-Infinity), l.constant(NaN));
      const finite = l.choose(l.eq(x, l.constant(Infinity)), x, result);
      return l.choose(positive, finite, special);
    },
  },
  expm1: {
    arity: 1,
    uses: ["exp", "log"],
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
    arity: 1,
    uses: ["log"],
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
    arity: 1,
    uses: ["exp"],
    note: "below 0.625 a polynomial (coefficients: Cephes tanhf), else 1 - 2 / (exp(2 |x|) + 1) with the sign of x",
    body: (l, x) => {
      const a = l.name(l.abs(x));
      const z = l.name(l.mul(x, x));
      const p = l.polynomial(
        z,
        [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1],
      );
      const near = l.add(x, l.mul(l.mul(x, z), p));
      const large = l.name(
        l.sub(l.constant(1), l.div(l.constant(2), l.add(l.fn("exp", l.add(a, a)), l.constant(1)))),
      );
      const signed = l.choose(l.lt(x, l.constant(0)), l.neg(large), large);
      return l.choose(l.lt(a, l.constant(0.625)), near, signed);
    },
  },
  sigmoid: {
    arity: 1,
    uses: ["exp"],
    note: "1 / (1 + exp(-x))",
    body: (l, x) => l.div(l.constant(1), l.add(l.constant(1), l.fn("exp", l.neg(x)))),
  },
  silu: {
    arity: 1,
    uses: ["sigmoid"],
    note: "x sigmoid(x)",
    // Of max(x, -200), below which it is 0: -Infinity times 0 is not.
    body: (l, x) => {
      const a = l.name(l.max(x, l.constant(-200)));
      return l.mul(a, l.fn("sigmoid", a));
    },
  },
  softplus: {
    arity: 1,
    uses: ["exp", "log1p"],
    note: "max(x, 0) + log(1 + exp(-|x|))",
    body: (l, x) => l.add(l.max(x, l.constant(0)), l.fn("log1p", l.fn("exp", l.neg(l.abs(x))))),
  },
  log_sigmoid: {
    arity: 1,
    uses: ["softplus"],
    note: "-softplus(-x)",
    body: (l, x) => l.neg(l.fn("softplus", l.neg(x))),
  },
};

/** A function's code on four lanes where it is used: calls are dear, they empty all vector registers. */
export const inlineMath = (
  name: string,
  args: readonly Instruction[],
  keep: (value: Instruction, type: WasmType) => Instruction,
): Instruction => new Lanes("f32x4", keep).inlined(name, args);

export const hasRecipe = (name: string): boolean => name in RECIPES;

/** The wasm functions for the names asked for (`exp_f32x4`) and those that they use, each before its users. */
export function mathFunctions(names: Iterable<string>): WasmFunction[] {
  const made = new Map<string, WasmFunction>();
  const make = (name: string): void => {
    if (made.has(name)) return;
    const [, base = "", type = "f32"] = /^(.*)_(f32x4|f32)$/.exec(name) ?? [];
    const recipe = RECIPES[base];
    if (!recipe) throw new RangeError(`there is no recipe for ${name}`);
    for (const used of recipe.uses) make(`${used}_${type}`);
    const lane = new Lanes(type === "f32" ? "f32" : "f32x4");
    const parameters = Array.from({ length: recipe.arity }, (_, k) => `x${k}`);
    const wasmType: WasmType = type === "f32" ? "f32" : "v128";
    const result = recipe.body(lane, ...parameters.map((p) => get(p)));
    made.set(name, {
      name,
      parameters: parameters.map((p) => ({ name: p, type: wasmType })),
      result: wasmType,
      locals: lane.locals,
      body: [...lane.body, result],
      exported: false,
      notes: [`${base}: ${recipe.note}`],
    });
  };
  for (const name of names) make(name);
  return [...made.values()];
}
