import type { Program } from "../ir/program.js";
import { filterItems, keepReachable } from "../ir/reach.js";
import type { SourceFile, Statement } from "../parser/ast.js";
import { dim, leaf } from "./declarations.js";
import { copy, definitionOf } from "./equations.js";
import { withInequalities } from "./inequalities.js";
import { recurrence } from "./recurrences.js";
import { Scope } from "./scope.js";
import * as tree from "./tree.js";

const { span } = tree;

/**
 * Index IR back to a source file: what the derivative is, as equations that a person can read and that compile by
 * themselves. Outputs and losses keep their names and are all outputs; the gradient of the loss for `W` is `dW` (with
 * several losses `dl_dW`). Training steps are left out. Takes programs without derivatives and scatters.
 */
export function raiseProgram(program: Program): SourceFile {
  const scope = new Scope(withInequalities(withoutTraining(program)));
  const { dims, values, items, stateUpdates } = scope.program;
  const statements = [
    ...dims.map((d) => dim(d, scope)),
    ...[...values.values()].flatMap((v) => leaf(v, scope) ?? []),
    ...items.flatMap((item) =>
      typeof item === "number" ? definitionOf(scope.value(item), scope) : recurrence(item, scope),
    ),
    ...scope.results.flatMap(({ name, value }): Statement[] => {
      if (scope.nameOf(value) !== name) return [copy(name, value, scope)];
      return scope.isMember(value) ? [{ kind: "output", names: [tree.name(name)], span }] : [];
    }),
    ...stateUpdates.map(({ leaf, value }) => copy(scope.nameOf(leaf), value, scope, true)),
  ];
  return { statements, broken: [], comments: [], span };
}

function withoutTraining(program: Program): Program {
  const roots = [
    ...program.outputs.map((o) => o.value),
    ...program.gradients.map((g) => g.value),
    ...program.stateUpdates.map((u) => u.value),
  ];
  const arguments_ = new Set(program.trains.flatMap((t) => t.args.map((a) => a.leaf)));
  const reachable = keepReachable(program, roots);
  const values = new Map([...reachable.values].filter(([id]) => !arguments_.has(id)));
  const items = filterItems(reachable.items, (id) => !arguments_.has(id));
  return { ...reachable, values, items, trains: [] };
}
