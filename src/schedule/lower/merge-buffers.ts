import { invariant } from "../../diagnostics/invariant.js";
import type { DType, ValueId } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Value } from "../../ir/program.js";
import type { KExpr, Kernel, KernelBuffer, Statement } from "../kernel/ir.js";
import { freshName, namesOf, rewriteAccesses } from "../kernel/rewrite.js";
import type { LoweredKernel } from "./context.js";
import { kCall, kConstant, kIndex, kVariable } from "../kernel/arithmetic.js";
import { KernelScope } from "./scope.js";
import { elements } from "../kernel/measure.js";
import { OPEN_SIZE } from "../axes.js";
import { roomValue } from "./made.js";
import type { TargetDescription } from "../targets.js";

export interface MergedKernels {
  /** Copies into the merged buffers, the kernel, copies out of them. */
  readonly kernels: readonly LoweredKernel[];
  /** The merged buffers: tensors that only these kernels know. */
  readonly values: readonly Value[];
}

/**
 * A kernel that needs more buffers than a target binds gets several tensors of one dtype as ranges of one buffer: what it
 * reads is copied in before, what it writes copied out after. The smallest tensors are merged, and no more of them than it
 * takes, so that the copies cost little beside the kernel.
 */
export function mergeBuffers(
  lowered: LoweredKernel,
  target: TargetDescription,
  tensor: (id: ValueId) => Value,
  freshId: () => ValueId,
): MergedKernels {
  let excess = lowered.kernel.buffers.length - target.maxBuffers;
  if (excess <= 0) return { kernels: [lowered], values: [] };
  const before: LoweredKernel[] = [];
  const after: LoweredKernel[] = [];
  const values: Value[] = [];
  let current = lowered;
  for (const [dtype, count] of bufferCounts(lowered)) {
    if (excess <= 0 || count < 2) break;
    const members = smallest(current, dtype, Math.min(count, excess + 1), tensor);
    excess -= members.length - 1;
    const merged = mergedOf(members, freshId(), dtype, current.kernel.name);
    values.push(merged.value);
    current = throughMerged(current, merged);
    const copied = (wanted: (b: KernelBuffer) => boolean): Member[] =>
      merged.members.filter(({ buffer }) => wanted(buffer));
    // One place is the merged buffer's; reads come first in it, so both kinds are runs.
    for (const run of chunks(
      copied((b) => b.access === "read"),
      target.maxBuffers - 1,
    ))
      before.push(copyKernel(run, merged, "in", tensor));
    for (const run of chunks(
      copied((b) => b.access !== "read"),
      target.maxBuffers - 1,
    ))
      after.push(copyKernel(run, merged, "out", tensor));
  }
  invariant(
    current.kernel.buffers.length <= target.maxBuffers,
    `${lowered.kernel.name} fits ${target.maxBuffers} buffers`,
  );
  return { kernels: [...before, current, ...after], values };
}

interface Member {
  readonly buffer: KernelBuffer;
  readonly id: ValueId;
  readonly start: Poly;
  readonly size: Poly;
}
interface Merged {
  readonly value: Value;
  readonly members: readonly Member[];
}

/** Tensors of each dtype, the most first. */
function bufferCounts({ kernel, tensors }: LoweredKernel): [DType, number][] {
  const counts = new Map<DType, number>();
  for (const { dtype } of kernel.buffers.slice(0, tensors.length))
    counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/** Only the order matters. */
function estimate(size: Poly): number {
  return size.terms.reduce((n, t) => n + (t.num / t.den) * OPEN_SIZE ** t.atoms.length, 0);
}

function smallest(
  { kernel, tensors }: LoweredKernel,
  dtype: DType,
  count: number,
  tensor: (id: ValueId) => Value,
): Omit<Member, "start">[] {
  const candidates = kernel.buffers.flatMap((buffer, k) => {
    const id = tensors[k];
    return buffer.dtype === dtype && id !== undefined
      ? [{ buffer, id, size: elements(tensor(id).shape) }]
      : [];
  });
  const chosen = new Set([...candidates].sort((a, b) => estimate(a.size) - estimate(b.size)).slice(0, count));
  const isRead = (m: { buffer: KernelBuffer }): boolean => m.buffer.access === "read";
  const kept = candidates.filter((c) => chosen.has(c));
  return [...kept.filter(isRead), ...kept.filter((m) => !isRead(m))];
}

function mergedOf(
  members: readonly Omit<Member, "start">[],
  id: ValueId,
  dtype: DType,
  kernel: string,
): Merged {
  let start = Poly.constant(0);
  const placed = members.map((m): Member => {
    const at = start;
    start = start.add(m.size);
    return { ...m, start: at };
  });
  return { value: roomValue(id, `pack_${kernel}_${id}`, dtype, start), members: placed };
}

/** The kernel with one buffer in place of its members'. */
function throughMerged({ kernel, tensors, scratch }: LoweredKernel, merged: Merged): LoweredKernel {
  const taken = namesOf(kernel);
  const name = freshName(`packed_${merged.value.dtype}`, taken);
  const sizes = [...kernel.sizes];
  const starts = new Map(
    merged.members.map(({ buffer, start }): [string, KExpr] => {
      const known = start.constant;
      if (known !== undefined) return [buffer.name, kConstant(known)];
      const found = sizes.find((s) => s.poly.equals(start));
      if (found) return [buffer.name, kVariable(found.name, "i32")];
      const size = freshName(`${buffer.name}_start`, taken);
      sizes.push({ name: size, poly: start });
      return [buffer.name, kVariable(size, "i32")];
    }),
  );
  const placed = (buffer: string, index: KExpr): { buffer: string; index: KExpr } | null => {
    const start = starts.get(buffer);
    if (!start) return null;
    return {
      buffer: name,
      index: start.op === "constant" && start.value === 0 ? index : kIndex("add", start, index),
    };
  };
  const [body = [], after = []] = [kernel.body, kernel.after].map((list) =>
    rewriteAccesses(list, {
      load: (e) => ({ ...e, ...placed(e.buffer, e.index) }),
      store: (s) => ({ ...s, ...placed(s.buffer, s.index) }),
    }),
  );
  const within = merged.members.map((m) => m.buffer);
  const access = within.every((b) => b.access === "read")
    ? "read"
    : within.every((b) => b.access === "write")
      ? "write"
      : "readwrite";
  const kept = kernel.buffers.flatMap((buffer, k) => {
    const id = tensors[k];
    return starts.has(buffer.name) || id === undefined ? [] : [{ buffer, id }];
  });
  return {
    kernel: {
      ...kernel,
      buffers: [
        ...kept.map((k) => k.buffer),
        { name, dtype: merged.value.dtype, access },
        ...kernel.buffers.slice(tensors.length),
      ],
      sizes,
      body,
      after,
    },
    tensors: [...kept.map((k) => k.id), merged.value.id],
    scratch,
  };
}

/** Neighbours in a merged buffer copied to or from their tensors: the grid runs over the range of it that they are. */
function copyKernel(
  members: readonly Member[],
  merged: Merged,
  direction: "in" | "out",
  tensor: (id: ValueId) => Value,
): LoweredKernel {
  const scope = new KernelScope((id) => ({
    ...(id === merged.value.id ? merged.value : tensor(id)),
    isMade: true,
    window: null,
    dropped: null,
  }));
  const [first] = members;
  invariant(first, "a copy has members");
  const whole = scope.buffer(merged.value.id, direction === "in" ? "write" : "read");
  const buffers = members.map((m) => scope.buffer(m.id, direction === "in" ? "read" : "write"));
  const variable = scope.fresh("i");
  const i = kVariable(variable, "i32");
  let end = Poly.constant(0);
  const copies = members.map((m, k): { statement: Statement; end: KExpr } => {
    const offset = end;
    end = end.add(m.size);
    const inTensor = offset.isZero ? i : kIndex("sub", i, scope.size(offset));
    const inMerged = first.start.isZero ? i : kIndex("add", scope.size(first.start), i);
    const name = buffers[k]?.name ?? "";
    const { dtype } = merged.value;
    const load = (buffer: string, index: KExpr): KExpr => ({ op: "load", dtype, buffer, index });
    return {
      statement:
        direction === "in"
          ? { kind: "store", buffer: whole.name, index: inMerged, value: load(name, inTensor) }
          : { kind: "store", buffer: name, index: inTensor, value: load(whole.name, inMerged) },
      end: scope.size(end),
    };
  });
  const body = copies.reduceRight<Statement[]>(
    (rest, copy) =>
      rest.length
        ? [{ kind: "if", condition: kCall("lt", "bool", i, copy.end), then: [copy.statement], else: rest }]
        : [copy.statement],
    [],
  );
  const kernel: Kernel = {
    name: direction === "in" ? "pack" : "unpack",
    buffers: scope.parameters,
    sizes: scope.sizes,
    grid: [{ variable, extent: scope.size(end), step: 1 }],
    body,
    after: [],
    notes: [`${direction === "in" ? "into" : "out of"} ${merged.value.name}`],
    spans: [],
  };
  return { kernel, tensors: scope.buffers.map((b) => b.value), scratch: [] };
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, k) =>
    list.slice(k * size, (k + 1) * size),
  );
}
