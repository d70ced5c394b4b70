import type { Expr, Index, ReadExpr, ValueId } from "../ir/expr.js";
import { readsOf, visit } from "../ir/expr.js";
import { idsOf } from "../ir/items.js";
import type { Equation, Program, Value } from "../ir/program.js";
import { SCALARS } from "../ir/scalar/table.js";
import { keepReachable, mentions } from "../ir/reach.js";
import { instantiate, rewriteDefinition } from "../ir/rewrite.js";

/** Rough flops of one evaluation of a body. */
export function costOf(body: Expr): number {
  let cost = 0;
  visit([body], (e) => {
    if (e.op === "call") cost += e.dtype === "i32" || e.dtype === "bool" ? 0.25 : (SCALARS[e.fn]?.cost ?? 1);
    else if (e.op === "select") cost += 0.5;
  });
  return cost;
}

/** The indices that an equation iterates over. */
export function iterationOf(equation: Equation): readonly Index[] {
  return equation.operator?.kind === "reduce"
    ? [...equation.axes, ...equation.operator.indices]
    : equation.axes;
}

/** Whether each element of what is read is needed at one point of the iteration space only. */
function readsOnce(equation: Equation, node: ReadExpr): boolean {
  const used = new Set(node.subscripts.flatMap((s) => [...s.indices]));
  return iterationOf(equation).every((i) => used.has(i)) && node.subscripts.every((s) => !s.hasOpaque);
}

/**
 * Substitutes elementwise producers into their readers where that repeats no work worth mentioning: read at one
 * place and at each element once, or so cheap that storing it would cost more.
 */
export function inlineProducers(program: Program, roots: readonly ValueId[]): Program {
  const rooted = new Set(roots);
  const grouped = new Set(program.items.flatMap((i) => (typeof i === "number" ? [] : idsOf(i))));
  const values = new Map(program.values);
  const readers = new Map<ValueId, Set<ValueId>>();
  for (const value of values.values())
    for (const id of mentions(value.definition))
      readers.set(id, (readers.get(id) ?? new Set()).add(value.id));
  for (const id of program.items.flatMap(idsOf)) {
    const producer = values.get(id);
    if (!producer || rooted.has(id) || grouped.has(id)) continue;
    const { definition } = producer;
    if (definition.kind !== "equation" || definition.operator) continue;
    const users = [...(readers.get(id) ?? [])].flatMap((user): Value[] => {
      const v = values.get(user);
      return v ? [v] : [];
    });
    if (
      !users.length ||
      !users.every((u) => u.definition.kind === "equation" && !grouped.has(u.id)) ||
      !worthInlining(id, definition, users)
    )
      continue;
    for (const user of users) {
      const made = rewriteDefinition(user.definition, {
        read: (node) => (node.value === id ? instantiate(definition, node.subscripts) : undefined),
      });
      values.set(user.id, { ...user, definition: made });
      for (const source of mentions(definition))
        readers.set(source, (readers.get(source) ?? new Set()).add(user.id));
    }
  }
  return keepReachable({ ...program, values }, roots);
}

function worthInlining(id: ValueId, producer: Equation, users: readonly Value[]): boolean {
  const cost = costOf(producer.body);
  const reads = readsOf([producer.body]).length;
  let places = 0;
  let repeats = false;
  for (const user of users) {
    if (user.definition.kind !== "equation") return false;
    const guard = user.definition.operator?.guard;
    for (const node of readsOf(guard ? [user.definition.body, guard] : [user.definition.body])) {
      if (node.value !== id) continue;
      places++;
      if (!readsOnce(user.definition, node)) repeats = true;
    }
  }
  // 1 / N and its like: a register holds it wherever it is used.
  if (producer.axes.length === 0 && reads === 0) return cost <= 4;
  if (repeats) return cost === 0 && reads <= 1;
  if (places === 1) return true;
  return cost * places <= 4 && reads <= 2;
}
