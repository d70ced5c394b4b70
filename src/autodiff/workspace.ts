import { invariant } from "../diagnostics/invariant.js";
import type { DType, Index, ValueId } from "../ir/expr.js";
import { freshIndex, read, type Expr } from "../ir/expr.js";
import { Fresh, overOwnIndices } from "../ir/fresh.js";
import { Poly } from "../ir/poly.js";
import { arrange, type Run, type RunAxis } from "../ir/arrange.js";
import type { Definition, Equation, Item, Operator, Program, RecurrenceGroup, Value } from "../ir/program.js";

/** A program being extended: new values get fresh ids and readable unique names. */
export class Workspace {
  readonly values: Map<ValueId, Value>;
  readonly runs = new Map<ValueId, readonly RunAxis[]>();
  private readonly fresh: Fresh;

  constructor(program: Program) {
    this.values = new Map(program.values);
    this.fresh = new Fresh(program.values);
    for (const item of program.items) this.learn(item, []);
  }

  /** The runs of a recurrence's members, from its groups. */
  private learn(item: Item, around: readonly { readonly run: Run; readonly group: RecurrenceGroup }[]): void {
    if (typeof item !== "number") {
      const inside = [...around, { run: item, group: item }];
      for (const inner of item.items) this.learn(inner, inside);
      return;
    }
    const axes = around.flatMap(({ run, group }): RunAxis[] => {
      const time = group.time.get(item);
      return time ? [{ run, ...time }] : [];
    });
    if (axes.length) this.runs.set(item, axes);
  }
  /** Along which axes of a value recurrences run. */
  runsOf(id: ValueId): readonly RunAxis[] {
    return this.runs.get(id) ?? [];
  }
  /** New values in an order that serves, with the recurrences that they make. */
  arranged(ids: readonly ValueId[]): Item[] {
    return arrange(
      ids,
      (id) => this.value(id),
      (id) => this.runsOf(id),
      (fault) => {
        const id = "reader" in fault ? fault.reader : fault.members[0];
        invariant(false, `${id === undefined ? "" : this.value(id).name}: ${fault.kind}`);
      },
    );
  }

  value(id: ValueId): Value {
    const found = this.values.get(id);
    invariant(found, `value ${id} is defined`);
    return found;
  }

  /** An id whose definition follows later (members of a recurrence refer to each other). */
  reserve(): ValueId {
    return this.fresh.id();
  }

  define(
    name: string,
    dtype: DType,
    shape: readonly Poly[],
    definition: Definition,
    origin?: Value,
    id = this.reserve(),
  ): ValueId {
    const span = origin?.span;
    const unique = this.fresh.name(name);
    this.values.set(id, { id, name: unique, dtype, shape, definition, ...(span ? { span } : {}) });
    return id;
  }

  equation(
    name: string,
    dtype: DType,
    axes: readonly Index[],
    operator: Operator | null,
    body: Expr,
    origin?: Value,
    id?: ValueId,
  ): ValueId {
    const definition: Equation = { kind: "equation", axes, operator, body };
    return this.define(
      name,
      dtype,
      axes.map((a) => a.hi),
      definition,
      origin,
      id,
    );
  }

  /** An equation made from another's parts, over index variables of its own. */
  ownEquation(
    name: string,
    dtype: DType,
    parts: Omit<Equation, "kind">,
    origin: Value,
    id?: ValueId,
  ): ValueId {
    const { axes, operator, body } = overOwnIndices({ kind: "equation", ...parts });
    return this.equation(name, dtype, axes, operator, body, origin, id);
  }

  /** Fresh indices over the axes of a shape, named after `like` where given. */
  axesFor(shape: readonly Poly[], like: readonly string[] = []): Index[] {
    return shape.map((size, k) => freshIndex(like[k] ?? `i${k}`, size));
  }

  /** Names of a value's axes, for readable derived equations. */
  axisNames(id: ValueId): string[] {
    const { definition, shape } = this.value(id);
    if (definition.kind === "equation") return definition.axes.map((a) => a.name);
    return shape.map((_, k) => `i${k}`);
  }

  readAt(id: ValueId, indices: readonly Index[]): Expr {
    return read(
      id,
      indices.map((i) => Poly.index(i)),
      this.value(id).dtype,
    );
  }
}
