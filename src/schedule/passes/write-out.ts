import { conjuncts } from "../../ir/conditions.js";
import type { Expr } from "../../ir/expr.js";
import { and, call, constant, indicesOf, select, TRUE } from "../../ir/expr.js";
import { coordinates, FEW, pointsOf } from "../../ir/points.js";
import type { Definition, Equation, Program } from "../../ir/program.js";
import { REDUCERS, startOf } from "../../ir/reducers.js";
import { mapDefinitions } from "../../ir/rewrite.js";
import { simplifyNode } from "../../optimize/simplify.js";
import { pointAxes, substitution } from "../axes.js";

/** Reductions over a few known points, written out; of contractions only what leaves no loop. */
export const writeOutReductions = (
  program: Program,
  isContraction: (equation: Equation) => boolean,
): Program => mapDefinitions(program, (definition) => writtenOut(definition, isContraction));

function writtenOut(definition: Definition, isContraction: (equation: Equation) => boolean): Definition {
  if (definition.kind !== "equation" || definition.operator?.kind !== "reduce") return definition;
  const { operator, body, axes } = definition;
  const { guard, indices } = operator;
  const { fn } = REDUCERS[operator.reducer];
  if (fn === null) return definition;
  const empty = constant(startOf(operator.reducer, body.dtype), body.dtype);
  const short = indices.filter((i) => coordinates(i));
  const count = short.reduce((n, i) => n * (coordinates(i)?.length ?? 1), 1);
  // Where a loop stays, conditions on short indices alone settle which terms there are at each point.
  const conditions = conjuncts(guard);
  const picks = [...short, ...pointAxes(definition)];
  const settled = conditions.filter((c) => [...indicesOf([c])].every((i) => picks.includes(i)));
  const isWhole = short.length === indices.length;
  if (count > FEW || (short.length === 0 && settled.length === 0)) return definition;
  if (!isWhole && settled.length === 0 && isContraction(definition)) return definition;
  const stays = (c: Expr): boolean =>
    !settled.includes(c) && ![...indicesOf([c])].some((i) => short.includes(i));
  const left = isWhole ? [] : conditions.filter(stays);
  const inside = conditions.filter((c) => !left.includes(c)).reduce(and, TRUE);
  const terms = pointsOf(short).map((point): Expr => {
    const at = substitution((i) => point.get(i));
    return select(at(inside), at(body), empty);
  });
  const joined = (a: Expr, b: Expr): Expr => {
    const e = call(fn, [a, b], body.dtype);
    return a === empty ? b : b === empty ? a : (simplifyNode(e) ?? e);
  };
  const rest = indices.filter((i) => !short.includes(i));
  return {
    kind: "equation",
    axes,
    operator: rest.length
      ? { ...operator, indices: rest, guard: left.length ? left.reduce(and, TRUE) : null }
      : null,
    body: terms.reduce(joined),
  };
}
