import type { Expr, ReadExpr, ValueId } from "../../ir/expr.js";
import { costOf } from "../../ir/cost.js";
import { iterationOf } from "../../ir/equation.js";
import { readsOf, visit } from "../../ir/expr.js";
import { idsOf } from "../../ir/items.js";
import type { Equation, Program, RecurrenceGroup, Value } from "../../ir/program.js";
import { keepReachable, mentions, readsOfEquation } from "../../ir/reach.js";
import { instantiate, rewriteDefinition } from "../../ir/rewrite.js";

/** Whether each element of what is read is needed at one point of the iteration space only. */
function readsOnce(equation: Equation, node: ReadExpr): boolean {
  const used = new Set(node.subscripts.flatMap((s) => [...s.indices]));
  return iterationOf(equation).every((i) => used.has(i)) && node.subscripts.every((s) => !s.hasOpaque);
}

/** Bodies longer than this (in nodes) are not put into others: what they would save is a register's worth. */
const LONGEST_INLINED = 200;

interface Place {
  readonly user: Value;
  readonly node: ReadExpr;
}

/**
 * Substitutes elementwise producers into their readers where that repeats no work worth mentioning: read at one
 * place and at each element once, or so cheap that storing it would cost more.
 *
 * One walk in program order: what a value is read by does not change while the values before it are substituted, so
 * all places are found at the start, and each body is rewritten once, with every producer that it takes in.
 */
export function inlineProducers(program: Program, roots: readonly ValueId[]): Program {
  const rooted = new Set(roots);
  // Of recurrences within others' steps, everything stays where it is.
  const groupOf = new Map<ValueId, RecurrenceGroup | "nested">();
  for (const item of program.items) {
    if (typeof item === "number") continue;
    for (const inner of item.items)
      for (const id of idsOf(inner)) groupOf.set(id, typeof inner === "number" ? item : "nested");
  }
  const isOpen = (user: Value, producer: ValueId): boolean => {
    const group = groupOf.get(user.id);
    return (
      user.definition.kind === "equation" &&
      group !== "nested" &&
      (group === undefined || groupOf.get(producer) === group)
    );
  };
  const values = new Map(program.values);
  const places = new Map<ValueId, Place[] | null>();
  for (const user of values.values()) {
    for (const id of mentions(user.definition)) if (!isOpen(user, id)) places.set(id, null);
    if (user.definition.kind !== "equation") continue;
    for (const node of readsOfEquation(user.definition)) {
      const known = places.get(node.value);
      if (known) known.push({ user, node });
      else if (known === undefined) places.set(node.value, [{ user, node }]);
    }
  }
  const inlined = new Map<ValueId, Equation>();
  const rules = {
    read: (node: ReadExpr): Expr | undefined => {
      const producer = inlined.get(node.value);
      return producer && instantiate(producer, node.subscripts);
    },
  };
  for (const id of program.items.flatMap(idsOf)) {
    const value = values.get(id);
    if (!value) continue;
    const definition = mentions(value.definition).some((read) => inlined.has(read))
      ? rewriteDefinition(value.definition, rules)
      : value.definition;
    if (definition !== value.definition) values.set(id, { ...value, definition });
    if (rooted.has(id) || definition.kind !== "equation" || definition.operator) continue;
    const read = places.get(id);
    const group = groupOf.get(id);
    // A member of a recurrence goes into the one other member that reads it; where that stands before it, nothing happens.
    const worth =
      group === undefined
        ? isRegister(definition) || (read && worthInlining(definition, read))
        : read?.length === 1 &&
          read.every(({ user }) => groupOf.get(user.id) === group && user.id !== id) &&
          worthInlining(definition, read);
    if (worth) inlined.set(id, definition);
  }
  return keepReachable({ ...program, values }, roots);
}

/** 1 / N and its like: a register holds it wherever it is used. */
const isRegister = ({ axes, body }: Equation): boolean =>
  axes.length === 0 && readsOf([body]).length === 0 && costOf(body) <= 4;

function worthInlining(producer: Equation, places: readonly Place[]): boolean {
  let nodes = 0;
  visit([producer.body], () => nodes++);
  if (nodes > LONGEST_INLINED) return false;
  const cost = (): number => costOf(producer.body);
  const reads = readsOf([producer.body]).length;
  const repeats = places.some(
    ({ user: { definition }, node }) => definition.kind !== "equation" || !readsOnce(definition, node),
  );
  if (repeats) return reads <= 1 && cost() === 0;
  if (places.length === 1) return true;
  return reads <= 2 && cost() * places.length <= 4;
}
