import { provablyNonNegative } from "../../ir/bounds.js";
import type { Expr, Index, ReadExpr } from "../../ir/expr.js";
import { and, call, compare, constant, freshIndex, indexValue, read } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { DimDeclaration, Equation, RecurrenceGroup } from "../../ir/program.js";
import type { Coordinates } from "./nest.js";

/** A copy of every so-many-th entry of a recurrence, `y[k] = z[N * k + c]`, taken in the step that makes the entry. */
export interface Sample {
  /** The copy over the entry's coordinate. */
  readonly equation: Equation;
  readonly at: Coordinates;
  /** Whether the step makes an entry that is copied, over the step's index. */
  readonly when: Expr;
  readonly node: ReadExpr;
}

/**
 * The equation as a sample of the recurrence's entries, all of them made in steps; null where it is none.
 * @param step the index of the steps
 */
export function sampleOf(
  group: RecurrenceGroup,
  equation: Equation,
  step: Index,
  dims: readonly DimDeclaration[],
): Sample | null {
  const { body: node, axes, operator } = equation;
  const time = node.op === "read" ? group.time.get(node.value) : undefined;
  const subscript = node.op === "read" && time ? node.subscripts[time.axis] : undefined;
  if (operator || node.op !== "read" || !time || !subscript || subscript.hasOpaque) return null;
  const [index, ...others] = [...subscript.indices];
  const parts = index && subscript.split(index);
  if (!index || !parts || others.length || !axes.includes(index)) return null;
  if (node.subscripts.some((s, k) => k !== time.axis && (s.hasOpaque || s.indices.has(index)))) return null;
  const every = parts.coefficient.scale(group.direction);
  const facts = factsOf(dims);
  const holds = (p: Poly): boolean => provablyNonNegative(p, facts);
  const made = Poly.index(step).add(time.shift);
  if (!holds(every.sub(1)) || every.constant === 1) return null;
  if (!holds(subscript.sub(group.lo.add(time.shift))) || !holds(group.hi.add(time.shift - 1).sub(subscript)))
    return null;
  const coordinate = freshIndex(index.name, group.hi.add(time.shift), group.lo.add(time.shift));
  const subscripts = node.subscripts.map((s, k) => (k === time.axis ? Poly.index(coordinate) : s));
  const ahead = indexValue(made.sub(parts.rest).scale(group.direction));
  const period = indexValue(every);
  const number = call("floor_div", [ahead, period], "i32");
  const isCopied = compare("eq", call("mod", [ahead, period], "i32"), constant(0, "i32"));
  const isWithin = and(compare("le", constant(0, "i32"), ahead), compare("lt", number, indexValue(index.hi)));
  return {
    equation: { ...equation, body: read(node.value, subscripts, node.dtype) },
    at: new Map([
      [coordinate, made],
      [index, Poly.opaque(number)],
    ]),
    when: and(isWithin, isCopied),
    node,
  };
}

/**
 * What the definitions of dims say of them, as polynomials that are not negative. Of a quotient only where the dim is at least 1,
 * as it is where something is indexed over it.
 */
function factsOf(dims: readonly DimDeclaration[]): Poly[] {
  return dims.flatMap(({ name, definition }) => {
    if (!definition) return [];
    const { numerator, divisor, floor, least = 0 } = definition;
    const own = Poly.dim(name);
    return [
      ...(least > 0 ? [own.sub(least)] : []),
      ...(floor && least === 0 ? [numerator.sub(divisor.mul(own))] : []),
    ];
  });
}
