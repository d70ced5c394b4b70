import type { DType, Elements } from "../dtype.js";
import { convert, isFloat, kindOf, resultType } from "../dtype.js";
import { DTypeError } from "../errors.js";
import { ARITHMETIC, eachRow, mapMany, mapOne, mapTwo, type Source } from "../loops.js";
import { broadcastShapes, broadcastStrides, type Shape } from "../shape.js";
import { isGradEnabled, noGrad, record } from "../tape.js";
import { Tensor, type Operand } from "../tensor.js";
import type { Expr } from "../../ir/expr.js";
import { call, constant, ExpressionTable, read, readsOf, visit } from "../../ir/expr.js";
import { SCALARS } from "../../ir/scalar/table.js";
import type { ScalarFunction } from "../../ir/scalar/types.js";
import { BIG, bigPower } from "./integers.js";
import { expand, sumTo } from "./views.js";

/**
 * The scalar functions of the compiler's table, element by element. A function's partial derivatives are expressions
 * there; here they are evaluated in tensors, by these same functions, and so have derivatives in turn.
 */

/** Names of the functions in methods' spelling: log_sigmoid is logSigmoid. */
export const camelCase = (name: string): string => name.replace(/_(\w)/g, (_, c: string) => c.toUpperCase());

/** The type that a function's operands are brought to. */
function computeType(
  entry: ScalarFunction,
  tensors: readonly Tensor[],
  numbers: readonly (number | bigint | boolean)[],
): DType {
  if (entry.type === "logic") return "bool";
  const common = resultType(tensors, numbers);
  switch (entry.type) {
    case "equality":
    case "comparison":
    case "arithmetic":
      if (common === "bool" && (entry.name === "sub" || entry.name === "neg"))
        throw new DTypeError(`${entry.name} of bools; use logical operations, or convert them`);
      return common;
    case "integer":
      if (isFloat(common)) throw new DTypeError(`${entry.name} takes integers, not ${common}`);
      return common === "bool" ? "i32" : common;
    default:
      return isFloat(common) ? common : "f32";
  }
}

/** An operand read as `shape`; a number is one element that every entry reads. `T` is bigint for i64, else number. */
function sourceOf<T extends number | bigint>(x: Operand, dtype: DType, shape: Shape): Source<T> {
  if (x instanceof Tensor)
    return {
      data: x.storage.data as ArrayLike<number | bigint> as ArrayLike<T>,
      strides: broadcastStrides(x.shape, x.strides, shape),
      offset: x.offset,
    };
  // A number beside f32 is an f32, so that 0.1 equals itself.
  const value = dtype === "f32" ? Math.fround(Number(x)) : isFloat(dtype) ? Number(x) : convert(x, dtype);
  return { data: [value as T], strides: shape.map(() => 0), offset: 0 };
}

function checkOperands(operands: readonly unknown[]): void {
  for (const x of operands)
    if (!(x instanceof Tensor) && !["number", "bigint", "boolean"].includes(typeof x))
      throw new DTypeError(`an operand is a tensor or a number, not ${kindOf(x)}`);
}

/** Functions of floats that integers go through as what they are. */
const OF_INTEGERS: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  floor: (x) => x.clone(),
  ceil: (x) => x.clone(),
  round: (x) => x.clone(),
  trunc: (x) => x.clone(),
  relu: (x) => maximum(x, 0),
};

/**
 * A function of the table over tensors and numbers, which broadcast. Integers become f32 where the function is one of
 * floats only, unless it rounds; comparisons and logic give bool.
 * @throws DTypeError, ShapeError
 */
export function apply(name: string, ...operands: readonly Operand[]): Tensor {
  const entry = SCALARS[name];
  if (!entry || entry.type === "random") throw new DTypeError(`there is no scalar function \`${name}\``);
  checkOperands(operands);
  if (name === "select") return where(...(operands as [Operand, Operand, Operand]));
  const [first] = operands;
  const integral = OF_INTEGERS[name];
  if (integral && first instanceof Tensor && !isFloat(first.dtype)) return integral(first);
  const tensors = operands.filter((x): x is Tensor => x instanceof Tensor);
  const dtype = computeType(
    entry,
    tensors,
    operands.filter((x): x is number | bigint | boolean => !(x instanceof Tensor)),
  );
  const args = operands.map((x) => (x instanceof Tensor ? x.to(dtype) : x));
  const inputs = args.filter((x): x is Tensor => x instanceof Tensor);
  const shape = broadcastShapes(...inputs.map((t) => t.shape));
  const outType = entry.type === "equality" || entry.type === "comparison" ? "bool" : dtype;
  const out = Tensor.empty(outType, shape);
  if (dtype === "i64")
    computeBig(
      entry,
      out,
      args.map((x) => sourceOf<bigint>(x, dtype, shape)),
    );
  else
    compute(
      entry,
      dtype,
      out,
      args.map((x) => sourceOf<number>(x, dtype, shape)),
    );
  if (!isGradEnabled() || !isFloat(outType) || !inputs.some((t) => t.requiresGrad)) return out;
  const partials = partialsOf(entry, args, dtype);
  return record(out, {
    name: camelCase(name),
    inputs,
    saved: savedBy(partials, args, out),
    backward: (g, needed) => pullBack(partials, args, out, g, needed),
  });
}

function computeBig(
  entry: ScalarFunction,
  { shape, strides, storage }: Tensor,
  sources: readonly Source<bigint>[],
): void {
  const target = { shape, strides, data: storage.data };
  const f = BIG[entry.name];
  const [a, b] = sources;
  if (f && a) mapTwo(target, a, b ?? a, f);
  else mapMany(target, sources, (...values) => BigInt(entry.evaluate(...values.map(Number))));
}
function compute(
  entry: ScalarFunction,
  dtype: DType,
  { shape, strides, storage: { data } }: Tensor,
  sources: readonly Source<number>[],
): void {
  const target = { shape, strides, data };
  const [a, b] = sources;
  const fast = ARITHMETIC[entry.name];
  if (fast && isFloat(dtype) && !(data instanceof BigInt64Array) && a && b) {
    eachRow(shape, [{ strides, offset: 0 }, a, b], (n, [o = 0, i = 0, j = 0], [, si = 0, sj = 0]) =>
      fast(n, data, o, a.data, i, si, b.data, j, sj),
    );
    return;
  }
  const plain = (isFloat(dtype) ? undefined : entry.evaluateInteger) ?? entry.evaluate;
  const f = dtype === "bool" ? (...v: number[]) => Number(plain(...v) !== 0) : plain;
  if (sources.length === 1 && a) mapOne(target, a, f);
  else if (sources.length === 2 && a && b) mapTwo(target, a, b, f);
  else mapMany(target, sources, f);
}

type Partials = readonly (Expr | null)[];
/** Of functions of tensors only; those with numbers among their operands differ with these. */
const knownPartials = new Map<string, Partials>();

/** Functions whose result has the operand's sign, which is all that their derivative asks. */
const SIGN_IS_ENOUGH: ReadonlySet<string> = new Set(["relu"]);

/**
 * The partial derivatives over stand-ins for operands and result: value k is operand k, the last is the result. Made in
 * a table of expressions of their own, so that they go when the tape goes.
 *
 * What they read may not change in place until the backward run, so they read little: operands, or the result alone
 * where that is enough, so that `x.div(y).add_(1)` and `x.add_(x.relu())` are fine, as in PyTorch.
 */
function partialsOf(entry: ScalarFunction, args: readonly Operand[], dtype: DType): Partials {
  const type = dtype === "f64" ? "f64" : "f32";
  const key = args.every((x) => x instanceof Tensor) ? `${entry.name} ${args.length} ${type}` : null;
  const known = key === null ? undefined : knownPartials.get(key);
  if (known) return known;
  const made = new ExpressionTable().run(() => {
    const y = read(args.length, [], type);
    const operands = args.map((x, k) =>
      x instanceof Tensor ? read(k, [], type) : constant(Number(x), type),
    );
    if (SIGN_IS_ENOUGH.has(entry.name)) return entry.derivative({ args: [y], y });
    const found = entry.derivative({ args: operands, y });
    const mixes = found.some((partial) => {
      const reads = partial ? readsOf([partial]) : [];
      return reads.length > 1 && reads.some((e) => e === y);
    });
    return mixes ? entry.derivative({ args: operands, y: call(entry.name, operands, type) }) : found;
  });
  if (key !== null) knownPartials.set(key, made);
  return made;
}

/** Which of operands and result the partials read, and so must not change in place. */
function savedBy(partials: Partials, args: readonly Operand[], out: Tensor): Tensor[] {
  const needed = partials.filter((p, k): p is Expr => {
    const x = args[k];
    return p !== null && x instanceof Tensor && x.requiresGrad;
  });
  const seen = new Set<number>();
  visit(needed, (e) => void (e.op === "read" && seen.add(e.value)));
  return [...args, out].flatMap((x, k) => (x instanceof Tensor && seen.has(k) ? [x] : []));
}

/** The cotangent times each partial, summed to the operand's shape. */
function pullBack(
  partials: Partials,
  args: readonly Operand[],
  out: Tensor,
  g: Tensor,
  needed: readonly boolean[],
): (Tensor | null)[] {
  const memo = new Map<Expr, Operand>();
  const values = [...args, out];
  const evaluate = (e: Expr): Operand => {
    const known = memo.get(e);
    if (known !== undefined) return known;
    const made = evaluateNode(e);
    memo.set(e, made);
    return made;
  };
  const evaluateNode = (e: Expr): Operand => {
    switch (e.op) {
      case "constant":
        return e.dtype === "bool" ? e.value !== 0 : e.value;
      case "read":
        return values[e.value]!;
      case "call": {
        const operands = e.args.map(evaluate);
        return operands.some((x) => x instanceof Tensor)
          ? apply(e.fn, ...operands)
          : (SCALARS[e.fn]?.evaluate(...operands.map(Number)) ?? NaN);
      }
      case "select":
        return choose(evaluate(e.condition), evaluate(e.then), evaluate(e.else), out.dtype);
      case "cast":
        return evaluate(e.arg);
      case "index":
        throw new DTypeError("a scalar function's derivative reads an index");
    }
  };
  // A partial that is a choice chooses between cotangents, so that an infinite arm not taken multiplies nothing.
  const times = (partial: Expr): Operand => {
    if (partial.op === "constant")
      return partial.value === 0 ? 0 : partial.value === 1 ? g : mul(g, partial.value);
    if (partial.op === "select")
      return choose(evaluate(partial.condition), times(partial.then), times(partial.else), g.dtype);
    // Where no cotangent comes none goes on, be the partial infinite: what a choice shut out stays out.
    return apply("mul0", g, evaluate(partial));
  };
  let input = 0;
  return args.flatMap((x, k) => {
    if (!(x instanceof Tensor)) return [];
    const partial = partials[k];
    if (!needed[input++]) return [null];
    const found = partial ? times(partial) : 0;
    return [
      found instanceof Tensor
        ? sumTo(found.to(x.dtype), x.shape)
        : expand(Tensor.empty(x.dtype, []), x.shape),
    ];
  });
}

const typeOf = (operands: readonly Operand[]): DType =>
  resultType(
    operands.filter((x): x is Tensor => x instanceof Tensor),
    operands.filter((x): x is number | bigint | boolean => !(x instanceof Tensor)),
  );

/** `if condition then a else b` for each element; the one not chosen gets no gradient, not even a NaN. */
export const where = (condition: Operand, a: Operand, b: Operand): Tensor =>
  choose(condition, a, b, typeOf([a, b]));

function choose(condition: Operand, a: Operand, b: Operand, dtype: DType): Tensor {
  checkOperands([condition, a, b]);
  const all = [condition, a, b];
  const [x, y] = [a, b].map((v) => (v instanceof Tensor ? v.to(dtype) : v));
  const test = condition instanceof Tensor ? condition.to("bool") : Boolean(condition);
  const shape = broadcastShapes(...all.flatMap((v) => (v instanceof Tensor ? [v.shape] : [])));
  const out = Tensor.empty(dtype, shape);
  const c = sourceOf<number>(test, "bool", shape);
  const [s, t] = [sourceOf<number | bigint>(x!, dtype, shape), sourceOf<number | bigint>(y!, dtype, shape)];
  const data: Elements = out.storage.data;
  eachRow(shape, [out, c, s, t], (n, [o = 0, h = 0, i = 0, j = 0], [, sh = 0, si = 0, sj = 0]) => {
    for (let k = 0; k < n; k++) data[o + k] = c.data[h + k * sh] ? s.data[i + k * si]! : t.data[j + k * sj]!;
  });
  const inputs = [x, y].filter((v): v is Tensor => v instanceof Tensor);
  const chosen = [(g: Tensor) => choose(test, g, 0, g.dtype), (g: Tensor) => choose(test, 0, g, g.dtype)];
  return record(out, {
    name: "where",
    inputs,
    saved: test instanceof Tensor ? [test] : [],
    backward: (g) => [x, y].flatMap((v, k) => (v instanceof Tensor ? [sumTo(chosen[k]!(g), v.shape)] : [])),
  });
}

export const add = (a: Operand, b: Operand): Tensor => apply("add", a, b);
export const sub = (a: Operand, b: Operand): Tensor => apply("sub", a, b);
export const mul = (a: Operand, b: Operand): Tensor => apply("mul", a, b);
export const div = (a: Operand, b: Operand): Tensor => apply("div", a, b);
/** `x^y`; repeated products where y is a number that is an integer. @throws DTypeError for integers with a negative y */
export function pow(x: Operand, y: Operand): Tensor {
  checkOperands([x, y]);
  const dtype = typeOf([x, y]);
  if (!isFloat(dtype)) return integerPower(x, y, dtype);
  const products = typeof y === "number" && Number.isInteger(y) && y >= 0 && y <= 1024;
  return products ? apply("powi", x, y) : apply("pow", x, y);
}
function integerPower(x: Operand, y: Operand, dtype: DType): Tensor {
  const [a, b] = [x, y].map((v) => (v instanceof Tensor ? v.to("i64") : v)) as [Operand, Operand];
  const shape = broadcastShapes(...[a, b].flatMap((v) => (v instanceof Tensor ? [v.shape] : [])));
  const out = Tensor.empty("i64", shape);
  const target = { shape, strides: out.strides, data: out.storage.data };
  mapTwo(target, sourceOf<bigint>(a, "i64", shape), sourceOf<bigint>(b, "i64", shape), bigPower);
  return out.to(dtype);
}
/** The greatest integer that is at most x / y; no gradient passes. */
export function floorDiv(x: Operand, y: Operand): Tensor {
  if (!isFloat(typeOf([x, y]))) return apply("floor_div", x, y);
  // The quotient itself may have been rounded up to an integer: 1 / 0.1 is below 10.
  return noGrad(() => where(eq(y, 0), div(x, y), round(div(sub(x, mod(x, y)), y))));
}

const one =
  (name: string) =>
  (x: Operand): Tensor =>
    apply(name, x);
const two =
  (name: string) =>
  (x: Operand, y: Operand): Tensor =>
    apply(name, x, y);

export const neg = one("neg");
export const abs = one("abs");
export const sign = one("sign");
export const square = one("square");
export const floor = one("floor");
export const ceil = one("ceil");
export const round = one("round");
export const trunc = one("trunc");
export const sqrt = one("sqrt");
export const rsqrt = one("rsqrt");
export const cbrt = one("cbrt");
export const exp = one("exp");
export const exp2 = one("exp2");
export const expm1 = one("expm1");
export const log = one("log");
export const log2 = one("log2");
export const log10 = one("log10");
export const log1p = one("log1p");
export const sin = one("sin");
export const cos = one("cos");
export const tan = one("tan");
export const asin = one("asin");
export const acos = one("acos");
export const atan = one("atan");
export const sinh = one("sinh");
export const cosh = one("cosh");
export const tanh = one("tanh");
export const asinh = one("asinh");
export const acosh = one("acosh");
export const atanh = one("atanh");
export const erf = one("erf");
export const erfc = one("erfc");
export const lgamma = one("lgamma");
export const digamma = one("digamma");
export const sigmoid = one("sigmoid");
export const logSigmoid = one("log_sigmoid");
export const softplus = one("softplus");
export const relu = one("relu");
export const selu = one("selu");
export const gelu = one("gelu");
export const silu = one("silu");
export const mish = one("mish");
export const not = one("not");
export const mod = two("mod");
export const mul0 = two("mul0");
export const hypot = two("hypot");
export const atan2 = two("atan2");
/** The derivative of order n of digamma. */
export const polygamma = two("polygamma");
/** 1 where x >= edge. */
export const step = two("step");
export const maximum = two("max");
export const minimum = two("min");
export const and = two("and");
export const or = two("or");
export const eq = two("eq");
export const ne = two("ne");
export const lt = two("lt");
export const le = two("le");
export const gt = (x: Operand, y: Operand): Tensor => apply("lt", y, x);
export const ge = (x: Operand, y: Operand): Tensor => apply("le", y, x);
export const leakyRelu = (x: Operand, slope: Operand = 0.01): Tensor => apply("leaky_relu", x, slope);
export const elu = (x: Operand, alpha: Operand = 1): Tensor => apply("elu", x, alpha);
/** Within lo and hi; one may be left out. @throws DTypeError where both are */
export function clamp(x: Operand, lo?: Operand | null, hi?: Operand | null): Tensor {
  const [below, above] = [lo ?? null, hi ?? null];
  if (below !== null && above !== null) return apply("clamp", x, below, above);
  if (below !== null) return maximum(x, below);
  if (above !== null) return minimum(x, above);
  throw new DTypeError("clamp wants a bound");
}
