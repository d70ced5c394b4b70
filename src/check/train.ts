import * as ir from "../ir/expr.js";
import type { ValueId } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { TrainStep, Value } from "../ir/program.js";
import type { OptimizerStatement, Statement, TrainStatement } from "../parser/ast.js";
import { Scope, type Context } from "./context.js";
import { elaborateBody, reportMisplaced } from "./body.js";
import { typeOf } from "./declarations.js";
import { initialiser, numberOf } from "./initialisers.js";
import { bodyOver, scalar, valueTerm, type Term } from "./term.js";
import { isDType } from "../ir/dtypes.js";
import { isReserved, reportReserved } from "./reserved.js";
import { declaredHere } from "./report.js";
import { unknownLoss, visibleOf } from "./unknown.js";

export interface Trainable {
  readonly losses: ReadonlyMap<string, ValueId>;
  /** Losses, also those with an error. */
  readonly declared: readonly string[];
  readonly params: ReadonlyMap<string, ValueId>;
  readonly gradient: (loss: string, name: string) => ValueId;
  /** Whether the loss depends on the param. */
  readonly reaches: (loss: string, name: string) => boolean;
}

/** `train nll with adam(rate = 1e-3, clip_norm = 1) for W1, W2`: the optimizer's equations for each param. */
export function trainStep(statement: TrainStatement, file: Trainable, context: Context): TrainStep | null {
  const { report } = context.session;
  const loss = statement.loss.text;
  const lossId = file.losses.get(loss);
  if (!file.declared.includes(loss)) unknownLoss(statement.loss, file.declared, context);
  const names = chosenParams(statement, file, context);
  const binding = context.scope.lookup(statement.optimizer.text);
  if (binding?.kind !== "optimizer") {
    if (binding?.kind === "poison") return null;
    const { text, span } = statement.optimizer;
    return report.unknownName("optimizer", text, span, visibleOf(context.scope, "optimizer"));
  }
  const scope = new Scope(binding.scope);
  const args = stepArguments(statement, binding.declaration, scope, context);
  if (lossId === undefined || !names || !args) return null;
  const trained = names.filter((name) => file.reaches(loss, name));

  let scale: Term | null = null;
  const clip = args.find((a) => a.name === "clip_norm");
  if (clip)
    scale = clipping(
      clip.leaf,
      loss,
      trained.map((name) => file.gradient(loss, name)),
      context,
    );
  const updates: { leaf: ValueId; value: ValueId }[] = [];
  for (const name of trained) {
    const made = update(
      name,
      loss,
      binding.declaration,
      { ...context, scope: new Scope(scope) },
      file,
      scale,
    );
    if (!made) return null;
    updates.push(...made);
  }
  return { loss, optimizer: statement.optimizer.text, args, updates };
}

/** An optimizer that no `train` names, for a param of which only the type is known. */
export function checkOptimizer(optimizer: OptimizerStatement, context: Context): void {
  const { session } = context;
  const { values } = session;
  const size = Poly.dim("N");
  const leaf = (name: string, dtype: ir.DType, shape: readonly Poly[]): ValueId =>
    values.define(name, dtype, shape, { kind: "leaf", role: "param" });
  const param = leaf(optimizer.param.text, "f32", [size]);
  const gradient = leaf(optimizer.gradient.text, "f32", [size]);
  const scope = new Scope(context.scope);
  for (const { name, type } of optimizer.parameters) {
    const dtype = "dtype" in type && isDType(type.dtype.text) ? type.dtype.text : "f32";
    scope.bind(name.text, { kind: "term", term: valueTerm(values.get(leaf(name.text, dtype, []))) });
  }
  update(
    optimizer.param.text,
    optimizer.name.text,
    optimizer,
    { ...context, scope },
    { params: new Map([[optimizer.param.text, param]]), gradient: () => gradient },
    null,
  );
}

function chosenParams(statement: TrainStatement, file: Trainable, context: Context): string[] | null {
  if (!statement.params) return [...file.params.keys()];
  let fine = true;
  for (const { text, span } of statement.params)
    if (!file.params.has(text)) {
      const binding = context.scope.lookup(text);
      const place = context.scope.placeOf(text);
      // One with an error of its own has been told.
      if (binding?.kind !== "poison")
        context.session.report.unknownName(
          "param",
          text,
          span,
          file.params.keys(),
          binding && place
            ? {
                help: "only params are trained",
                related: [{ message: `\`${text}\` is declared here, as something else`, span: place }],
              }
            : undefined,
        );
      fine = false;
    }
  return fine ? statement.params.map((p) => p.text) : null;
}

/** Arguments are scalar inputs, by name, with what is written here as their defaults. */
function stepArguments(
  statement: TrainStatement,
  optimizer: OptimizerStatement,
  scope: Scope,
  context: Context,
): TrainStep["args"] | null {
  const { report, values } = context.session;
  const args: { name: string; leaf: ValueId; value: number }[] = [];
  const given = new Map<string, number>();
  let failed = false;
  for (const [k, { name, value, span }] of statement.args.entries()) {
    const key = name?.text ?? optimizer.parameters[k]?.name.text;
    const number = value.kind === "boolean" ? Number(value.value) : numberOf(value, context);
    if (!key) {
      report.add("GRAD3007", span, {
        name: optimizer.name.text,
        wanted: `at most ${optimizer.parameters.length}`,
        given: statement.args.length,
      });
      failed = true;
    } else if (key !== "clip_norm" && !optimizer.parameters.some((p) => p.name.text === key)) {
      const known = [...optimizer.parameters.map((p) => p.name.text), "clip_norm"];
      report.unknownArgument(optimizer.name.text, key, name?.span ?? span, known);
      failed = true;
    } else if (number === null) failed = true;
    else given.set(key, number);
  }
  if (failed) return null;
  const add = (name: string, value: number, dtype: ir.DType): void => {
    const leaf = values.define(
      `train/${statement.loss.text}/${name}`,
      dtype,
      [],
      { kind: "leaf", role: "input", init: { kind: "fill", value } },
      { span: statement.span },
    );
    args.push({ name, leaf, value });
    scope.bind(name, { kind: "term", term: valueTerm(values.get(leaf)) });
  };
  for (const { name, type, value } of optimizer.parameters) {
    const dtype = "dtype" in type && isDType(type.dtype.text) ? type.dtype.text : "f32";
    const written = given.get(name.text);
    const fallback =
      value?.kind === "boolean" ? Number(value.value) : value && numberOf(value, { ...context, scope });
    const number = written ?? fallback;
    if (number === null || number === undefined) {
      report.add(
        "GRAD2015",
        statement.optimizer.span,
        { name: name.text, callee: optimizer.name.text },
        { related: [declaredHere(name.text, name.span)] },
      );
      return null;
    }
    add(name.text, number, dtype);
  }
  const norm = given.get("clip_norm");
  if (norm !== undefined) add("clip_norm", norm, "f32");
  return args;
}

/** min(1, c / (norm + 1e-6)), norm over all trained params. */
function clipping(clip: ValueId, loss: string, gradients: readonly ValueId[], context: Context): Term | null {
  const { values } = context.session;
  let total: ir.Expr | null = null;
  for (const id of gradients) {
    const { name, shape, dtype, span } = values.get(id);
    const indices = shape.map((s, k) => ir.freshIndex(`i${k}`, s));
    const entry = ir.read(
      id,
      indices.map((i) => Poly.index(i)),
      dtype,
    );
    const body = ir.mul(entry, entry);
    const square = values.equation(
      `${name}.square`,
      [],
      indices.length ? { kind: "reduce", reducer: "sum", indices, guard: null } : null,
      body,
      dtype,
      span ? { span } : {},
    );
    const read = ir.cast(ir.read(square, [], dtype), "f32");
    total = total ? ir.add(total, read) : read;
  }
  if (!total) return null;
  const one = ir.constant(1);
  const limit = ir.div(ir.read(clip, [], "f32"), ir.add(ir.fn("sqrt", total), ir.constant(1e-6)));
  const id = values.equation(`${loss}/clip`, [], null, ir.call("min", [one, limit], "f32"), "f32");
  return valueTerm(values.get(id));
}

function update(
  name: string,
  loss: string,
  optimizer: OptimizerStatement,
  context: Context,
  file: Pick<Trainable, "params" | "gradient">,
  scale: Term | null,
): { leaf: ValueId; value: ValueId }[] | null {
  const { session, scope } = context;
  const { values } = session;
  session.called.add(optimizer);
  const paramId = file.params.get(name);
  if (paramId === undefined) return null;
  const param = values.get(paramId);
  let gradient = valueTerm(values.get(file.gradient(loss, name)));
  if (scale) {
    const axes = param.shape.map((s, k) => ir.freshIndex(`i${k}`, s));
    const body = ir.mul(bodyOver(gradient, axes), ir.cast(scale.body, gradient.dtype));
    const id = values.equation(`${loss}/clipped/${name}`, axes, null, body, param.dtype);
    gradient = valueTerm(values.get(id));
  }
  scope.bind(optimizer.param.text, { kind: "term", term: valueTerm(param) });
  scope.bind(optimizer.gradient.text, { kind: "term", term: gradient });
  // One f32 argument serves params of every float type.
  if (param.dtype !== "f32")
    for (const { name: key } of optimizer.parameters) {
      const binding = scope.lookup(key.text);
      if (binding?.kind === "term" && ir.isFloat(binding.term.dtype))
        scope.bind(key.text, { kind: "term", term: scalar(ir.cast(binding.term.body, param.dtype)) });
    }
  const states = optimizerStates(name, loss, optimizer, param, context);
  if (!states) return null;
  states.set(optimizer.param.text, param);
  const updates: { leaf: ValueId; value: ValueId }[] = [];
  const equations = optimizer.body.filter((s) => s.kind !== "state");
  let failed = !validUpdates(optimizer, equations, states, context);
  elaborateBody(equations, context, {
    prefix: `${loss}/${name}/`,
    declared: (target) => (target.endsWith("'") ? states.get(target.slice(0, -1)) : undefined),
    define: (target, term) => {
      const leaf = target.prime ? states.get(target.name.text) : undefined;
      if (!term) failed = true;
      else if (leaf && term.body.op === "read") updates.push({ leaf: leaf.id, value: term.body.value });
    },
  });
  return failed ? null : updates;
}

/** Whether the equations update states and the param, and nothing else stands beside them. */
function validUpdates(
  optimizer: OptimizerStatement,
  statements: readonly Statement[],
  states: ReadonlyMap<string, Value>,
  context: Context,
): boolean {
  const { session, scope } = context;
  const { report } = session;
  let fine = !reportMisplaced(statements, "an optimizer", context);
  const targets = statements.flatMap((s) => (s.kind === "equation" ? s.targets : [])).filter((t) => t.prime);
  for (const { name, span } of targets)
    if (!states.has(name.text)) {
      report.unknownName(
        "state",
        name.text,
        name.span,
        states.keys(),
        `declare it: \`state ${name.text} = 0\``,
      );
      // What the misspelt one was to define is missing, and reads of it would only follow.
      for (const state of states.keys())
        if (!targets.some((t) => t.name.text === state)) scope.bind(`${state}'`, { kind: "poison" }, span);
      fine = false;
    }
  const { param } = optimizer;
  if (fine && !targets.some((t) => t.name.text === param.text)) {
    report.add(
      "GRAD2001",
      param.span,
      { kind: "equation for", name: `${param.text}'` },
      { help: `an optimizer says what the param is after the step: \`${param.text}' = ${param.text} - …\`` },
    );
    fine = false;
  }
  return fine;
}

/** `state m = 0` has the param's shape, `state t: f32 = 0` is one scalar. */
function optimizerStates(
  name: string,
  loss: string,
  optimizer: OptimizerStatement,
  param: Value,
  context: Context,
): Map<string, Value> | null {
  const { session, scope } = context;
  const states = new Map<string, Value>();
  for (const statement of optimizer.body) {
    if (statement.kind !== "state") continue;
    for (const item of statement.items) {
      if (isReserved(item.name.text)) {
        reportReserved(item.name, context);
        return null;
      }
      const typed = item.type ? typeOf(item.type, context) : { dtype: param.dtype, shape: param.shape };
      const init = !typed
        ? null
        : item.value
          ? initialiser(item.value, typed.shape, context)
          : ({ kind: "fill", value: 0 } as const);
      if (!typed || !init) return null;
      const dtype = ir.isFloat(typed.dtype) ? param.dtype : typed.dtype;
      const id = session.values.define(
        `${loss}/${item.name.text}/${name}`,
        dtype,
        typed.shape,
        { kind: "leaf", role: "optimizer", init },
        { span: item.name.span },
      );
      const value = session.values.get(id);
      states.set(item.name.text, value);
      scope.bind(item.name.text, { kind: "term", term: valueTerm(value) });
    }
  }
  return states;
}
