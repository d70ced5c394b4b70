import type { Expr, ReadExpr, ValueId } from "../ir/expr.js";
import { isFloat, readsOf } from "../ir/expr.js";
import { groupedIds, idsOf } from "../ir/items.js";
import { Poly } from "../ir/poly.js";
import type { Equation, Program } from "../ir/program.js";
import { instantiate, rewriteDefinition } from "../ir/rewrite.js";

/** Whether reading the equation's body instead of the value costs nothing: a copy, a constant, a choice against a constant. */
function isTrivial(body: Expr): boolean {
  switch (body.op) {
    case "constant":
    case "index":
    case "read":
      return true;
    case "cast":
      return isTrivial(body.arg);
    case "select":
      return (
        isTrivial(body.then) &&
        isTrivial(body.else) &&
        (body.then.op === "constant" || body.else.op === "constant") &&
        readsNoFloats(body.condition)
      );
    case "call":
      return body.fn === "neg" && body.args.every(isTrivial);
  }
}

/** Integer comparisons of indices, and what joins them: nearly free next to a load. */
function readsNoFloats(condition: Expr): boolean {
  return readsOf([condition]).every((r) => !isFloat(r.dtype));
}

/** Reads of copies, constants and deltas are replaced by what these read. */
export function inlineTrivial(program: Program): Program {
  const inlined = new Map<ValueId, Equation>();
  const grouped = groupedIds(program);
  const replaceRead = (node: ReadExpr): Expr | undefined => {
    const equation = inlined.get(node.value);
    return equation && instantiate(equation, node.subscripts);
  };
  const rules = { read: replaceRead };
  const order = program.items.flatMap(idsOf);
  const changed = new Map(program.values);
  for (const id of order) {
    const value = changed.get(id);
    if (!value) continue;
    const definition = rewriteDefinition(value.definition, rules);
    if (definition !== value.definition) changed.set(id, { ...value, definition });
    if (
      definition.kind === "equation" &&
      definition.operator === null &&
      isTrivial(definition.body) &&
      !grouped.has(id)
    )
      inlined.set(id, definition);
  }
  const { outputs, gradients } = program;
  const current = { ...program, values: changed };
  return {
    ...current,
    outputs: withoutCopies(current, outputs),
    gradients: withoutCopies(current, gradients),
  };
}

/** Results that only copy a computed value are that value. (A copy of a leaf stays: callers own results, not leaves.) */
function withoutCopies<T extends { readonly value: ValueId }>(program: Program, results: readonly T[]): T[] {
  const source = (id: ValueId): ValueId => {
    const value = program.values.get(id);
    if (value?.definition.kind !== "equation" || value.definition.operator !== null) return id;
    const { axes, body } = value.definition;
    if (body.op !== "read" || body.subscripts.length !== axes.length) return id;
    const from = program.values.get(body.value);
    const same =
      from?.dtype === value.dtype &&
      from.definition.kind !== "leaf" &&
      axes.every(
        (axis, k) =>
          body.subscripts[k]?.asIndex === axis && axis.hi.equals(from.shape[k] ?? Poly.constant(-1)),
      );
    return same ? source(body.value) : id;
  };
  return results.map((result) => ({ ...result, value: source(result.value) }));
}
