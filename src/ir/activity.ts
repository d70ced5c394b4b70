import type { Expr, ReadExpr, ValueId } from "./expr.js";
import { isFloat, visit } from "./expr.js";
import { SCALARS } from "./scalar/table.js";
import type { Program, Value } from "./program.js";

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
    else if (e.op === "call") {
      const partials = SCALARS[e.fn]?.derivative({ args: e.args, y: e }) ?? [];
      e.args.forEach((arg, k) => {
        if (partials[k]) reached.add(arg);
      });
    }
  }
  return found;
}

/** Values that `value` depends on differentiably, by way of its own definition. */
function sourcesOf(value: Value): ValueId[] {
  const { definition } = value;
  if (!isFloat(value.dtype)) return [];
  switch (definition.kind) {
    case "leaf":
      return [];
    case "equation":
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

/**
 * Values on a differentiable path from any of `from` to `to`, both included (empty if there is none). Each of `from`
 * and of `given` counts as given: what it is computed from is of no concern.
 */
export function activeBetween(
  program: Pick<Program, "values" | "items">,
  from: ReadonlySet<ValueId>,
  to: ValueId,
  given: readonly ValueId[] = [],
): Set<ValueId> {
  // Backwards from `to`, noting who reads whom; then forwards along these notes. Every value is looked into once.
  const readers = new Map<ValueId, ValueId[]>();
  const needed = new Set<ValueId>([to]);
  const work = [to];
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    const value = program.values.get(id);
    if (!value || from.has(id) || given.includes(id)) continue;
    for (const source of sourcesOf(value)) {
      const known = readers.get(source);
      if (known) known.push(id);
      else readers.set(source, [id]);
      if (needed.has(source)) continue;
      needed.add(source);
      work.push(source);
    }
  }
  const active = new Set<ValueId>([...from].filter((id) => needed.has(id)));
  for (const id of active) for (const reader of readers.get(id) ?? []) active.add(reader);
  return active;
}
