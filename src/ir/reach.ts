import type { ReadExpr, ValueId } from "./expr.js";
import { readsOf } from "./expr.js";
import type { Definition, Equation, Item, Program, Scatter } from "./program.js";

/** The items with only the chosen values left; empty groups go. */
export function filterItems(items: readonly Item[], keep: (id: ValueId) => boolean): Item[] {
  return items.flatMap((item): Item[] => {
    if (typeof item === "number") return keep(item) ? [item] : [];
    const inner = filterItems(item.items, keep);
    return inner.length
      ? [{ ...item, items: inner, time: new Map([...item.time].filter(([id]) => keep(id))) }]
      : [];
  });
}

/** What is read for each point, the guard's reads included. */
export function readsOfEquation({ body, operator }: Equation): readonly ReadExpr[] {
  return readsOf(operator?.guard ? [body, operator.guard] : [body]);
}
/** The same of a scatter, with what its subscripts read. */
export function readsOfScatter({ body, guard, target }: Scatter): readonly ReadExpr[] {
  return readsOf([body, ...(guard ? [guard] : []), ...target.flatMap((t) => t.opaque)]);
}

/** All that callers may ask for: results, gradients, and what states, params and optimizer states become. */
export function resultsOf(program: Program): ReadonlySet<ValueId> {
  const updates = program.trains.flatMap((t) => t.updates);
  const named = [...program.outputs, ...program.gradients, ...program.stateUpdates, ...updates];
  return new Set(named.map((r) => r.value));
}
/** The program with other values as its results. */
export function renameResults(program: Program, at: (id: ValueId) => ValueId): Program {
  const renamed = <T extends { readonly value: ValueId }>(list: readonly T[]): T[] =>
    list.map((entry) => ({ ...entry, value: at(entry.value) }));
  return {
    ...program,
    outputs: renamed(program.outputs),
    gradients: renamed(program.gradients),
    stateUpdates: renamed(program.stateUpdates),
    trains: program.trains.map((train) => ({ ...train, updates: renamed(train.updates) })),
  };
}

/** Passes ask the same of the same definitions, most of which they leave as they are. */
const mentioned = new WeakMap<Definition, readonly ValueId[]>();

/** Every value that a definition is computed from; a written adjoint is only asked for by derivatives. */
export function mentions(definition: Definition): readonly ValueId[] {
  const known = mentioned.get(definition);
  if (known) return known;
  const found = mentionsOf(definition);
  mentioned.set(definition, found);
  return found;
}
function mentionsOf(definition: Definition): readonly ValueId[] {
  switch (definition.kind) {
    case "leaf":
      return [];
    case "equation":
      return readsOfEquation(definition).map((r) => r.value);
    case "scatter":
      return readsOfScatter(definition).map((r) => r.value);
    case "reshape":
      return [definition.of];
    case "custom":
      return [definition.of, ...definition.args];
    case "derivative":
      return [
        definition.of,
        definition.wrt,
        ...(definition.direction === null ? [] : [definition.direction]),
      ];
  }
}

/** What is left is what the roots need. Leaves stay: they are the program's interface. */
export function keepReachable(program: Program, roots: readonly ValueId[]): Program {
  const needed = new Set<ValueId>(roots);
  const work = [...roots];
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    const value = program.values.get(id);
    if (!value) continue;
    for (const other of mentions(value.definition)) {
      if (needed.has(other)) continue;
      needed.add(other);
      work.push(other);
    }
  }
  const keep = (id: ValueId): boolean => needed.has(id) || program.values.get(id)?.definition.kind === "leaf";
  return {
    ...program,
    values: new Map([...program.values].filter(([id]) => keep(id))),
    items: filterItems(program.items, keep),
  };
}
