import { InternalError, invariant } from "../diagnostics/invariant.js";
import { withDefinitions } from "./dims.js";
import type { DType, Expr, Index, ValueId } from "./expr.js";
import { idsOf } from "./items.js";
import type { Poly } from "./poly.js";
import type { AxisOperator, Equation, Item, Operator, Program, RecurrenceGroup, Value } from "./program.js";
import { startOf } from "./reducers.js";
import { castValue } from "./scalar/cast.js";
import { evaluateScalar } from "./scalar/table.js";

export interface InterpretedTensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/**
 * The oracle: evaluates a program in f64, one element at a time, straight from the definitions. Slow and plain on
 * purpose; every engine is held against it. Derivatives must have been expanded.
 * @param leaves values of leaves by name, row-major
 * @throws InternalError where a leaf is missing or a read leaves its tensor
 */
export function interpret(
  program: Program,
  dims: Readonly<Record<string, number>>,
  leaves: ReadonlyMap<string, ArrayLike<number>>,
): Map<ValueId, InterpretedTensor> {
  return new Interpreter(program, withDefinitions(program.dims, dims), leaves).run();
}

/** Values of index variables at the point being computed. */
type Point = Map<Index, number>;
type Compiled = (point: Point) => number;

/** A recurrence under way: which coordinates are being made, by the shift of a member. */
interface Stage {
  readonly group: RecurrenceGroup;
  readonly range: (shift: number) => readonly [number, number];
}

class Interpreter {
  private readonly tensors = new Map<ValueId, InterpretedTensor>();
  private readonly compiled = new Map<Expr, Compiled>();
  constructor(
    private readonly program: Program,
    private readonly dims: Readonly<Record<string, number>>,
    private readonly leaves: ReadonlyMap<string, ArrayLike<number>>,
  ) {}

  run(): Map<ValueId, InterpretedTensor> {
    for (const value of this.program.values.values())
      if (value.definition.kind === "leaf") this.evaluate(value);
    for (const item of this.program.items) this.item(item);
    return this.tensors;
  }

  private item(item: Item): void {
    if (typeof item === "number") {
      const value = this.value(item);
      if (value.definition.kind !== "leaf") this.evaluate(value);
    } else this.group(item);
  }
  private value(id: ValueId): Value {
    const found = this.program.values.get(id);
    invariant(found, `value ${id} is defined`);
    return found;
  }
  private tensor(id: ValueId): InterpretedTensor {
    const found = this.tensors.get(id);
    invariant(found, `${this.program.values.get(id)?.name ?? id} is computed before it is read`);
    return found;
  }
  private empty(value: Value): InterpretedTensor {
    const shape = value.shape.map((s) => this.size(s));
    const made = { shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)) };
    this.tensors.set(value.id, made);
    return made;
  }
  private size(p: Poly): number {
    return p.evaluate((atom) => {
      if (atom.kind !== "dim") throw new InternalError("a size holds dims only");
      return this.dim(atom.name);
    });
  }
  private dim(name: string): number {
    const n = this.dims[name];
    invariant(n !== undefined, `dim ${name} is bound`);
    return n;
  }

  private evaluate(value: Value): void {
    const { definition } = value;
    const out = this.empty(value);
    switch (definition.kind) {
      case "leaf": {
        const given = this.leaves.get(value.name);
        invariant(
          given && given.length === out.data.length,
          `leaf ${value.name} has ${out.data.length} values`,
        );
        for (let i = 0; i < out.data.length; i++) out.data[i] = given[i] ?? 0;
        return;
      }
      case "equation":
        this.equation(value, definition, out);
        return;
      case "reshape":
        out.data.set(this.tensor(definition.of).data);
        return;
      case "scatter": {
        const guard = definition.guard && this.compile(definition.guard);
        const body = this.compile(definition.body);
        const target = definition.target.map((t) => this.poly(t));
        this.each(definition.domain, new Map(), (point) => {
          if (guard && !guard(point)) return;
          const at = this.address(
            value.name,
            out.shape,
            target.map((t) => t(point)),
          );
          out.data[at] = (out.data[at] ?? 0) + body(point);
        });
        return;
      }
      case "custom":
        out.data.set(this.tensor(definition.of).data);
        return;
      case "derivative":
        throw new InternalError(`derivative ${value.name} has not been expanded`);
    }
  }

  /** Steps of a recurrence; entries outside of the steps' coordinates come before or after in the direction of the run. */
  private group(group: RecurrenceGroup, around: readonly Stage[] = []): void {
    if (around.length === 0) for (const id of idsOf(group)) this.empty(this.value(id));
    const [lo, hi] = [this.size(group.lo), this.size(group.hi)];
    const stage = (range: Stage["range"]): void => {
      const stages = [...around, { group, range }];
      for (const item of group.items) {
        if (typeof item !== "number") {
          this.group(item, stages);
          continue;
        }
        const value = this.value(item);
        if (value.definition.kind === "equation")
          this.equation(value, value.definition, this.tensor(item), stages);
        else this.evaluate(value);
      }
    };
    const low: Stage["range"] = (shift) => [0, lo + shift];
    const high: Stage["range"] = (shift) => [hi + shift, Infinity];
    const up = group.direction === 1;
    stage(up ? low : high);
    for (let k = 0; k < hi - lo; k++) {
      const s = up ? lo + k : hi - 1 - k;
      stage((shift) => [s + shift, s + shift + 1]);
    }
    stage(up ? high : low);
  }

  /** All entries, or those whose coordinates the stages of the recurrences around make. */
  private equation(
    value: Value,
    equation: Equation,
    out: InterpretedTensor,
    stages: readonly Stage[] = [],
  ): void {
    const { axes, operator } = equation;
    const body = this.compile(equation.body);
    const guard = operator?.guard ? this.compile(operator.guard) : null;
    const ranges = axes.map((_, k) => out.shape[k] ?? 0);
    const only = new Map<Index, readonly [number, number]>();
    for (const { group, range } of stages) {
      const time = group.time.get(value.id);
      const index = time && axes[time.axis];
      if (time && index) only.set(index, range(time.shift));
    }
    let at = 0;
    const strides = ranges.map((_, k) => ranges.slice(k + 1).reduce((a, b) => a * b, 1));
    this.each(
      axes,
      new Map(),
      (point) => {
        at = axes.reduce((sum, a, k) => sum + (point.get(a) ?? 0) * (strides[k] ?? 1), 0);
        if (!operator) out.data[at] = this.rounded(value, body(point));
        else if (operator.kind === "reduce")
          out.data[at] = this.reduce(operator, value.dtype, guard, body, point);
        else out.data[at] = this.along(operator.name, operator.index, guard, body, point);
      },
      only,
    );
  }
  private rounded(value: Value, x: number): number {
    return value.dtype === "bool" ? Number(x !== 0) : x;
  }

  private reduce(
    { reducer, indices }: Extract<Operator, { kind: "reduce" }>,
    dtype: DType,
    guard: Compiled | null,
    body: Compiled,
    point: Point,
  ): number {
    const terms: number[] = [];
    const positions: number[] = [];
    let position = 0;
    const [single] = indices;
    this.each(indices, point, (p) => {
      if (!guard || guard(p)) {
        terms.push(body(p));
        positions.push(indices.length === 1 && single ? (p.get(single) ?? 0) : position);
      }
      position++;
    });
    switch (reducer) {
      case "sum":
        return terms.reduce((a, b) => a + b, 0);
      case "prod":
        return terms.reduce((a, b) => a * b, 1);
      case "max":
      case "peak":
        return terms.reduce((a, b) => (b > a || Number.isNaN(b) ? b : a), startOf(reducer, dtype));
      case "min":
        return terms.reduce((a, b) => (b < a || Number.isNaN(b) ? b : a), startOf(reducer, dtype));
      case "any":
        return Number(terms.some((t) => t !== 0));
      case "all":
        return Number(terms.every((t) => t !== 0));
      case "argmax":
      case "argmin": {
        let best = 0;
        terms.forEach((t, k) => {
          const b = terms[best] ?? 0;
          if (reducer === "argmax" ? t > b : t < b) best = k;
        });
        return positions[best] ?? 0;
      }
      case "logsumexp":
        return logSumExp(terms);
    }
  }

  private along(
    name: AxisOperator,
    index: Index,
    guard: Compiled | null,
    body: Compiled,
    point: Point,
  ): number {
    const own = point.get(index) ?? 0;
    const inside = !guard || guard(point) !== 0;
    const terms: { at: number; x: number }[] = [];
    this.each([index], point, (p) => {
      if (!guard || guard(p)) terms.push({ at: p.get(index) ?? 0, x: body(p) });
    });
    point.set(index, own);
    const upTo = terms.filter((t) => t.at <= own);
    switch (name) {
      case "softmax":
        return inside && terms.length ? Math.exp(body(point) - logSumExp(terms.map((t) => t.x))) : 0;
      case "log_softmax":
        return inside ? body(point) - logSumExp(terms.map((t) => t.x)) : -Infinity;
      case "cumsum":
        return upTo.reduce((a, t) => a + t.x, 0);
      case "cumprod":
        return upTo.reduce((a, t) => a * t.x, 1);
    }
  }

  /** Every point of the ranges, last index fastest; ranges may depend on indices further out. */
  private each(
    indices: readonly Index[],
    outer: Point,
    visit: (point: Point) => void,
    only: ReadonlyMap<Index, readonly [number, number]> = new Map(),
  ): void {
    const bounds = indices.map((i) => ({ lo: this.poly(i.lo), hi: this.poly(i.hi) }));
    const point: Point = new Map(outer);
    const descend = (k: number): void => {
      const index = indices[k];
      const bound = bounds[k];
      if (!index || !bound) {
        visit(point);
        return;
      }
      const [from, to] = only.get(index) ?? [-Infinity, Infinity];
      const hi = Math.min(bound.hi(point), to);
      for (let i = Math.max(bound.lo(point), from); i < hi; i++) {
        point.set(index, i);
        descend(k + 1);
      }
    };
    descend(0);
  }

  private address(name: string, shape: readonly number[], subscripts: readonly number[]): number {
    let at = 0;
    subscripts.forEach((s, k) => {
      const size = shape[k] ?? 1;
      invariant(s >= 0 && s < size, `subscript ${s} of axis ${k} of ${name} lies within ${size}`);
      at = at * size + s;
    });
    return at;
  }

  private poly(p: Poly): Compiled {
    const known = p.constant;
    if (known !== undefined) return () => known;
    const lone = p.asIndex;
    if (lone) return (point) => point.get(lone) ?? 0;
    const opaque = new Map(
      [...p.atoms.values()].flatMap((a): [string, Compiled][] =>
        a.kind === "opaque" ? [[a.key, this.compile(a.expr)]] : [],
      ),
    );
    return (point) =>
      p.evaluate((a) =>
        a.kind === "dim"
          ? this.dim(a.name)
          : a.kind === "index"
            ? (point.get(a.index) ?? NaN)
            : (opaque.get(a.key)?.(point) ?? NaN),
      );
  }

  private compile(e: Expr): Compiled {
    const known = this.compiled.get(e);
    if (known) return known;
    const made = this.compileNode(e);
    this.compiled.set(e, made);
    return made;
  }
  private compileNode(e: Expr): Compiled {
    switch (e.op) {
      case "constant":
        return () => e.value;
      case "index":
        return this.poly(e.poly);
      case "read": {
        const subscripts = e.subscripts.map((s) => this.poly(s));
        return (point) => {
          const tensor = this.tensor(e.value);
          let at = 0;
          for (let k = 0; k < subscripts.length; k++) {
            const s = subscripts[k]?.(point) ?? 0;
            const size = tensor.shape[k] ?? 1;
            if (!(s >= 0 && s < size))
              throw new InternalError(
                `subscript ${s} of axis ${k} of ${this.value(e.value).name} lies outside of ${size}`,
              );
            at = at * size + s;
          }
          return tensor.data[at] ?? NaN;
        };
      }
      case "cast": {
        const arg = this.compile(e.arg);
        const from = e.arg.dtype;
        const to = e.dtype === "f32" || e.dtype === "f16" ? "f64" : e.dtype;
        return (point) => castValue(from, to, arg(point));
      }
      case "select": {
        const [c, a, b] = [this.compile(e.condition), this.compile(e.then), this.compile(e.else)];
        return (point) => (c(point) ? a(point) : b(point));
      }
      case "call": {
        const args = e.args.map((a) => this.compile(a));
        const [first, second] = args;
        // What a condition shuts out is not evaluated: it may lie out of bounds.
        if (e.fn === "and" && first && second) return (point) => (first(point) ? second(point) : 0);
        if (e.fn === "or" && first && second) return (point) => first(point) || second(point);
        const operands = e.args[0]?.dtype ?? e.dtype;
        const dtype = operands === "f32" || operands === "f16" ? "f64" : operands;
        return (point) =>
          evaluateScalar(
            e.fn,
            args.map((a) => a(point)),
            dtype,
          );
      }
    }
  }
}

function logSumExp(terms: readonly number[]): number {
  const top = terms.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!Number.isFinite(top)) return top;
  return top + Math.log(terms.reduce((a, b) => a + Math.exp(b - top), 0));
}
