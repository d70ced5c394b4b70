import { reducedBy } from "./equation.js";
import type { Expr, Index, ValueId } from "./expr.js";
import { call, compare, constant, freshIndex, indexValue, isFloat, read, rewriter, select } from "./expr.js";
import { Fresh, overOwnIndices } from "./fresh.js";
import { expandItems, type Around } from "./items.js";
import { fewPoints } from "./points.js";
import { mentions } from "./reach.js";
import { Poly } from "./poly.js";
import type { Equation, Item, Program, RecurrenceGroup, TimeAxis, Value } from "./program.js";

/**
 * Running sums and products as recurrences, `y[i] = y[i - 1] + x[i]`: linear in their length, and so is whatever
 * derivative is taken of them. With `products`, a product as the last of its running products as well: the derivative
 * of those is the prefix times the suffix of each factor, exact where factors are 0.
 */
export function expandScans(program: Program, which: (id: ValueId) => boolean, products: boolean): Program {
  const expansion = new Expansion(program, which, products);
  const items = expandItems(program.items, (id, around) => expansion.of(id, around));
  return expansion.changed ? { ...program, items, values: expansion.values } : program;
}

/** The float values that some derivative is taken through, and others. */
export function underDerivatives(program: Program): ReadonlySet<ValueId> {
  const needed = new Set<ValueId>();
  const work = [...program.values.values()].flatMap(({ definition }) =>
    definition.kind === "derivative" ? [definition.of] : [],
  );
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    const value = program.values.get(id);
    if (!value || needed.has(id)) continue;
    needed.add(id);
    work.push(...mentions(value.definition));
    if (value.definition.kind === "custom")
      for (const a of value.definition.adjoints) if (a !== null) work.push(a);
  }
  return new Set([...needed].filter((id) => isFloat(program.values.get(id)?.dtype ?? "i32")));
}

class Expansion {
  readonly values: Map<ValueId, Value>;
  changed = false;
  private readonly fresh: Fresh;

  constructor(
    program: Program,
    private readonly which: (id: ValueId) => boolean,
    private readonly products: boolean,
  ) {
    this.values = new Map(program.values);
    this.fresh = new Fresh(program.values);
  }

  of(id: ValueId, around: Around): readonly Item[] {
    const value = this.values.get(id);
    if (value?.definition.kind !== "equation" || !this.which(id)) return [id];
    return this.expanded(value, value.definition, around) ?? [id];
  }

  private expanded(value: Value, equation: Equation, around: Around): Item[] | null {
    const { operator } = equation;
    if (operator?.kind === "along" && (operator.name === "cumsum" || operator.name === "cumprod"))
      return [this.along(value, equation, operator.name === "cumsum" ? "add" : "mul")];
    if (operator?.kind === "reduce" && operator.reducer === "prod" && this.products)
      return this.product(value, equation, around);
    return null;
  }

  /** y[…, i] = y[…, i - 1] ∘ x[…, i] */
  private along(value: Value, { axes, operator, body }: Equation, fn: "add" | "mul"): RecurrenceGroup {
    this.changed = true;
    const index = operator?.kind === "along" ? operator.index : axes[0];
    const position = axes.findIndex((a) => a === index);
    const coordinate = Poly.index(axes[position] ?? freshIndex("i", Poly.constant(0)));
    const { dtype } = value;
    const own = guarded(operator?.guard ?? null, body, neutral(fn, dtype));
    const before = axes.map((a, k) => (k === position ? coordinate.sub(1) : Poly.index(a)));
    const isFirst = compare("eq", indexValue(coordinate), indexValue(Poly.constant(0)));
    const carried = select(isFirst, neutral(fn, dtype), read(value.id, before, dtype));
    this.define(value, axes, call(fn, [carried, own], dtype));
    const { name, hi } = axes[position] ?? freshIndex("i", Poly.constant(0));
    return steps(value, name, hi, { axis: position, shift: 0 });
  }

  /** p[…, 0] = 1; p[…, k + 1] = p[…, k] * x[…, k], and p's last entry; of several indices the first one last. */
  private product(value: Value, equation: Equation, around: Around): Item[] {
    this.changed = true;
    const { axes, operator, body } = equation;
    const [index, ...inner] = reducedBy(equation);
    if (operator?.kind !== "reduce" || !index) return [value.id];
    const { dtype } = value;
    const factors = fewPoints(operator.indices);
    if (factors) {
      const terms = factors.map((to) => {
        const { expr } = rewriter({ index: (i) => to.get(i) });
        return guarded(operator.guard && expr(operator.guard), expr(body), constant(1, dtype));
      });
      this.define(
        value,
        axes,
        terms.reduce((a, b) => call("mul", [a, b], dtype)),
      );
      return [value.id];
    }
    const made: Item[] = [];
    let factor: { body: Expr; guard: Expr | null } = { body, guard: operator.guard };
    if (inner.length > 0) {
      // The index counts from its range's begin there.
      const row = freshIndex(index.name, index.hi.sub(index.lo));
      const { expr } = rewriter({ index: (i) => (i === index ? Poly.index(row).add(index.lo) : undefined) });
      const id = this.reserve(value, [...axes, row], around, `${value.name}.rows`);
      const rows = this.values.get(id) ?? value;
      const guard = operator.guard && expr(operator.guard);
      made.push(
        ...this.product(
          rows,
          {
            kind: "equation",
            axes: [...axes, row],
            operator: { ...operator, indices: inner, guard },
            body: expr(body),
          },
          around,
        ),
      );
      const at = [...axes.map((a) => Poly.index(a)), Poly.index(index).sub(index.lo)];
      factor = { body: read(id, at, dtype), guard: null };
    }
    const count = index.hi.sub(index.lo);
    const step = freshIndex(index.name, count.add(1));
    const previous = Poly.index(step).sub(1);
    const running = this.reserve(value, [...axes, step], around, `${value.name}.running`);
    const { expr } = rewriter({ index: (i) => (i === index ? previous.add(index.lo) : undefined) });
    const own = guarded(factor.guard && expr(factor.guard), expr(factor.body), constant(1, dtype));
    const product = call(
      "mul",
      [read(running, [...axes.map((a) => Poly.index(a)), previous], dtype), own],
      dtype,
    );
    const isFirst = compare("eq", indexValue(Poly.index(step)), indexValue(Poly.constant(0)));
    const whole = this.values.get(running) ?? value;
    this.define(whole, [...axes, step], select(isFirst, constant(1, dtype), product));
    this.define(value, axes, read(running, [...axes.map((a) => Poly.index(a)), count], dtype));
    return [...made, steps(whole, index.name, count, { axis: axes.length, shift: 1 }), value.id];
  }

  /** A value beside another, with its axes in front, in the same recurrences. */
  private reserve(origin: Value, axes: readonly Index[], around: Around, name: string): ValueId {
    const id = this.fresh.id();
    for (const time of around) {
      const own = time.get(origin.id);
      if (own) time.set(id, own);
    }
    this.values.set(id, { ...origin, id, name: this.fresh.name(name), shape: axes.map((a) => a.hi) });
    return id;
  }

  private define(value: Value, axes: readonly Index[], body: Expr): void {
    const definition = overOwnIndices({ kind: "equation", axes, operator: null, body });
    this.values.set(value.id, { ...value, definition });
  }
}

const neutral = (fn: "add" | "mul", dtype: Value["dtype"]): Expr => constant(fn === "add" ? 0 : 1, dtype);
const guarded = (guard: Expr | null, body: Expr, otherwise: Expr): Expr =>
  guard ? select(guard, body, otherwise) : body;

function steps(value: Value, name: string, hi: Poly, time: TimeAxis): RecurrenceGroup {
  return {
    kind: "recurrence",
    name,
    lo: Poly.constant(0),
    hi,
    direction: 1,
    time: new Map([[value.id, time]]),
    items: [value.id],
    checkpoint: "auto",
    ...(value.span ? { span: value.span } : {}),
  };
}
