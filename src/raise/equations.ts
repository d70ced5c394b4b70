import { InternalError } from "../diagnostics/invariant.js";
import { iterationOf } from "../ir/equation.js";
import type { Expr, Index, ValueId } from "../ir/expr.js";
import { constant, freshIndex, readsOf } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Equation, Value } from "../ir/program.js";
import { readsOfEquation } from "../ir/reach.js";
import { emptyResult } from "../ir/reducers.js";
import type { EquationStatement, Expression, IndexBinding } from "../parser/ast.js";
import { writeExpression, writePoly, type Writing } from "./expression.js";
import type { Scope } from "./scope.js";
import * as tree from "./tree.js";

const { span } = tree;

/** The equations of a value outside of recurrences: one, or for some positions of maxima two; none for a leaf. */
export function definitionOf(v: Value, scope: Scope): EquationStatement[] {
  const { definition } = v;
  switch (definition.kind) {
    case "leaf":
      return [];
    case "equation":
      return flatPosition(v, definition, scope) ?? [equation(v, definition, scope)];
    case "reshape": {
      const sizes = tree.list(v.shape.map((s) => scope.size(s)));
      const source = tree.variable(scope.nameOf(definition.of));
      return [defining(v.id, [], tree.call("reshape", source, sizes), scope)];
    }
    case "custom":
      return [defining(v.id, [], tree.variable(scope.nameOf(definition.of)), scope)];
    case "scatter":
    case "derivative":
      throw new InternalError(`a ${definition.kind} has been lowered before`);
  }
}

/** `output y[i, j] = x[i, j]`, or the new value of a state. */
export function copy(name: string, id: ValueId, scope: Scope, prime = false): EquationStatement {
  const axes = scope.value(id).shape.map((s, k) => freshIndex(`i${k}`, s));
  const writing = scope.writing(scope.names.indices(axes));
  const value = writing.read(
    id,
    axes.map((a) => Poly.index(a)),
    (p) => writePoly(p, writing),
  );
  return tree.equation(prime ? "value" : "output", name, bindings(axes, writing), value, prime);
}

function defining(
  id: ValueId,
  indices: readonly IndexBinding[],
  value: Expression,
  scope: Scope,
): EquationStatement {
  const name = scope.nameOf(id);
  const isResult = scope.results.some((o) => o.value === id && o.name === name);
  return tree.equation(isResult ? "output" : "value", name, indices, value);
}

/** `i in 0..N` for each axis; the range is left out where the right side says it. */
export function bindings(
  axes: readonly Index[],
  writing: Writing,
  implied: ReadonlySet<Index> = new Set(),
): IndexBinding[] {
  return axes.map((a) => ({
    index: tree.variable(writing.index(a)),
    ...(implied.has(a) ? {} : { range: tree.range(tree.integer(0), writePoly(a.hi, writing)) }),
    span,
  }));
}
type Reduced = Parameters<typeof tree.reducer>[1];
function reducedOver(indices: readonly Index[], writing: Writing, implied: ReadonlySet<Index>): Reduced {
  return indices.map((i) => ({
    name: tree.name(writing.index(i)),
    ...(implied.has(i) ? {} : { range: tree.range(writePoly(i.lo, writing), writePoly(i.hi, writing)) }),
  }));
}

function equation(v: Value, e: Equation, scope: Scope): EquationStatement {
  const writing = scope.writing(scope.names.indices(iterationOf(e), [], scope.wantedNames(v.id, e.axes)));
  const implied = impliedRanges(e, scope);
  return defining(v.id, bindings(e.axes, writing, implied), rightSide(v, e, writing, implied), scope);
}

export function rightSide(
  v: Value,
  { operator, body }: Equation,
  writing: Writing,
  implied: ReadonlySet<Index> = new Set(),
): Expression {
  const written = typed(writeExpression(body, writing), body);
  if (!operator) return written;
  const guard = operator.guard ? writeExpression(operator.guard, writing) : undefined;
  if (operator.kind === "along")
    return {
      kind: "axis",
      operator: operator.name,
      index: tree.name(writing.index(operator.index)),
      ...(guard ? { guard } : {}),
      body: written,
      headSpan: span,
      span,
    };
  if (operator.indices.length === 0) {
    // Over one point: the body where the guard lets it through.
    const empty = writeExpression(constant(emptyResult(operator.reducer, v.dtype), v.dtype), writing);
    return guard ? tree.choose(guard, written, empty) : written;
  }
  const reducer = operator.reducer === "peak" ? "max" : operator.reducer;
  return tree.reducer(reducer, reducedOver(operator.indices, writing, implied), guard, written);
}
/** Literals alone would be floats. */
function typed(written: Expression, body: Expr): Expression {
  const bare = readsOf([body]).length === 0 && body.dtype !== "bool" && body.dtype !== "f32";
  return bare ? tree.call(body.dtype, written) : written;
}

/** Indices whose range the file's reader, and its checker, see: alone as a subscript of an axis of that size. */
function impliedRanges(equation: Equation, scope: Scope): Set<Index> {
  const alone = new Map<Index, boolean>();
  for (const node of readsOfEquation(equation)) {
    const layouts = scope.layoutsOf(node.value);
    node.subscripts.forEach((s, k) => {
      const index = s.asIndex;
      if (!index) return;
      const size = scope.value(node.value).shape[k];
      const layout = layouts.find(({ axis }) => axis === k);
      const moved = layout !== undefined && (layout.offset !== 0 || !size?.equals(layout.size));
      const same = !moved && index.lo.isZero && size?.equals(index.hi) === true;
      alone.set(index, same && (alone.get(index) ?? true));
    });
  }
  return new Set([...alone].flatMap(([index, same]) => (same ? [index] : [])));
}

/** The row-major position of a maximum over several indices: the least position of those that reach it. */
function flatPosition(v: Value, e: Equation, scope: Scope): EquationStatement[] | null {
  const { operator, axes, body } = e;
  if (operator?.kind !== "reduce" || operator.indices.length < 2) return null;
  if (operator.reducer !== "argmax" && operator.reducer !== "argmin") return null;
  const writing = scope.writing(scope.names.indices(iterationOf(e)));
  const best = scope.names.fresh(`${scope.nameOf(v.id)}_best`);
  const indices = bindings(axes, writing);
  const over = reducedOver(operator.indices, writing, new Set());
  const guard = operator.guard ? writeExpression(operator.guard, writing) : undefined;
  const written = writeExpression(body, writing);
  const found = tree.subscript(
    tree.variable(best),
    axes.map((a) => tree.variable(writing.index(a))),
  );
  const hit = tree.binary("==", written, found);
  const position = operator.indices.reduce(
    (p, i) => p.mul(i.hi.sub(i.lo)).add(Poly.index(i).sub(i.lo)),
    Poly.constant(0),
  );
  const extreme = tree.reducer(operator.reducer === "argmax" ? "max" : "min", over, guard, written);
  const least = tree.reducer(
    "min",
    over,
    guard ? tree.binary("and", guard, hit) : hit,
    tree.call("i32", writePoly(position, writing)),
  );
  return [tree.equation("value", best, indices, extreme), defining(v.id, indices, least, scope)];
}
