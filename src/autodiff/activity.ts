import type { Expr, ReadExpr, ValueId } from "../ir/expr.js";
import { isFloat, visit } from "../ir/expr.js";
import type { Program, Value } from "../ir/program.js";
import { idsOf } from "../ir/items.js";

/** Reads that a derivative flows through: not those in conditions, subscripts or arguments of flat functions. */
export function activeReads(body: Expr): ReadExpr[] {
  const reached = new Set<Expr>([body]);
  const found: ReadExpr[] = [];
  const order: Expr[] = [];
  visit([body], (e) => order.push(e));
  for (const e of order.reverse()) {
    if (!reached.has(e) || !isFloat(e.dtype)) continue;
    if (e.op === "read") found.push(e);
    else if (e.op === "cast") reached.add(e.arg);
    else if (e.op === "select") reached.add(e.then).add(e.else);
    else if (e.op === "call") for (const arg of e.args) reached.add(arg);
  }
  return found;
}

/** Values that `value` depends on differentiably, by way of its own definition. */
export function sourcesOf(value: Value): ValueId[] {
  const { definition } = value;
  if (!isFloat(value.dtype)) return [];
  switch (definition.kind) {
    case "leaf":
      return [];
    case "equation": {
      const operator = definition.operator;
      if (operator?.kind === "reduce" && ["any", "all", "argmax", "argmin"].includes(operator.reducer))
        return [];
      return activeReads(definition.body).map((r) => r.value);
    }
    case "scatter":
      return activeReads(definition.body).map((r) => r.value);
    case "reshape":
      return [definition.of];
    case "custom":
      return [...definition.args];
    case "derivative":
      return [
        definition.of,
        definition.wrt,
        ...(definition.direction === null ? [] : [definition.direction]),
      ];
  }
}

/** Values on a differentiable path from `from` to `to`, both included (empty if there is none). `from` counts as given. */
export function activeBetween(
  program: Pick<Program, "values" | "items">,
  from: ValueId,
  to: ValueId,
): Set<ValueId> {
  const order = program.items.flatMap(idsOf);
  const sources = new Map<ValueId, readonly ValueId[]>();
  const sourcesAt = (id: ValueId): readonly ValueId[] => {
    const known = sources.get(id);
    if (known) return known;
    const value = program.values.get(id);
    const made = value && id !== from ? sourcesOf(value) : [];
    sources.set(id, made);
    return made;
  };
  const needed = new Set<ValueId>([to]);
  const work = [to];
  for (let id = work.pop(); id !== undefined; id = work.pop())
    for (const source of sourcesAt(id)) {
      if (needed.has(source)) continue;
      needed.add(source);
      work.push(source);
    }
  // Forward closure; repeated because members of a recurrence refer to later ones.
  const reached = new Set<ValueId>([from]);
  for (let grown = true; grown;) {
    grown = false;
    for (const id of order) {
      if (reached.has(id) || !needed.has(id)) continue;
      if (sourcesAt(id).some((s) => reached.has(s))) {
        reached.add(id);
        grown = true;
      }
    }
    if (!program.items.some((item) => typeof item !== "number")) break;
  }
  return new Set([...reached].filter((id) => needed.has(id)));
}
