import { reducedBy } from "./equation.js";
import { freshIndex, renaming, type Index, type ValueId } from "./expr.js";
import type { Equation, Scatter, Value } from "./program.js";

/** The name itself, or with the first number that makes it a new one. */
export function unusedName(wanted: string, isTaken: (name: string) => boolean): string {
  let unique = wanted;
  for (let n = 2; isTaken(unique); n++) unique = `${wanted}_${n}`;
  return unique;
}

/** Ids and names that a program does not have yet. */
export class Fresh {
  private readonly names: Set<string>;
  private next: ValueId;

  constructor(values: ReadonlyMap<ValueId, Value>) {
    this.names = new Set([...values.values()].map((v) => v.name));
    this.next = 1 + [...values.keys()].reduce((most, id) => Math.max(most, id), 0);
  }
  id(): ValueId {
    return this.next++;
  }
  name(wanted: string): string {
    const unique = unusedName(wanted, (name) => this.names.has(name));
    this.names.add(unique);
    return unique;
  }
}

/** A definition over index variables of its own, so that it shares none with the one it was made from. */
export function overOwnIndices(definition: Equation): Equation;
export function overOwnIndices(definition: Equation | Scatter): Equation | Scatter;
export function overOwnIndices(definition: Equation | Scatter): Equation | Scatter {
  const copies = new Map<Index, Index>();
  const { expr, poly } = renaming(copies);
  const of = (i: Index): Index => copies.get(i) ?? i;
  const copied = (indices: readonly Index[]): readonly Index[] => {
    for (const i of indices) copies.set(i, freshIndex(i.name, poly(i.hi), poly(i.lo)));
    return indices.map(of);
  };
  if (definition.kind === "scatter") {
    const domain = copied(definition.domain);
    const guard = definition.guard && expr(definition.guard);
    return {
      kind: "scatter",
      domain,
      guard,
      target: definition.target.map(poly),
      body: expr(definition.body),
    };
  }
  const { operator, body } = definition;
  const axes = copied(definition.axes);
  const indices = copied(reducedBy(definition));
  const guard = operator?.guard ? expr(operator.guard) : null;
  return {
    kind: "equation",
    axes,
    operator:
      operator &&
      (operator.kind === "reduce"
        ? { ...operator, indices, guard }
        : { ...operator, index: of(operator.index), guard }),
    body: expr(body),
  };
}
