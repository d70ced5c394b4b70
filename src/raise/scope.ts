import { InternalError, invariant } from "../diagnostics/invariant.js";
import type { Index, ValueId } from "../ir/expr.js";
import { readsOf } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Program, Value } from "../ir/program.js";
import type { Expression } from "../parser/ast.js";
import { writePoly, type Writing } from "./expression.js";
import { layoutsOf, type Layout } from "./layout.js";
import { SourceNames } from "./names.js";
import * as tree from "./tree.js";

/** What all parts of a file go by: what things are called in it, and where the entries of members of recurrences are. */
export class Scope {
  readonly names = new SourceNames();
  /** Results by their names: outputs and losses, then gradients. */
  readonly results: readonly { readonly name: string; readonly value: ValueId }[];
  private readonly dimNames: ReadonlyMap<string, string>;
  private readonly valueNames = new Map<ValueId, string>();
  private readonly layouts: ReadonlyMap<ValueId, readonly Layout[]>;
  /** By the names of leaves. */
  private readonly axisNames: ReadonlyMap<string, readonly string[]>;

  constructor(readonly program: Program) {
    const { names, valueNames } = this;
    const { dims, values, outputs, losses, gradients } = program;
    this.dimNames = new Map(dims.map((dim) => [dim.name, names.own(dim.name)]));
    for (const v of values.values())
      if (v.definition.kind === "leaf") valueNames.set(v.id, names.own(v.name));
    // A value takes the name of its first result.
    const result = (name: string, value: ValueId): { name: string; value: ValueId } => {
      if (!valueNames.has(value)) valueNames.set(value, name);
      return { name, value };
    };
    this.results = [
      ...outputs.map(({ name, value }) => result(names.own(name), value)),
      ...gradients.map(({ loss, wrt, value }) =>
        result(names.fresh(losses.length > 1 ? `d${loss}_d${wrt}` : `d${wrt}`), value),
      ),
    ];
    for (const v of values.values()) if (!valueNames.has(v.id)) valueNames.set(v.id, names.fresh(v.name));
    this.axisNames = axisNamesOf(program);
    this.layouts = layoutsOf(program);
    // A result laid out otherwise is a copy, which has the name.
    for (const { name, value } of this.results)
      if (this.nameOf(value) === name && this.isMoved(value))
        valueNames.set(value, names.fresh(`${name}_steps`));
  }

  value(id: ValueId): Value {
    const found = this.program.values.get(id);
    invariant(found, `value ${id} is defined`);
    return found;
  }
  nameOf(id: ValueId): string {
    const found = this.valueNames.get(id);
    invariant(found, `value ${id} has a name`);
    return found;
  }
  dimName(name: string): string {
    return this.dimNames.get(name) ?? name;
  }

  /** For each recurrence that the value is a member of, the outermost first. */
  layoutsOf(id: ValueId): readonly Layout[] {
    return this.layouts.get(id) ?? [];
  }
  isMember(id: ValueId): boolean {
    return this.layouts.has(id);
  }
  /** Whether the tensor in the file is not the one of the program, entry by entry. */
  private isMoved(id: ValueId): boolean {
    const { shape } = this.value(id);
    return this.layoutsOf(id).some(
      ({ axis, offset, size }, k) => axis !== k || offset !== 0 || !shape[axis]?.equals(size),
    );
  }

  writing(indices: ReadonlyMap<Index, string>): Writing {
    return {
      index: (i) => {
        const name = indices.get(i);
        if (name === undefined) throw new InternalError(`index ${i.name} is bound`);
        return name;
      },
      dim: (dim) => this.dimName(dim),
      read: (id, subscripts, poly) => {
        const layouts = this.layoutsOf(id);
        const times = layouts.map(({ axis, offset }) => (subscripts[axis] ?? Poly.constant(0)).add(offset));
        const rest = subscripts.filter((_, k) => !layouts.some(({ axis }) => axis === k));
        return tree.subscript(tree.variable(this.nameOf(id)), [...times, ...rest].map(poly));
      },
    };
  }
  size(p: Poly): Expression {
    return writePoly(p, this.writing(new Map()));
  }

  /** What the axes of a gradient are called: as where its param is read first. */
  wantedNames(id: ValueId, axes: readonly Index[]): Map<Index, string> {
    const { wrt } = this.program.gradients.find((g) => g.value === id) ?? {};
    const names = wrt === undefined ? undefined : this.axisNames.get(wrt);
    const pairs = axes.flatMap((a, k): [Index, string][] => {
      const name = names?.[k];
      return name !== undefined && /^i\d+$/.test(a.name) ? [[a, name]] : [];
    });
    return new Map(pairs);
  }
}

/** The indices with which a leaf is read first, where it is read with indices alone. */
function axisNamesOf({ values }: Program): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const { definition } of values.values()) {
    if (definition.kind !== "equation") continue;
    for (const { value, subscripts } of readsOf([definition.body])) {
      const source = values.get(value);
      if (source?.definition.kind !== "leaf" || found.has(source.name)) continue;
      const names = subscripts.flatMap((s) => s.asIndex?.name ?? []);
      if (names.length === subscripts.length) found.set(source.name, names);
    }
  }
  return found;
}
