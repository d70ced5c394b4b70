import { invariant } from "../diagnostics/invariant.js";
import type { Index, ValueId } from "../ir/expr.js";
import { rewriter } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import { mentions } from "../ir/reach.js";
import { Block, kVariable, type KernelScope } from "./emit.js";
import type { NestGroup } from "./group.js";
import type { GridLoop, KExpr, Statement } from "./kernel-ir.js";
import {
  accumulate,
  emitReduction,
  finish,
  openAccumulator,
  openLoops,
  resultOf,
  scopeOf,
  store,
  valueOf,
  WHOLE,
  type Accumulator,
  type Instance,
  type LoweredKernel,
  type LoweringContext,
} from "./lower.js";
import { foldsOver, membersOf, reducedBy, type LoopNode, type MemberNode, type NestNode } from "./nest.js";

/**
 * A nest as a kernel: the loops around everything that no member folds over are its grid, the rest its body. Values
 * are in registers where their readers stand in the same body or within it, else in memory.
 */
export function lowerNest(group: NestGroup, context: LoweringContext): LoweredKernel {
  const members = group.members.map((id) => valueOf(context.program, id));
  const inside = new Set(group.members);
  const scope = scopeOf(context, inside);
  for (const { id, definition } of members) {
    for (const read of mentions(definition)) if (!inside.has(read)) scope.reserve(read);
    if (context.wanted(id, inside)) scope.reserve(id);
  }
  const top = new Block(scope, null);
  const grid: GridLoop[] = [];
  let body: readonly NestNode[] = group.body;
  for (;;) {
    const [loop, ...others] = body;
    if (loop?.kind !== "loop" || others.length || !loop.index.lo.isZero) break;
    if (!context.target.sequentialGrid && grid.length === group.grid.length) break;
    if (foldsOf(loop).length) break;
    const variable = scope.fresh(loop.index.name);
    top.bindIndex(loop.index, kVariable(variable, "i32"));
    grid.push({ variable, extent: scope.size(loop.index.hi), step: 1 });
    body = loop.body;
  }
  new NestEmitter(context, inside, scope).list(top, body);
  const isWanted = (id: ValueId): boolean =>
    group.members.some((m) => context.owner(m) === id && context.wanted(m, inside));
  return withoutUnread(finish(scope, grid, top.statements, members), isWanted);
}

/** Without the stores of what every reader found in a register. */
function withoutUnread(
  { kernel, tensors }: LoweredKernel,
  isWanted: (id: ValueId) => boolean,
): LoweredKernel {
  const unread = new Set(
    kernel.buffers.filter((b, k) => b.access === "write" && !isWanted(tensors[k] ?? -1)).map((b) => b.name),
  );
  const drop = (list: readonly Statement[]): Statement[] =>
    list.flatMap((s): Statement[] => {
      if (s.kind === "store" && unread.has(s.buffer)) return [];
      if (s.kind === "loop") return [{ ...s, body: drop(s.body) }];
      if (s.kind === "if") return [{ ...s, then: drop(s.then), else: drop(s.else) }];
      return [s];
    });
  if (unread.size === 0) return { kernel, tensors };
  return {
    kernel: {
      ...kernel,
      buffers: kernel.buffers.filter((b) => !unread.has(b.name)),
      body: drop(kernel.body),
    },
    tensors: tensors.filter((_, k) => !unread.has(kernel.buffers[k]?.name ?? "")),
  };
}

/** The members that fold over a loop and over none around it. */
function foldsOf(loop: LoopNode): readonly MemberNode[] {
  return [...membersOf([loop])].filter((m) => foldsOver(m, loop.index));
}

class NestEmitter {
  /** Of members whose loops are open. */
  private readonly open = new Map<ValueId, Accumulator>();

  constructor(
    private readonly context: LoweringContext,
    private readonly inside: ReadonlySet<ValueId>,
    private readonly scope: KernelScope,
  ) {}

  list(block: Block, nodes: readonly NestNode[]): void {
    const leaves = nodes.filter((n): n is MemberNode => n.kind === "member" && n.own.length === 0);
    block.share(leaves.map((m) => this.instance(m).body));
    for (const node of nodes)
      if (node.kind === "loop") this.loop(block, node);
      else this.member(block, node);
  }

  private loop(block: Block, loop: LoopNode): void {
    const folds = foldsOf(loop).filter((m) => !this.open.has(m.value));
    for (const { value, equation } of folds)
      this.open.set(value, openAccumulator(block, equation, valueOf(this.context.program, value).name));
    const nest = openLoops(block, [loop.index]);
    this.list(nest.block, loop.body);
    nest.close();
    for (const member of folds) {
      const accumulator = this.open.get(member.value);
      invariant(accumulator, "opened before");
      this.open.delete(member.value);
      this.result(block, member, this.instance(member).subscripts, resultOf(accumulator));
    }
  }

  private member(block: Block, member: MemberNode): void {
    const { equation, own } = member;
    const value = valueOf(this.context.program, member.value);
    const axes = own.filter((i) => equation.axes.includes(i));
    const nest = openLoops(block, axes);
    const instance = this.instance(member);
    const accumulator = this.open.get(member.value);
    if (accumulator) {
      const rest = openLoops(
        nest.block,
        own.filter((i) => !axes.includes(i)),
      );
      const [v] = rest.block.exprs([instance.body]);
      invariant(v, "one root, one result");
      accumulate(
        rest.block,
        accumulator,
        v,
        reducedBy(equation).map((i) => member.at.get(i) ?? i),
      );
      rest.close();
    } else {
      const [v] = equation.operator
        ? emitReduction(nest.block, equation, [instance], value.name)
        : nest.block.exprs([instance.body]);
      invariant(v, "one root, one result");
      this.result(nest.block, member, instance.subscripts, v);
    }
    nest.close();
  }

  /** Keeps a value for readers within the block, and stores it for others. */
  private result(block: Block, { value: id }: MemberNode, subscripts: readonly Poly[], v: KExpr): void {
    const value = valueOf(this.context.program, id);
    const isWanted = this.context.wanted(id, this.inside);
    const named = block.let(isWanted ? `${value.name}_value` : value.name, v);
    block.bindRead(id, subscripts, named);
    store(block, this.scope, value, subscripts, named, WHOLE);
  }

  private instance(member: MemberNode): Instance {
    const to = (i: Index): Poly => Poly.index(member.at.get(i) ?? i);
    const { expr } = rewriter({ index: (i) => (member.at.has(i) ? to(i) : undefined) });
    const { axes, body, operator } = member.equation;
    return {
      body: expr(body),
      guard: operator?.guard ? expr(operator.guard) : null,
      subscripts: axes.map(to),
    };
  }
}
