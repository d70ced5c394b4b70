import type { Index } from "../ir/expr.js";
import { freshIndex } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Operator, Value } from "../ir/program.js";
import { mentions } from "../ir/reach.js";
import { kConstant, kVariable, least, quotient, quotientUp, remainder } from "./arithmetic.js";
import { Block } from "./emit.js";
import type { NestGroup } from "./group.js";
import type { KExpr } from "./kernel-ir.js";
import type { KernelScope } from "./kernel-scope.js";
import { loop, openLoops } from "./loops.js";
import { NestEmitter } from "./lower-nest.js";
import {
  finish,
  scopeOf,
  store,
  valueOf,
  WHOLE,
  withoutUnread,
  type LoweredKernel,
  type LoweringContext,
} from "./lower.js";
import type { MemberNode, NestNode } from "./nest.js";
import { accumulate, isPositional, openAccumulator } from "./reduce.js";

/** Invocations that share the terms of a fold, at most; each takes so many terms at least. */
const PARTS = 1024;
const LEAST_TERMS = 16;
/** Folds of fewer terms are one invocation's. */
const LONG = 4096;
/** Trailing indices of so few values are loops of an invocation, without a division for each term. */
const FEW = 16;

type Reduction = Operator & { readonly kind: "reduce" };
interface Fold {
  readonly member: MemberNode;
  readonly operator: Reduction;
  /** What invocations share, in row-major order; the indices behind them are each one's own. */
  readonly shared: readonly Index[];
  readonly own: readonly Index[];
  readonly rest: readonly NestNode[];
}

/** A kernel that is one long fold to a number, with scalars of that; null for others. */
function foldOf({ grid, body }: NestGroup): Fold | null {
  const [member, ...rest] = body;
  if (grid.length > 0 || member?.kind !== "member" || member.when || member.at.size > 0) return null;
  const { axes, operator, body: term } = member.equation;
  if (axes.length > 0 || operator?.kind !== "reduce" || isPositional(operator.reducer)) return null;
  if (term.dtype === "bool" || rest.some((n) => n.kind === "loop" || n.equation.operator)) return null;
  const { indices } = operator;
  if (indices.some((i) => !i.lo.isZero || i.hi.indices.size > 0)) return null;
  const last = indices.findLastIndex((i) => (i.hi.constant ?? Infinity) > FEW);
  const shared = indices.slice(0, last + 1);
  const terms = indices.reduce((n, i) => n * (i.hi.constant ?? Infinity), 1);
  if (shared.length === 0 || terms < LONG) return null;
  return { member, operator, shared, own: indices.slice(last + 1), rest };
}

/**
 * A long fold for a target whose iterations run side by side: each of up to PARTS invocations folds every so many-th
 * term, so that neighbours read neighbours, and what follows the grid folds the parts. A sum of a million terms is a sum
 * of sums, and no longer one invocation's work.
 */
export function lowerFold(group: NestGroup, context: LoweringContext): LoweredKernel | null {
  const fold = foldOf(group);
  if (!fold) return null;
  const { member, operator, shared, own, rest } = fold;
  const { equation } = member;
  const members = group.members.map((id) => valueOf(context.program, id));
  const value = valueOf(context.program, member.value);
  const inside = new Set(group.members);
  const scope = scopeOf(context, inside);
  for (const { id, definition } of members) {
    for (const read of mentions(definition)) if (!inside.has(read)) scope.reserve(read);
    if (context.wanted(id, inside)) scope.reserve(id);
  }
  const [top, after] = [new Block(scope, null), new Block(scope, null)];
  const terms = shared.reduce((n, i) => n.mul(i.hi), Poly.constant(1));
  const size = scope.size(terms);
  const variable = scope.fresh("part");
  const part = kVariable(variable, "i32");
  const parts = least(kConstant(PARTS), quotientUp(size, LEAST_TERMS));
  const sum = openAccumulator(top, equation, value.name, context.target);
  const flat = together(shared, terms, scope);
  loop(top, flat.name, part, size, parts, (inner, at) => {
    bind(inner, shared, flat, at);
    const block = operator.guard ? inner.inner() : inner;
    const nest = openLoops(block, own);
    accumulate(nest.block, sum, nest.block.expr(equation.body), operator.indices);
    nest.close();
    if (operator.guard)
      inner.push({ kind: "if", condition: inner.expr(operator.guard), then: block.statements, else: [] });
  });
  const room = scope.room("parts", sum.wide, Poly.constant(PARTS), true);
  top.push({ kind: "store", buffer: room, index: part, value: kVariable(sum.variable, sum.wide) });
  const result = joined(after, room, parts, fold, value, context);
  after.bindRead(value.id, [], result);
  store(after, scope, value, [], result, WHOLE);
  new NestEmitter(context, inside, scope).list(after, rest);
  const grid = [{ variable, extent: parts, step: 1 }];
  return withoutUnread(finish(scope, grid, top.statements, members, after.statements), context, inside);
}

/** The fold of all parts. */
function joined(
  block: Block,
  room: string,
  parts: KExpr,
  { member, operator }: Fold,
  value: Value,
  { target, wanted }: LoweringContext,
): KExpr {
  const whole = openAccumulator(block, member.equation, value.name, target);
  loop(block, "part", kConstant(0), parts, 1, (inner, at) => {
    const load: KExpr = { op: "load", dtype: whole.wide, buffer: room, index: at };
    accumulate(inner, whole, load, operator.indices);
  });
  const found = kVariable(whole.variable, whole.wide);
  const result: KExpr = whole.wide === whole.dtype ? found : { op: "cast", dtype: whole.dtype, arg: found };
  const isWanted = wanted(value.id, new Set([value.id]));
  return block.let(isWanted ? `${value.name}_value` : value.name, result);
}

/** One index for several; a single one is its own. */
function together(axes: readonly Index[], terms: Poly, scope: KernelScope): Index {
  const [only] = axes;
  if (only && axes.length === 1) return only;
  const flat = freshIndex("term", terms);
  scope.runTogether(axes, flat);
  return flat;
}
function bind(block: Block, axes: readonly Index[], flat: Index, at: KExpr): void {
  block.bindIndex(flat, at);
  if (axes.length === 1) return;
  axes.forEach((axis, k) =>
    block.bindIndexLater(axis, () => {
      const inner = axes.slice(k + 1).reduce((n, i) => n.mul(i.hi), Poly.constant(1));
      const upTo = quotient(at, block.scope.size(inner));
      return k === 0 ? upTo : remainder(upTo, block.scope.size(axis.hi));
    }),
  );
}
