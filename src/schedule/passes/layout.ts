import { isFloat, read, type ReadExpr, type ValueId } from "../../ir/expr.js";
import type { Definition, Equation, Item, Program, Value } from "../../ir/program.js";
import { mentions, readsOfEquation, resultsOf } from "../../ir/reach.js";
import { rewriteDefinition } from "../../ir/rewrite.js";
import { pointAxes } from "../axes.js";

/** Loops of fewer rounds gain nothing by neighbours. */
const LEAST_ROUNDS = 16;

/**
 * Puts axes of a few known points, which are written out, before the innermost loop's: of 1000 points in the plane, all
 * first coordinates lie side by side, then all second ones (a structure of arrays), so that lanes and invocations load
 * and store neighbours. Of tensors that nobody outside sees, and whose readers go along that loop as they are made;
 * contractions choose their loops by themselves.
 */
export function loopsInnermost(program: Program, isContraction: (equation: Equation) => boolean): Program {
  const orders = new Map<ValueId, readonly number[]>();
  const times = new Map<ValueId, number>();
  const collect = (items: readonly Item[]): void => {
    for (const item of items) {
      if (typeof item === "number") continue;
      for (const [id, { axis }] of item.time) times.set(id, axis);
      collect(item.items);
    }
  };
  collect(program.items);
  const results = resultsOf(program);
  for (const value of program.values.values()) {
    const { definition } = value;
    if (definition.kind !== "equation" || results.has(value.id) || isContraction(definition)) continue;
    const order = orderOf(definition, times.get(value.id));
    if (order) orders.set(value.id, order);
  }
  for (const { definition } of program.values.values()) {
    for (const id of mentions(definition)) {
      if (!orders.has(id)) continue;
      if (
        definition.kind !== "equation" ||
        !readsOfEquation(definition).every((n) => suits(n, id, definition))
      )
        orders.delete(id);
    }
  }
  return orders.size ? reordered(program, orders) : program;
}

/** Positions of a tensor's axes in their new order; null where that is the order which they have. */
function orderOf(equation: Equation, time: number | undefined): readonly number[] | null {
  const { axes, body } = equation;
  if (!isFloat(body.dtype)) return null;
  const points = pointAxes(equation);
  const inner = axes.findLastIndex((a) => !points.includes(a));
  if (inner < 0 || inner === time || inner === axes.length - 1) return null;
  if ((axes[inner]?.hi.constant ?? LEAST_ROUNDS) < LEAST_ROUNDS) return null;
  const all = axes.map((_, k) => k);
  return [...all.filter((k) => k !== inner), inner];
}

/** Whether a read of the tensor, if it is one, is written out where the tensor is, and takes neighbours elsewhere. */
function suits(node: ReadExpr, id: ValueId, reader: Equation): boolean {
  if (node.value !== id) return true;
  const points = pointAxes(reader);
  const isPoint = (k: number): boolean => {
    const s = node.subscripts[k];
    const index = s?.asIndex;
    return s?.constant !== undefined || (index !== undefined && points.includes(index));
  };
  const inner = node.subscripts.findLastIndex((_, k) => !isPoint(k));
  const along = node.subscripts[inner];
  return (
    along !== undefined &&
    !along.hasOpaque &&
    [...along.indices].every((i) => along.split(i)?.coefficient.constant === 1)
  );
}

function reordered(program: Program, orders: ReadonlyMap<ValueId, readonly number[]>): Program {
  const permute = <T>(list: readonly T[], order: readonly number[]): T[] =>
    order.flatMap((k) => (k < list.length ? [list[k] as T] : []));
  const rules = {
    read: (node: ReadExpr) => {
      const order = orders.get(node.value);
      return order && read(node.value, permute(node.subscripts, order), node.dtype);
    },
  };
  const values = new Map<ValueId, Value>();
  for (const [id, value] of program.values) {
    const definition: Definition = mentions(value.definition).some((r) => orders.has(r))
      ? rewriteDefinition(value.definition, rules)
      : value.definition;
    const order = orders.get(id);
    values.set(
      id,
      order && definition.kind === "equation"
        ? {
            ...value,
            shape: permute(value.shape, order),
            definition: { ...definition, axes: permute(definition.axes, order) },
          }
        : { ...value, definition },
    );
  }
  const items = (list: readonly Item[]): Item[] =>
    list.map((item) =>
      typeof item === "number"
        ? item
        : {
            ...item,
            items: items(item.items),
            time: new Map(
              [...item.time].map(([id, run]) => [
                id,
                { ...run, axis: orders.get(id)?.indexOf(run.axis) ?? run.axis },
              ]),
            ),
          },
    );
  return { ...program, values, items: items(program.items) };
}
