import { invariant } from "../../diagnostics/invariant.js";
import type { Index } from "../../ir/expr.js";
import { freshIndex, rewriter } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Equation } from "../../ir/program.js";
import { Block } from "./emit.js";
import type { TileGroup } from "../plan/group.js";
import type { GridLoop } from "../kernel/ir.js";
import {
  equationOf,
  finish,
  namedScopeOf,
  valueOf,
  type Instance,
  type LoweredKernel,
  type LoweringContext,
} from "./context.js";
import { kCall, kConstant, kIndex, kVariable } from "../kernel/arithmetic.js";
import type { TargetDescription } from "../targets.js";
import { instanceAt, keep, valuesAt, WHOLE, type Lane } from "./values.js";

/** A register tile of grid points for each iteration: each value loaded serves a whole row or column of it. */
export function lowerTile(group: TileGroup, context: LoweringContext): LoweredKernel {
  const { program, target } = context;
  const members = group.members.map((id) => valueOf(program, id));
  const inside = new Set(group.members);
  const scope = namedScopeOf(context, members);
  const first = equationOf(members[0]);
  const gridIndices = group.grid.map((size, k) => freshIndex(first.axes[k]?.name ?? `i${k}`, size));
  const variables = gridIndices.map((i) => scope.fresh(i.name));
  const body = new Block(scope, null);
  gridIndices.forEach((index, k) => body.bindIndex(index, kVariable(variables[k] ?? "", "i32")));
  const steps = group.grid.map((_, k) => tileStep(group, k, target));
  const lanes = lanesOf(group, gridIndices, steps, body);

  for (const value of members) {
    const equation = equationOf(value);
    const isStored = context.wanted(value.id, inside);
    const perLane = lanes.map((lane) => ({ lane, ...inLane(equation, gridIndices, lane) }));
    const results = valuesAt(body, equation, perLane, value.name, target);
    for (const [k, { subscripts, lane }] of perLane.entries()) {
      const result = results[k];
      invariant(result, "every lane has a result");
      keep(body, value, subscripts, result, isStored, isStored ? lane : null);
    }
  }
  const grid: GridLoop[] = gridIndices.map((index, k) => ({
    variable: variables[k] ?? "",
    extent: scope.size(index.hi),
    step: steps[k] ?? 1,
  }));
  return finish(scope, grid, body.statements, members);
}

function tileStep(group: TileGroup, axis: number, target: TargetDescription): number {
  const [rows, columns] = target.registerTile[group.tile.along];
  return group.tile.row === axis ? rows : group.tile.column === axis ? columns : 1;
}

/** Tile lanes past the end of an axis repeat its last entry and store nothing, so ragged sizes need no second loop. */
function lanesOf(group: TileGroup, grid: readonly Index[], steps: readonly number[], body: Block): Lane[] {
  let lanes: Lane[] = [WHOLE];
  for (const [k, index] of grid.entries()) {
    const step = steps[k] ?? 1;
    if (step === 1) continue;
    const extent = group.grid[k]?.constant;
    const whole = extent !== undefined && extent % step === 0;
    const last = body.scope.size(index.hi.sub(1));
    const base = body.poly(Poly.index(index));
    const places = Array.from({ length: step }, (_, n) => {
      if (n === 0) return { at: index, exists: null };
      const at = freshIndex(`${index.name}${n}`, index.hi);
      const raw = kIndex("add", base, kConstant(n));
      body.bindIndex(at, body.let(`${index.name}${n}`, whole ? raw : kIndex("min", raw, last)));
      const exists = whole ? null : kCall("lt", "bool", raw, body.scope.size(index.hi));
      return { at, exists };
    });
    lanes = lanes.flatMap((lane) =>
      places.map(({ at, exists }) => ({
        indices: new Map([...lane.indices, [index, at]]),
        exists: lane.exists && exists ? kCall("and", "bool", lane.exists, exists) : (lane.exists ?? exists),
      })),
    );
  }
  return lanes;
}

function inLane(equation: Equation, grid: readonly Index[], lane: Lane): Instance {
  const to = new Map<Index, Poly>();
  equation.axes.forEach((axis, k) => {
    const index = grid[k];
    if (index) to.set(axis, Poly.index(lane.indices.get(index) ?? index));
  });
  const at = (i: Index): Poly | undefined => to.get(i);
  return instanceAt(equation, at, rewriter({ index: at }).expr);
}
