import { invariant } from "../diagnostics/invariant.js";
import type { DType, Index, ValueId } from "../ir/expr.js";
import { freshIndex, read, type Expr } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Definition, Equation, Operator, Program, Value } from "../ir/program.js";

/** A program being extended: new values get fresh ids and readable unique names. */
export class Workspace {
  readonly values: Map<ValueId, Value>;
  private readonly names: Set<string>;
  private nextId: number;

  constructor(program: Program) {
    this.values = new Map(program.values);
    this.names = new Set([...program.values.values()].map((v) => v.name));
    this.nextId = Math.max(0, ...program.values.keys()) + 1;
  }

  value(id: ValueId): Value {
    const found = this.values.get(id);
    invariant(found, `value ${id} is defined`);
    return found;
  }

  /** An id whose definition follows later (members of a recurrence refer to each other). */
  reserve(): ValueId {
    return this.nextId++;
  }

  define(
    name: string,
    dtype: DType,
    shape: readonly Poly[],
    definition: Definition,
    origin?: Value,
    id = this.reserve(),
  ): ValueId {
    let unique = name;
    for (let n = 2; this.names.has(unique); n++) unique = `${name}_${n}`;
    this.names.add(unique);
    const span = origin?.span;
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
