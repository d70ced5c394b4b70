import type { Expr, Index, ValueId } from "../../ir/expr.js";
import { rewriter } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Value } from "../../ir/program.js";
import type { KExpr, Statement } from "../kernel/ir.js";
import type { TargetDescription } from "../targets.js";
import { equationOf, type Instance } from "./context.js";
import type { Block } from "./emit.js";
import { emitReduction } from "./reduce.js";

/** One point of a register tile: which grid indices it stands for, and the condition under which it exists. */
export interface Lane {
  readonly indices: ReadonlyMap<Index, Index>;
  readonly exists: KExpr | null;
}

/** A kernel without tiles. */
export const WHOLE: Lane = { indices: new Map(), exists: null };

/** The equation where `to` says what stands for its axes and `expr` rewrites accordingly. */
export function instanceAt(
  { axes, body, operator }: Equation,
  to: (index: Index) => Poly | undefined,
  expr: (e: Expr) => Expr,
): Instance {
  return {
    body: expr(body),
    guard: operator?.guard ? expr(operator.guard) : null,
    subscripts: axes.map((a) => to(a) ?? Poly.index(a)),
  };
}

/** What the equation is at each of its instances. */
export const valuesAt = (
  block: Block,
  equation: Equation,
  instances: readonly Instance[],
  name: string,
  target: TargetDescription,
): readonly KExpr[] =>
  equation.operator
    ? emitReduction(block, equation, instances, name, target)
    : block.exprs(instances.map((i) => i.body));

/**
 * Keeps an entry of a value in a register for readers within the block, and stores it where a lane is given.
 * @param isBuffer whether the tensor's own name is its buffer's
 */
export function keep(
  block: Block,
  value: Value,
  subscripts: readonly Poly[],
  result: KExpr,
  isBuffer: boolean,
  lane: Lane | null,
): void {
  const named = block.let(isBuffer ? `${value.name}_value` : value.name, result);
  block.bindRead(value.id, subscripts, named);
  if (lane) store(block, value, subscripts, named, lane);
}
function store(block: Block, value: Value, subscripts: readonly Poly[], v: KExpr, lane: Lane): void {
  const buffer = block.scope.buffer(value.id, "write");
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
  isWanted: (id: ValueId) => boolean,
  members: readonly Value[],
  axes: readonly Index[],
  first: KExpr,
): void {
  for (const [n, member] of members.entries()) {
    const equation = equationOf(member);
    const to = new Map(equation.axes.map((axis, k) => [axis, Poly.index(axes[k] ?? axis)]));
    const { expr } = rewriter({ index: (i) => to.get(i) });
    const value = n > 0 ? block.value(expr(equation.body)) : first;
    const isStored = isWanted(member.id);
    keep(block, member, [...to.values()], value, isStored, isStored ? WHOLE : null);
  }
}
