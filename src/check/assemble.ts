import { invariant } from "../diagnostics/invariant.js";
import { before } from "../diagnostics/span.js";
import { activeBetween } from "../ir/activity.js";
import { isFloat, type ValueId } from "../ir/expr.js";
import type { Program, TrainStep } from "../ir/program.js";
import { mentions } from "../ir/reach.js";
import type { SourceFile, TrainStatement } from "../parser/ast.js";
import { printExpression } from "../parser/print.js";
import type { Context, Session } from "./context.js";
import { itemsOf } from "./items.js";
import type { Results } from "./results.js";
import { trainStep } from "./train.js";

/** What gradients are asked for: params, those and float inputs, or names of either. */
export type Wrt = "params" | "all" | readonly string[];

/** The program of a checked file, with the gradients and training steps that it has, and warnings about idle ones. */
export function assemble(
  file: SourceFile,
  wrt: Wrt,
  context: Context,
  results: Results,
  outputs: Program["outputs"],
): Program {
  const { session } = context;
  const leaves = (role: "param" | "input"): Map<string, ValueId> =>
    new Map(
      [...session.values.byId.values()]
        .filter((v) => v.definition.kind === "leaf" && v.definition.role === role && isFloat(v.dtype))
        .map((v) => [v.name, v.id]),
    );
  const params = leaves("param");
  const inputs = leaves("input");
  const names = chosen(wrt, params, inputs, file, context);
  const gradient = gradientsOf(results.losses, new Map([...inputs, ...params]), session);
  const gradients = [...results.losses.keys()].flatMap((loss) =>
    names.map((name) => ({ loss, wrt: name, value: gradient(loss, name) })),
  );
  const trains = trainSteps(file, params, gradient, results, context);
  warnOfNoDerivative(session);
  return {
    dims: session.dims,
    values: session.values.byId,
    items: itemsOf(session, file),
    outputs,
    losses: outputs.map((o) => o.name).filter((name) => results.losses.has(name)),
    gradients,
    trains,
    stateUpdates: session.stateUpdates,
    checks: session.checks,
  };
}

/** The gradient of a loss for a leaf, each made once; -1 where there is no such loss or leaf. */
function gradientsOf(
  losses: ReadonlyMap<string, ValueId>,
  leaves: ReadonlyMap<string, ValueId>,
  { values }: Session,
): (loss: string, name: string) => ValueId {
  const made = new Map<string, ValueId>();
  return (loss, name) => {
    const key = `${loss} ${name}`;
    const known = made.get(key);
    const of = losses.get(loss);
    const wrt = leaves.get(name);
    if (known !== undefined || of === undefined || wrt === undefined) return known ?? -1;
    const { dtype, shape, span } = values.get(wrt);
    const id = values.define(
      `d_${loss}/${name}`,
      dtype,
      shape,
      { kind: "derivative", mode: "grad", of, wrt, direction: null, batch: 0, aligned: [], given: [] },
      span ? { span } : {},
    );
    made.set(key, id);
    return id;
  };
}

function trainSteps(
  file: SourceFile,
  params: ReadonlyMap<string, ValueId>,
  gradient: (loss: string, name: string) => ValueId,
  results: Results,
  context: Context,
): TrainStep[] {
  const { session } = context;
  const { report } = session;
  const { losses } = results;
  const reached = new Map([...losses].map(([loss, id]) => [loss, dependencies(id, session)]));
  const reaches = (loss: string, name: string): boolean =>
    reached.get(loss)?.has(params.get(name) ?? -1) ?? false;
  const declared = results.declaredLosses(file);
  const steps: TrainStep[] = [];
  const first = new Map<string, TrainStatement>();
  for (const statement of file.statements) {
    if (statement.kind !== "train") continue;
    const step = trainStep(statement, { losses, declared, params, gradient, reaches }, context);
    const { text, span } = statement.loss;
    const earlier = first.get(text);
    if (earlier)
      report.definedTwice(`train ${text}`, span, earlier.loss.span, {
        help: "a step is chosen by its loss: another one has a loss of its own",
      });
    else first.set(text, statement);
    invariant(
      step || report.failed || file.broken.length > 0,
      `\`train ${text}\` is not dropped without a word`,
    );
    if (!step) continue;
    steps.push(step);
    if (params.size === 0) report.add("GRAD4006", statement.span, { loss: step.loss });
    const loss = losses.get(step.loss);
    const trained = statement.params?.map((p) => p.text);
    for (const [name, id] of params) {
      if (report.failed || trained?.includes(name) === false) continue;
      const at = session.values.get(id).span ?? statement.span;
      if (!reaches(step.loss, name)) report.add("GRAD4002", at, { loss: step.loss, name });
      else if (loss !== undefined && !isActive(id, loss, session))
        report.add("GRAD4004", at, { of: step.loss, name });
    }
  }
  return steps;
}

/** Derivatives that the source takes and that are 0 everywhere. */
function warnOfNoDerivative(session: Session): void {
  const { report, values } = session;
  for (const { id, call } of session.taken) {
    const { definition } = values.get(id);
    const [of, variable] = call.args;
    if (report.failed || definition.kind !== "derivative" || !of || !variable) continue;
    if (!isActive(definition.wrt, definition.of, session))
      report.add("GRAD4004", call.span, {
        of: printExpression(of.value),
        name: printExpression(variable.value),
      });
  }
}

/** What gradients are asked for. */
function chosen(
  wrt: Wrt,
  params: ReadonlyMap<string, ValueId>,
  inputs: ReadonlyMap<string, ValueId>,
  file: SourceFile,
  context: Context,
): string[] {
  if (wrt === "params") return [...params.keys()];
  if (wrt === "all") return [...params.keys(), ...inputs.keys()];
  return wrt.filter(
    (name) =>
      params.has(name) ||
      inputs.has(name) ||
      context.session.report.unknownName("param or float input", name, before(file.span), [
        ...params.keys(),
        ...inputs.keys(),
      ]),
  );
}

/** Whether a derivative flows from one value to another. */
function isActive(from: ValueId, to: ValueId, { values }: Session): boolean {
  return activeBetween({ values: values.byId, items: [] }, new Set([from]), to).size > 0;
}

/** Every value that one depends on. */
function dependencies(root: ValueId, session: Session): Set<ValueId> {
  const found = new Set<ValueId>([root]);
  const work = [root];
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    for (const other of mentions(session.values.get(id).definition)) {
      if (found.has(other)) continue;
      found.add(other);
      work.push(other);
    }
  }
  return found;
}
