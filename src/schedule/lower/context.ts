import { invariant } from "../../diagnostics/invariant.js";
import type { Expr, ValueId } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Program, Value } from "../../ir/program.js";
import { mentions } from "../../ir/reach.js";
import { accessesOf } from "../kernel/rewrite.js";
import type { GridLoop, Kernel, Statement } from "../kernel/ir.js";
import { KernelScope, type Room } from "./scope.js";
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
/** The same, with the tensors' own names for their buffers, though scalars may be met first. */
export function namedScopeOf(
  context: LoweringContext,
  members: readonly Value[],
  local?: ReadonlyMap<ValueId, ReadonlySet<number>>,
): KernelScope {
  const inside = new Set(members.map((m) => m.id));
  const scope = scopeOf(context, inside, local);
  for (const { id, definition } of members) {
    for (const read of mentions(definition)) if (!inside.has(read)) scope.reserve(read);
    if (context.wanted(id, inside)) scope.reserve(id);
  }
  return scope;
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

/** The equation at one place. */
export interface Instance {
  readonly body: Expr;
  readonly guard: Expr | null;
  /** Subscripts of the element computed. */
  readonly subscripts: readonly Poly[];
}
