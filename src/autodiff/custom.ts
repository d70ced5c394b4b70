import { invariant } from "../diagnostics/invariant.js";
import type { Expr, Index, ValueId } from "../ir/expr.js";
import { freshIndex, read, readsOf } from "../ir/expr.js";
import { overOwnIndices } from "../ir/fresh.js";
import { Poly } from "../ir/poly.js";
import type { RunAxis } from "../ir/arrange.js";
import type { Custom, Definition, Equation, Scatter, Value } from "../ir/program.js";
import { mentions } from "../ir/reach.js";
import { rewriteDefinition } from "../ir/rewrite.js";
import type { Workspace } from "./workspace.js";

/**
 * The written adjoint of one value for a real cotangent: its equations again, from the placeholder on, with the
 * cotangent in its place and the sweep's batch axes in front. `runs` are those of the cotangent, in which the new values
 * take part beside the recurrences that the adjoint itself holds; `emit` takes each.
 * @returns for each argument that takes something back its element at given indices (batch, then its axes)
 */
export function writtenAdjoint(
  work: Workspace,
  custom: Value & { readonly definition: Custom },
  adjoint: ValueId,
  batch: readonly Index[],
  runs: readonly RunAxis[],
  emit: (id: ValueId, runs: readonly RunAxis[]) => void,
): { readonly arg: ValueId; readonly contribution: (indices: readonly Index[]) => Expr }[] {
  const { args, adjoints, cotangent } = custom.definition;
  const asked = adjoints.flatMap((id) => id ?? []);
  const dependents = dependentsOf(cotangent, asked, work);
  // Members of a recurrence refer to each other, so ids come first.
  const copies = new Map<ValueId, ValueId>([[cotangent, adjoint]]);
  for (const id of dependents) if (!copies.has(id)) copies.set(id, work.reserve());
  const own = work.runsOf(custom.id).map((r) => r.run);
  const places = runs.map(({ axis }) => placesAlong(cotangent, axis - batch.length, dependents, work));
  const runsOf = (id: ValueId): RunAxis[] => [
    ...runs.flatMap((r, k) => {
      const place = r.axis < batch.length ? r.axis - batch.length : places[k]?.get(id);
      return place === undefined ? [] : [{ ...r, axis: place + batch.length }];
    }),
    ...work
      .runsOf(id)
      .filter((r) => !own.includes(r.run))
      .map((r) => ({ ...r, axis: r.axis + batch.length })),
  ];
  /** A copy, or the same for each point of the batch. */
  const spread = (id: ValueId): ValueId => {
    const known = copies.get(id);
    if (known !== undefined || batch.length === 0) return known ?? id;
    const { name, dtype, shape } = work.value(id);
    const axes = work.axesFor(shape, work.axisNames(id));
    const made = work.equation(
      name,
      dtype,
      [...batch.map((b) => freshIndex(b.name, b.hi)), ...axes],
      null,
      work.readAt(id, axes),
    );
    emit(made, runsOf(id));
    return made;
  };
  for (const id of dependents) {
    const copy = copies.get(id);
    if (id === cotangent || copy === undefined) continue;
    const value = work.value(id);
    work.define(
      value.name,
      value.dtype,
      [...batch.map((b) => b.hi), ...value.shape],
      copied(value.definition, batch, copies, spread),
      value,
      copy,
    );
    emit(copy, runsOf(id));
  }
  return adjoints.flatMap((id, k) => {
    const arg = args[k];
    if (id === null || arg === undefined) return [];
    const copy = copies.get(id);
    const { dtype } = work.value(id);
    // What does not depend on the cotangent is the same for each point of the batch.
    const skipped = copy === undefined ? batch.length : 0;
    const at = (list: readonly Index[]): Poly[] => list.slice(skipped).map((i) => Poly.index(i));
    return [{ arg, contribution: (indices: readonly Index[]) => read(copy ?? id, at(indices), dtype) }];
  });
}

/**
 * Which of the values that `asked` are computed from depend on the cotangent. A written adjoint among them has a
 * placeholder of its own, which then stands for one with the batch axes too, and what depends on that as well.
 */
function dependentsOf(cotangent: ValueId, asked: readonly ValueId[], work: Workspace): ReadonlySet<ValueId> {
  const readers = new Map<ValueId, ValueId[]>();
  const reached = new Set(asked);
  for (const id of reached) {
    const { definition } = work.value(id);
    for (const source of mentions(definition)) {
      const known = readers.get(source);
      if (known) known.push(id);
      else readers.set(source, [id]);
      reached.add(source);
    }
    if (definition.kind === "custom") for (const a of definition.adjoints) if (a !== null) reached.add(a);
  }
  const found = new Set([cotangent]);
  for (const id of found) {
    const { definition } = work.value(id);
    for (const reader of readers.get(id) ?? []) found.add(reader);
    if (definition.kind === "custom") found.add(definition.cotangent);
  }
  return found;
}

/** Where an axis of the cotangent is in each value that depends on it, as its readers hand the index on. */
function placesAlong(
  cotangent: ValueId,
  axis: number,
  dependents: ReadonlySet<ValueId>,
  work: Workspace,
): ReadonlyMap<ValueId, number> {
  const places = new Map([[cotangent, axis]]);
  for (let before = 0; before < places.size;) {
    before = places.size;
    for (const id of dependents) {
      if (places.has(id)) continue;
      const place = placeIn(work.value(id).definition, places);
      if (place >= 0) places.set(id, place);
    }
  }
  return places;
}
function placeIn(definition: Definition, places: ReadonlyMap<ValueId, number>): number {
  if (definition.kind === "reshape" || definition.kind === "custom") return places.get(definition.of) ?? -1;
  if (definition.kind !== "equation" && definition.kind !== "scatter") return -1;
  for (const node of readsOf([definition.body])) {
    const index = node.subscripts[places.get(node.value) ?? -1]?.asIndex;
    const place =
      definition.kind === "equation"
        ? definition.axes.findIndex((a) => a === index)
        : definition.target.findIndex((t) => t.asIndex === index);
    if (index && place >= 0) return place;
  }
  return -1;
}

/** A definition that depends on the cotangent, with the batch axes in front, reading the copies. */
function copied(
  definition: Definition,
  batch: readonly Index[],
  copies: ReadonlyMap<ValueId, ValueId>,
  spread: (id: ValueId) => ValueId,
): Definition {
  switch (definition.kind) {
    case "equation":
    case "scatter":
      return copiedTerms(definition, batch, copies);
    case "reshape":
      return { kind: "reshape", of: spread(definition.of) };
    case "custom":
      return {
        kind: "custom",
        of: spread(definition.of),
        args: definition.args.map(spread),
        cotangent: spread(definition.cotangent),
        adjoints: definition.adjoints.map((a) => a && spread(a)),
      };
    case "leaf":
    case "derivative":
      invariant(false, "an adjoint is made of equations");
  }
}

/** An equation or scatter over its own indices, with fresh batch axes in front. */
function copiedTerms(
  definition: Equation | Scatter,
  batch: readonly Index[],
  copies: ReadonlyMap<ValueId, ValueId>,
): Definition {
  const front = batch.map((b) => freshIndex(b.name, b.hi));
  const points = front.map((f) => Poly.index(f));
  const copy = rewriteDefinition(overOwnIndices(definition), {
    read: (node) => {
      const of = copies.get(node.value);
      return of === undefined ? undefined : read(of, [...points, ...node.subscripts], node.dtype);
    },
  });
  if (copy.kind === "scatter")
    return { ...copy, domain: [...front, ...copy.domain], target: [...points, ...copy.target] };
  return copy.kind === "equation" ? { ...copy, axes: [...front, ...copy.axes] } : copy;
}
