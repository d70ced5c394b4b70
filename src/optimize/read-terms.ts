import { costOf } from "../ir/cost.js";
import type { Expr, ValueId } from "../ir/expr.js";
import { constant, isFloat, read, select } from "../ir/expr.js";
import { groupedIds, idsOf } from "../ir/items.js";
import { Poly } from "../ir/poly.js";
import type { Equation, Item, Program, Value } from "../ir/program.js";
import { mentions } from "../ir/reach.js";
import { formOf } from "../ir/form.js";

/**
 * A reduction whose terms stand as a tensor reads that: a bias gradient adds up the gradient of what the bias was added
 * to, instead of working each entry out again. Contractions stay as they are: their terms are a product of two reads.
 * The reduction moves behind the tensor where it stood before it.
 */
export function readTerms(program: Program): Program {
  const grouped = groupedIds(program);
  const open = (value: Value): Equation | null =>
    value.definition.kind === "equation" && !grouped.has(value.id) ? value.definition : null;
  const sums = [...program.values.values()].flatMap((value) => {
    const equation = open(value);
    const term = equation && termOf(equation);
    return term && isWorthReading(term) ? [{ value, equation, term }] : [];
  });
  if (sums.length === 0) return program;
  const tensors = new Map<string, { readonly id: ValueId; readonly axes: readonly number[] }>();
  for (const value of program.values.values()) {
    const equation = open(value);
    if (!equation || equation.operator || !isWorthReading(equation.body)) continue;
    const form = formOf(equation.body);
    const axes = equation.axes.map((a) => form.indices.indexOf(a));
    if (axes.length === form.indices.length && !axes.includes(-1) && !tensors.has(form.key))
      tensors.set(form.key, { id: value.id, axes });
  }
  const values = new Map(program.values);
  for (const { value, equation, term } of sums) {
    const form = formOf(term);
    const tensor = tensors.get(form.key);
    if (!tensor) continue;
    const subscripts = tensor.axes.flatMap((k) => {
      const index = form.indices[k];
      return index ? [Poly.index(index)] : [];
    });
    const body = read(tensor.id, subscripts, equation.body.dtype);
    const operator =
      equation.operator && term !== equation.body ? { ...equation.operator, guard: null } : equation.operator;
    values.set(value.id, { ...value, definition: { ...equation, operator, body } });
  }
  return { ...program, values, items: inOrder(program.items, values) };
}

/** What a reduction takes in; a sum over what a guard lets through is one of a choice between the terms and 0. */
function termOf({ operator, body }: Equation): Expr | null {
  if (operator?.kind !== "reduce") return null;
  const isGuarded = operator.guard !== null && operator.reducer === "sum" && isFloat(body.dtype);
  return operator.guard && isGuarded ? select(operator.guard, body, constant(0, body.dtype)) : body;
}

/** Flops from which on a term is read rather than worked out again: that of a transcendental function and some more. */
const COSTLY = 16;
/** A choice, or costly: what is cheaper is as soon worked out again, and what is a product may be a contraction's. */
const isWorthReading = (body: Expr): boolean => body.op === "select" || costOf(body) >= COSTLY;

/** Definitions before uses, otherwise as they were. */
function inOrder(items: readonly Item[], values: ReadonlyMap<ValueId, Value>): Item[] {
  const holder = new Map<ValueId, Item>();
  for (const item of items) for (const id of idsOf(item)) holder.set(id, item);
  const placed = new Set<Item>();
  const ordered: Item[] = [];
  const place = (item: Item): void => {
    if (placed.has(item)) return;
    placed.add(item);
    for (const id of idsOf(item)) {
      const definition = values.get(id)?.definition;
      for (const other of definition ? mentions(definition) : []) {
        const before = holder.get(other);
        if (before !== undefined && before !== item) place(before);
      }
    }
    ordered.push(item);
  };
  items.forEach(place);
  return ordered;
}
