import { invariant } from "../../diagnostics/invariant.js";
import type { Expr, Index, ValueId } from "../../ir/expr.js";
import { freshIndex, rewriter } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Program, Value } from "../../ir/program.js";
import { Block } from "./emit.js";
import type { ScatterGroup } from "../plan/group.js";
import { accessesOf } from "../kernel/rewrite.js";
import type { GridLoop, KExpr, Kernel, Statement } from "../kernel/ir.js";
import { flatten, KernelScope, type Room } from "./scope.js";
import { kCall, kConstant } from "../kernel/arithmetic.js";
import { openLoops } from "./loops.js";
import type { TargetDescription } from "../targets.js";
import type { Window } from "../plan/windows.js";

export interface LoweredKernel {
  readonly kernel: Kernel;
  /** The tensor for each buffer parameter that is no scratch. */
  readonly tensors: readonly ValueId[];
  /** Room of the kernel's own, whose parameters come last. */
  readonly scratch: readonly Room[];
}

/** The latest entries of a value, instead of all. */
export interface Kept {
  readonly tensor: Value;
  readonly window: Window;
}

/** What lowering needs to know of its surroundings. */
export interface LoweringContext {
  readonly program: Program;
  readonly target: TargetDescription;
  /** The tensor that owns a value's memory (a reshape's source). */
  readonly owner: (id: ValueId) => ValueId;
  /** Values whose memory is read under another shape, too. */
  readonly reshaped: ReadonlySet<ValueId>;
  /** Values of which only the latest entries of a recurrence are kept, in tensors for these. */
  readonly windows: ReadonlyMap<ValueId, Kept>;
  /** Whether a value is wanted outside of the kernel that computes it. */
  readonly wanted: (id: ValueId, members: ReadonlySet<ValueId>) => boolean;
}

/** One point of a register tile: which grid indices it stands for, and the condition under which it exists. */
export interface Lane {
  readonly indices: ReadonlyMap<Index, Index>;
  readonly exists: KExpr | null;
}

/** A kernel without tiles. */
export const WHOLE: Lane = { indices: new Map(), exists: null };

/** out[target] += body: zeros first, then one run over the domain. For targets whose grid runs in sequence. */
export function lowerScatter(group: ScatterGroup, context: LoweringContext): LoweredKernel {
  const scope = scopeOf(context, new Set([group.value]));
  const value = valueOf(context.program, group.value);
  const { domain, guard, target, body: term } = group.scatter;
  const top = new Block(scope, null);
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
  const run = openLoops(top, domain, undefined, 1);
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
  after: readonly Statement[] = [],
): LoweredKernel {
  const named = members.map((m) => m.name);
  const name = `k_${named[named.length - 1] ?? "empty"}`.replace(/[^A-Za-z0-9_]/g, "_");
  const kernel: Kernel = {
    name,
    buffers: scope.parameters,
    sizes: scope.sizes,
    grid,
    body,
    after,
    notes: [named.join(", ")],
    spans: members.flatMap((m) => (m.span ? [m.span] : [])),
  };
  return { kernel, tensors: scope.buffers.map((b) => b.value), scratch: scope.scratch };
}

/** Without the stores of what every reader found in a register. */
export function withoutUnread(
  lowered: LoweredKernel,
  context: LoweringContext,
  made: ReadonlySet<ValueId>,
): LoweredKernel {
  const { kernel, tensors, scratch } = lowered;
  const isWanted = (owner: ValueId): boolean =>
    [...made].some(
      (id) =>
        (context.windows.get(context.owner(id))?.tensor.id ?? context.owner(id)) === owner &&
        context.wanted(id, made),
    );
  const { loaded } = accessesOf([...kernel.body, ...kernel.after]);
  const unread = new Set(
    kernel.buffers.flatMap((b, k) => {
      const isRead = b.access === "scratch" ? loaded.has(b.name) : isWanted(tensors[k] ?? -1);
      return (b.access === "write" || b.access === "scratch") && !isRead ? [b.name] : [];
    }),
  );
  const drop = (list: readonly Statement[]): Statement[] =>
    list.flatMap((s): Statement[] => {
      if (s.kind === "store" && unread.has(s.buffer)) return [];
      if (s.kind === "loop") return [{ ...s, body: drop(s.body) }];
      if (s.kind === "if") return [{ ...s, then: drop(s.then), else: drop(s.else) }];
      return [s];
    });
  if (unread.size === 0) return lowered;
  return {
    kernel: {
      ...kernel,
      buffers: kernel.buffers.filter((b) => !unread.has(b.name)),
      body: drop(kernel.body),
      after: drop(kernel.after),
    },
    tensors: tensors.filter((_, k) => !unread.has(kernel.buffers[k]?.name ?? "")),
    scratch: scratch.filter((_, k) => !unread.has(kernel.buffers[tensors.length + k]?.name ?? "")),
  };
}

/** `made`: the values that the kernel itself computes. */
export function scopeOf(
  context: LoweringContext,
  made: ReadonlySet<ValueId>,
  local: ReadonlyMap<ValueId, ReadonlySet<number>> = new Map(),
): KernelScope {
  const ownersMade = new Set([...made].map((id) => context.owner(id)));
  return new KernelScope((id) => {
    const owner = valueOf(context.program, context.owner(id));
    const { shape } = valueOf(context.program, id);
    const { name, dtype } = owner;
    const kept = context.windows.get(owner.id);
    return {
      id: kept?.tensor.id ?? owner.id,
      name,
      dtype,
      shape,
      isMade: ownersMade.has(owner.id),
      window: kept?.window ?? null,
      dropped: local.get(id) ?? null,
    };
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

export interface Instance {
  readonly body: Expr;
  readonly guard: Expr | null;
  /** Subscripts of the element computed. */
  readonly subscripts: readonly Poly[];
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
    index: block.poly(block.address(buffer, subscripts)),
    value: v,
  };
  block.push(lane.exists ? { kind: "if", condition: lane.exists, then: [statement], else: [] } : statement);
}

/**
 * What members make of a value at one place: the first one is the value, the others follow from it entry by entry. `axes`:
 * the indices of the loops around for the members' axes.
 */
export function storeMembers(
  block: Block,
  scope: KernelScope,
  isWanted: (id: ValueId) => boolean,
  members: readonly Value[],
  axes: readonly Index[],
  first: KExpr,
): void {
  for (const [n, member] of members.entries()) {
    const equation = equationOf(member);
    const to = new Map(equation.axes.map((axis, k) => [axis, Poly.index(axes[k] ?? axis)]));
    const { expr } = rewriter({ index: (i) => to.get(i) });
    const [value] = n > 0 ? block.exprs([expr(equation.body)]) : [first];
    invariant(value, "one root, one result");
    const isStored = isWanted(member.id);
    const named = block.let(isStored ? `${member.name}_value` : member.name, value);
    const subscripts = [...to.values()];
    block.bindRead(member.id, subscripts, named);
    if (isStored) store(block, scope, member, subscripts, named, WHOLE);
  }
}
