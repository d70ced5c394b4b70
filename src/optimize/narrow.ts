import { conjuncts } from "../ir/conditions.js";
import type { Expr, Index } from "../ir/expr.js";
import { and, constant, freshIndex, isInteger, polyOf, rewriter, select, TRUE, within } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Definition, Equation, Program } from "../ir/program.js";
import { REDUCERS, startOf } from "../ir/reducers.js";
import { mapDefinitions } from "../ir/rewrite.js";

/**
 * A reduction whose guard says where one of its indices stands (`t == 0`, `i + j == N`) has a single point along
 * that index: the point is put in place of the index, and the search is gone. Adjoints of base entries, of shifted
 * reads and of gathers by an affine key come out of the derivative in this form.
 */
export const narrow = (program: Program): Program =>
  mapDefinitions(program, (definition): Definition => {
    let current = definition;
    for (let next = narrowed(current); next; next = narrowed(current)) current = next;
    return withoutFirst(current);
  });

/** `not i == lo` begins the range one later: adjoints of steps leave the entry out that no step makes. */
function withoutFirst(definition: Definition): Definition {
  if (definition.kind !== "equation" || definition.operator?.kind !== "reduce") return definition;
  const { operator } = definition;
  const conditions = conjuncts(operator.guard);
  for (const index of operator.indices) {
    const first = conditions.find((c) => isNotFirst(c, index));
    const isBound = operator.indices.some((i) => i.lo.indices.has(index) || i.hi.indices.has(index));
    if (!first || isBound) continue;
    const later = freshIndex(index.name, index.hi, index.lo.add(1));
    const { expr } = rewriter({ index: (i) => (i === index ? Poly.index(later) : undefined) });
    const guard = conditions.filter((c) => c !== first).map(expr);
    return withoutFirst({
      ...definition,
      operator: {
        ...operator,
        indices: operator.indices.map((i) => (i === index ? later : i)),
        guard: guard.length ? guard.reduce(and) : null,
      },
      body: expr(definition.body),
    });
  }
  return definition;
}
function isNotFirst(condition: Expr, index: Index): boolean {
  if (condition.op !== "call" || condition.fn !== "not") return false;
  const [equal] = condition.args;
  if (equal?.op !== "call" || equal.fn !== "eq") return false;
  const [a, b] = equal.args;
  if (!a || !b || !isInteger(a.dtype)) return false;
  const difference = polyOf(a).sub(polyOf(b));
  const first = Poly.index(index).sub(index.lo);
  return difference.equals(first) || difference.equals(first.neg());
}

function narrowed(definition: Definition): Equation | undefined {
  if (definition.kind !== "equation" || definition.operator?.kind !== "reduce") return undefined;
  const { operator } = definition;
  const { fn } = REDUCERS[operator.reducer];
  if (fn === null) return undefined;
  // Only an empty sum is what a choice against 0 gives.
  const { body } = definition;
  const chosen = operator.reducer === "sum" && body.op === "select" && isPlainZero(body.else) ? body : null;
  const conditions = [...conjuncts(operator.guard), ...conjuncts(chosen && chosen.condition)];
  for (const condition of conditions) {
    const found = solved(condition, operator.indices);
    if (!found) continue;
    const { index, at } = found;
    const rest = conditions.filter((c) => c !== condition);
    const { expr } = rewriter({ index: (i) => (i === index ? at : undefined) });
    const guard = [within(at, index.lo, index.hi), ...rest.map(expr)].reduce(and);
    const point = expr(chosen ? chosen.then : body);
    const indices = operator.indices.filter((i) => i !== index);
    if (indices.length > 0)
      return {
        ...definition,
        operator: { ...operator, indices, guard: guard === TRUE ? null : guard },
        body: point,
      };
    return {
      ...definition,
      operator: null,
      body: select(guard, point, constant(startOf(operator.reducer, point.dtype), point.dtype)),
    };
  }
  return undefined;
}

/** Not -0, which a sum over nothing is not. */
const isPlainZero = (e: Expr): boolean => e.op === "constant" && Object.is(e.value, 0);

/** The one point of an index that satisfies an equality of integers with coefficient 1 or -1 for it. */
function solved(condition: Expr, indices: readonly Index[]): { index: Index; at: Poly } | undefined {
  if (condition.op !== "call" || condition.fn !== "eq") return undefined;
  const [a, b] = condition.args;
  if (!a || !b || !isInteger(a.dtype)) return undefined;
  const difference = polyOf(a).sub(polyOf(b));
  if (difference.denominator !== 1 || difference.hasOpaque) return undefined;
  for (const index of indices) {
    const parts = difference.split(index);
    const coefficient = parts?.coefficient.constant;
    if (!parts || (coefficient !== 1 && coefficient !== -1)) continue;
    const bounded = indices.some((i) => i.lo.indices.has(index) || i.hi.indices.has(index));
    if (!bounded) return { index, at: parts.rest.scale(-coefficient) };
  }
  return undefined;
}
