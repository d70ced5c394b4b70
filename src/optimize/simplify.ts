import { provablyNonNegative } from "../ir/bounds.js";
import { factsOf } from "../ir/conditions.js";
import type { CallExpr, Expr } from "../ir/expr.js";
import {
  and,
  call,
  compare,
  constant,
  FALSE,
  indexValue,
  isFloat,
  mul,
  polyOf,
  rewriter,
  select,
  TRUE,
  visit,
} from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";
import type { Definition, Operator, Program } from "../ir/program.js";
import { mapDefinitions } from "../ir/rewrite.js";

/**
 * Decides integer comparisons that the index ranges settle, folds constants, and tidies guards.
 * No rule here changes a value for any operand, NaN and infinities included.
 */
export function simplify(program: Program): Program {
  const { expr, poly } = rewriter({ node: simplifyNode });
  const tidy = (e: Expr): Expr => underGuards(expr(e), []);
  return mapDefinitions(program, (definition): Definition => {
    switch (definition.kind) {
      case "equation": {
        const guard = definition.operator?.guard ? tidy(definition.operator.guard) : null;
        const facts = guard ? factsOf(guard) : [];
        const operator: Operator | null = definition.operator && {
          ...definition.operator,
          guard: guard === TRUE ? null : guard,
        };
        const body = underGuards(expr(definition.body), facts);
        const isSum = operator?.kind === "reduce" && operator.reducer === "sum";
        return { ...definition, operator, body: isSum ? withoutSign(body) : body };
      }
      case "scatter": {
        const guard = definition.guard && tidy(definition.guard);
        return {
          ...definition,
          guard: guard === TRUE ? null : guard,
          target: definition.target.map(poly),
          body: tidy(definition.body),
        };
      }
      default:
        return definition;
    }
  });
}

/** What one node is, its operands being simplified. */
export function simplifyNode(e: Expr): Expr | undefined {
  if (e.op === "select") {
    if (e.condition.op === "constant") return e.condition.value ? e.then : e.else;
    // if a then (if b then x else z) else z
    if (e.then.op === "select" && e.then.else === e.else)
      return select(and(e.condition, e.then.condition), e.then.then, e.else);
    return undefined;
  }
  if (e.op !== "call") return undefined;
  return integerComparison(e, []) ?? integerArithmetic(e) ?? floatIdentities(e) ?? signOfRelu(e);
}

function integerComparison(e: CallExpr, facts: readonly Poly[]): Expr | undefined {
  const [a, b] = e.args;
  if (!a || !b || a.dtype !== "i32" || b.dtype !== "i32") return undefined;
  const difference = polyOf(b).sub(polyOf(a));
  switch (e.fn) {
    case "le":
      return decided(
        provablyNonNegative(difference, facts),
        provablyNonNegative(difference.neg().sub(1), facts),
      );
    case "lt":
      return decided(
        provablyNonNegative(difference.sub(1), facts),
        provablyNonNegative(difference.neg(), facts),
      );
    case "eq":
    case "ne": {
      const apart =
        provablyNonNegative(difference.sub(1), facts) || provablyNonNegative(difference.neg().sub(1), facts);
      const settled = decided(difference.isZero, apart);
      if (!settled || e.fn === "eq") return settled;
      return settled === TRUE ? FALSE : TRUE;
    }
    default:
      return undefined;
  }
}
const decided = (yes: boolean, no: boolean): Expr | undefined => (yes ? TRUE : no ? FALSE : undefined);

/** Integer calls whose operands turned out to be polynomials or constants. */
function integerArithmetic(e: CallExpr): Expr | undefined {
  const [a, b] = e.args;
  if (e.dtype !== "i32" || !a || !b) return undefined;
  const [x, y] = [polyOf(a), polyOf(b)];
  const divisor = y.constant;
  if (e.fn === "floor_div" && divisor !== undefined && divisor > 0) {
    if (x.constant !== undefined) return constant(Math.floor(x.constant / divisor), "i32");
    const quotient = x.scale(1, divisor);
    if (quotient.denominator === 1) return indexValue(quotient);
  }
  if (e.fn === "mod" && divisor !== undefined && divisor > 0) {
    if (x.constant !== undefined)
      return constant(x.constant - divisor * Math.floor(x.constant / divisor), "i32");
    if (x.scale(1, divisor).denominator === 1) return constant(0, "i32");
  }
  return undefined;
}

function floatIdentities(e: CallExpr): Expr | undefined {
  const [a, b] = e.args;
  if (!a || !isFloat(e.dtype)) return undefined;
  if (a.op === "constant" && b?.op === "constant") {
    if (e.fn === "mul") return constant(a.value * b.value, e.dtype);
    if (e.fn === "add") return constant(a.value + b.value, e.dtype);
    if (e.fn === "sub") return constant(a.value - b.value, e.dtype);
    if (e.fn === "div") return constant(a.value / b.value, e.dtype);
  }
  // A cotangent that turned out to be a number.
  if (e.fn === "mul0" && b && a.op === "constant") return a.value === 0 ? a : mul(a, b);
  // x * c1 * c2 with exact powers of two only: other products would round differently.
  if (e.fn === "mul" && b && b.op === "constant" && b.value === -1) return call("neg", [a], e.dtype);
  if (e.fn === "mul" && b && a.op === "constant" && a.value === -1) return call("neg", [b], e.dtype);
  return undefined;
}

/** 0 < relu(x) where 0 < x. */
function signOfRelu({ fn, args: [a, b] }: CallExpr): Expr | undefined {
  if (fn !== "lt" || a?.op !== "constant" || a.value !== 0) return undefined;
  const [x] = b?.op === "call" && b.fn === "relu" ? b.args : [];
  return x && compare("lt", a, x);
}

/** A term to be added up: the sign of a zero is lost in a sum, so a minus may go into a difference. */
function withoutSign(e: Expr): Expr {
  const [arg] = e.op === "call" && e.fn === "neg" && isFloat(e.dtype) ? e.args : [];
  return (arg && (opposite(arg, isDifference) ?? opposite(arg, () => true))) ?? e;
}
const isDifference = (e: Expr): boolean => e.op === "call" && e.fn === "sub";

/** The negative of a product or quotient that has a factor, of those wanted, to turn round. */
function opposite(e: Expr, isWanted: (factor: Expr) => boolean): Expr | undefined {
  if (e.op === "constant") return isWanted(e) ? constant(-e.value, e.dtype) : undefined;
  if (e.op !== "call") return undefined;
  const [a, b] = e.args;
  if (a && e.fn === "neg") return isWanted(e) ? a : undefined;
  if (!a || !b) return undefined;
  if (e.fn === "sub") return isWanted(e) ? call("sub", [b, a], e.dtype) : undefined;
  if (e.fn !== "mul" && e.fn !== "div") return undefined;
  const first = opposite(a, isWanted);
  if (first) return call(e.fn, [first, b], e.dtype);
  const second = e.fn === "mul" ? opposite(b, isWanted) : undefined;
  return second && call(e.fn, [a, second], e.dtype);
}

/** Comparisons that the enclosing conditions settle. Works on the tree of selects at the top of a body. */
function underGuards(e: Expr, facts: readonly Poly[]): Expr {
  const conditionUnder = (c: Expr, known: readonly Poly[]): Expr => {
    if (c.op !== "call") return c;
    const [a, b] = c.args;
    if (c.fn === "and" && a && b) {
      const left = conditionUnder(a, known);
      return and(left, conditionUnder(b, [...known, ...factsOf(left)]));
    }
    return integerComparison(c, known) ?? c;
  };
  if (e.dtype === "bool" && e.op === "call") return conditionUnder(e, facts);
  if (e.op === "select") {
    const condition = conditionUnder(e.condition, facts);
    return select(
      condition,
      underGuards(e.then, [...facts, ...factsOf(condition)]),
      underGuards(e.else, facts),
    );
  }
  if (
    e.op === "call" &&
    facts.length &&
    e.args.some((a) => a.op === "select" || a.op === "call" || a.op === "cast")
  ) {
    if (!containsSelect(e)) return e;
    const args = e.args.map((a) => underGuards(a, facts));
    return args.every((a, k) => a === e.args[k]) ? e : call(e.fn, args, e.dtype);
  }
  return e;
}
const selectMemo = new WeakMap<Expr, boolean>();
function containsSelect(e: Expr): boolean {
  const known = selectMemo.get(e);
  if (known !== undefined) return known;
  let found = false;
  visit([e], (node) => {
    if (node.op === "select") found = true;
  });
  selectMemo.set(e, found);
  return found;
}
