import { invariant } from "../diagnostics/invariant.js";
import type { Span } from "../diagnostics/span.js";
import type { DType, Expr, Index, ValueId } from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";
import type { Definition, Operator, Value } from "../ir/program.js";

export interface Origin {
  readonly span?: Span;
  readonly doc?: string;
}

/** The values made so far, in the order of their making. Names are unique. */
export class Values {
  readonly byId = new Map<ValueId, Value>();
  private readonly names = new Set<string>();
  private nextId = 1;

  get(id: ValueId): Value {
    const found = this.byId.get(id);
    invariant(found, `value ${id} is defined`);
    return found;
  }

  define(
    name: string,
    dtype: DType,
    shape: readonly Poly[],
    definition: Definition,
    origin: Origin = {},
  ): ValueId {
    const id = this.nextId++;
    const { span, doc } = origin;
    const made: Value = {
      id,
      name: this.unique(name),
      dtype,
      shape,
      definition,
      ...(span ? { span } : {}),
      ...(doc ? { doc } : {}),
    };
    this.byId.set(id, made);
    return id;
  }
  equation(
    name: string,
    axes: readonly Index[],
    operator: Operator | null,
    body: Expr,
    dtype: DType,
    origin?: Origin,
  ): ValueId {
    return this.define(
      name,
      dtype,
      axes.map((a) => a.hi),
      { kind: "equation", axes, operator, body },
      origin,
    );
  }
  /** Give an anonymous value the name that the user has for it. */
  rename(id: ValueId, name: string, origin: Origin): void {
    const value = this.get(id);
    this.names.delete(value.name);
    const { span, doc } = origin;
    this.byId.set(id, {
      ...value,
      name: this.unique(name),
      ...(span ? { span } : {}),
      ...(doc ? { doc } : {}),
    });
  }
  replace(id: ValueId, change: Partial<Pick<Value, "definition" | "shape" | "dtype">>): void {
    this.byId.set(id, { ...this.get(id), ...change });
  }

  private unique(name: string): string {
    let unique = name;
    for (let n = 2; this.names.has(unique); n++) unique = `${name}_${n}`;
    this.names.add(unique);
    return unique;
  }

  mark(): ValueId {
    return this.nextId;
  }
  /** Forget what was made since the mark. */
  reset(mark: ValueId): void {
    for (const [id, value] of this.byId)
      if (id >= mark) {
        this.byId.delete(id);
        this.names.delete(value.name);
      }
    this.nextId = mark;
  }
}
