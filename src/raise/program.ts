import { InternalError, invariant } from "../diagnostics/invariant.js";
import type { Expr, Index, ValueId } from "../ir/expr.js";
import { and, compare, constant, freshIndex, indexValue, read, readsOf, rewriter, TRUE } from "../ir/expr.js";
import { idsOf } from "../ir/items.js";
import { Poly } from "../ir/poly.js";
import type {
  Definition,
  Equation,
  Initialiser,
  Item,
  Program,
  RecurrenceGroup,
  Value,
} from "../ir/program.js";
import { filterItems, keepReachable } from "../ir/reach.js";
import { provablyNonNegative } from "../ir/bounds.js";
import type { Expression, SourceFile, Statement, Target } from "../parser/ast.js";
import { writeExpression, writePoly, type Writing } from "./expression.js";
import { SourceNames } from "./names.js";
import { withInequalities } from "./inequalities.js";
import * as tree from "./tree.js";

const { span } = tree;

/**
 * Index IR back to a source file: what the derivative is, as equations that a person can read and that compile by
 * themselves. Outputs and losses keep their names and are all outputs; the gradient of the loss for `W` is `dW` (with
 * several losses `dl_dW`). Training steps are left out. Takes programs without derivatives and scatters.
 *
 * A recurrence is written with all its members at the step `t` itself, over as many steps as the longest of them has
 * entries: a member that is an entry behind (`z[t + 1]` beside `k[t]`) moves by one, and its readers with it.
 */
export function raiseProgram(program: Program): SourceFile {
  const roots = [
    ...program.outputs.map((o) => o.value),
    ...program.gradients.map((g) => g.value),
    ...program.stateUpdates.map((u) => u.value),
  ];
  const arguments_ = new Set(program.trains.flatMap((t) => t.args.map((a) => a.leaf)));
  const reachable = keepReachable(program, roots);
  const values = new Map([...reachable.values].filter(([id]) => !arguments_.has(id)));
  const items = filterItems(reachable.items, (id) => !arguments_.has(id));
  return new Raiser({ ...reachable, values, items, trains: [] }).file();
}

/**
 * Where the entries of a recurrence's member are: its axis comes first (those of recurrences around before it), entry c
 * at c + offset.
 */
interface Layout {
  readonly axis: number;
  readonly offset: number;
  /** The axis as it is written. */
  readonly size: Poly;
}
/** The step of a recurrence that is being written. */
interface WrittenStep {
  readonly index: Index;
  readonly name: string;
}

class Raiser {
  private readonly names = new SourceNames();
  private readonly dimNames = new Map<string, string>();
  private readonly valueNames = new Map<ValueId, string>();
  private readonly layouts = new Map<ValueId, readonly Layout[]>();
  private readonly statements: Statement[] = [];
  /** By the names of leaves. */
  private readonly axisNames = new Map<string, readonly string[]>();
  private readonly outputs: { readonly name: string; readonly value: ValueId }[];

  private readonly program: Program;
  constructor(source: Program) {
    const program = withInequalities(source);
    this.program = program;
    for (const dim of program.dims) this.dimNames.set(dim.name, this.names.own(dim.name));
    for (const v of program.values.values())
      if (v.definition.kind === "leaf") this.valueNames.set(v.id, this.names.own(v.name));
    this.outputs = program.outputs.map(({ name, value }) => ({
      name: this.nameResult(this.names.own(name), value),
      value,
    }));
    const several = program.losses.length > 1;
    for (const { loss, wrt, value } of program.gradients) {
      const name = this.names.fresh(several ? `d${loss}_d${wrt}` : `d${wrt}`);
      this.outputs.push({ name: this.nameResult(name, value), value });
    }
    for (const v of program.values.values())
      if (!this.valueNames.has(v.id)) this.valueNames.set(v.id, this.names.fresh(v.name));
  }
  /** A result's name, which its value takes if it has none yet. */
  private nameResult(name: string, value: ValueId): string {
    if (!this.valueNames.has(value)) this.valueNames.set(value, name);
    return name;
  }

  file(): SourceFile {
    for (const dim of this.program.dims) this.dim(dim);
    for (const v of this.program.values.values()) if (v.definition.kind === "leaf") this.leaf(v);
    this.readAxisNames();
    for (const item of this.program.items) if (typeof item !== "number") this.layOut(item);
    // An output laid out otherwise is a copy, which has the name.
    for (const { name, value } of this.outputs)
      if (this.valueNames.get(value) === name && this.isMoved(value))
        this.valueNames.set(value, this.names.fresh(`${name}_steps`));
    for (const item of this.program.items) this.item(item);
    for (const { name, value } of this.outputs) {
      if (this.valueNames.get(value) !== name) this.copy(name, value);
      else if (this.isMember(value)) this.statements.push({ kind: "output", names: [tree.name(name)], span });
    }
    for (const { leaf, value } of this.program.stateUpdates) this.copy(this.nameOf(leaf), value, true);
    return { statements: this.statements, broken: [], comments: [], span };
  }

  private readonly nameOf = (id: ValueId): string => {
    const found = this.valueNames.get(id);
    invariant(found, `value ${id} has a name`);
    return found;
  };
  private value(id: ValueId): Value {
    const found = this.program.values.get(id);
    invariant(found, `value ${id} is defined`);
    return found;
  }
  private isMember(id: ValueId): boolean {
    return this.layouts.has(id);
  }
  /** Whether the tensor in the file is not the one of the program, entry by entry. */
  private isMoved(id: ValueId): boolean {
    const { shape } = this.value(id);
    return (this.layouts.get(id) ?? []).some(
      ({ axis, offset, size }, k) => axis !== k || offset !== 0 || !shape[axis]?.equals(size),
    );
  }

  private writing(indices: ReadonlyMap<Index, string>): Writing {
    return {
      index: (i) => {
        const name = indices.get(i);
        if (name === undefined) throw new InternalError(`index ${i.name} is bound`);
        return name;
      },
      dim: (dim) => this.dimNames.get(dim) ?? dim,
      read: (id, subscripts, poly) => {
        const layouts = this.layouts.get(id) ?? [];
        const times = layouts.map(({ axis, offset }) => (subscripts[axis] ?? Poly.constant(0)).add(offset));
        const rest = subscripts.filter((_, k) => !layouts.some(({ axis }) => axis === k));
        return tree.subscript(tree.variable(this.nameOf(id)), [...times, ...rest].map(poly));
      },
    };
  }
  private size(p: Poly): Expression {
    return writePoly(p, this.writing(new Map()));
  }

  /** What the axes of a gradient are called: as where its param is read first. */
  private wantedNames(id: ValueId, axes: readonly Index[]): Map<Index, string> {
    const { wrt } = this.program.gradients.find((g) => g.value === id) ?? {};
    const names = wrt === undefined ? undefined : this.axisNames.get(wrt);
    const pairs = axes.flatMap((a, k): [Index, string][] => {
      const name = names?.[k];
      return name !== undefined && /^i\d+$/.test(a.name) ? [[a, name]] : [];
    });
    return new Map(pairs);
  }
  private readAxisNames(): void {
    for (const { definition } of this.program.values.values()) {
      if (definition.kind !== "equation") continue;
      for (const node of readsOf([definition.body])) {
        const source = this.value(node.value);
        const names = node.subscripts.map((s) => s.asIndex?.name);
        const all = names.flatMap((n) => (n === undefined ? [] : [n]));
        if (
          source.definition.kind === "leaf" &&
          !this.axisNames.has(source.name) &&
          all.length === names.length
        )
          this.axisNames.set(source.name, all);
      }
    }
  }

  // ----------------------------------------------------------------------------------------------- declarations

  private dim({ name, default: literal, definition }: Program["dims"][number]): void {
    const value = definition
      ? definition.floor
        ? tree.call("floor", tree.binary("/", this.size(definition.numerator), this.size(definition.divisor)))
        : definition.divisor.equals(1)
          ? this.size(definition.numerator)
          : tree.binary("/", this.size(definition.numerator), this.size(definition.divisor))
      : literal === undefined
        ? undefined
        : tree.integer(literal);
    const declared = { name: tree.name(this.dimNames.get(name) ?? name), ...(value ? { value } : {}) };
    this.statements.push({ kind: "dim", dims: [declared], span });
  }
  private leaf(v: Value): void {
    const { definition } = v;
    if (definition.kind !== "leaf" || definition.role === "optimizer") return;
    if (!this.valueNames.has(v.id)) return;
    const type = { dtype: tree.name(v.dtype), sizes: v.shape.map((s) => this.size(s)), span };
    const { init, range, role } = definition;
    const common = {
      name: tree.name(this.nameOf(v.id)),
      type,
      ...(v.doc === undefined ? {} : { doc: v.doc }),
    };
    if (role === "input") {
      const bounds = range ? { range: tree.range(this.size(range.lo), this.size(range.hi)) } : {};
      const value = init?.kind === "fill" ? { value: literal(init.value, v) } : {};
      this.statements.push({ kind: "input", items: [{ ...common, ...bounds, ...value }], span });
    } else if (role === "const") {
      const value = init?.kind === "values" ? nested(init.data, v) : literal(0, v);
      this.statements.push({ kind: "const", items: [{ ...common, value }], span });
    } else {
      const value = init ? { value: this.initialiser(init, v) } : {};
      this.statements.push({ kind: role, items: [{ ...common, ...value }], span });
    }
  }
  private initialiser(init: Initialiser, v: Value): Expression {
    if (init.kind === "fill") return tree.call("fill", literal(init.value, v));
    if (init.kind === "values") return nested(init.data, v);
    if ("a" in init)
      return init.kind === "normal"
        ? tree.call("normal", tree.float(init.b))
        : tree.call("uniform", tree.float(init.a), tree.float(init.b));
    if (!init.fanIn) return tree.call(init.kind);
    const argument = { name: tree.name("fan_in"), value: this.size(init.fanIn), span };
    return { kind: "call", callee: tree.name(init.kind), sizes: [], args: [argument], span };
  }

  // -------------------------------------------------------------------------------------------------- equations

  private item(item: Item): void {
    if (typeof item !== "number") this.statements.push(...this.group(item));
    else for (const statement of this.definition(this.value(item))) this.statements.push(statement);
  }

  private definition(v: Value): Statement[] {
    const { definition } = v;
    switch (definition.kind) {
      case "leaf":
        return [];
      case "equation":
        return this.equation(v, definition);
      case "reshape": {
        const sizes: Expression = { kind: "list", items: v.shape.map((s) => this.size(s)), span };
        return [
          this.statement(
            v.id,
            undefined,
            tree.call("reshape", tree.variable(this.nameOf(definition.of)), sizes),
          ),
        ];
      }
      case "custom":
        return [this.statement(v.id, undefined, tree.variable(this.nameOf(definition.of)))];
      case "scatter":
      case "derivative":
        throw new InternalError(`a ${definition.kind} has been lowered before`);
    }
  }
  private statement(id: ValueId, indices: Target["indices"], value: Expression, role?: "value"): Statement {
    const name = this.nameOf(id);
    const output = this.outputs.some((o) => o.value === id && o.name === name) && !this.isMember(id);
    return {
      kind: "equation",
      role: role ?? (output ? "output" : "value"),
      targets: [{ name: tree.name(name), prime: false, ...(indices ? { indices } : {}), span }],
      value,
      span,
    };
  }

  private equation(v: Value, equation: Equation): Statement[] {
    const flat = this.flatPosition(v, equation);
    if (flat) return flat;
    const bound = boundBy(equation);
    const names = this.names.indices(bound, [], this.wantedNames(v.id, equation.axes));
    const writing = this.writing(names);
    const implied = this.impliedRanges(equation);
    const indices = equation.axes.map((a) => ({
      index: tree.variable(names.get(a) ?? a.name),
      ...(implied.has(a) ? {} : { range: tree.range(tree.integer(0), writePoly(a.hi, writing)) }),
      span,
    }));
    return [
      this.statement(v.id, indices.length ? indices : undefined, this.right(v, equation, names, implied)),
    ];
  }
  private right(
    v: Value,
    { operator, body }: Equation,
    names: ReadonlyMap<Index, string>,
    implied: ReadonlySet<Index>,
  ): Expression {
    const writing = this.writing(names);
    const written = this.typed(writeExpression(body, writing), body);
    if (!operator) return written;
    const guard = operator.guard ? writeExpression(operator.guard, writing) : undefined;
    if (operator.kind === "along")
      return {
        kind: "axis",
        operator: operator.name,
        index: tree.name(writing.index(operator.index)),
        ...(guard ? { guard } : {}),
        body: written,
        headSpan: span,
        span,
      };
    if (operator.indices.length === 0) {
      // Over one point: the body where the guard lets it through.
      const empty = writeExpression(emptyOf(operator.reducer, v), writing);
      return guard ? tree.choose(guard, written, empty) : written;
    }
    const indices = operator.indices.map((i) => ({
      name: tree.name(writing.index(i)),
      ...(implied.has(i) ? {} : { range: tree.range(writePoly(i.lo, writing), writePoly(i.hi, writing)) }),
    }));
    return tree.reducer(operator.reducer, indices, guard, written);
  }
  /** Literals alone would be floats. */
  private typed(written: Expression, body: Expr): Expression {
    const bare = readsOf([body]).length === 0 && body.dtype !== "bool" && body.dtype !== "f32";
    return bare ? tree.call(body.dtype, written) : written;
  }

  /** Indices whose range the file's reader, and its checker, see: alone as a subscript of an axis of that size. */
  private impliedRanges(equation: Equation): Set<Index> {
    const { operator, body } = equation;
    const alone = new Map<Index, boolean>();
    for (const node of readsOf(operator?.guard ? [body, operator.guard] : [body])) {
      const layouts = this.layouts.get(node.value) ?? [];
      node.subscripts.forEach((s, k) => {
        const index = s.asIndex;
        if (!index) return;
        const size = this.value(node.value).shape[k];
        const layout = layouts.find(({ axis }) => axis === k);
        const moved = layout !== undefined && (layout.offset !== 0 || !size?.equals(layout.size));
        const same = !moved && index.lo.isZero && size?.equals(index.hi) === true;
        alone.set(index, same && (alone.get(index) ?? true));
      });
    }
    return new Set([...alone].flatMap(([index, same]) => (same ? [index] : [])));
  }

  /** The row-major position of a maximum over several indices: the least position of those that reach it. */
  private flatPosition(v: Value, equation: Equation): Statement[] | null {
    const { operator, axes, body } = equation;
    if (operator?.kind !== "reduce" || operator.indices.length < 2) return null;
    if (operator.reducer !== "argmax" && operator.reducer !== "argmin") return null;
    const reducer = operator.reducer === "argmax" ? "max" : "min";
    const names = this.names.indices(boundBy(equation));
    const writing = this.writing(names);
    const best = this.names.fresh(`${this.nameOf(v.id)}_best`);
    const indices = axes.map((a) => ({
      index: tree.variable(writing.index(a)),
      range: tree.range(tree.integer(0), writePoly(a.hi, writing)),
      span,
    }));
    const over = operator.indices.map((i) => ({
      name: tree.name(writing.index(i)),
      range: tree.range(writePoly(i.lo, writing), writePoly(i.hi, writing)),
    }));
    const guard = operator.guard ? writeExpression(operator.guard, writing) : undefined;
    const written = writeExpression(body, writing);
    const found = tree.subscript(
      tree.variable(best),
      axes.map((a) => tree.variable(writing.index(a))),
    );
    const hit = tree.binary("==", written, found);
    const position = operator.indices.reduce(
      (p, i) => p.mul(i.hi.sub(i.lo)).add(Poly.index(i).sub(i.lo)),
      Poly.constant(0),
    );
    return [
      {
        kind: "equation",
        role: "value",
        targets: [{ name: tree.name(best), prime: false, ...(axes.length ? { indices } : {}), span }],
        value: tree.reducer(reducer, over, guard, written),
        span,
      },
      this.statement(
        v.id,
        axes.length ? indices : undefined,
        tree.reducer(
          "min",
          over,
          guard ? tree.binary("and", guard, hit) : hit,
          tree.call("i32", writePoly(position, writing)),
        ),
      ),
    ];
  }

  /** `output y[i, j] = x[i, j]`, or the new value of a state. */
  private copy(name: string, id: ValueId, prime = false): void {
    const v = this.value(id);
    const axes = v.shape.map((s, k) => freshIndex(`i${k}`, s));
    const names = this.names.indices(axes);
    const writing = this.writing(names);
    const indices = axes.map((a) => ({
      index: tree.variable(writing.index(a)),
      range: tree.range(tree.integer(0), writePoly(a.hi, writing)),
      span,
    }));
    const value = writing.read(
      id,
      axes.map((a) => Poly.index(a)),
      (p) => writePoly(p, writing),
    );
    this.statements.push({
      kind: "equation",
      role: prime ? "value" : "output",
      targets: [{ name: tree.name(name), prime, ...(axes.length ? { indices } : {}), span }],
      value,
      span,
    });
  }

  // ------------------------------------------------------------------------------------------------ recurrences

  private layOut(group: RecurrenceGroup): void {
    const members = idsOf(group).map((id) => {
      const time = group.time.get(id);
      invariant(time, `member ${id} has a time axis`);
      const size = this.value(id).shape[time.axis];
      invariant(size, `member ${id} has its time axis`);
      return { id, axis: time.axis, shift: time.shift, size };
    });
    const most = Math.max(...members.map((m) => m.shift));
    const ends = members.map((m) => m.size.add(most - m.shift));
    const extent = ends.reduce((a, b) => (provablyNonNegative(b.sub(a)) ? b : a));
    invariant(
      ends.every((e) => provablyNonNegative(extent.sub(e))),
      `the lengths of the members of ${group.name} can be compared`,
    );
    for (const { id, axis, shift } of members) {
      const around = this.layouts.get(id) ?? [];
      this.layouts.set(id, [...around, { axis, offset: most - shift, size: extent }]);
    }
    for (const item of group.items) if (typeof item !== "number") this.layOut(item);
  }

  private group(group: RecurrenceGroup, around: readonly WrittenStep[] = []): Statement[] {
    const [first] = idsOf(group);
    const layout = first === undefined ? undefined : this.layouts.get(first)?.[around.length];
    if (!layout) return [];
    const extent = layout.size;
    const index = freshIndex(group.name.replace(/^d_/, ""), extent);
    const taken = around.map((s) => s.name);
    const step = { index, name: this.names.indices([index], taken).get(index) ?? "t" };
    const steps = [...around, step];
    const body = group.items.flatMap((item): Statement[] =>
      typeof item === "number" ? [this.member(this.value(item), steps)] : this.group(item, steps),
    );
    const [lo, hi] = [tree.integer(0), this.size(extent)];
    return [
      {
        kind: "rec",
        index: tree.name(step.name),
        range: group.direction === 1 ? tree.range(lo, hi) : tree.range(hi, lo),
        body,
        span,
      },
    ];
  }
  private member(v: Value, steps: readonly WrittenStep[]): Statement {
    const layouts = this.layouts.get(v.id) ?? [];
    const equation = asEquation(v, (id) => this.value(id));
    /** The coordinate along each recurrence's axis, by its step. */
    const places = layouts.map((layout, k) => {
      const step = steps[k]?.index;
      const axis = equation.axes[layout.axis];
      invariant(step && axis, "a member has an axis for each recurrence around");
      return { axis, step, here: Poly.index(step).sub(layout.offset) };
    });
    const hereOf = (i: Index): Poly | undefined => places.find(({ axis }) => axis === i)?.here;
    const rename = rewriter({ index: hereOf });
    const { operator } = equation;
    // The ranges of reduced indices may mention the step.
    const reduced = operator?.kind === "reduce" ? operator.indices : [];
    const moved = new Map(
      reduced.map((i) => [i, freshIndex(i.name, rename.poly(i.hi), rename.poly(i.lo))] as const),
    );
    const renamed = rewriter({
      index: (i) => {
        const m = moved.get(i);
        return hereOf(i) ?? (m && Poly.index(m));
      },
    });
    const rest = equation.axes.filter((a) => !hereOf(a));
    const guard = operator?.guard ? renamed.expr(operator.guard) : null;
    const axes = [...places.map((p) => p.step), ...rest];
    const made: Equation = {
      kind: "equation",
      axes,
      operator:
        operator?.kind === "reduce"
          ? { ...operator, indices: [...moved.values()], guard }
          : operator && { ...operator, guard },
      body: renamed.expr(equation.body),
    };
    const inside = places.map(({ axis, step, here }) => within(here, axis.hi, step)).reduce(and, TRUE);
    const stepNames = steps.map((s) => s.name);
    const names = new Map([
      ...steps.map((s) => [s.index, s.name] as const),
      ...this.names.indices([...rest, ...moved.values()], stepNames),
    ]);
    const writing = this.writing(names);
    const right = this.right(v, made, names, new Set());
    const value =
      inside === TRUE
        ? right
        : tree.choose(
            writeExpression(inside, writing),
            right,
            writeExpression(constant(0, v.dtype), writing),
          );
    const indices = [
      ...stepNames.map((name) => ({ index: tree.variable(name), span })),
      ...rest.map((a) => ({
        index: tree.variable(writing.index(a)),
        // Written out, as what the step reads may be known only when this is.
        range: tree.range(tree.integer(0), writePoly(a.hi, writing)),
        span,
      })),
    ];
    return this.statement(v.id, indices, value, "value");
  }
}

const boundBy = ({ axes, operator }: Equation): readonly Index[] =>
  operator?.kind === "reduce" ? [...axes, ...operator.indices] : axes;

/** 0 <= entry < size, as far as the steps' own range does not say it. */
function within(entry: Poly, size: Poly, step: Index): Expr {
  const low = provablyNonNegative(entry)
    ? TRUE
    : compare("le", indexValue(Poly.constant(0)), indexValue(entry));
  const last = size.sub(1).sub(entry);
  const high = provablyNonNegative(last) ? TRUE : compare("lt", indexValue(entry), indexValue(size));
  return step.hi.isZero ? TRUE : and(low, high);
}

/** A reshape within a recurrence works on each step's entries; what keeps its shape is a copy. */
function asEquation(v: Value, valueOf: (id: ValueId) => Value): Equation {
  const definition: Definition = v.definition;
  if (definition.kind === "equation") return definition;
  invariant(definition.kind === "custom", `${v.name} in a recurrence is an equation`);
  const source = valueOf(definition.of);
  const axes = v.shape.map((s, k) => freshIndex(`i${k}`, s));
  const body = read(
    source.id,
    axes.map((a) => Poly.index(a)),
    source.dtype,
  );
  return { kind: "equation", axes, operator: null, body };
}

function emptyOf(reducer: string, v: Value): Expr {
  const value: Readonly<Record<string, number>> = {
    prod: 1,
    all: 1,
    max: -Infinity,
    min: Infinity,
    logsumexp: -Infinity,
  };
  return constant(value[reducer] ?? 0, v.dtype);
}

function literal(value: number, v: Value): Expression {
  if (v.dtype === "bool") return tree.truth(value !== 0);
  return v.dtype === "i32" || v.dtype === "u32" ? tree.integer(value) : tree.float(value);
}
/** A nested list of a const's or param's numbers; its sizes are numbers. */
function nested(data: readonly number[], v: Value): Expression {
  const sizes = v.shape.map((s) => s.constant ?? 1);
  const build = (depth: number, from: number): Expression => {
    const size = sizes[depth];
    if (size === undefined) return literal(data[from] ?? 0, v);
    const stride = sizes.slice(depth + 1).reduce((a, b) => a * b, 1);
    return {
      kind: "list",
      items: Array.from({ length: size }, (_, k) => build(depth + 1, from + k * stride)),
      span,
    };
  };
  return build(0, 0);
}
