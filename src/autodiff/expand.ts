import { InternalError, invariant } from "../diagnostics/invariant.js";
import type { Expr, Index, ValueId } from "../ir/expr.js";
import { and, compare, constant, freshIndex, indexValue, read, select, TRUE } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import { idsOf } from "../ir/items.js";
import type { Derivative, Item, Program, Value } from "../ir/program.js";
import { activeBetween } from "../ir/activity.js";
import { sourceOf } from "../ir/batch-copy.js";
import { expandScans, underDerivatives } from "../ir/scans.js";
import { Around, isAligned, Step } from "./alignment.js";
import { ForwardSweep } from "./forward.js";
import { ReverseSweep } from "./reverse.js";
import { Workspace } from "./workspace.js";

/**
 * Replaces every `derivative` value by equations, innermost first: items are taken in order, so what a derivative
 * depends on has been expanded before it. One that stands in a recurrence becomes equations of the step. Products and
 * running sums that a derivative goes through are recurrences from here on.
 */
export function expandDerivatives(whole: Program): Program {
  const active = underDerivatives(whole);
  const program = expandScans(whole, (id) => active.has(id), true);
  const work = new Workspace(program);
  const shared = new SharedSweeps(work);
  return { ...program, items: expandIn(work, shared, program.items, []), values: work.values };
}

/**
 * Items without derivatives, given those before them. What stands in a step of a recurrence around a derivative is
 * laid out one by one; a recurrence within the step that is complete by then stays one.
 */
function expandIn(
  work: Workspace,
  shared: SharedSweeps,
  items: readonly Item[],
  before: readonly Item[],
): Item[] {
  const done: Item[] = [];
  for (const item of items) {
    const isOpen = idsOf(item).some((id) => work.value(id).definition.kind === "derivative");
    if (!isOpen) done.push(item);
    else if (typeof item === "number")
      done.push(...work.arranged(expandOne(work, shared, [...before, ...done], item)), item);
    else {
      const inside = expandIn(work, shared, item.items, [...before, ...done]);
      done.push(...work.arranged(inside.flatMap(idsOf)));
    }
  }
  return done;
}

/** Sweeps for one derivative; its value becomes an equation that reads the result. The new values. */
function expandOne(
  work: Workspace,
  shared: SharedSweeps,
  items: readonly Item[],
  id: ValueId,
): readonly ValueId[] {
  const value = work.value(id);
  const derivative = value.definition;
  invariant(derivative.kind === "derivative", `${value.name} is a derivative`);
  const define = (axes: readonly Index[], body: Expr): void =>
    void work.values.set(id, { ...value, definition: { kind: "equation", axes, operator: null, body } });
  if (shared.serves(derivative) && work.runsOf(id).length === 0) {
    const { made, adjoint } = shared.take(items, derivative);
    const axes = work.axesFor(value.shape, work.axisNames(derivative.wrt));
    define(axes, adjoint === undefined ? constant(0, value.dtype) : work.readAt(adjoint, axes));
    return made;
  }
  const sweep = new DerivativeSweep(work, items, id, derivative);
  const { made, axes, body } = sweep.run(value);
  define(axes, body ?? constant(0, value.dtype));
  return made;
}

/** Coordinates of the result of a derivative: the batch, then what `of` and `wrt` have of their own. */
interface Coordinates {
  readonly batch: readonly Poly[];
  readonly own: readonly Poly[];
  readonly rest: readonly Poly[];
}

class DerivativeSweep {
  private readonly of: Value;
  private readonly wrt: Value;
  private readonly active: ReadonlySet<ValueId>;
  private readonly around: Around;
  /** Batch axes that `of` itself has, and those that only enumerate directions. */
  private readonly kept: readonly number[];
  private readonly spread: readonly number[];
  /** Batch axes that are points to be taken together; the others of `of` enumerate separate sweeps. */
  private readonly together: ReadonlySet<number>;
  private readonly enumerated: readonly number[];

  constructor(
    private readonly work: Workspace,
    private readonly items: readonly Item[],
    id: ValueId,
    private readonly derivative: Derivative,
  ) {
    const { batch, aligned, wrt, given } = derivative;
    const source = sourceOf(work.value(derivative.of), batch);
    this.of = work.value(source.id);
    this.spread = source.spread;
    this.kept = Array.from({ length: batch }, (_, k) => k).filter((k) => !this.spread.includes(k));
    this.wrt = work.value(wrt);
    this.active = activeBetween({ values: work.values, items }, new Set([wrt]), this.of.id, given);
    // The same of `of`, whose axes are counted without those that it lacks.
    const own = (k: number): number => this.kept.indexOf(k);
    const narrow = {
      of: this.of.id,
      wrt,
      aligned: aligned.filter((a) => own(a.batch) >= 0).map((a) => ({ ...a, batch: own(a.batch) })),
    };
    const runs = work.runsOf(id);
    const steps = runs.flatMap((seed) =>
      own(seed.axis) < 0 ? [] : [new Step(work, this.active, narrow, { ...seed, axis: own(seed.axis) })],
    );
    const isTogether = isAligned(work, this.active, narrow, new Around(steps));
    this.together = new Set(isTogether ? aligned.map((a) => a.batch).filter((k) => own(k) >= 0) : []);
    this.enumerated = this.kept.filter((k) => !this.together.has(k));
    invariant(
      steps.every(({ seed }) => this.together.has(this.kept[seed.axis] ?? -1)),
      "the checker lets only step-wise derivatives into a recurrence",
    );
    this.around = new Around(
      runs.flatMap(({ run, axis, shift }) => {
        const step = steps.find((s) => s.run === run);
        return step ?? { run, batch: this.enumerated.length + this.spread.indexOf(axis), shift };
      }),
    );
  }

  run(value: Value): { made: readonly ValueId[]; axes: Index[]; body: Expr | null } {
    const { work, derivative, wrt } = this;
    const { mode, batch, of } = derivative;
    const ofNames = work.axisNames(of);
    const ownCount = mode === "jvp" || mode === "jacobian" ? this.of.shape.length - this.kept.length : 0;
    const restNames = work.axisNames(wrt.id).filter((_, k) => !this.alignment(k));
    const axes = work.axesFor(value.shape, [...ofNames.slice(0, batch + ownCount), ...restNames]);
    const points = axes.map((a) => Poly.index(a));
    const at: Coordinates = {
      batch: points.slice(0, batch),
      own: points.slice(batch, batch + ownCount),
      rest: points.slice(batch + ownCount),
    };
    return mode === "grad" || mode === "vjp" ? { axes, ...this.reverse(at) } : { axes, ...this.forward(at) };
  }

  private alignment(axis: number): Derivative["aligned"][number] | undefined {
    return this.derivative.aligned.find((a) => a.axis === axis);
  }
  /** Subscripts of `wrt` for given coordinates. */
  private place(at: Coordinates): Poly[] {
    const rest = [...at.rest];
    return this.wrt.shape.map((_, axis) => {
      const pair = this.alignment(axis);
      const batch = pair && at.batch[pair.batch];
      return (pair && batch ? batch.add(pair.offset) : rest.shift()) ?? missing();
    });
  }
  /** Indices over batch axes that adjoints and tangents have in front. */
  private indicesOf(axes: readonly number[]): Index[] {
    const whole = this.work.value(this.derivative.of);
    const names = this.work.axisNames(whole.id);
    return axes.map((k) => freshIndex(names[k] ?? "e", whole.shape[k] ?? missing()));
  }
  private coordinates(axes: readonly number[], at: Coordinates): Poly[] {
    return axes.map((k) => at.batch[k] ?? missing());
  }
  private reverse(at: Coordinates): { made: readonly ValueId[]; body: Expr | null } {
    const { derivative, of, wrt, kept, enumerated, spread } = this;
    const batch = this.indicesOf([...enumerated, ...spread]);
    const sweep = new ReverseSweep(this.work, this.active, new Set([wrt.id]), batch, "d_", this.around);
    const { made, adjoints } = sweep.run(
      this.items,
      of.id,
      (indices) => {
        const points = indices.map((i) => Poly.index(i));
        const [front, own] = [points.slice(0, batch.length), points.slice(batch.length)];
        const whole = Array.from({ length: derivative.batch }, (_, k) =>
          spread.includes(k) ? front[enumerated.length + spread.indexOf(k)] : own[kept.indexOf(k)],
        );
        const seed =
          derivative.direction === null
            ? constant(1, of.dtype)
            : read(
                derivative.direction,
                [...whole.map((p) => p ?? missing()), ...own.slice(kept.length)],
                of.dtype,
              );
        const hit = enumerated
          .map((axis, k) => equal(front[k] ?? missing(), whole[axis] ?? missing()))
          .reduce(and, TRUE);
        return select(hit, seed, constant(0, of.dtype));
      },
      derivative.direction !== null || enumerated.length > 0,
    );
    const adjoint = adjoints.get(wrt.id);
    if (adjoint === undefined) return { made, body: null };
    const front = this.coordinates([...enumerated, ...spread], at);
    return { made, body: read(adjoint, [...front, ...this.place(at)], wrt.dtype) };
  }

  /** Tangents: of a direction, or of one element of `wrt` for each point of the axes it has of its own. */
  private forward(at: Coordinates): { made: readonly ValueId[]; body: Expr | null } {
    const { work, derivative, of, wrt } = this;
    const isJacobian = derivative.mode === "jacobian";
    const names = work.axisNames(wrt.id);
    const points = this.indicesOf([...this.enumerated, ...this.spread]);
    const free = wrt.shape.flatMap((size, k) => (this.alignment(k) ? [] : [{ size, name: names[k] ?? "x" }]));
    const elements = isJacobian ? free.map(({ size, name }) => freshIndex(name, size)) : [];
    const own = work.axesFor(wrt.shape, names);
    const batch = [...points, ...elements];
    const seed = work.equation(
      `${isJacobian ? "e" : "t"}_${wrt.name}`,
      wrt.dtype,
      [...batch, ...own],
      null,
      this.seed(points, elements, own),
      wrt,
    );
    const runs = this.around.axes(wrt.id, batch.length);
    if (runs.length) work.runs.set(seed, runs);
    const sweep = new ForwardSweep(work, this.active, batch, isJacobian ? "j_" : "t_", this.around);
    const { made: after, tangent } = sweep.run(this.items, wrt.id, of.id, seed);
    const made = [seed, ...after];
    if (tangent === null) return { made, body: null };
    const front = this.coordinates([...this.enumerated, ...this.spread], at);
    const kept = this.coordinates(this.kept, at);
    const chosen = isJacobian ? at.rest : [];
    return { made, body: read(tangent, [...front, ...chosen, ...kept, ...at.own], of.dtype) };
  }

  /** The tangent of `wrt` at its own axes, for each enumerated point and element. */
  private seed(points: readonly Index[], elements: readonly Index[], own: readonly Index[]): Expr {
    const { derivative, wrt } = this;
    const whole = this.work.value(derivative.of);
    const zero = constant(0, wrt.dtype);
    const coordinate: Poly[] = Array.from({ length: derivative.batch }, () => Poly.constant(0));
    [...this.enumerated, ...this.spread].forEach(
      (axis, k) => (coordinate[axis] = Poly.index(points[k] ?? missing())),
    );
    const conditions: Expr[] = [];
    for (const { batch, axis, offset } of derivative.aligned) {
      const here = Poly.index(own[axis] ?? missing()).sub(offset);
      if (!this.together.has(batch)) {
        conditions.push(equal(here, coordinate[batch] ?? missing()));
        continue;
      }
      coordinate[batch] = here;
      const size = whole.shape[batch] ?? missing();
      if (offset !== 0) conditions.push(compare("le", indexValue(Poly.constant(0)), indexValue(here)));
      if (!size.add(offset).equals(wrt.shape[axis] ?? missing()))
        conditions.push(compare("lt", indexValue(here), indexValue(size)));
    }
    const rest = own.filter((_, k) => !this.alignment(k)).map((i) => Poly.index(i));
    elements.forEach((e, k) => conditions.push(equal(rest[k] ?? missing(), Poly.index(e))));
    const value =
      derivative.direction === null
        ? constant(1, wrt.dtype)
        : read(derivative.direction, [...coordinate, ...rest], wrt.dtype);
    return select(conditions.reduce(and, TRUE), value, zero);
  }
}

const equal = (a: Poly, b: Poly): Expr => compare("eq", indexValue(a), indexValue(b));
function missing(): never {
  throw new InternalError("a derivative's axes go together");
}

/** One reverse sweep for all gradients of one loss for leaves: a leaf that counts as given cuts nothing off. */
class SharedSweeps {
  private readonly swept = new Map<ValueId, ReadonlyMap<ValueId, ValueId>>();
  constructor(private readonly work: Workspace) {}

  serves(d: Derivative): boolean {
    return (
      d.mode === "grad" &&
      d.batch === 0 &&
      d.given.length === 0 &&
      this.work.value(d.wrt).definition.kind === "leaf"
    );
  }
  /** The new items at the first call for a loss, none later. */
  take(items: readonly Item[], d: Derivative): { made: readonly ValueId[]; adjoint: ValueId | undefined } {
    const known = this.swept.get(d.of);
    if (known) return { made: [], adjoint: known.get(d.wrt) };
    const wrts = new Set<ValueId>();
    for (const { definition } of this.work.values.values())
      if (definition.kind === "derivative" && definition.of === d.of && this.serves(definition))
        wrts.add(definition.wrt);
    // None of them is computed from another, so that one cuts nothing off the others' paths.
    const active = activeBetween({ values: this.work.values, items }, wrts, d.of);
    const of = this.work.value(d.of);
    const { made, adjoints } = new ReverseSweep(this.work, active, wrts, [], "d_", new Around()).run(
      items,
      d.of,
      () => constant(1, of.dtype),
      false,
    );
    this.swept.set(d.of, adjoints);
    return { made, adjoint: adjoints.get(d.wrt) };
  }
}
