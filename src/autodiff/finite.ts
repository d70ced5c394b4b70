import type { CallExpr, Expr, Index, ValueId } from "../ir/expr.js";
import { indicesOf, isFloat } from "../ir/expr.js";
import { provablyNonNegative } from "../ir/bounds.js";
import type { Definition, Operator, Value } from "../ir/program.js";

/** What is known of a number where it is one. */
interface Range {
  /** 2: positive, 1: not negative, 0: anything. */
  readonly sign: 0 | 1 | 2;
  /** Whether it may be infinite or NaN though params and inputs are not; what overflows is not counted. */
  readonly wild: boolean;
  /** Nothing is less; rounding and underflow are counted: exp(x) is at least 0. */
  readonly floor: number;
  /** As `wild`, but a positive argument has to be seen to stay away from 0. */
  readonly singular: boolean;
}
const ANY: Range = { sign: 0, wild: false, floor: -Infinity, singular: false };

/**
 * Which expressions may be infinite or NaN though params and inputs are not: those with a quotient, a logarithm or the
 * like in them, or in what they read, unless its argument is seen to be positive. Times a cotangent of 0 that is not 0.
 */
export class Finiteness {
  private readonly known = new Map<Expr, Range>();
  private readonly ofValues = new Map<ValueId, Range>();

  constructor(values: ReadonlyMap<ValueId, Value>) {
    // What a recurrence carries has a reader before it: rounds until nothing changes, two as a rule.
    for (let before = -1, now = 0; now > before;) {
      before = now;
      now = 0;
      this.known.clear();
      for (const { id, definition, dtype } of values.values()) {
        const found = isFloat(dtype) ? this.ofDefinition(definition) : ANY;
        this.ofValues.set(id, found);
        now += Number(found.wild) + Number(found.singular);
      }
    }
  }

  isWild(e: Expr): boolean {
    return this.range(e).wild;
  }
  /** Whether it may be infinite or NaN where an argument comes as near to 0 as it may: `rsqrt(x^2 + 1e-5)` is not. */
  isSingular(e: Expr): boolean {
    return this.range(e).singular;
  }

  private ofDefinition(definition: Definition): Range {
    switch (definition.kind) {
      case "leaf":
      case "derivative":
        return ANY;
      case "reshape":
      case "custom":
        return this.ofValues.get(definition.of) ?? ANY;
      case "scatter": {
        const { sign, floor, ...inner } = this.range(definition.body);
        return { sign: sign > 0 ? 1 : 0, floor: floor >= 0 ? 0 : -Infinity, ...inner };
      }
      case "equation": {
        const { operator, body } = definition;
        const inner = this.range(body);
        return operator ? ofOperator(operator, inner) : inner;
      }
    }
  }

  /** Iterative, each node once: bodies may be deep. */
  private range(root: Expr): Range {
    const stack = [root];
    for (let e = stack.pop(); e; e = stack.pop()) {
      if (this.known.has(e)) continue;
      const open = partsOf(e).filter((part) => !this.known.has(part));
      if (open.length === 0) this.known.set(e, this.ofNode(e));
      else stack.push(e, ...open);
    }
    return this.known.get(root) ?? ANY;
  }
  private ofNode(e: Expr): Range {
    const at = (part: Expr | undefined): Range => (part && this.known.get(part)) ?? ANY;
    switch (e.op) {
      case "constant":
        return {
          sign: e.value > 0 ? 2 : e.value === 0 ? 1 : 0,
          wild: !Number.isFinite(e.value),
          floor: e.value,
          singular: !Number.isFinite(e.value),
        };
      case "index":
        return ANY;
      case "read":
        return this.ofValues.get(e.value) ?? ANY;
      case "cast":
        if (e.arg.op !== "index") return isFloat(e.arg.dtype) ? at(e.arg) : ANY;
        if (!provablyNonNegative(e.arg.poly)) return isSize(e) ? { ...ANY, sign: 2 } : ANY;
        return { ...ANY, sign: isSize(e) ? 2 : 1, floor: e.arg.poly.constant ?? 0 };
      case "select": {
        const [a, b] = [at(e.then), at(e.else)];
        return {
          sign: least(a, b),
          wild: a.wild || b.wild,
          floor: Math.min(a.floor, b.floor),
          singular: a.singular || b.singular,
        };
      }
      case "call": {
        const args = e.args.map(at);
        const bound = e.dtype === "f16" ? APART_OF_HALVES : APART;
        const isApart = (a: Range, k: number): boolean =>
          a.floor >= bound || (e.fn === "div" && k === 1 && isSize(e.args[k]));
        const apart = args.map((a, k) => ({ ...a, sign: isApart(a, k) ? 2 : (0 as const) }) satisfies Range);
        return {
          sign: signOf(e, args),
          wild: args.some((a) => a.wild) || isSingular(e, args),
          floor: floorOf(e, args),
          singular: args.some((a) => a.singular) || isSingular(e, apart) || mayOverflow(e, args),
        };
      }
    }
  }
}

/** So far from 0 no quotient of what is usual overflows in f32, and in f16. */
const APART = 1e-12;
const APART_OF_HALVES = 1e-2;
/** Whether a negative power of what is apart from 0 is infinite in f32 all the same. */
function mayOverflow({ fn, args }: CallExpr, [x = ANY]: readonly Range[]): boolean {
  const [, exponent] = args;
  if (fn !== "powi" && fn !== "pow") return false;
  if (exponent?.op !== "constant") return x.floor < 1;
  return exponent.value < 0 && x.floor ** exponent.value > APART ** -3;
}

/** A size by itself: what is divided by one is there only where it is not 0. As a term it may be 0. */
const isSize = (e: Expr | undefined): boolean =>
  e?.op === "cast" && e.arg.op === "index" && e.arg.poly.indices.size === 0 && !e.arg.poly.hasOpaque;

/** The operands that a float is computed from. */
function partsOf(e: Expr): readonly Expr[] {
  if (e.op === "call") return e.args.filter((a) => isFloat(a.dtype));
  if (e.op === "select") return [e.then, e.else];
  return e.op === "cast" && isFloat(e.arg.dtype) ? [e.arg] : [];
}
const least = (...all: readonly Range[]): Range["sign"] =>
  all.reduce<Range["sign"]>((s, r) => (r.sign < s ? r.sign : s), 2);
const most = (...all: readonly Range[]): Range["sign"] =>
  all.reduce<Range["sign"]>((s, r) => (r.sign > s ? r.sign : s), 0);

function ofOperator(operator: Operator, { sign, wild, floor, singular }: Range): Range {
  // Conditions on the entries; one on the whole says where there is any.
  const over = operator.kind === "reduce" ? operator.indices : [operator.index];
  const mentioned = operator.guard ? indicesOf([operator.guard]) : new Set<Index>();
  const guarded = over.some((i) => mentioned.has(i));
  const orZero = guarded && sign > 0 ? 1 : sign;
  const inner = { wild, singular };
  const orInfinite = { wild: wild || guarded, singular: singular || guarded };
  const notNegative = floor >= 0 ? 0 : -Infinity;
  if (operator.kind === "along")
    switch (operator.name) {
      case "softmax":
        return { sign: guarded ? 1 : 2, floor: 0, ...inner };
      case "log_softmax":
        return { sign: 0, floor: -Infinity, ...orInfinite };
      case "cumsum":
        return { sign: orZero, floor: notNegative, ...inner };
      case "cumprod":
        return { sign, floor: notNegative, ...inner };
    }
  switch (operator.reducer) {
    case "sum":
      return { sign: orZero, floor: notNegative, ...inner };
    case "prod":
      return { sign, floor: notNegative, ...inner };
    // Over nothing these are infinite.
    case "max":
    case "min":
      return { sign, floor: guarded ? -Infinity : floor, ...orInfinite };
    case "logsumexp":
      return { sign: 0, floor: -Infinity, ...orInfinite };
    default:
      return ANY;
  }
}

/** Whether the function may be infinite or NaN for numbers of these signs. */
function isSingular({ fn, args }: CallExpr, [x = ANY, y = ANY]: readonly Range[]): boolean {
  const second = args[1];
  switch (fn) {
    case "div":
      return y.sign < 2 && !(second?.op === "constant" && second.value !== 0);
    case "powi":
      return second?.op === "constant" && second.value < 0 && x.sign < 2;
    case "sqrt":
    case "log1p":
      return x.sign < 1;
    case "pow":
    case "log":
    case "log2":
    case "log10":
    case "rsqrt":
    case "lgamma":
    case "digamma":
      return x.sign < 2;
    case "polygamma":
      return y.sign < 2;
    case "acos":
    case "asin":
    case "acosh":
    case "atanh":
    case "mod":
      return true;
    default:
      return false;
  }
}

function signOf({ fn, args }: CallExpr, ranges: readonly Range[]): Range["sign"] {
  const [x = ANY, y = ANY, z = ANY] = ranges;
  const second = args[1];
  switch (fn) {
    case "exp":
    case "exp2":
    case "cosh":
    case "softplus":
    case "sigmoid":
    case "erfc":
      return 2;
    case "abs":
    case "square":
    case "relu":
    case "rand":
      return x.sign === 2 ? 2 : 1;
    case "hypot":
      return most(x, y) === 2 ? 2 : 1;
    case "sqrt":
    case "rsqrt":
    case "cbrt":
      return x.sign;
    case "powi":
      return second?.op === "constant" && second.value % 2 === 0 && x.sign === 0 ? 1 : x.sign;
    case "pow":
      return x.sign;
    case "add":
      return least(x, y) > 0 ? most(x, y) : 0;
    case "mul":
      return args[0] === second && x.sign === 0 ? 1 : least(x, y);
    case "div":
      return y.sign === 2 ? x.sign : 0;
    case "max":
      return most(...ranges);
    case "min":
      return least(...ranges);
    case "clamp":
      return least({ ...x, sign: most(x, y) }, z);
    default:
      return 0;
  }
}

/** Where numbers of both signs cancel, what is left may be no more than their roundings. */
const sumOf = (x: number, y: number): number =>
  x < 0 === y < 0 ? x + y : x + y - CANCELLED * Math.max(Math.abs(x), Math.abs(y));
const CANCELLED = 1e-2;

/** Nothing that the function gives is less. */
function floorOf({ fn, args }: CallExpr, [x = ANY, y = ANY]: readonly Range[]): number {
  const second = args[1];
  const areBothPositive = x.floor >= 0 && y.floor >= 0;
  switch (fn) {
    case "exp":
    case "exp2":
    case "softplus":
    case "sigmoid":
    case "erfc":
    case "rand":
    case "hypot":
    case "rsqrt":
      return 0;
    case "cosh":
      return 1;
    case "abs":
    case "relu":
      return Math.max(0, x.floor);
    case "square":
      return Math.max(0, x.floor) ** 2;
    case "powi":
      return second?.op === "constant" && second.value > 0 && second.value % 2 === 0 ? 0 : -Infinity;
    case "sqrt":
      return Math.sqrt(Math.max(0, x.floor));
    case "add":
      return sumOf(x.floor, y.floor);
    case "mul":
      return areBothPositive ? x.floor * y.floor : args[0] === second ? 0 : -Infinity;
    case "div":
      return areBothPositive ? 0 : -Infinity;
    case "max":
      return Math.max(x.floor, y.floor);
    case "min":
      return Math.min(x.floor, y.floor);
    default:
      return -Infinity;
  }
}
