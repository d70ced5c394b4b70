import { invariant } from "../diagnostics/invariant.js";
import { constant, freshIndex, type DType, type ValueId } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Value } from "../ir/program.js";
import type { KExpr, Kernel, KernelBuffer, Statement, TargetDescription } from "./kernel-ir.js";
import { freshName, namesOf, rewriteAccesses } from "./kernel-rewrite.js";
import type { LoweredKernel } from "./lower.js";
import { kCall, kConstant, kIndex, kVariable } from "./arithmetic.js";
import { KernelScope } from "./kernel-scope.js";

export interface PackedKernels {
  /** Copies into the packs, the kernel, copies out of them. */
  readonly kernels: readonly LoweredKernel[];
  /** The packs: tensors that only these kernels know. */
  readonly values: readonly Value[];
}

/**
 * A kernel that needs more buffers than a target binds gets several tensors of one dtype as ranges of one buffer, its
 * pack: what it reads is copied in before, what it writes copied out after. The smallest tensors are packed, and no
 * more of them than it takes, so that the copies cost little beside the kernel.
 */
export function packBuffers(
  lowered: LoweredKernel,
  target: TargetDescription,
  tensor: (id: ValueId) => Value,
  freshId: () => ValueId,
): PackedKernels {
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
    const pack = packOf(members, freshId(), dtype, current.kernel.name);
    values.push(pack.value);
    current = throughPack(current, pack);
    const copied = (wanted: (b: KernelBuffer) => boolean): Member[] =>
      pack.members.filter(({ buffer }) => wanted(buffer));
    // One place is the pack's; reads come first in it, so both kinds are runs.
    for (const run of chunks(
      copied((b) => b.access === "read"),
      target.maxBuffers - 1,
    ))
      before.push(copyKernel(run, pack, "in", tensor));
    for (const run of chunks(
      copied((b) => b.access !== "read"),
      target.maxBuffers - 1,
    ))
      after.push(copyKernel(run, pack, "out", tensor));
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
interface Pack {
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

const sizeOf = (value: Value): Poly => value.shape.reduce((n, s) => n.mul(s), Poly.constant(1));

/** An open dim counts as 64: only the order matters. */
function estimate(size: Poly): number {
  return size.terms.reduce((n, t) => n + (t.num / t.den) * 64 ** t.atoms.length, 0);
}

function smallest(
  { kernel, tensors }: LoweredKernel,
  dtype: DType,
  count: number,
  tensor: (id: ValueId) => Value,
): Omit<Member, "start">[] {
  const candidates = kernel.buffers.flatMap((buffer, k) => {
    const id = tensors[k];
    return buffer.dtype === dtype && id !== undefined ? [{ buffer, id, size: sizeOf(tensor(id)) }] : [];
  });
  const chosen = new Set([...candidates].sort((a, b) => estimate(a.size) - estimate(b.size)).slice(0, count));
  const isRead = (m: { buffer: KernelBuffer }): boolean => m.buffer.access === "read";
  const kept = candidates.filter((c) => chosen.has(c));
  return [...kept.filter(isRead), ...kept.filter((m) => !isRead(m))];
}

function packOf(members: readonly Omit<Member, "start">[], id: ValueId, dtype: DType, kernel: string): Pack {
  let start = Poly.constant(0);
  const placed = members.map((m): Member => {
    const at = start;
    start = start.add(m.size);
    return { ...m, start: at };
  });
  // What a pack holds is the launches' business; as a value it is a run of zeros.
  const value: Value = {
    id,
    name: `pack_${kernel}_${id}`,
    dtype,
    shape: [start],
    definition: {
      kind: "equation",
      axes: [freshIndex("i", start)],
      operator: null,
      body: constant(0, dtype),
    },
  };
  return { value, members: placed };
}

/** The kernel with a pack's buffer in place of its members'. */
function throughPack({ kernel, tensors, scratch }: LoweredKernel, pack: Pack): LoweredKernel {
  const taken = namesOf(kernel);
  const name = freshName(`packed_${pack.value.dtype}`, taken);
  const sizes = [...kernel.sizes];
  const starts = new Map(
    pack.members.map(({ buffer, start }): [string, KExpr] => {
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
  const packed = pack.members.map((m) => m.buffer);
  const access = packed.every((b) => b.access === "read")
    ? "read"
    : packed.every((b) => b.access === "write")
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
        { name, dtype: pack.value.dtype, access },
        ...kernel.buffers.slice(tensors.length),
      ],
      sizes,
      body,
      after,
    },
    tensors: [...kept.map((k) => k.id), pack.value.id],
    scratch,
  };
}

/** Neighbours in a pack copied to or from their tensors: the grid runs over the range of the pack that they are. */
function copyKernel(
  members: readonly Member[],
  pack: Pack,
  direction: "in" | "out",
  tensor: (id: ValueId) => Value,
): LoweredKernel {
  const scope = new KernelScope((id) => ({
    ...(id === pack.value.id ? pack.value : tensor(id)),
    isMade: true,
    window: null,
    dropped: null,
  }));
  const [first] = members;
  invariant(first, "a copy has members");
  const packed = scope.buffer(pack.value.id, direction === "in" ? "write" : "read");
  const buffers = members.map((m) => scope.buffer(m.id, direction === "in" ? "read" : "write"));
  const variable = scope.fresh("i");
  const i = kVariable(variable, "i32");
  let end = Poly.constant(0);
  const copies = members.map((m, k): { statement: Statement; end: KExpr } => {
    const offset = end;
    end = end.add(m.size);
    const inTensor = offset.isZero ? i : kIndex("sub", i, scope.size(offset));
    const inPack = first.start.isZero ? i : kIndex("add", scope.size(first.start), i);
    const name = buffers[k]?.name ?? "";
    const { dtype } = pack.value;
    const load = (buffer: string, index: KExpr): KExpr => ({ op: "load", dtype, buffer, index });
    return {
      statement:
        direction === "in"
          ? { kind: "store", buffer: packed.name, index: inPack, value: load(name, inTensor) }
          : { kind: "store", buffer: name, index: inTensor, value: load(packed.name, inPack) },
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
    notes: [`${direction === "in" ? "into" : "out of"} ${pack.value.name}`],
    spans: [],
  };
  return { kernel, tensors: scope.buffers.map((b) => b.value), scratch: [] };
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, k) =>
    list.slice(k * size, (k + 1) * size),
  );
}
