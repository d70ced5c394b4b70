import { invariant } from "../diagnostics/invariant.js";
import type { Expr, Index, ValueId } from "../ir/expr.js";
import { and, compare, constant, freshIndex, indexValue, read, select, TRUE } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Derivative, Item, Program, RecurrenceGroup, Value } from "../ir/program.js";
import { activeBetween } from "./activity.js";
import { ForwardSweep } from "./forward.js";
import { ReverseSweep } from "./reverse.js";
import { Workspace } from "./workspace.js";

/**
 * Replaces every `derivative` value by equations, innermost first: items are taken in order, so what a derivative
 * depends on has been expanded before it.
 */
export function expandDerivatives(program: Program): Program {
  const work = new Workspace(program);
  const shared = new SharedSweeps(work);
  const expandItems = (items: readonly Item[], before: readonly Item[]): Item[] => {
    const done: Item[] = [];
    for (const item of items) {
      if (typeof item !== "number") {
        const group: RecurrenceGroup = { ...item, items: expandItems(item.items, [...before, ...done]) };
        done.push(group);
        continue;
      }
      const value = work.value(item);
      if (value.definition.kind !== "derivative") done.push(item);
      else done.push(...expandOne(work, shared, [...before, ...done], value, value.definition));
    }
    return done;
  };
  return { ...program, items: expandItems(program.items, []), values: work.values };
}

/** Sweeps for one derivative; its value becomes an equation that reads the result. */
function expandOne(
  work: Workspace,
  shared: SharedSweeps,
  items: readonly Item[],
  value: Value,
  derivative: Derivative,
): Item[] {
  if (shared.serves(derivative)) {
    const { made, adjoint } = shared.take(items, derivative);
    const axes = work.axesFor(value.shape, work.axisNames(derivative.wrt));
    const body = adjoint === undefined ? constant(0, value.dtype) : work.readAt(adjoint, axes);
    work.values.set(value.id, { ...value, definition: { kind: "equation", axes, operator: null, body } });
    return [...made, value.id];
  }
  const of = work.value(derivative.of);
  const wrt = work.value(derivative.wrt);
  const program = { values: work.values, items };
  const active = activeBetween(program, new Set([derivative.wrt]), derivative.of);
  const zero = constant(0, value.dtype);
  const axes = work.axesFor(value.shape, [
    ...work.axisNames(derivative.of).slice(0, derivative.batch),
    ...work.axisNames(derivative.wrt),
  ]);
  const finish = (made: readonly Item[], body: Expr): Item[] => {
    work.values.set(value.id, { ...value, definition: { kind: "equation", axes, operator: null, body } });
    return [...made, value.id];
  };
  const at = (list: readonly Index[]): Poly[] => list.map((i) => Poly.index(i));
  switch (derivative.mode) {
    case "grad":
    case "vjp": {
      const batch = of.shape
        .slice(0, derivative.batch)
        .map((size, k) => freshIndex(work.axisNames(of.id)[k] ?? "e", size));
      const sweep = new ReverseSweep(work, active, new Set([wrt.id]), batch, "d_");
      const { items: made, adjoints } = sweep.run(items, of.id, (indices) => {
        const own = indices.slice(batch.length);
        const seed =
          derivative.direction === null
            ? constant(1, of.dtype)
            : read(derivative.direction, at(own), of.dtype);
        const hit = batch.reduce<Expr>((all, _, k) => {
          const [e, b] = [indices[k], own[k]];
          invariant(e && b, "of has the batch axes first");
          return and(all, compare("eq", indexValue(Poly.index(e)), indexValue(Poly.index(b))));
        }, TRUE);
        return select(hit, seed, constant(0, of.dtype));
      });
      const adjoint = adjoints.get(wrt.id);
      return finish(made, adjoint === undefined ? zero : read(adjoint, at(axes), wrt.dtype));
    }
    case "jvp": {
      invariant(derivative.direction !== null, "jvp has a tangent");
      const { items: made, tangent } = new ForwardSweep(work, active, [], "t_").run(
        items,
        wrt.id,
        of.id,
        derivative.direction,
      );
      return finish(made, tangent === null ? zero : read(tangent, at(axes), of.dtype));
    }
    case "jacobian": {
      // One tangent for each element of wrt: a tensor of tangents with wrt's axes in front.
      const batch = wrt.shape.map((size, k) => freshIndex(work.axisNames(wrt.id)[k] ?? "x", size));
      const enumerate = batch.map((b) => freshIndex(b.name, b.hi));
      const own = work.axesFor(wrt.shape, work.axisNames(wrt.id));
      const same = own.reduce<Expr>(
        (all, o, k) =>
          and(all, compare("eq", indexValue(Poly.index(o)), indexValue(Poly.index(enumerate[k] ?? o)))),
        TRUE,
      );
      const seed = work.equation(
        `e_${wrt.name}`,
        wrt.dtype,
        [...enumerate, ...own],
        null,
        select(same, constant(1, wrt.dtype), constant(0, wrt.dtype)),
        wrt,
      );
      const { items: made, tangent } = new ForwardSweep(work, active, batch, "j_").run(
        items,
        wrt.id,
        of.id,
        seed,
      );
      const ofRank = of.shape.length;
      const subscripts = [...at(axes.slice(ofRank)), ...at(axes.slice(0, ofRank))];
      return finish([seed, ...made], tangent === null ? zero : read(tangent, subscripts, of.dtype));
    }
  }
}

/** One reverse sweep for all gradients of one loss for leaves: a leaf that counts as given cuts nothing off. */
class SharedSweeps {
  private readonly swept = new Map<ValueId, ReadonlyMap<ValueId, ValueId>>();
  constructor(private readonly work: Workspace) {}

  serves(d: Derivative): boolean {
    return (
      d.mode === "grad" && d.batch === 0 && !d.withinStep && this.work.value(d.wrt).definition.kind === "leaf"
    );
  }
  /** The new items at the first call for a loss, none later. */
  take(items: readonly Item[], d: Derivative): { made: readonly Item[]; adjoint: ValueId | undefined } {
    const known = this.swept.get(d.of);
    if (known) return { made: [], adjoint: known.get(d.wrt) };
    const wrts = new Set<ValueId>();
    for (const { definition } of this.work.values.values())
      if (definition.kind === "derivative" && definition.of === d.of && this.serves(definition))
        wrts.add(definition.wrt);
    // None of them is computed from another, so that one cuts nothing off the others' paths.
    const active = activeBetween({ values: this.work.values, items }, wrts, d.of);
    const of = this.work.value(d.of);
    const { items: made, adjoints } = new ReverseSweep(this.work, active, wrts, [], "d_").run(
      items,
      d.of,
      () => constant(1, of.dtype),
    );
    this.swept.set(d.of, adjoints);
    return { made, adjoint: adjoints.get(d.wrt) };
  }
}
