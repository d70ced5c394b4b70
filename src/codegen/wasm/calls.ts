import type { DType } from "../../ir/expr.js";
import { isFloat } from "../../ir/expr.js";
import { hasRecipe, inlineMath } from "./functions.js";
import type { Instruction, Opcode, WasmFunction, WasmType } from "./instruction.js";
import { call, f32, f64, i32, lanes, op } from "./instruction.js";
import { integerFunction } from "./integers.js";
import { laneType, NotWidenable, scalarType } from "./values.js";

/** A function of the function table, with the number of arguments it is called with. */
export interface HostFunction {
  readonly name: string;
  readonly arity: number;
}
/** Functions that the kernels of a module call, collected while they are made. */
export interface UsedFunctions {
  readonly math: Set<string>;
  /** By the name of their import. */
  readonly hosts: Map<string, HostFunction>;
  /** Functions of wasm beside the kernels, by name. */
  readonly helpers: Map<string, WasmFunction>;
}

/** What a call may ask of the function it stands in. */
export interface CallContext {
  /** Keeps an intermediate in a local. */
  keep(value: Instruction, type: WasmType): Instruction;
  /** Notes that a function of `functions.ts` is called for one number. The name of the wasm function. */
  math(name: string): string;
  /** Notes that a host function is called. */
  host(name: string, arity: number): string;
  /** Notes that a function of the module's own is called. Its name. */
  helper(fn: WasmFunction): string;
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
  const arithmetic = arithmeticOf(operand, wide, context);
  const { make } = arithmetic;
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
  if (!isFloat(operand)) return integerCall(fn, a, b, arithmetic, context);
  const direct = FLOAT_OPS[fn];
  if (direct) return make(direct, ...args);
  const short = floatCall(fn, a, b, literals[1], arithmetic);
  if (short) return short;
  if (operand === "f32" && hasRecipe(fn))
    return wide
      ? inlineMath(fn, a, (value, type) => context.keep(value, type))
      : call(context.math(fn), ...args);
  return wide ? undefined : hostCall(fn, args, operand, operand, context);
}

/** How numbers of one type are worked on, each alone or four at once. */
interface Arithmetic {
  readonly operand: DType;
  readonly wide: boolean;
  readonly make: (name: string, ...operands: Instruction[]) => Instruction;
  readonly choose: (condition: Instruction, then: Instruction, otherwise: Instruction) => Instruction;
  readonly keep: (value: Instruction) => Instruction;
  readonly number: (value: number) => Instruction;
}
function arithmeticOf(operand: DType, wide: boolean, context: CallContext): Arithmetic {
  const type = wide ? laneType(operand) : scalarType(operand);
  return {
    operand,
    wide,
    make: (name, ...operands) => op(`${type}.${name}` as Opcode, ...operands),
    choose: (condition, then, otherwise) =>
      op(wide ? "v128.bitselect" : "select", then, otherwise, condition),
    keep: (value) => context.keep(value, wide ? "v128" : scalarType(operand)),
    number: (value) => constantOf(value, operand, wide),
  };
}

/** Functions of floats that are a few instructions; undefined for others. */
function floatCall(
  fn: string,
  a: Instruction,
  b: Instruction,
  exponent: number | undefined,
  { wide, make, choose, keep, number }: Arithmetic,
): Instruction | undefined {
  switch (fn) {
    case "mul0":
      return choose(make("eq", a, number(0)), number(0), make("mul", a, b));
    case "larger": {
      if (wide) return make("pmax", a, b);
      const [x, y] = [keep(a), keep(b)];
      return choose(make("lt", x, y), y, x);
    }
    case "relu":
      return make("max", a, number(0));
    case "rsqrt":
      return make("div", number(1), make("sqrt", a));
    case "square": {
      const x = keep(a);
      return make("mul", x, x);
    }
    case "sign": {
      const x = keep(a);
      // NaN and zeros are themselves.
      const positive = choose(make("lt", number(0), x), number(1), x);
      return choose(make("lt", x, number(0)), number(-1), positive);
    }
    case "leaky_relu": {
      const x = keep(a);
      return choose(make("lt", number(0), x), x, make("mul", b, x));
    }
    case "powi": {
      if (exponent === undefined || !Number.isInteger(exponent) || Math.abs(exponent) > LARGEST_POWER)
        return undefined;
      if (exponent === 0) return number(1);
      const product = powerOf(keep(a), Math.abs(exponent), (x, y) => make("mul", x, y), keep);
      return exponent < 0 ? make("div", number(1), product) : product;
    }
    default:
      return undefined;
  }
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
  { operand, wide, make, choose, keep, number }: Arithmetic,
  context: CallContext,
): Instruction | undefined {
  const suffix = operand === "u32" ? "_u" : "_s";
  switch (fn) {
    case "add":
    case "sub":
    case "mul":
      return make(fn, a, b);
    case "neg":
      return make("sub", number(0), a);
    case "square": {
      const x = keep(a);
      return make("mul", x, x);
    }
    case "min":
    case "max": {
      if (wide) return make(`${fn}${suffix}`, a, b);
      const [x, y] = [keep(a), keep(b)];
      return choose(make(`lt${suffix}`, x, y), fn === "min" ? x : y, fn === "min" ? y : x);
    }
    case "abs": {
      if (operand === "u32") return a;
      const x = keep(a);
      return choose(make("lt_s", x, number(0)), make("sub", number(0), x), x);
    }
    case "sign": {
      const x = keep(a);
      const positive = choose(make(`lt${suffix}`, number(0), x), number(1), number(0));
      return operand === "u32" ? positive : choose(make("lt_s", x, number(0)), number(-1), positive);
    }
    case "floor_div":
    case "mod":
      return wide
        ? undefined
        : call(context.helper(integerFunction(fn, operand === "u32" ? "u32" : "i32")), a, b);
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
