import { Context, fromTypedArray, Function, grad, heldBytes, Tensor, zeros } from "../eager/index.js";
import type { Primal } from "../autodiff/primal.js";
import { InternalError, invariant } from "../diagnostics/invariant.js";
import { withDefinitions } from "../ir/dims.js";
import type { ValueId } from "../ir/expr.js";
import { idsOf } from "../ir/items.js";
import type {
  Custom,
  Definition,
  Equation,
  Item,
  Program,
  RecurrenceGroup,
  Scatter,
  Value,
} from "../ir/program.js";
import { filterItems, keepReachable, mentions } from "../ir/reach.js";
import { evaluateEquation } from "./equation.js";
import { eagerType, Evaluator, type Scope } from "./expression.js";
import { asTensor, type Dims, sizeUnder, Space, type SpaceAxis } from "./space.js";

/** Results by name. */
export interface EagerResult {
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly gradients: ReadonlyMap<string, Tensor>;
  /** Bytes of what is computed and kept until the gradients are: values, and what the tape needs. */
  readonly bytes: number;
}

/**
 * Runs a program on the eager engine, an equation after the other and each as tensor operations, and takes the gradients
 * of `loss` by the tape. A second way to the results of a compiled module, which shares with it the checker and the
 * scalar functions, but neither derivative rules (but for derivatives within the source) nor passes nor generators.
 * @param leaves values of leaves by name, row-major
 */
export function runEagerly(
  primal: Primal,
  dims: Dims,
  leaves: ReadonlyMap<string, ArrayLike<number>>,
  options: EagerOptions = {},
): EagerResult {
  const { outputs, inputs, values } = recordEagerly(primal, dims, leaves, options);
  const root = options.loss ? outputs.get(options.loss) : undefined;
  const bytes = heldBytes(values);
  if (!root) return { outputs, gradients: new Map(), bytes };
  const tensors = [...inputs.values()];
  const found = root.requiresGrad
    ? grad(root, tensors, { allowUnused: true })
    : tensors.map((t) => zeros(t.shape, { dtype: root.dtype }));
  return { outputs, gradients: new Map([...inputs.keys()].map((name, k) => [name, found[k]!])), bytes };
}

interface Recorded {
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** All that is computed, without leaves. */
  readonly values: readonly Tensor[];
}
export interface EagerOptions {
  readonly loss?: string | null;
  readonly float?: "f32" | "f64";
}
/** As `runEagerly`, as far as the tape: the outputs, and the leaves that the loss has gradients for. */
export function recordEagerly(
  { program, whole, gradients }: Primal,
  dims: Dims,
  leaves: ReadonlyMap<string, ArrayLike<number>>,
  { loss = null, float = "f64" }: EagerOptions = {},
): Recorded {
  const wanted = gradients.filter((g) => g.loss === loss);
  const run = new Runner(program, whole, withDefinitions(program.dims, dims), float);
  for (const value of program.values.values()) {
    if (value.definition.kind !== "leaf") continue;
    const given = leaves.get(value.name);
    if (!given) continue;
    const leaf = run.leaf(value, given);
    if (wanted.some((g) => g.leaf === value.id)) leaf.requiresGrad_();
  }
  run.items(program.items);
  const outputs = new Map(program.outputs.map((o) => [o.name, run.tensor(o.value)]));
  return { outputs, inputs: new Map(wanted.map((g) => [g.wrt, run.tensor(g.leaf)])), values: run.computed() };
}

class Runner implements Scope {
  private readonly tensors = new Map<ValueId, Tensor>();
  private readonly growing = new Set<ValueId>();

  constructor(
    private readonly program: Program,
    private readonly whole: Program,
    private readonly dims: Dims,
    readonly float: "f32" | "f64",
    private readonly outer: Runner | null = null,
  ) {}

  tensor(id: ValueId): Tensor {
    const found = this.tensors.get(id) ?? this.outer?.tensor(id);
    invariant(found, `${this.whole.values.get(id)?.name ?? id} is computed before it is read`);
    return found;
  }
  isGrowing(id: ValueId): boolean {
    return this.growing.has(id) || (this.outer?.isGrowing(id) ?? false);
  }
  computed(): Tensor[] {
    return [...this.tensors].flatMap(([id, t]) => (this.value(id).definition.kind === "leaf" ? [] : [t]));
  }
  private has(id: ValueId): boolean {
    return this.tensors.has(id) || (this.outer?.has(id) ?? false);
  }
  private value(id: ValueId): Value {
    const found = this.program.values.get(id);
    invariant(found, `value ${id} is defined`);
    return found;
  }
  private shape(value: Value): number[] {
    return value.shape.map((s) => sizeUnder(s, this.dims));
  }

  leaf(value: Value, data: ArrayLike<number>): Tensor {
    const shape = this.shape(value);
    const made = fromTypedArray(Float64Array.from(data), shape, {
      dtype: eagerType(value.dtype, this.float),
    });
    this.tensors.set(value.id, made);
    return made;
  }
  items(items: readonly Item[]): void {
    for (const item of items)
      if (typeof item !== "number") this.group(item);
      else this.compute(this.value(item));
  }

  private compute(value: Value): void {
    const { definition, id } = value;
    switch (definition.kind) {
      case "leaf":
        invariant(this.has(id), `leaf ${value.name} has values`);
        return;
      case "equation":
        this.tensors.set(
          id,
          evaluateEquation(this, value, definition, this.extent(value, definition), this.dims),
        );
        return;
      case "reshape":
        this.tensors.set(id, this.tensor(definition.of).reshape(...this.shape(value)));
        return;
      case "scatter":
        this.tensors.set(id, this.scatter(value, definition));
        return;
      case "custom":
        this.tensors.set(id, this.custom(definition));
        return;
      case "derivative":
        throw new InternalError(`derivative ${value.name} has not been expanded`);
    }
  }
  private extent(value: Value, { axes }: Equation): SpaceAxis[] {
    const shape = this.shape(value);
    return axes.map((index, k) => ({ index, lo: 0, size: shape[k] ?? 1 }));
  }

  private scatter(value: Value, { domain, guard, target, body }: Scatter): Tensor {
    const shape = this.shape(value);
    const space = new Space(
      domain.map((index) => {
        const lo = sizeUnder(index.lo, this.dims);
        return { index, lo, size: sizeUnder(index.hi, this.dims) - lo };
      }),
      this.dims,
    );
    const evaluator = new Evaluator(this, space);
    const type = eagerType(value.dtype, this.float);
    const full = (t: Tensor): Tensor => t.expand(space.shape).reshape(-1);
    const flat = target
      .map((p, k) => asTensor(evaluator.polynomial(p), "i64").clamp(0, shape[k]! - 1))
      .reduce((at, t, k) => at.mul(shape[k]!).add(t), zeros([], { dtype: "i64" }));
    const terms = full(asTensor(evaluator.evaluate(body), type));
    const allowed = guard && full(asTensor(evaluator.evaluate(guard), "bool"));
    const kept = allowed ? terms.where(allowed, 0).to(type) : terms;
    const size = shape.reduce((a, b) => a * b, 1);
    return zeros([size], { dtype: type })
      .scatterAdd(0, full(flat), kept)
      .reshape(...shape);
  }

  /** The value of `of`; cotangents go to the arguments, by the written adjoints, and nowhere else. */
  private custom(definition: Custom): Tensor {
    const of = this.tensor(definition.of).detach();
    const args = definition.args.map((id) => this.tensor(id));
    return WrittenAdjoint.apply((g: Tensor) => this.adjoints(definition, g), of.clone(), ...args);
  }
  private adjoints({ cotangent, adjoints }: Custom, g: Tensor): (Tensor | null)[] {
    const asked = adjoints.filter((id) => id !== null);
    const { items, values } = keepReachable(this.whole, asked);
    const inner = new Runner({ ...this.whole, values }, this.whole, this.dims, this.float, this);
    inner.tensors.set(cotangent, g);
    inner.items(filterItems(items, (id) => !inner.has(id)));
    return adjoints.map((id) => (id === null ? null : inner.tensor(id)));
  }

  /**
   * Steps of a recurrence, into tensors that grow: a step's entries are written in place, and the tape knows which were
   * read before. Entries outside of the steps' coordinates come before or after in the direction of the run.
   */
  private group(group: RecurrenceGroup, around: readonly Stage[] = []): void {
    const ids = idsOf(group);
    const items = argumentsFirst(group.items, (id) => this.value(id).definition);
    for (const id of around.length === 0 ? ids : []) {
      const value = this.value(id);
      this.tensors.set(id, zeros(this.shape(value), { dtype: eagerType(value.dtype, this.float) }));
      this.growing.add(id);
    }
    const [lo, hi] = [sizeUnder(group.lo, this.dims), sizeUnder(group.hi, this.dims)];
    const step = (coordinates: Stage["coordinates"]): void => {
      const stages = [...around, { group, coordinates }];
      for (const item of items) {
        if (typeof item !== "number") {
          this.group(item, stages);
          continue;
        }
        const value = this.value(item);
        if (value.definition.kind !== "equation" || !group.time.has(item)) {
          this.compute(value);
          continue;
        }
        for (const places of this.places(value, stages)) this.entry(value, value.definition, places);
      }
    };
    const between = (from: number, to: number): number[] =>
      Array.from({ length: Math.max(0, to - from) }, (_, k) => from + k);
    const low = (shift: number, size: number): number[] => between(0, Math.min(size, lo + shift));
    const high = (shift: number, size: number): number[] => between(Math.max(0, hi + shift), size);
    const up = group.direction === 1;
    step(up ? low : high);
    for (let k = 0; k < hi - lo; k++) {
      const s = up ? lo + k : hi - 1 - k;
      step((shift, size) => between(Math.max(0, s + shift), Math.min(size, s + shift + 1)));
    }
    step(up ? high : low);
    for (const id of around.length === 0 ? ids : []) this.growing.delete(id);
  }
  /** Coordinates along the axes of the recurrences around, of all entries that their stages make. */
  private places(value: Value, stages: readonly Stage[]): ReadonlyMap<number, number>[] {
    return stages.reduce<ReadonlyMap<number, number>[]>(
      (all, { group, coordinates }) => {
        const time = group.time.get(value.id);
        if (!time) return all;
        const here = coordinates(time.shift, this.shape(value)[time.axis] ?? 0);
        return all.flatMap((place) => here.map((at) => new Map([...place, [time.axis, at]])));
      },
      [new Map()],
    );
  }
  private entry(value: Value, equation: Equation, places: ReadonlyMap<number, number>): void {
    const extent = this.extent(value, equation).map((a, k) => {
      const at = places.get(k);
      return at === undefined ? a : { ...a, lo: at, size: 1 };
    });
    const made = evaluateEquation(this, value, equation, extent, this.dims);
    let part = this.tensor(value.id);
    for (const [axis, at] of places) part = part.narrow(axis, at, 1);
    part.copy_(made);
  }
}

/** A recurrence under way: which coordinates are being made, by the shift of a member and the size of its axis. */
interface Stage {
  readonly group: RecurrenceGroup;
  readonly coordinates: (shift: number, size: number) => readonly number[];
}

/**
 * A recurrence's items in an order in which a call with a written adjoint comes after its arguments, whose entries of the
 * step it has to find on the tape; the program's order is one for values alone.
 */
function argumentsFirst(items: readonly Item[], definition: (id: ValueId) => Definition): Item[] {
  const own = new Set(items);
  const placed = new Set<Item>();
  const place = (item: Item, isArgument: boolean): void => {
    if (placed.has(item) || !own.has(item)) return;
    placed.add(item);
    if (typeof item === "number") {
      const made = definition(item);
      const before = made.kind === "custom" ? made.args : isArgument ? mentions(made) : [];
      for (const id of before) place(id, true);
      placed.delete(item);
    }
    placed.add(item);
  };
  for (const item of items) place(item, false);
  return [...placed];
}

class WrittenAdjoint extends Function {
  static forward(
    ctx: Context,
    adjoints: (g: Tensor) => (Tensor | null)[],
    of: Tensor,
    ..._: Tensor[]
  ): Tensor {
    ctx.state["adjoints"] = adjoints;
    return of;
  }
  static backward(ctx: Context, g: Tensor): (Tensor | null)[] {
    const adjoints = ctx.state["adjoints"] as (g: Tensor) => (Tensor | null)[];
    return [null, ...adjoints(g)];
  }
}
