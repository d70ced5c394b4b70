import type { DType } from "../../ir/expr.js";
import { isFloat } from "../../ir/expr.js";
import { hasRecipe, inlineMath } from "./functions.js";
import type { Instruction, Opcode, WasmType } from "./instruction.js";
import { call, f32, f64, i32, lanes, op } from "./instruction.js";
import { laneType, NotWidenable, scalarType } from "./values.js";

/** What a call may ask of the function it stands in. */
export interface CallContext {
  /** Keeps an intermediate in a local; `lane` for vectors. */
  temp(value: Instruction, dtype: DType, wide: boolean): Instruction;
  /** The same for a type of wasm's own. */
  local(value: Instruction, type: WasmType): Instruction;
  /** Notes that a function of `functions.ts` is called (`exp_f32x4`). */
  math(name: string): string;
  /** Notes that a host function is called. */
  host(name: string, arity: number): string;
  /** Notes that an integer helper is called. */
  helper(name: string): string;
}

const COMPARISONS: Readonly<Record<string, string>> = { eq: "eq", ne: "ne", lt: "lt", le: "le" };
const FLOAT_OPS: Readonly<Record<string, string>> = {
  add: "add",
  sub: "sub",
  mul: "mul",
  div: "div",
  neg: "neg",
  abs: "abs",
  sqrt: "sqrt",
  floor: "floor",
  ceil: "ceil",
  trunc: "trunc",
  round: "nearest",
  min: "min",
  max: "max",
};
/** Above this exponent `pow` of the host is shorter. */
const LARGEST_POWER = 16;

/** A scalar function over one number or, `wide`, over four; undefined where it has to be done lane by lane. */
export function callInstruction(
  fn: string,
  args: readonly Instruction[],
  operand: DType,
  literals: readonly (number | undefined)[],
  wide: boolean,
  context: CallContext,
  result: DType = operand,
): Instruction | undefined {
  const [a = i32(0), b = i32(0)] = args;
  // Integers become a float in no other way: a draw of a seed and subscripts.
  if (isFloat(result) && !isFloat(operand))
    return wide ? undefined : hostCall(fn, args, operand, result, context);
  const type = wide ? laneType(operand) : scalarType(operand);
  const make = (name: string, ...operands: Instruction[]): Instruction =>
    op(`${type}.${name}` as Opcode, ...operands);
  const zero = constantOf(0, operand, wide);
  const one = constantOf(1, operand, wide);
  const choose = (condition: Instruction, then: Instruction, otherwise: Instruction): Instruction =>
    wide ? op("v128.bitselect", then, otherwise, condition) : op("select", then, otherwise, condition);
  const keep = (value: Instruction): Instruction => context.temp(value, operand, wide);

  if (fn === "and" || fn === "or") return wide ? op(`v128.${fn}`, a, b) : op(`i32.${fn}`, a, b);
  if (fn === "not") return wide ? op("v128.not", a) : op("i32.eqz", a);
  const comparison = COMPARISONS[fn];
  if (comparison) {
    const signed = isFloat(operand) || fn === "eq" || fn === "ne" ? "" : operand === "u32" ? "_u" : "_s";
    return make(`${comparison}${signed}`, a, b);
  }
  const shift = powerOfTwo(literals[1]);
  if (shift !== undefined && !isFloat(operand)) {
    // Exact of negative numbers, too: an arithmetic shift rounds down.
    const count = i32(shift);
    if (fn === "floor_div") return make(operand === "u32" ? "shr_u" : "shr_s", a, count);
    if (fn === "mod") return op(wide ? "v128.and" : "i32.and", a, constantOf(2 ** shift - 1, operand, wide));
  }
  if (!isFloat(operand)) return integerCall(fn, a, b, operand, wide, make, choose, zero, context);
  const direct = FLOAT_OPS[fn];
  if (direct) return make(direct, ...args);
  switch (fn) {
    case "mul0":
      return choose(make("eq", a, zero), zero, make("mul", a, b));
    case "relu":
      return make("max", a, zero);
    case "rsqrt":
      return make("div", one, make("sqrt", a));
    case "square": {
      const x = keep(a);
      return make("mul", x, x);
    }
    case "sign": {
      const x = keep(a);
      // NaN and zeros are themselves.
      return choose(make("lt", x, zero), constantOf(-1, operand, wide), choose(make("lt", zero, x), one, x));
    }
    case "leaky_relu": {
      const x = keep(a);
      return choose(make("lt", zero, x), x, make("mul", b, x));
    }
    case "powi": {
      const n = literals[1];
      if (n === undefined || !Number.isInteger(n) || Math.abs(n) > LARGEST_POWER) break;
      if (n === 0) return one;
      const product = powerOf(keep(a), Math.abs(n), (x, y) => make("mul", x, y), keep);
      return n < 0 ? make("div", one, product) : product;
    }
  }
  if (operand === "f32" && wide && hasRecipe(fn))
    return inlineMath(fn, args, (value, type) => context.local(value, type));
  if (operand === "f32" && hasRecipe(fn)) return call(context.math(`${fn}_${type}`), ...args);
  return wide ? undefined : hostCall(fn, args, operand, operand, context);
}

function powerOfTwo(value: number | undefined): number | undefined {
  const exponent = value !== undefined && value > 0 ? Math.log2(value) : NaN;
  return Number.isInteger(exponent) && exponent < 31 ? exponent : undefined;
}

/** The function table's own, over doubles. */
function hostCall(
  fn: string,
  args: readonly Instruction[],
  operand: DType,
  result: DType,
  context: CallContext,
): Instruction {
  const doubles = args.map((x) => castInstruction(x, operand, "f64", false));
  return castInstruction(call(context.host(fn, args.length), ...doubles), "f64", result, false);
}

function integerCall(
  fn: string,
  a: Instruction,
  b: Instruction,
  operand: DType,
  wide: boolean,
  make: (name: string, ...operands: Instruction[]) => Instruction,
  choose: (c: Instruction, x: Instruction, y: Instruction) => Instruction,
  zero: Instruction,
  context: CallContext,
): Instruction | undefined {
  const suffix = operand === "u32" ? "_u" : "_s";
  switch (fn) {
    case "add":
    case "sub":
    case "mul":
      return make(fn, a, b);
    case "neg":
      return make("sub", zero, a);
    case "square": {
      const x = context.temp(a, operand, wide);
      return make("mul", x, x);
    }
    case "min":
    case "max": {
      if (wide) return make(`${fn}${suffix}`, a, b);
      const [x, y] = [context.temp(a, operand, false), context.temp(b, operand, false)];
      return choose(make(`lt${suffix}`, x, y), fn === "min" ? x : y, fn === "min" ? y : x);
    }
    case "abs": {
      if (operand === "u32") return a;
      const x = context.temp(a, operand, wide);
      return choose(make("lt_s", x, zero), make("sub", zero, x), x);
    }
    case "sign": {
      const x = context.temp(a, operand, wide);
      const one = constantOf(1, operand, wide);
      const positive = choose(make(`lt${suffix}`, zero, x), one, zero);
      return operand === "u32"
        ? positive
        : choose(make("lt_s", x, zero), constantOf(-1, operand, wide), positive);
    }
    case "floor_div":
    case "mod":
      return wide ? undefined : call(context.helper(`${fn}_${operand}`), a, b);
    default:
      throw new NotWidenable(`${fn} of integers`);
  }
}

export function constantOf(value: number, dtype: DType, wide: boolean): Instruction {
  if (wide) {
    const type = laneType(dtype);
    const lane = dtype === "bool" ? -value : value;
    return lanes(type, lane, lane, lane, lane);
  }
  const type = scalarType(dtype);
  return type === "f32" ? f32(value) : type === "f64" ? f64(value) : i32(value);
}

/** x^n by squaring, n >= 1. */
function powerOf(
  x: Instruction,
  n: number,
  mul: (a: Instruction, b: Instruction) => Instruction,
  keep: (value: Instruction) => Instruction,
): Instruction {
  if (n === 1) return x;
  const half = keep(powerOf(x, n >> 1, mul, keep));
  const even = mul(half, half);
  return n % 2 === 0 ? even : mul(even, x);
}

/** Conversions by the language's rules: towards zero, saturating, NaN to 0; integers wrap. */
export function castInstruction(a: Instruction, from: DType, to: DType, wide: boolean): Instruction {
  if (from === to) return a;
  if (wide) {
    if (to === "f64" || from === "f64") throw new NotWidenable("f64 has no lanes here");
    if (to === "bool") {
      const type = laneType(from);
      return op(`${type}.ne`, a, constantOf(0, from, true));
    }
    const whole = from === "bool" ? op("v128.and", a, lanes("i32x4", 1, 1, 1, 1)) : a;
    if (to === "f32") return op(from === "u32" ? "f32x4.convert_i32x4_u" : "f32x4.convert_i32x4_s", whole);
    if (from === "f32") return op(to === "u32" ? "i32x4.trunc_sat_f32x4_u" : "i32x4.trunc_sat_f32x4_s", a);
    return whole;
  }
  if (to === "bool") return op(`${scalarType(from)}.ne`, a, constantOf(0, from, false));
  if (to === "f32" || to === "f64") {
    if (from === "f64") return op("f32.demote_f64", a);
    if (from === "f32") return op("f64.promote_f32", a);
    return op(`${to}.convert_i32_${from === "u32" ? "u" : "s"}`, a);
  }
  if (from === "f32" || from === "f64") return op(`i32.trunc_sat_${from}_${to === "u32" ? "u" : "s"}`, a);
  return a;
}
