import { invariant } from "../diagnostics/invariant.js";
import { isZero, type Index, type ValueId } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Equation } from "../ir/program.js";
import { mentions } from "../ir/reach.js";
import { Block, kConstant, kVariable, type KernelScope } from "./emit.js";
import type { NestGroup } from "./group.js";
import type { GridLoop, KExpr } from "./kernel-ir.js";
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
  withoutUnread,
  type Accumulator,
  type Instance,
  type LoweredKernel,
  type LoweringContext,
} from "./lower.js";
import { pointsOf, substitution } from "./points.js";
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
  return withoutUnread(finish(scope, grid, top.statements, members), context, inside);
}

const reducerOf = ({ operator }: Equation): string | undefined =>
  operator?.kind === "reduce" ? operator.reducer : undefined;

/** The members that fold over a loop and over none around it. */
function foldsOf(loop: LoopNode): readonly MemberNode[] {
  return [...membersOf([loop])].filter((m) => foldsOver(m, loop.index));
}

export class NestEmitter {
  /** Of members whose loops are open. */
  private readonly open = new Map<ValueId, readonly (Accumulator | KExpr)[]>();

  constructor(
    private readonly context: LoweringContext,
    private readonly inside: ReadonlySet<ValueId>,
    private readonly scope: KernelScope,
  ) {}

  list(block: Block, nodes: readonly NestNode[]): void {
    const leaves = nodes.filter((n): n is MemberNode => n.kind === "member" && n.own.length === 0);
    block.share(leaves.flatMap((m) => this.instances(m).map((i) => i.body)));
    for (const node of nodes)
      if (node.kind === "loop") this.loop(block, node);
      else this.member(block, node);
  }

  private loop(block: Block, loop: LoopNode): void {
    const folds = foldsOf(loop).filter((m) => !this.open.has(m.value));
    for (const member of folds) {
      const { name } = valueOf(this.context.program, member.value);
      // Points at which a sum has no terms.
      const accumulators = this.instances(member).map(({ body }) =>
        isZero(body) && reducerOf(member.equation) === "sum"
          ? kConstant(0, body.dtype)
          : openAccumulator(block, member.equation, name),
      );
      this.open.set(member.value, accumulators);
    }
    const nest = openLoops(block, [loop.index], undefined, loop.steps);
    this.list(nest.block, loop.body);
    nest.close();
    for (const member of folds) {
      const accumulators = this.open.get(member.value);
      invariant(accumulators, "opened before");
      this.open.delete(member.value);
      this.results(
        block,
        member,
        accumulators.map((a) => ("op" in a ? a : resultOf(a))),
      );
    }
  }

  private member(block: Block, member: MemberNode): void {
    const { equation, own } = member;
    const value = valueOf(this.context.program, member.value);
    const axes = own.filter((i) => equation.axes.includes(i));
    const nest = openLoops(block, axes);
    const instances = this.instances(member);
    const accumulators = this.open.get(member.value);
    if (accumulators) {
      const rest = openLoops(
        nest.block,
        own.filter((i) => !axes.includes(i)),
      );
      const reduced = reducedBy(equation).map((i) => member.at.get(i)?.asIndex ?? i);
      rest.block.exprs(instances.map((i) => i.body)).forEach((v, k) => {
        const accumulator = accumulators[k];
        if (accumulator && !("op" in accumulator)) accumulate(rest.block, accumulator, v, reduced);
      });
      rest.close();
    } else {
      const values = equation.operator
        ? emitReduction(nest.block, equation, instances, value.name)
        : nest.block.exprs(instances.map((i) => i.body));
      this.results(nest.block, member, values);
    }
    nest.close();
  }

  /** Keeps a value for readers within the block, and stores it for others. */
  private results(block: Block, member: MemberNode, results: readonly KExpr[]): void {
    const value = valueOf(this.context.program, member.value);
    const isWanted = this.context.wanted(value.id, this.inside);
    for (const [k, { subscripts }] of this.instances(member).entries()) {
      const v = results[k];
      invariant(v, "one result for each point");
      const named = block.let(isWanted ? `${value.name}_value` : value.name, v);
      block.bindRead(value.id, subscripts, named);
      store(block, this.scope, value, subscripts, named, WHOLE);
    }
  }

  /** The equation at each of its points, over the indices of the loops around. */
  private instances(member: MemberNode): readonly Instance[] {
    const known = this.made.get(member);
    if (known) return known;
    const { axes, body, operator } = member.equation;
    const instances = pointsOf(member.points).map((point): Instance => {
      const to = (i: Index): Poly | undefined => {
        return point.get(i) ?? member.at.get(i);
      };
      const expr = substitution(to);
      const guard = operator?.guard ? expr(operator.guard) : null;
      return { body: expr(body), guard, subscripts: axes.map((a) => to(a) ?? Poly.index(a)) };
    });
    this.made.set(member, instances);
    return instances;
  }
  private readonly made = new Map<MemberNode, readonly Instance[]>();
}
