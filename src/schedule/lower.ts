import { invariant } from "../diagnostics/invariant.js";
import type { Expr, Index, ValueId } from "../ir/expr.js";
import { freshIndex, indicesOf, polyOf, rewriter } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Equation, Program, Reducer, Value } from "../ir/program.js";
import { mentions } from "../ir/reach.js";
import { Block, flatten, kCall, kIndex, kConstant, kVariable, KernelScope } from "./emit.js";
import type { FusedGroup, ScatterGroup } from "./group.js";
import type { GridLoop, KExpr, Kernel, Statement, TargetDescription } from "./kernel-ir.js";

export interface LoweredKernel {
  readonly kernel: Kernel;
  /** The tensor for each buffer parameter. */
  readonly tensors: readonly ValueId[];
}

/** What lowering needs to know of its surroundings. */
export interface LoweringContext {
  readonly program: Program;
  readonly target: TargetDescription;
  /** The tensor that owns a value's memory (a reshape's source). */
  readonly owner: (id: ValueId) => ValueId;
  /** Whether a value is wanted outside of the kernel that computes it. */
  readonly stored: (id: ValueId, members: ReadonlySet<ValueId>) => boolean;
}

/** One point of a register tile: which grid indices it stands for, and the condition under which it exists. */
export interface Lane {
  readonly suffix: string;
  readonly indices: ReadonlyMap<Index, Index>;
  readonly exists: KExpr | null;
}

export function lowerFused(group: FusedGroup, context: LoweringContext): LoweredKernel {
  const { program, target } = context;
  const members = group.members.map((id) => valueOf(program, id));
  const inside = new Set(group.members);
  const scope = scopeOf(context);
  for (const { id, definition } of members) {
    for (const read of mentions(definition)) if (!inside.has(read)) scope.reserve(read);
    if (context.stored(id, inside)) scope.reserve(id);
  }
  const first = equationOf(members[0]);
  const gridIndices = group.grid.map((size, k) => freshIndex(first.axes[k]?.name ?? `i${k}`, size));
  const variables = gridIndices.map((i) => scope.fresh(i.name));
  const registers = new Map<string, KExpr>();
  let lane: Lane | null = null;
  const body = new Block(scope, null, (id, subscripts) => {
    if (!lane || subscripts.length !== group.grid.length) return undefined;
    return registers.get(`${id}${lane.suffix}`);
  });
  gridIndices.forEach((index, k) => body.bindIndex(index, kVariable(variables[k] ?? "", "i32")));
  const steps = group.grid.map((_, k) => tileStep(group, k, target));
  const lanes = lanesOf(group, gridIndices, steps, body);

  for (const value of members) {
    const equation = equationOf(value);
    const isStored = context.stored(value.id, inside);
    const inner = equation.axes.slice(group.grid.length);
    const results = new Map<Lane, KExpr>();
    const block = inner.length ? openLoops(body, inner) : { block: body, close: () => undefined };
    const perLane = lanes.map((l) => ({ lane: l, ...instantiateAt(equation, gridIndices, l) }));
    if (equation.operator?.kind === "reduce") {
      const values = emitReduction(
        block.block,
        equation,
        perLane,
        (l) => {
          lane = l;
        },
        value.name,
      );
      perLane.forEach((p, k) => {
        const v = values[k];
        if (v) results.set(p.lane, v);
      });
    } else {
      // Lanes share what does not depend on the lane, so they are emitted together unless registers differ by lane.
      for (const p of perLane) {
        lane = p.lane;
        const [v] = block.block.exprs([p.body]);
        invariant(v, "one root, one result");
        results.set(p.lane, v);
      }
    }
    for (const p of perLane) {
      let v = results.get(p.lane);
      invariant(v, "every lane has a result");
      if (inner.length === 0) {
        v = block.block.let(isStored ? `${value.name}_value` : value.name, v);
        registers.set(`${value.id}${p.lane.suffix}`, v);
      }
      if (isStored) store(block.block, scope, value, p.subscripts, v, p.lane);
    }
    block.close();
  }
  const grid: GridLoop[] = gridIndices.map((index, k) => ({
    variable: variables[k] ?? "",
    extent: scope.size(index.hi),
    step: steps[k] ?? 1,
  }));
  return finish(scope, grid, body.statements, members);
}

/** out[target] += body: zeros first, then one run over the domain. For targets whose grid runs in sequence. */
export function lowerScatter(group: ScatterGroup, context: LoweringContext): LoweredKernel {
  const scope = scopeOf(context);
  const value = valueOf(context.program, group.value);
  const { domain, guard, target, body: term } = group.scatter;
  const top = new Block(scope, null, () => undefined);
  const cells = value.shape.map((size, k) => freshIndex(`i${k}`, size));
  const clear = openLoops(top, cells);
  const out = scope.buffer(value.id, "write");
  clear.block.push({
    kind: "store",
    buffer: out.name,
    index: clear.block.poly(
      flatten(
        value.shape,
        cells.map((c) => Poly.index(c)),
      ),
    ),
    value: kConstant(0, value.dtype),
  });
  clear.close();
  const run = openLoops(top, domain);
  const inner = guard ? run.block.inner() : run.block;
  const address = inner.poly(flatten(value.shape, target));
  const [v] = inner.exprs([term]);
  invariant(v, "one root, one result");
  const at = inner.let("at", address);
  scope.buffer(value.id, "read");
  inner.push({
    kind: "store",
    buffer: out.name,
    index: at,
    value: kCall("add", value.dtype, { op: "load", dtype: value.dtype, buffer: out.name, index: at }, v),
  });
  if (guard) {
    const [condition] = run.block.exprs([guard]);
    invariant(condition, "one root, one result");
    run.block.push({ kind: "if", condition, then: inner.statements, else: [] });
  }
  run.close();
  return finish(scope, [], top.statements, [value]);
}

export function finish(
  scope: KernelScope,
  grid: GridLoop[],
  body: readonly Statement[],
  members: readonly Value[],
): LoweredKernel {
  const named = members.map((m) => m.name);
  const name = `k_${named[named.length - 1] ?? "empty"}`.replace(/[^A-Za-z0-9_]/g, "_");
  const kernel: Kernel = {
    name,
    buffers: scope.parameters,
    sizes: scope.sizes,
    grid,
    body,
    notes: [named.join(", ")],
    spans: members.flatMap((m) => (m.span ? [m.span] : [])),
  };
  return { kernel, tensors: scope.buffers.map((b) => b.value) };
}

export function scopeOf(context: LoweringContext): KernelScope {
  return new KernelScope((id) => {
    const owner = valueOf(context.program, context.owner(id));
    return { id: owner.id, name: owner.name, dtype: owner.dtype, shape: valueOf(context.program, id).shape };
  });
}
export function valueOf(program: Program, id: ValueId): Value {
  const value = program.values.get(id);
  invariant(value, `value ${id} is defined`);
  return value;
}
export function equationOf(value: Value | undefined): Equation {
  invariant(value?.definition.kind === "equation", "a fused kernel holds equations");
  return value.definition;
}

function tileStep(group: FusedGroup, axis: number, target: TargetDescription): number {
  if (!group.tile) return 1;
  const [rows, columns] = target.registerTile[group.tile.along];
  return group.tile.row === axis ? rows : group.tile.column === axis ? columns : 1;
}

/** Tile lanes past the end of an axis repeat its last entry and store nothing, so ragged sizes need no second loop. */
function lanesOf(group: FusedGroup, grid: readonly Index[], steps: readonly number[], body: Block): Lane[] {
  let lanes: Lane[] = [{ suffix: "", indices: new Map(), exists: null }];
  for (const [k, index] of grid.entries()) {
    const step = steps[k] ?? 1;
    if (step === 1) continue;
    const extent = group.grid[k]?.constant;
    const whole = extent !== undefined && extent % step === 0;
    const last = body.scope.size(index.hi.sub(1));
    const base = body.poly(Poly.index(index));
    const places = Array.from({ length: step }, (_, n) => {
      if (n === 0) return { at: index, exists: null };
      const at = freshIndex(`${index.name}${n}`, index.hi);
      const raw = kIndex("add", base, kConstant(n));
      body.bindIndex(at, body.let(`${index.name}${n}`, whole ? raw : kIndex("min", raw, last)));
      const exists = whole ? null : kCall("lt", "bool", raw, body.scope.size(index.hi));
      return { at, exists };
    });
    lanes = lanes.flatMap((lane) =>
      places.map(({ at, exists }, n) => ({
        suffix: `${lane.suffix}_${n}`,
        indices: new Map([...lane.indices, [index, at]]),
        exists: lane.exists && exists ? kCall("and", "bool", lane.exists, exists) : (lane.exists ?? exists),
      })),
    );
  }
  return lanes;
}

export interface Instance {
  readonly body: Expr;
  readonly guard: Expr | null;
  /** Subscripts of the element computed. */
  readonly subscripts: readonly Poly[];
}
function instantiateAt(equation: Equation, grid: readonly Index[], lane: Lane): Instance {
  const to = new Map<Index, Poly>();
  equation.axes.forEach((axis, k) => {
    const index = grid[k];
    if (index) to.set(axis, Poly.index(lane.indices.get(index) ?? index));
  });
  const { expr } = rewriter({ index: (i) => to.get(i) });
  const guard = equation.operator?.guard;
  return {
    body: expr(equation.body),
    guard: guard ? expr(guard) : null,
    subscripts: equation.axes.map((a) => to.get(a) ?? Poly.index(a)),
  };
}

export function store(
  block: Block,
  scope: KernelScope,
  value: Value,
  subscripts: readonly Poly[],
  v: KExpr,
  lane: Lane,
): void {
  const buffer = scope.buffer(value.id, "write");
  const statement: Statement = {
    kind: "store",
    buffer: buffer.name,
    index: block.poly(flatten(value.shape, subscripts)),
    value: v,
  };
  block.push(lane.exists ? { kind: "if", condition: lane.exists, then: [statement], else: [] } : statement);
}

/** Nested loops over index ranges; `close` puts the finished loops into the block. */
export function openLoops(
  outer: Block,
  indices: readonly Index[],
  bounds?: (index: Index, block: Block) => { lo: KExpr; hi: KExpr },
): { block: Block; close: () => void } {
  let block = outer;
  const closers: (() => void)[] = [];
  for (const index of indices) {
    const parent = block;
    const variable = parent.scope.fresh(index.name);
    const range = bounds?.(index, parent) ?? { lo: parent.poly(index.lo), hi: parent.poly(index.hi) };
    const inner = parent.inner();
    inner.bindIndex(index, kVariable(variable, "i32"));
    closers.push(() =>
      parent.push({ kind: "loop", variable, ...range, step: 1, direction: 1, body: inner.statements }),
    );
    block = inner;
  }
  return {
    block,
    close: () => {
      for (const close of closers.reverse()) close();
    },
  };
}

/** A reduction for all lanes together: one loop nest, an accumulator for each lane. */
export function emitReduction(
  block: Block,
  equation: Equation,
  lanes: readonly (Instance & { lane: Lane })[],
  enter: (lane: Lane) => void,
  name: string,
): KExpr[] {
  const { operator } = equation;
  invariant(operator?.kind === "reduce", "a reduction");
  const { reducer, indices } = operator;
  const dtype = lanes[0]?.body.dtype ?? "f32";
  const positional = reducer === "argmax" || reducer === "argmin";
  const accumulators = lanes.map(() => {
    const acc = block.scope.fresh(`${name}_acc`);
    block.push({ kind: "var", name: acc, init: identity(reducer, dtype) });
    const at = positional ? block.scope.fresh(`${name}_at`) : "";
    if (positional) block.push({ kind: "var", name: at, init: kConstant(NOWHERE) });
    return { acc, at };
  });
  // Conditions common to all lanes tighten the loops or stand before the body.
  const conjuncts = lanes.map((l) => splitAnd(l.guard));
  const common = (conjuncts[0] ?? []).filter((c) => conjuncts.every((list) => list.includes(c)));
  const used = new Set<Expr>();
  const order = [...indices];
  const loops = openLoops(block, order, (index, outer) => tightened(index, order, common, used, outer));
  const rest = common.filter((c) => !used.has(c));
  const guarded = rest.length ? loops.block.inner() : loops.block;
  const own = conjuncts.map((list) => list.filter((c) => !common.includes(c)));
  const results = own.every((list) => list.length === 0) ? emitTogether(guarded, lanes, enter) : undefined;
  lanes.forEach((l, k) => {
    const names = accumulators[k];
    invariant(names, "one for each lane");
    enter(l.lane);
    const condition = own[k] ?? [];
    const target = condition.length ? guarded.inner() : guarded;
    const [value] = results ? [results[k]] : target.exprs([l.body]);
    invariant(value, "one root, one result");
    accumulate(target, reducer, names, value, indices, dtype);
    if (condition.length)
      guarded.push({
        kind: "if",
        condition: conjunction(guarded, condition),
        then: target.statements,
        else: [],
      });
  });
  if (rest.length)
    loops.block.push({
      kind: "if",
      condition: conjunction(loops.block, rest),
      then: guarded.statements,
      else: [],
    });
  loops.close();
  return accumulators.map(({ acc, at }) => {
    if (!positional) return kVariable(acc, dtype);
    const found = kVariable(at, "i32");
    return {
      op: "select",
      dtype: "i32",
      condition: kCall("eq", "bool", found, kConstant(NOWHERE)),
      then: kConstant(0),
      else: found,
    };
  });
}

/** All lanes' bodies at once where none reads a register that differs by lane. */
function emitTogether(
  block: Block,
  lanes: readonly (Instance & { lane: Lane })[],
  enter: (lane: Lane) => void,
): KExpr[] | undefined {
  const [first] = lanes;
  if (!first) return undefined;
  enter(lanes.length === 1 ? first.lane : { suffix: "?", indices: new Map(), exists: null });
  return block.exprs(lanes.map((l) => l.body));
}

/** No position yet; no range reaches it. */
const NOWHERE = -2147483648;

function identity(reducer: Reducer, dtype: Value["dtype"]): KExpr {
  switch (reducer) {
    case "sum":
      return kConstant(0, dtype);
    case "prod":
      return kConstant(1, dtype);
    case "max":
    case "argmax":
      return kConstant(dtype === "i32" ? -2147483648 : -Infinity, dtype);
    case "min":
    case "argmin":
      return kConstant(dtype === "i32" ? 2147483647 : Infinity, dtype);
    case "any":
      return kConstant(0, "bool");
    case "all":
      return kConstant(1, "bool");
    case "logsumexp":
      return invariantFailure("logsumexp is lowered before");
  }
}
function invariantFailure(message: string): never {
  invariant(false, message);
  throw new RangeError(message);
}

function accumulate(
  block: Block,
  reducer: Reducer,
  names: { acc: string; at: string },
  value: KExpr,
  indices: readonly Index[],
  dtype: Value["dtype"],
): void {
  const acc = kVariable(names.acc, dtype);
  const fold: Partial<Record<Reducer, string>> = {
    sum: "add",
    prod: "mul",
    max: "max",
    min: "min",
    any: "or",
    all: "and",
  };
  const fn = fold[reducer];
  if (fn) {
    block.push({ kind: "assign", name: names.acc, value: kCall(fn, dtype, acc, value) });
    return;
  }
  const v = block.let("x", value);
  const better = reducer === "argmax" ? kCall("lt", "bool", acc, v) : kCall("lt", "bool", v, acc);
  const none = kCall("eq", "bool", kVariable(names.at, "i32"), kConstant(NOWHERE));
  const [only] = indices;
  const position =
    indices.length === 1 && only
      ? Poly.index(only)
      : indices.reduce((p, i) => p.mul(i.hi.sub(i.lo)).add(Poly.index(i).sub(i.lo)), Poly.constant(0));
  block.push({
    kind: "if",
    condition: kCall("or", "bool", better, none),
    then: [
      { kind: "assign", name: names.acc, value: v },
      { kind: "assign", name: names.at, value: block.poly(position) },
    ],
    else: [],
  });
}

function splitAnd(e: Expr | null): Expr[] {
  if (!e) return [];
  return e.op === "call" && e.fn === "and" ? e.args.flatMap(splitAnd) : [e];
}
function conjunction(block: Block, conditions: readonly Expr[]): KExpr {
  return block.exprs(conditions).reduce((a, b) => kCall("and", "bool", a, b));
}

/** lo <= i and i < hi among the conditions become loop bounds, where they hold no index of a loop further in. */
function tightened(
  index: Index,
  order: readonly Index[],
  conditions: readonly Expr[],
  used: Set<Expr>,
  outer: Block,
): { lo: KExpr; hi: KExpr } {
  let lo = outer.poly(index.lo);
  let hi = outer.poly(index.hi);
  const later = new Set(order.slice(order.indexOf(index) + 1));
  for (const condition of conditions) {
    if (used.has(condition) || condition.op !== "call" || (condition.fn !== "le" && condition.fn !== "lt"))
      continue;
    const [a, b] = condition.args;
    if (!a || !b || a.dtype !== "i32") continue;
    if ([...indicesOf([condition])].some((i) => later.has(i))) continue;
    // difference >= 0, with the index at coefficient 1 (a lower bound) or -1 (an upper one)
    const difference = polyOf(b)
      .sub(polyOf(a))
      .sub(condition.fn === "lt" ? 1 : 0);
    const parts = difference.split(index);
    const sign = parts?.coefficient.constant;
    if (!parts || (sign !== 1 && sign !== -1) || parts.rest.hasOpaque) continue;
    if (sign === 1) lo = kIndex("max", lo, outer.poly(parts.rest.neg()));
    else hi = kIndex("min", hi, outer.poly(parts.rest.add(1)));
    used.add(condition);
  }
  return { lo, hi };
}
