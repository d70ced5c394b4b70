import type { CallExpr, Expr, Index, ValueId } from "../ir/expr.js";
import { indicesOf, isFloat } from "../ir/expr.js";
import { provablyNonNegative } from "../ir/bounds.js";
import type { Definition, Operator, Value } from "../ir/program.js";
import { ANYTHING, leastSign, type Range } from "../ir/scalar/range.js";
import { mayHavePole, rangeOf } from "../ir/scalar/table.js";

/** What is known of a number, and of whether it is one. */
interface Known extends Range {
  /** Whether it may be infinite or NaN though params and inputs are not; what overflows is not counted. */
  readonly wild: boolean;
  /** As `wild`, but a positive argument has to be seen to stay away from 0. */
  readonly singular: boolean;
}
const ANY: Known = { ...ANYTHING, wild: false, singular: false };

/**
 * Which expressions may be infinite or NaN though params and inputs are not: those with a quotient, a logarithm or the
 * like in them, or in what they read, unless its argument is seen to be positive. Times a cotangent of 0 that is not 0.
 */
export class Finiteness {
  private readonly known = new Map<Expr, Known>();
  private readonly ofValues = new Map<ValueId, Known>();

  private isLearned = false;

  /** What is known of values is worked out at the first question, of those that there are by then. */
  constructor(private readonly values: ReadonlyMap<ValueId, Value>) {}

  private learn(): void {
    this.isLearned = true;
    // What a recurrence carries has a reader before it: rounds until nothing changes, two as a rule.
    for (let before = -1, now = 0; now > before;) {
      before = now;
      now = 0;
      this.known.clear();
      for (const { id, definition, dtype } of this.values.values()) {
        const found = isFloat(dtype) ? this.ofDefinition(definition) : ANY;
        this.ofValues.set(id, found);
        now += Number(found.wild) + Number(found.singular);
      }
    }
  }

  isWild(e: Expr): boolean {
    return this.ask(e).wild;
  }
  /** Whether it may be infinite or NaN where an argument comes as near to 0 as it may: `rsqrt(x^2 + 1e-5)` is not. */
  isSingular(e: Expr): boolean {
    return this.ask(e).singular;
  }
  private ask(e: Expr): Known {
    if (!this.isLearned) this.learn();
    return this.range(e);
  }

  private ofDefinition(definition: Definition): Known {
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
  private range(root: Expr): Known {
    const stack = [root];
    for (let e = stack.pop(); e; e = stack.pop()) {
      if (this.known.has(e)) continue;
      const open = partsOf(e).filter((part) => !this.known.has(part));
      if (open.length === 0) this.known.set(e, this.ofNode(e));
      else stack.push(e, ...open);
    }
    return this.known.get(root) ?? ANY;
  }
  private ofNode(e: Expr): Known {
    const at = (part: Expr | undefined): Known => (part && this.known.get(part)) ?? ANY;
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
          sign: leastSign(a, b),
          wild: a.wild || b.wild,
          floor: Math.min(a.floor, b.floor),
          singular: a.singular || b.singular,
        };
      }
      case "call": {
        const args = e.args.map(at);
        const bound = e.dtype === "f16" ? APART_OF_HALVES : APART;
        const isApart = (a: Known, k: number): boolean =>
          a.floor >= bound || (e.fn === "div" && k === 1 && isSize(e.args[k]));
        const apart = args.map((a, k) => ({ ...a, sign: isApart(a, k) ? 2 : (0 as const) }) satisfies Known);
        return {
          ...rangeOf(e, args),
          wild: args.some((a) => a.wild) || mayHavePole(e, args),
          singular: args.some((a) => a.singular) || mayHavePole(e, apart) || mayOverflow(e, args),
        };
      }
    }
  }
}

/** So far from 0 no quotient of what is usual overflows in f32, and in f16. */
const APART = 1e-12;
const APART_OF_HALVES = 1e-2;
/** Whether a negative power of what is apart from 0 is infinite in f32 all the same. */
function mayOverflow({ fn, args }: CallExpr, [x = ANYTHING]: readonly Range[]): boolean {
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

function ofOperator(operator: Operator, { sign, wild, floor, singular }: Known): Known {
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
    case "peak":
    case "min":
      return { sign, floor: guarded ? -Infinity : floor, ...orInfinite };
    case "logsumexp":
      return { sign: 0, floor: -Infinity, ...orInfinite };
    // No floats.
    case "any":
    case "all":
    case "argmax":
    case "argmin":
      return ANY;
  }
}
