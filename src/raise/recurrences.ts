import { invariant } from "../diagnostics/invariant.js";
import { provablyNonNegative } from "../ir/bounds.js";
import { reducedBy } from "../ir/equation.js";
import type { Expr, Index } from "../ir/expr.js";
import { and, compare, constant, freshIndex, indexValue, read, rewriter, TRUE } from "../ir/expr.js";
import { idsOf } from "../ir/items.js";
import { Poly } from "../ir/poly.js";
import type { Equation, RecurrenceGroup, Value } from "../ir/program.js";
import type { Statement } from "../parser/ast.js";
import { bindings, rightSide } from "./equations.js";
import { writeExpression } from "./expression.js";
import type { Scope } from "./scope.js";
import * as tree from "./tree.js";

const { span } = tree;

/** The step of a recurrence that is being written. */
interface WrittenStep {
  readonly index: Index;
  readonly name: string;
}

export function recurrence(
  group: RecurrenceGroup,
  scope: Scope,
  around: readonly WrittenStep[] = [],
): Statement[] {
  const [first] = idsOf(group);
  const layout = first === undefined ? undefined : scope.layoutsOf(first)[around.length];
  if (!layout) return [];
  const extent = layout.size;
  const index = freshIndex(group.name.replace(/^d_/, ""), extent);
  const taken = around.map((s) => s.name);
  const step = { index, name: scope.names.indices([index], taken).get(index) ?? "t" };
  const steps = [...around, step];
  const body = group.items.flatMap((item): Statement[] =>
    typeof item === "number" ? [member(scope.value(item), steps, scope)] : recurrence(item, scope, steps),
  );
  const [lo, hi] = [tree.integer(0), scope.size(extent)];
  return [
    {
      kind: "rec",
      index: tree.name(step.name),
      range: group.direction === 1 ? tree.range(lo, hi) : tree.range(hi, lo),
      body,
      span,
    },
  ];
}

function member(v: Value, steps: readonly WrittenStep[], scope: Scope): Statement {
  const { equation, inside } = atStep(v, steps, scope);
  const rest = equation.axes.slice(steps.length);
  const reduced = reducedBy(equation);
  const stepNames = steps.map((s) => s.name);
  const writing = scope.writing(
    new Map([
      ...steps.map((s) => [s.index, s.name] as const),
      ...scope.names.indices([...rest, ...reduced], stepNames),
    ]),
  );
  const right = rightSide(v, equation, writing);
  const value =
    inside === TRUE
      ? right
      : tree.choose(writeExpression(inside, writing), right, writeExpression(constant(0, v.dtype), writing));
  const indices = [
    ...stepNames.map((name) => ({ index: tree.variable(name), span })),
    // Written out, as what the step reads may be known only when this is.
    ...bindings(rest, writing),
  ];
  return tree.equation("value", scope.nameOf(v.id), indices, value);
}

/** A member's equation over the steps, which are its first axes, and where they are entries of it. */
function atStep(
  v: Value,
  steps: readonly WrittenStep[],
  scope: Scope,
): { readonly equation: Equation; readonly inside: Expr } {
  const { axes, operator, body } = asEquation(v, scope);
  /** The coordinate along each recurrence's axis, by its step. */
  const places = scope.layoutsOf(v.id).map((layout, k) => {
    const step = steps[k]?.index;
    const axis = axes[layout.axis];
    invariant(step && axis, "a member has an axis for each recurrence around");
    return { axis, step, here: Poly.index(step).sub(layout.offset) };
  });
  const hereOf = (i: Index): Poly | undefined => places.find(({ axis }) => axis === i)?.here;
  const rename = rewriter({ index: hereOf });
  // The ranges of reduced indices may mention the step.
  const reduced = operator?.kind === "reduce" ? operator.indices : [];
  const moved = new Map(
    reduced.map((i) => [i, freshIndex(i.name, rename.poly(i.hi), rename.poly(i.lo))] as const),
  );
  const renamed = rewriter({
    index: (i) => {
      const m = moved.get(i);
      return hereOf(i) ?? (m && Poly.index(m));
    },
  });
  const guard = operator?.guard ? renamed.expr(operator.guard) : null;
  const equation: Equation = {
    kind: "equation",
    axes: [...places.map((p) => p.step), ...axes.filter((a) => !hereOf(a))],
    operator:
      operator?.kind === "reduce"
        ? { ...operator, indices: [...moved.values()], guard }
        : operator && { ...operator, guard },
    body: renamed.expr(body),
  };
  return {
    equation,
    inside: places.map(({ axis, step, here }) => within(here, axis.hi, step)).reduce(and, TRUE),
  };
}

/** 0 <= entry < size, as far as the steps' own range does not say it. */
function within(entry: Poly, size: Poly, step: Index): Expr {
  const low = provablyNonNegative(entry)
    ? TRUE
    : compare("le", indexValue(Poly.constant(0)), indexValue(entry));
  const last = size.sub(1).sub(entry);
  const high = provablyNonNegative(last) ? TRUE : compare("lt", indexValue(entry), indexValue(size));
  return step.hi.isZero ? TRUE : and(low, high);
}

/** A reshape within a recurrence works on each step's entries; what keeps its shape is a copy. */
function asEquation(v: Value, scope: Scope): Equation {
  const { definition } = v;
  if (definition.kind === "equation") return definition;
  invariant(definition.kind === "custom", `${v.name} in a recurrence is an equation`);
  const source = scope.value(definition.of);
  const axes = v.shape.map((s, k) => freshIndex(`i${k}`, s));
  const body = read(
    source.id,
    axes.map((a) => Poly.index(a)),
    source.dtype,
  );
  return { kind: "equation", axes, operator: null, body };
}
