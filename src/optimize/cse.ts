import { iterationOf } from "../ir/equation.js";
import type { Expr, Index, ValueId } from "../ir/expr.js";
import { read, rewriter } from "../ir/expr.js";
import { canonicalIndex } from "../ir/form.js";
import { groupedIds, idsOf } from "../ir/items.js";
import { Poly } from "../ir/poly.js";
import type { Definition, Program, Value } from "../ir/program.js";
import { filterItems, renameResults } from "../ir/reach.js";
import { rewriteDefinition } from "../ir/rewrite.js";

/** A text that two definitions share exactly when they compute the same tensor. */
function keyOf(value: Value): string | undefined {
  const { definition } = value;
  const naming = (bound: readonly Index[]) => {
    const { expr, poly } = rewriter({
      index: (i) => {
        const k = bound.indexOf(i);
        return k < 0 ? undefined : Poly.index(canonicalIndex(k));
      },
    });
    const range = (i: Index): string => `${poly(i.lo).key}..${poly(i.hi).key}`;
    return { expr, poly, range };
  };
  const guardKey = (g: Expr | null, expr: (e: Expr) => Expr): string => (g ? String(expr(g).id) : "");
  switch (definition.kind) {
    case "equation": {
      const { axes, operator, body } = definition;
      const bound = iterationOf(definition);
      const { expr, range } = naming(bound);
      const kind =
        operator === null
          ? ""
          : operator.kind === "reduce"
            ? `${operator.reducer}${operator.indices.length}`
            : `${operator.name}@${axes.indexOf(operator.index)}`;
      return `e ${value.dtype} ${bound.map(range).join(",")} ${kind} | ${guardKey(operator?.guard ?? null, expr)} | ${expr(body).id}`;
    }
    case "reshape":
      return `v ${definition.of} ${value.shape.map((s) => s.key).join(",")}`;
    case "scatter": {
      const { expr, poly, range } = naming(definition.domain);
      return `s ${value.dtype} ${value.shape.map((s) => s.key).join(",")} ${definition.domain.map(range).join(",")} ${guardKey(definition.guard, expr)} ${definition.target.map((t) => poly(t).key).join(",")} ${expr(definition.body).id}`;
    }
    case "leaf":
    case "custom":
    case "derivative":
      return undefined;
  }
}

/** One value for equal definitions. Members of recurrences stay as they are. */
export function cse(program: Program): Program {
  const replaced = new Map<ValueId, ValueId>();
  const known = new Map<string, ValueId>();
  const values = new Map(program.values);
  const grouped = groupedIds(program);
  const at = (id: ValueId): ValueId => replaced.get(id) ?? id;
  const kept = new Set([...program.outputs.map((o) => o.value), ...program.gradients.map((g) => g.value)]);
  for (const id of program.items.flatMap(idsOf)) {
    const value = values.get(id);
    if (!value) continue;
    let definition: Definition = rewriteDefinition(value.definition, {
      read: (node) =>
        replaced.has(node.value) ? read(at(node.value), node.subscripts, node.dtype) : undefined,
    });
    if (definition.kind === "reshape" && replaced.has(definition.of))
      definition = { ...definition, of: at(definition.of) };
    const made = definition === value.definition ? value : { ...value, definition };
    values.set(id, made);
    if (grouped.has(id)) continue;
    const key = keyOf(made);
    const first = key === undefined ? undefined : known.get(key);
    if (key !== undefined && first === undefined) known.set(key, id);
    else if (first !== undefined && !kept.has(id)) replaced.set(id, first);
  }
  const items = filterItems(program.items, (id) => !replaced.has(id));
  return renameResults({ ...program, values, items }, at);
}
