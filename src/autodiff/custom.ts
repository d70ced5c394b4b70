import { invariant } from "../diagnostics/invariant.js";
import type { Expr, Index, ReadExpr, ValueId } from "../ir/expr.js";
import { freshIndex, read, rewriter } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Custom, Equation } from "../ir/program.js";
import { mentions } from "../ir/reach.js";
import type { Workspace } from "./workspace.js";

/**
 * The written adjoint of one value for a real cotangent: its equations again, from the placeholder on, with the
 * cotangent in its place and the sweep's batch axes in front.
 * @returns for each argument that takes something back its element at given indices (batch, then its axes)
 */
export function writtenAdjoint(
  work: Workspace,
  custom: Custom,
  adjoint: ValueId,
  batch: readonly Index[],
  emit: (id: ValueId) => void,
): { readonly arg: ValueId; readonly contribution: (indices: readonly Index[]) => Expr }[] {
  const dependent = new Map<ValueId, boolean>([[custom.cotangent, true]]);
  const depends = (id: ValueId): boolean => {
    const known = dependent.get(id);
    if (known !== undefined) return known;
    dependent.set(id, false);
    const found = mentions(work.value(id).definition).some(depends);
    dependent.set(id, found);
    return found;
  };
  const copies = new Map<ValueId, ValueId>([[custom.cotangent, adjoint]]);
  const copyOf = (id: ValueId): ValueId => {
    const known = copies.get(id);
    if (known !== undefined) return known;
    const value = work.value(id);
    const { definition } = value;
    mentions(definition).filter(depends).forEach(copyOf);
    let made: ValueId;
    if (definition.kind === "reshape" || definition.kind === "custom")
      made = work.define(
        value.name,
        value.dtype,
        [...batch.map((b) => b.hi), ...value.shape],
        { kind: "reshape", of: copyOf(definition.of) },
        value,
      );
    else {
      invariant(definition.kind === "equation", "an adjoint is made of equations");
      const { axes, operator, body } = copiedEquation(definition, batch, (node, points) =>
        depends(node.value)
          ? read(copyOf(node.value), [...points, ...node.subscripts], node.dtype)
          : undefined,
      );
      made = work.equation(value.name, value.dtype, axes, operator, body, value);
    }
    copies.set(id, made);
    emit(made);
    return made;
  };
  return custom.adjoints.flatMap((id, k) => {
    const arg = custom.args[k];
    if (id === null || arg === undefined) return [];
    const from = depends(id) ? copyOf(id) : id;
    const { dtype } = work.value(from);
    // What does not depend on the cotangent is the same for each point of the batch.
    const skipped = depends(id) ? 0 : batch.length;
    const at = (list: readonly Index[]): Poly[] => list.slice(skipped).map((i) => Poly.index(i));
    return [{ arg, contribution: (indices: readonly Index[]) => read(from, at(indices), dtype) }];
  });
}

function copiedEquation(
  equation: Equation,
  batch: readonly Index[],
  replace: (node: ReadExpr, points: readonly Poly[]) => Expr | undefined,
): Equation {
  const { axes, operator, body } = equation;
  const bound = operator?.kind === "reduce" ? operator.indices : [];
  const front = batch.map((b) => freshIndex(b.name, b.hi));
  const fresh = new Map([...axes, ...bound].map((i) => [i, freshIndex(i.name, i.hi, i.lo)]));
  const points = front.map((f) => Poly.index(f));
  const renamed = rewriter({
    index: (i) => {
      const f = fresh.get(i);
      return f && Poly.index(f);
    },
  });
  const replaced = rewriter({ read: (node) => replace(node, points) });
  const expr = (e: Equation["body"]): Equation["body"] => replaced.expr(renamed.expr(e));
  const of = (i: Index): Index => fresh.get(i) ?? i;
  const guard = operator?.guard ? expr(operator.guard) : null;
  return {
    kind: "equation",
    axes: [...front, ...axes.map(of)],
    operator:
      operator &&
      (operator.kind === "reduce"
        ? { ...operator, indices: operator.indices.map(of), guard }
        : { ...operator, index: of(operator.index), guard }),
    body: expr(body),
  };
}
