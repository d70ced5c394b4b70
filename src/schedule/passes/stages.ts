import { costOf } from "../../ir/cost.js";
import { read, type ReadExpr, type ValueId } from "../../ir/expr.js";
import { Fresh, overOwnIndices } from "../../ir/fresh.js";
import { idsOf } from "../../ir/items.js";
import { coordinates } from "../../ir/points.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Program, RecurrenceGroup, Value } from "../../ir/program.js";
import { mentions, readsOfEquation, resultsOf } from "../../ir/reach.js";
import { rewriteDefinition } from "../../ir/rewrite.js";
import { Steps } from "../../ir/steps.js";
import type { TargetDescription } from "../targets.js";

/**
 * What a recurrence's steps make of entries that are kept anyway, by a few operations and of the same step alone (the
 * stages of a Runge-Kutta step), is made again in the steps of the recurrence that reads it (its adjoint), instead of
 * being kept for all of them. Only where a step is many such points: for a single one, what is kept is in the cache.
 */
export function stagesAgain(program: Program, { keepCost }: TargetDescription): Program {
  return program.items.reduce(
    (current, item) => (typeof item === "number" ? current : (againIn(current, item, keepCost) ?? current)),
    program,
  );
}

/** The entry that a member's step computes, as a distance from the step's number. */
type Shifts = ReadonlyMap<ValueId, number>;

function againIn(program: Program, forward: RecurrenceGroup, keepCost: number): Program | null {
  if (forward.checkpoint !== "auto" || forward.items.some((i) => typeof i !== "number")) return null;
  const inside = new Set(idsOf(forward));
  const readers = outsideReaders(program, inside);
  const results = resultsOf(program);
  const stages = stagesOf(program, forward, results, (id) => readers.has(id) || results.has(id));
  const needed = [...stages.keys()].filter((id) => readers.has(id));
  if (needed.length === 0) return null;
  const backward = groupOfReaders(program, forward, needed, readers);
  if (!backward) return null;
  const shifts = shiftsIn(program, forward, backward, stages, needed);
  if (!shifts) return null;
  const flops = [...shifts.keys()].reduce((n, id) => n + flopsOf(stages.get(id)), 0);
  const kept = needed.reduce((n, id) => n + countOf(stages.get(id)), 0);
  if (flops > keepCost * kept) return null;
  return withCopies(program, forward, backward, stages, shifts);
}

/** Values by which of those given they are read, from outside. */
function outsideReaders(program: Program, inside: ReadonlySet<ValueId>): ReadonlyMap<ValueId, Value[]> {
  const readers = new Map<ValueId, Value[]>();
  for (const value of program.values.values()) {
    if (inside.has(value.id)) continue;
    for (const id of new Set(mentions(value.definition)))
      if (inside.has(id)) readers.set(id, [...(readers.get(id) ?? []), value]);
  }
  return readers;
}
function equationsOf(program: Program, group: RecurrenceGroup): readonly (readonly [ValueId, Equation])[] {
  return idsOf(group).flatMap((id) => {
    const definition = program.values.get(id)?.definition;
    return definition?.kind === "equation" ? [[id, definition] as const] : [];
  });
}
const isLoopless = ({ operator }: Equation): boolean =>
  operator === null || (operator.kind === "reduce" && operator.indices.every((i) => coordinates(i)));
const isSpread = ({ axes }: Equation, time: number): boolean =>
  axes.some((a, k) => k !== time && !coordinates(a));
const countOf = (equation: Equation | undefined): number =>
  (equation?.axes ?? []).reduce((n, a) => n * (coordinates(a)?.length ?? 1), 1);
function flopsOf(equation: Equation | undefined): number {
  if (!equation) return 0;
  const { operator } = equation;
  const terms = operator?.kind === "reduce" ? operator.indices : [];
  return costOf(equation.body) * terms.reduce((n, i) => n * (coordinates(i)?.length ?? 1), countOf(equation));
}

/** How far a read is from the reader's own entry along the steps; undefined where that is not fixed. */
function distance(node: ReadExpr, of: RecurrenceGroup, equation: Equation, own: number): number | undefined {
  const axis = of.time.get(node.value)?.axis;
  const index = equation.axes[own];
  const subscript = axis === undefined ? undefined : node.subscripts[axis];
  return index && subscript?.sub(Poly.index(index)).constant;
}

/** Members that follow from kept entries and from each other within a step. */
function stagesOf(
  program: Program,
  group: RecurrenceGroup,
  results: ReadonlySet<ValueId>,
  isKept: (id: ValueId) => boolean,
): ReadonlyMap<ValueId, Equation> {
  const stages = new Map<ValueId, Equation>();
  for (const [id, equation] of equationsOf(program, group)) {
    const time = group.time.get(id);
    if (time && !results.has(id) && isLoopless(equation) && isSpread(equation, time.axis))
      stages.set(id, equation);
  }
  const isOfStep = (id: ValueId, equation: Equation, node: ReadExpr): boolean => {
    const [own, time] = [group.time.get(id), group.time.get(node.value)];
    const far = own && distance(node, group, equation, own.axis);
    return far !== undefined && own !== undefined && own.shift + far === time?.shift;
  };
  // What later steps read is carried.
  for (const [id, equation] of equationsOf(program, group))
    for (const node of readsOfEquation(equation))
      if (!isOfStep(id, equation, node)) stages.delete(node.value);
  const follows = (id: ValueId, equation: Equation): boolean =>
    readsOfEquation(equation).every(
      (node) =>
        !group.time.has(node.value) ||
        (stages.has(node.value) ? isOfStep(id, equation, node) : isKept(node.value)),
    );
  for (let before = -1; before !== stages.size;) {
    before = stages.size;
    for (const [id, equation] of stages) if (!follows(id, equation)) stages.delete(id);
  }
  return stages;
}

/** The one recurrence, besides equations without steps, that reads what is needed. */
function groupOfReaders(
  program: Program,
  forward: RecurrenceGroup,
  needed: readonly ValueId[],
  readers: ReadonlyMap<ValueId, readonly Value[]>,
): RecurrenceGroup | null {
  const all = needed.flatMap((id) => readers.get(id) ?? []);
  if (all.some((v) => v.definition.kind !== "equation")) return null;
  const groups = program.items.filter(
    (item): item is RecurrenceGroup =>
      typeof item !== "number" && item !== forward && all.some((v) => item.time.has(v.id)),
  );
  const [only] = groups;
  if (!only || groups.length > 1 || only.items.some((i) => typeof i !== "number")) return null;
  // What reads them before the backward steps would have to wait.
  const at = program.items.indexOf(only);
  return program.items.slice(0, at).some((item) => idsOf(item).some((id) => all.some((v) => v.id === id)))
    ? null
    : only;
}

/**
 * For each stage to be made again, the entry that a step of its readers makes; null where they differ about it, or where
 * one of their steps would make an entry that there is not.
 */
function shiftsIn(
  program: Program,
  forward: RecurrenceGroup,
  backward: RecurrenceGroup,
  stages: ReadonlyMap<ValueId, Equation>,
  needed: readonly ValueId[],
): Shifts | null {
  const shifts = new Map<ValueId, number>();
  let agree = true;
  const settle = (id: ValueId, shift: number | undefined): void => {
    const known = shifts.get(id);
    if (shift === undefined || (known !== undefined && known !== shift)) agree = false;
    if (shift === undefined || known !== undefined) return;
    shifts.set(id, shift);
    const equation = stages.get(id);
    const own = forward.time.get(id);
    if (!equation || !own) return;
    for (const node of readsOfEquation(equation)) {
      if (!stages.has(node.value)) continue;
      const far = distance(node, forward, equation, own.axis);
      settle(node.value, far === undefined ? undefined : shift + far);
    }
  };
  for (const id of idsOf(backward)) {
    const definition = program.values.get(id)?.definition;
    const own = backward.time.get(id);
    if (definition?.kind !== "equation" || !own) return null;
    for (const node of readsOfEquation(definition)) {
      if (!needed.includes(node.value)) continue;
      const far = distance(node, forward, definition, own.axis);
      settle(node.value, far === undefined ? undefined : own.shift + far);
    }
  }
  const steps = new Steps(backward);
  const isInside = [...shifts].every(([id, shift]) => {
    const axis = forward.time.get(id)?.axis ?? -1;
    const size = program.values.get(id)?.shape[axis];
    return size !== undefined && steps.fit(shift, size);
  });
  return agree && isInside && needed.every((id) => shifts.has(id)) ? shifts : null;
}

function withCopies(
  program: Program,
  forward: RecurrenceGroup,
  backward: RecurrenceGroup,
  stages: ReadonlyMap<ValueId, Equation>,
  shifts: Shifts,
): Program {
  const fresh = new Fresh(program.values);
  const copies = new Map([...shifts.keys()].map((id) => [id, fresh.id()]));
  const rules = {
    read: (node: ReadExpr) => {
      const copy = copies.get(node.value);
      return copy === undefined ? undefined : read(copy, node.subscripts, node.dtype);
    },
  };
  const inside = new Set(idsOf(forward));
  const values = new Map<ValueId, Value>();
  const time = new Map(backward.time);
  const order: ValueId[] = [];
  for (const [id, value] of program.values) {
    const isReader = !inside.has(id) && mentions(value.definition).some((r) => copies.has(r));
    values.set(id, isReader ? { ...value, definition: rewriteDefinition(value.definition, rules) } : value);
  }
  // In the order of the forward step, in which each stands behind what it follows from.
  for (const id of inside) {
    const copy = copies.get(id);
    const [value, equation, shift] = [program.values.get(id), stages.get(id), shifts.get(id)];
    const axis = forward.time.get(id)?.axis;
    if (copy === undefined || !value || !equation || shift === undefined || axis === undefined) continue;
    const definition = rewriteDefinition(overOwnIndices(equation), rules);
    values.set(copy, { ...value, id: copy, name: fresh.name(`${value.name}.again`), definition });
    time.set(copy, { axis, shift });
    order.push(copy);
  }
  const again: RecurrenceGroup = { ...backward, items: [...order, ...backward.items], time };
  return { ...program, values, items: program.items.map((i) => (i === backward ? again : i)) };
}
