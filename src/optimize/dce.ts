import type { ValueId } from "../ir/expr.js";
import { readsOf } from "../ir/expr.js";
import type { Definition, Program } from "../ir/program.js";
import { filterItems } from "./map.js";

/** Every value that a definition mentions. */
export function mentions(definition: Definition): ValueId[] {
  switch (definition.kind) {
    case "leaf":
      return [];
    case "equation": {
      const guard = definition.operator?.guard;
      return readsOf(guard ? [definition.body, guard] : [definition.body]).map((r) => r.value);
    }
    case "scatter": {
      const targets = definition.target.flatMap((t) => [...t.atoms.values()].flatMap((a) => (a.kind === "opaque" ? [a.expr] : [])));
      return readsOf([definition.body, ...(definition.guard ? [definition.guard] : []), ...targets]).map((r) => r.value);
    }
    case "reshape":
      return [definition.of];
    case "custom":
      return [definition.of, ...definition.args, definition.cotangent, ...definition.adjoints.filter((a) => a !== null)];
    case "derivative":
      return [definition.of, definition.wrt, ...(definition.direction === null ? [] : [definition.direction])];
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

/** Everything a caller may ask for. */
export function rootsOf(program: Program): ValueId[] {
  return [
    ...program.outputs.map((o) => o.value),
    ...program.gradients.map((g) => g.value),
    ...program.stateUpdates.map((u) => u.value),
    ...program.trains.flatMap((t) => [...t.updates.map((u) => u.value), ...t.args.map((a) => a.leaf)]),
  ];
}

export const dce = (program: Program): Program => keepReachable(program, rootsOf(program));
