import { invariant } from "../../diagnostics/invariant.js";
import {
  constant,
  freshIndex,
  isZero,
  read,
  readsOf,
  rewriter,
  type DType,
  type Expr,
  type Index,
  type ReadExpr,
  type ValueId,
} from "../../ir/expr.js";
import { provablyNonNegative } from "../../ir/bounds.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Reducer } from "../../ir/program.js";
import { greatest, least, plus, quotientUp, times, kConstant, kVariable } from "../kernel/arithmetic.js";
import { Block } from "./emit.js";
import type { NestGroup } from "../plan/group.js";
import type { GridLoop, KExpr } from "../kernel/ir.js";
import {
  finish,
  namedScopeOf,
  valueOf,
  withoutUnread,
  type Instance,
  type LoweredKernel,
  type LoweringContext,
} from "./context.js";
import { accumulate, openAccumulator, resultOf, type Accumulator } from "./reduce.js";
import { localAxes } from "../plan/local.js";
import { pointsOf } from "../../ir/points.js";
import { substitution } from "../axes.js";
import {
  foldsOver,
  membersOf,
  reducedBy,
  type LoopNode,
  type MemberNode,
  type NestNode,
} from "../plan/nest.js";
import type { KernelScope } from "./scope.js";
import { openLoops } from "./loops.js";
import { isPositional } from "../../ir/reducers.js";
import { instanceAt, keep, valuesAt, WHOLE } from "./values.js";

/**
 * A nest as a kernel: the loops around everything that no member folds over are its grid, the rest its body. Values
 * are in registers where their readers stand in the same body or within it, else in memory.
 */
export function lowerNest(group: NestGroup, context: LoweringContext): LoweredKernel {
  const members = group.members.map((id) => valueOf(context.program, id));
  const inside = new Set(group.members);
  const isInner = (id: ValueId): boolean => !context.wanted(id, inside) && !context.reshaped.has(id);
  const local = context.target.sequentialGrid ? localAxes(group.body, isInner) : undefined;
  const scope = namedScopeOf(context, members, local);
  const top = new Block(scope, null);
  const most = context.target.sequentialGrid ? Infinity : group.grid.length;
  const { grid, body } = gridOf(group.body, top, most);
  const emitter = new NestEmitter(context, inside, scope);
  const after = new Block(scope, null);
  const [first, ...rest] = body;
  if (context.target.sequentialGrid && grid.length === 0 && first?.kind === "loop" && isLong(first)) {
    grid.push(emitter.inBlocks(first, top, after));
    emitter.list(after, rest);
  } else emitter.list(top, body);
  return withoutUnread(finish(scope, grid, top.statements, members, after.statements), context, inside);
}

/**
 * A loop that all folds of a kernel run over is cut into at most so many blocks, and their results are
 * folded after it: so blocks may run side by side, and long sums are sums of shorter ones. The cut depends on sizes alone.
 */
const BLOCKS = 16;
/** A block has at least so many rounds, of which some hold loops and some do not. */
const LEAST_ROUNDS = { loops: 16, scalars: 256 };

const leastRounds = ({ body }: LoopNode): number =>
  body.some((n) => n.kind === "loop" || n.own.length > 0) ? LEAST_ROUNDS.loops : LEAST_ROUNDS.scalars;

/** Whether a loop may be worth more than one block, and folds in ways that can be joined. */
function isLong(loop: LoopNode): boolean {
  const size = loop.index.hi.sub(loop.index.lo).constant ?? Infinity;
  const joins = foldsOf(loop).every((m) => !isPositional(reducerOf(m.equation)));
  return loop.steps === null && joins && size >= 2 * leastRounds(loop);
}

/** The outermost loops as a grid, at most so many: those around everything that no member folds over. */
export function gridOf(
  nest: readonly NestNode[],
  top: Block,
  most: number,
): { grid: GridLoop[]; body: readonly NestNode[] } {
  const { scope } = top;
  const grid: GridLoop[] = [];
  let body = nest;
  while (grid.length < most) {
    const [loop, ...others] = body;
    if (loop?.kind !== "loop" || loop.steps !== null || others.length || !loop.index.lo.isZero) break;
    if (foldsOf(loop).length) break;
    const variable = scope.fresh(loop.index.name);
    top.bindIndex(loop.index, kVariable(variable, "i32"));
    grid.push({ variable, extent: scope.size(loop.index.hi), step: 1 });
    body = loop.body;
  }
  return { grid, body };
}

const reducerOf = ({ operator }: Equation): Reducer | undefined =>
  operator?.kind === "reduce" ? operator.reducer : undefined;

/** The members that fold over a loop and over none around it. */
function foldsOf(loop: LoopNode): readonly MemberNode[] {
  return [...membersOf([loop])].filter((m) => foldsOver(m, loop.index));
}

/** So many steps back an entry is kept in a register. */
const LAGS = [1, 2, 3, 4];

interface Carried {
  readonly read: ReadExpr;
  readonly value: ValueId;
  /** The entry made a step later. */
  readonly made: Expr;
}
const elementKey = (value: ValueId, subscripts: readonly Poly[]): string =>
  `${value} ${subscripts.map((s) => s.key).join(",")}`;

/** An entry where it exists, 0 where it does not (its readers are guarded); null where that is not known. */
function entryOr0(entry: Expr, shape: readonly Poly[]): Expr | null {
  if (entry.op !== "read") return null;
  const places = entry.subscripts.map((s, k) => ({ s, size: shape[k] ?? Poly.constant(0) }));
  const isWithin = places.every(
    ({ s, size }) => provablyNonNegative(s) && provablyNonNegative(size.sub(s).sub(1)),
  );
  if (isWithin) return entry;
  const isOutside = places.some(
    ({ s, size }) => provablyNonNegative(s.neg().sub(1)) || provablyNonNegative(s.sub(size)),
  );
  return isOutside ? constant(0, entry.dtype) : null;
}

export class NestEmitter {
  /** Of members whose loops are open. */
  private readonly open = new Map<ValueId, readonly (Accumulator | KExpr)[]>();
  private readonly made = new Map<MemberNode, readonly Instance[]>();

  constructor(
    private readonly context: LoweringContext,
    private readonly inside: ReadonlySet<ValueId>,
    private readonly scope: KernelScope,
    /** Emits the entries of a recurrence that no step makes, on either side of its steps. */
    private readonly outside: (block: Block, side: "before" | "after") => void = () => undefined,
  ) {}

  list(block: Block, nodes: readonly NestNode[]): void {
    const leaves = nodes.filter((n): n is MemberNode => n.kind === "member" && n.own.length === 0 && !n.when);
    block.share(leaves.flatMap((m) => this.instances(m).map((i) => i.body)));
    for (const node of nodes)
      if (node.kind === "loop") this.loop(block, node);
      else this.member(block, node);
  }

  /** A loop in blocks, which are the kernel's grid: each leaves what it folded for `after` to join. */
  inBlocks(loop: LoopNode, top: Block, after: Block): GridLoop {
    const { scope } = this;
    const { lo, hi } = loop.index;
    const variable = scope.fresh("block");
    const size = scope.size(hi.sub(lo));
    const block = kVariable(variable, "i32");
    const rounds = leastRounds(loop);
    const blocks = least(kConstant(BLOCKS), quotientUp(size, rounds));
    const length = top.let("length", greatest(quotientUp(size, BLOCKS), kConstant(rounds)));
    const begin = top.let("begin", plus(scope.size(lo), times(block, length)));
    const end = top.let("end", least(plus(begin, length), scope.size(hi)));
    const folds = this.openFolds(top, loop);
    const nest = openLoops(top, [loop.index], () => ({ lo: begin, hi: end }));
    this.list(nest.block, loop.body);
    nest.close();
    const folded = folds.map((member) => ({ member, parts: this.takeFolds(member) }));
    const open = folded.flatMap(({ member, parts }) =>
      parts.flatMap((p) => ("op" in p ? [] : [{ member, part: p }])),
    );
    const rooms = new Map<DType, string>();
    for (const { dtype } of open.map((o) => o.part))
      if (!rooms.has(dtype))
        rooms.set(dtype, scope.room("parts", dtype, Poly.constant(BLOCKS * open.length), true));
    const placeOf = (of: KExpr, k: number): KExpr => plus(times(of, kConstant(open.length)), kConstant(k));
    // The last first: V8's register allocator does better with it (a fifth of W1's time).
    [...open.entries()].reverse().forEach(([k, { part }]) => {
      const buffer = rooms.get(part.dtype) ?? "";
      top.push({ kind: "store", buffer, index: placeOf(block, k), value: resultOf(part) });
    });
    const wholes = open.map(({ member }) =>
      openAccumulator(
        after,
        member.equation,
        valueOf(this.context.program, member.value).name,
        this.context.target,
      ),
    );
    const each = freshIndex("block", BLOCKS);
    const join = openLoops(after, [each], () => ({ lo: kConstant(0), hi: blocks }));
    const at = join.block.poly(Poly.index(each));
    wholes.forEach((whole, k) => {
      const buffer = rooms.get(whole.dtype) ?? "";
      const part: KExpr = { op: "load", dtype: whole.dtype, buffer, index: placeOf(at, k) };
      accumulate(join.block, whole, part, [each]);
    });
    join.close();
    for (const { member, parts } of folded) {
      const joined = parts.map((p) => ("op" in p ? p : wholes[open.findIndex((o) => o.part === p)]));
      this.foldResults(
        after,
        member,
        joined.flatMap((p) => p ?? []),
      );
    }
    return { variable, extent: blocks, step: 1 };
  }

  /** Accumulators for the members that fold over a loop and over none around it. */
  private openFolds(block: Block, loop: LoopNode): readonly MemberNode[] {
    const folds = foldsOf(loop).filter((m) => !this.open.has(m.value));
    for (const member of folds) {
      const { name } = valueOf(this.context.program, member.value);
      // Points at which a sum has no terms.
      const accumulators = this.instances(member).map(({ body }) =>
        isZero(body) && reducerOf(member.equation) === "sum"
          ? kConstant(0, body.dtype)
          : openAccumulator(block, member.equation, name, this.context.target),
      );
      this.open.set(member.value, accumulators);
    }
    return folds;
  }
  private takeFolds(member: MemberNode): readonly (Accumulator | KExpr)[] {
    const accumulators = this.open.get(member.value);
    invariant(accumulators, "opened before");
    this.open.delete(member.value);
    return accumulators;
  }
  private foldResults(block: Block, member: MemberNode, folded: readonly (Accumulator | KExpr)[]): void {
    this.results(
      block,
      member,
      folded.map((a) => ("op" in a ? a : resultOf(a))),
    );
  }

  private loop(block: Block, loop: LoopNode): void {
    const folds = this.openFolds(block, loop);
    if (loop.steps === null) {
      const nest = openLoops(block, [loop.index]);
      this.list(nest.block, loop.body);
      nest.close();
    } else this.steps(block, loop, loop.steps);
    for (const member of folds) this.foldResults(block, member, this.takeFolds(member));
  }

  private steps(block: Block, loop: LoopNode, direction: 1 | -1): void {
    const up = direction === 1;
    this.outside(block, up ? "before" : "after");
    const carried = this.carried(loop, direction).flatMap(({ read, value, made }) => {
      const first = up ? loop.index.lo : loop.index.hi.sub(1);
      const { expr } = rewriter({ index: (i) => (i === loop.index ? first : undefined) });
      const init = entryOr0(expr(read), valueOf(this.context.program, value).shape);
      if (!init) return [];
      const name = this.scope.fresh(`${valueOf(this.context.program, value).name}_before`);
      return [{ read, made, name, init: block.expr(init) }];
    });
    for (const { name, init } of carried) block.push({ kind: "var", name, init });
    const nest = openLoops(block, [loop.index], undefined, direction);
    for (const { read, name } of carried)
      nest.block.bindRead(read.value, read.subscripts, kVariable(name, read.dtype));
    this.list(nest.block, loop.body);
    const names = new Set(carried.map((c) => c.name));
    // Each as it is when the step ends, before any of them moves on.
    const next = carried.map(({ made }) => {
      const value = nest.block.expr(made);
      return value.op === "variable" && names.has(value.name) ? nest.block.copy("t", value) : value;
    });
    carried.forEach(({ name }, k) => {
      const value = next[k];
      if (value) nest.block.push({ kind: "assign", name, value });
    });
    nest.close();
    this.outside(block, up ? "after" : "before");
  }

  /** Scalars of the step that later steps read: each with the read, and what it will be at the next step. */
  private carried(loop: LoopNode, direction: 1 | -1): readonly Carried[] {
    const reads = new Map<string, ReadExpr>();
    for (const member of membersOf([loop]))
      for (const { body, guard } of this.instances(member))
        for (const node of readsOf(guard ? [body, guard] : [body]))
          reads.set(elementKey(node.value, node.subscripts), node);
    const found: Carried[] = [];
    for (const node of loop.body) {
      if (node.kind !== "member" || node.own.length > 0 || foldsOver(node, loop.index)) continue;
      const { dtype } = valueOf(this.context.program, node.value);
      for (const { subscripts } of this.instances(node)) {
        const at = (lag: number): Poly[] =>
          subscripts.map((s) => (s.indices.has(loop.index) ? s.sub(lag * direction) : s));
        const furthest = LAGS.findLast((lag) => reads.has(elementKey(node.value, at(lag)))) ?? 0;
        for (let lag = furthest; lag > 0; lag--) {
          const entry = read(node.value, at(lag), dtype);
          const made = read(node.value, at(lag - 1), dtype);
          if (entry.op === "read") found.push({ read: entry, value: node.value, made });
        }
      }
    }
    return found;
  }

  private member(around: Block, member: MemberNode): void {
    const { equation, own, when } = member;
    const block = when ? around.inner() : around;
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
      const values = valuesAt(nest.block, equation, instances, value.name, this.context.target);
      this.results(nest.block, member, values);
    }
    nest.close();
    if (when) around.push({ kind: "if", condition: around.expr(when), then: block.statements, else: [] });
  }

  /** Keeps a value for readers within the block, and stores it for others. */
  private results(block: Block, member: MemberNode, results: readonly KExpr[]): void {
    const value = valueOf(this.context.program, member.value);
    const isWanted = this.context.wanted(value.id, this.inside);
    for (const [k, { subscripts }] of this.instances(member).entries()) {
      const v = results[k];
      invariant(v, "one result for each point");
      keep(block, value, subscripts, v, isWanted, WHOLE);
    }
  }

  /** The equation at each of its points, over the indices of the loops around. */
  private instances(member: MemberNode): readonly Instance[] {
    const known = this.made.get(member);
    if (known) return known;
    const instances = pointsOf(member.points).map((point) => {
      const to = (i: Index): Poly | undefined => point.get(i) ?? member.at.get(i);
      return instanceAt(member.equation, to, substitution(to));
    });
    this.made.set(member, instances);
    return instances;
  }
}
