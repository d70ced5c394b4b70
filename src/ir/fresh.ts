import { freshIndex, rewriter, type Index, type ValueId } from "./expr.js";
import { Poly } from "./poly.js";
import type { Equation, Value } from "./program.js";

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
  /** The name itself, or with the first number that makes it a new one. */
  name(wanted: string): string {
    let unique = wanted;
    for (let n = 2; this.names.has(unique); n++) unique = `${wanted}_${n}`;
    this.names.add(unique);
    return unique;
  }
}

/** The equation over index variables of its own, so that it shares none with the one it was made from. */
export function overOwnIndices({ axes, operator, body }: Equation): Equation {
  const copies = new Map<Index, Index>();
  const { expr, poly } = rewriter({
    index: (i) => {
      const copy = copies.get(i);
      return copy && Poly.index(copy);
    },
  });
  const of = (i: Index): Index => copies.get(i) ?? i;
  for (const i of axes) copies.set(i, freshIndex(i.name, i.hi, i.lo));
  if (!operator) return { kind: "equation", axes: axes.map(of), operator, body: expr(body) };
  if (operator.kind === "reduce") {
    const ranges = operator.indices.map((i) => [i, freshIndex(i.name, poly(i.hi), poly(i.lo))] as const);
    for (const [i, copy] of ranges) copies.set(i, copy);
  }
  const guard = operator.guard && expr(operator.guard);
  return {
    kind: "equation",
    axes: axes.map(of),
    operator:
      operator.kind === "reduce"
        ? { ...operator, indices: operator.indices.map(of), guard }
        : { ...operator, index: of(operator.index), guard },
    body: expr(body),
  };
}
