import { invariant } from "../../diagnostics/invariant.js";
import type { Expr, Index, ReadExpr, ValueId } from "../../ir/expr.js";
import { freshIndex } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Equation } from "../../ir/program.js";
import { mentions, readsOfEquation } from "../../ir/reach.js";
import { loopAxes, pointAxes } from "../axes.js";

/**
 * The loops of a kernel as a tree: what a body holds runs in order, and a loop runs its body for each of its index's
 * values. An equation is a leaf; loops around it stand for some of its indices, the rest are loops of its own.
 * A reduction index that a loop stands for makes the equation fold over that loop: its value is there after it.
 */
export type NestNode = LoopNode | MemberNode;
export interface LoopNode {
  readonly kind: "loop";
  readonly index: Index;
  /** The direction of a recurrence's steps; null: rounds have nothing in common but what is folded. */
  readonly steps: 1 | -1 | null;
  readonly body: NestNode[];
}
export interface MemberNode {
  readonly kind: "member";
  readonly value: ValueId;
  readonly equation: Equation;
  /** Indices of the equation → what they are, over the indices of the loops around. */
  readonly at: Coordinates;
  /** The others, outermost first: axes, then what is reduced. */
  readonly own: readonly Index[];
  /** Axes that are no loops: a result for each of their points. */
  readonly points: readonly Index[];
  /** Where it is computed, over the indices of the loops around; absent: everywhere. */
  readonly when?: Expr;
}

export type Coordinates = ReadonlyMap<Index, Poly>;

export const reducedBy = (equation: Equation): readonly Index[] =>
  equation.operator?.kind === "reduce" ? equation.operator.indices : [];

/** Whether the member folds over a loop. */
export const foldsOver = (member: MemberNode, loop: Index): boolean =>
  reducedBy(member.equation).some((i) => member.at.get(i)?.indices.has(loop));

export function* membersOf(nodes: readonly NestNode[]): Generator<MemberNode> {
  for (const node of nodes)
    if (node.kind === "member") yield node;
    else yield* membersOf(node.body);
}

/** The same for nests of one form: which loops stand around which members. */
export function nestKey(nodes: readonly NestNode[], around: readonly Index[] = []): string {
  const texts = nodes.map((node) => {
    if (node.kind === "loop") return `(${nestKey(node.body, [...around, node.index])})`;
    const at = [...node.at].map(([i, p]) => {
      const depth = p.asIndex ? around.indexOf(p.asIndex) : -1;
      return `${i.id}@${depth < 0 ? p.key : depth}`;
    });
    return `${node.value}:${at.join(",")}`;
  });
  return texts.join(" ");
}

/** An equation alone: a loop for each axis that is one, all around it. */
export function nestOf(value: ValueId, equation: Equation): NestNode[] {
  const axes = loopAxes(equation);
  const loops = axes.map((a) => freshIndex(a.name, a.hi, a.lo));
  const at = new Map(axes.map((a, k) => [a, Poly.index(loops[k] ?? a)]));
  const points = pointAxes(equation);
  const member: NestNode = { kind: "member", value, equation, at, own: reducedBy(equation), points };
  return loops.reduceRight<NestNode[]>(
    (body, index) => [{ kind: "loop", index, steps: null, body }],
    [member],
  );
}

/** Puts equations into nests that stand. `aliasOf`: the tensor whose memory a value shares. */
export class Weaver {
  constructor(private readonly aliasOf: (id: ValueId) => ValueId) {}

  /**
   * Adds the equation to `body`: in the last loop that may stand for one of its indices, and there likewise; else
   * at the end, with loops of its own. Returns how many loops it shares. `isNear`: what is computed entry by entry need
   * have nothing in common with a loop over the same range.
   */
  insert(
    body: NestNode[],
    value: ValueId,
    equation: Equation,
    fixed: Coordinates = new Map(),
    isNear = false,
  ): number {
    const points = pointAxes(equation).filter((a) => !fixed.has(a));
    const own = [...equation.axes, ...reducedBy(equation)].filter(
      (i) => !fixed.has(i) && !points.includes(i),
    );
    const earliest = Math.max(0, this.lastProducer(body, equation));
    for (let k = body.length - 1; k >= earliest; k--) {
      const node = body[k];
      const loop = node && opened(node);
      const index = loop && this.matching(loop, equation, own, fixed, isNear && !equation.operator);
      if (!index) continue;
      body[k] = loop;
      const inside = new Map([...fixed, [index, Poly.index(loop.index)]]);
      return 1 + this.insert(loop.body, value, equation, inside, isNear);
    }
    body.push({ kind: "member", value, equation, at: fixed, own, points });
    return 0;
  }

  /** Whether a loop of `body` may stand for one of the equation's indices. */
  fits(body: readonly NestNode[], equation: Equation): boolean {
    const own = [...loopAxes(equation), ...reducedBy(equation)];
    const earliest = Math.max(0, this.lastProducer(body, equation));
    return body.some((node, k) => {
      const loop = k >= earliest ? opened(node) : null;
      return loop !== null && this.matching(loop, equation, own, new Map(), false) !== undefined;
    });
  }

  /** Adds the equation within the outermost `depth` loops, which stand for its first axes. */
  insertBelow(body: NestNode[], depth: number, value: ValueId, equation: Equation): void {
    const fixed = new Map<Index, Poly>();
    let inner = body;
    for (const axis of loopAxes(equation).slice(0, depth)) {
      const [loop] = inner;
      invariant(loop?.kind === "loop", "a loop for each axis of the grid");
      fixed.set(axis, Poly.index(loop.index));
      inner = loop.body;
    }
    this.insert(inner, value, equation, fixed);
  }

  /** Where the last of what the equation reads is made; -1 where nothing is. */
  private lastProducer(body: readonly NestNode[], equation: Equation): number {
    const read = new Set(mentions(equation).map((id) => this.aliasOf(id)));
    return body.findLastIndex((node) => [...membersOf([node])].some((m) => read.has(m.value)));
  }

  /** The equation's index that the loop may stand for: both run over one range, and what is read there is made there. */
  private matching(
    loop: LoopNode,
    equation: Equation,
    own: readonly Index[],
    fixed: Coordinates,
    needsNothing: boolean,
  ): Index | undefined {
    const reduced = reducedBy(equation);
    const folding = reduced.some((i) => fixed.has(i));
    const reads = readsOfEquation(equation);
    const inside = new Map([...membersOf([loop])].map((m) => [m.value, m]));
    const direct = reads.filter((n) => inside.has(n.value));
    // Through a reshape, elements are others: what it shares memory with has to be complete.
    if (mentions(equation).some((id) => this.aliasOf(id) !== id && inside.has(this.aliasOf(id))))
      return undefined;
    return own.find((index) => {
      if (!index.lo.equals(loop.index.lo) || !index.hi.equals(loop.index.hi)) return false;
      // Results of a fold are scalars of the loop's body: its axes stand outside.
      if (reduced.includes(index)) {
        if (own.some((i) => equation.axes.includes(i)) || !mayFold(equation)) return false;
        if (reduced.find((i) => own.includes(i)) !== index) return false;
      } else if (folding) return false;
      const same = direct.every((node) => {
        const producer = inside.get(node.value);
        if (!producer || foldsOver(producer, loop.index)) return false;
        const apart = otherPoint(node, producer, fixed);
        if (apart !== false) return apart === true;
        const axis = producer.equation.axes.findIndex((a) => producer.at.get(a)?.asIndex === loop.index);
        return node.subscripts[axis]?.asIndex === index;
      });
      return (
        same && (needsNothing || direct.length > 0 || this.sharesInput(inside, loop.index, reads, index))
      );
    });
  }

  /** Whether a tensor is read at the same place along the loop by the equation and by one inside it. */
  private sharesInput(
    inside: ReadonlyMap<ValueId, MemberNode>,
    loop: Index,
    reads: readonly ReadExpr[],
    index: Index,
  ): boolean {
    const along = new Set(
      reads.flatMap((n) => n.subscripts.flatMap((s, k) => (s.asIndex === index ? [`${n.value} ${k}`] : []))),
    );
    for (const member of inside.values())
      for (const node of readsOfEquation(member.equation))
        for (const [k, s] of node.subscripts.entries()) {
          const own = s.asIndex;
          if (own && member.at.get(own)?.asIndex === loop && along.has(`${node.value} ${k}`)) return true;
        }
    return false;
  }
}

/**
 * Whether a read names an element that was made in another round of the loops around, which `fixed` names (an
 * earlier step of a recurrence: nothing else is read from other rounds); undefined where that cannot be told.
 */
function otherPoint(node: ReadExpr, producer: MemberNode, fixed: Coordinates): boolean | undefined {
  const around = new Set([...fixed.values()].flatMap((p) => [...p.indices]));
  for (const [k, axis] of producer.equation.axes.entries()) {
    const made = producer.at.get(axis);
    const subscript = node.subscripts[k];
    if (!made || !subscript || ![...made.indices].every((i) => around.has(i))) continue;
    const read = subscript.substitute((atom) => (atom.kind === "index" ? fixed.get(atom.index) : undefined));
    const difference = read.sub(made);
    if (difference.isZero) continue;
    return difference.constant === undefined ? undefined : true;
  }
  return false;
}

/** A guard tightens the bounds of a loop of its own. */
const mayFold = ({ operator }: Equation): boolean => operator?.kind === "reduce" && !operator.guard;

/** A node as a loop: a member with loops of its own gives its outermost one away. */
function opened(node: NestNode): LoopNode | null {
  if (node.kind === "loop") return node;
  const [first, ...own] = node.own;
  if (!first || (reducedBy(node.equation).includes(first) && !mayFold(node.equation))) return null;
  const index = freshIndex(first.name, first.hi, first.lo);
  const at = new Map([...node.at, [first, Poly.index(index)]]);
  return { kind: "loop", index, steps: null, body: [{ ...node, at, own }] };
}
