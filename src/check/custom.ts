import { constant, freshIndex, indicesOf, isFloat, type Index, type ValueId } from "../ir/expr.js";
import { mentions } from "../ir/reach.js";
import type { CallExpression, FunctionStatement } from "../parser/ast.js";
import { Scope, type Context } from "./context.js";
import { elaborateBody, reportMisplaced } from "./body.js";
import { lift, type Lifted } from "./lift.js";
import { Packing } from "./packed.js";
import { asValue, coerce, describe, settle, shapeOf, valueTerm, type Term } from "./term.js";

/**
 * A call of a function with a written adjoint: its result (several are packed into one) is a value of its own, which
 * equals the body's and sends back what the adjoint says. All of it has an axis for each index that the call stands under. The adjoint's
 * equations are written for a cotangent of zeros; the derivative puts the real one in its place.
 */
export function withAdjoint(
  declaration: FunctionStatement,
  adjoint: NonNullable<FunctionStatement["adjoint"]>,
  results: readonly Term[],
  context: Context,
  node: CallExpression,
): Term[] | null {
  const { session } = context;
  const { values, report } = session;
  const named = (declaration.results ?? []).flatMap(({ name }, k) => {
    const term = results[k];
    return term ? [{ name: name.text, term: settle(term) }] : [];
  });
  // Integers have no cotangent.
  const floats = named.filter((r) => isFloat(r.term.dtype));
  const { cotangents } = adjoint;
  if (floats.length === 0) return [...results];
  if (cotangents.length !== floats.length)
    return report.add("GRAD3007", adjoint.span, {
      name: "adjoint",
      wanted: String(floats.length),
      given: cotangents.length,
    });

  const parameters = declaration.parameters.map((p) => {
    const binding = context.scope.own(p.name.text);
    return { name: p.name.text, term: binding?.kind === "term" ? binding.term : null };
  });
  // Conditions around the call hold in its adjoint as well, so that no NaN of a branch not taken comes out of it.
  const mentioned = indicesOf([
    ...floats.map((r) => r.term.body),
    ...parameters.flatMap((p) => (p.term ? [p.term.body] : [])),
    ...context.path,
  ]);
  const points = context.bound.filter((i) => mentioned.has(i));
  const over = (suffix: string, term: Term): Lifted =>
    lift(context, suffix, term, null, term.dtype, node.span, points);

  const packed = asOne(
    floats.map(({ name, term }) => ({ name, ...over(name, term) })),
    context,
  );
  if (!packed) return null;
  const { whole, like, part } = packed;
  const { dtype, shape } = values.get(whole);
  const isOne = floats.length === 1;
  const zeros = like(
    values.equation(
      `${context.owner}.${isOne ? (cotangents[0]?.text ?? "dy") : "cotangents"}`,
      shape.map((size, k) => freshIndex(`i${k}`, size)),
      null,
      constant(0, dtype),
      dtype,
      { span: node.span },
    ),
  );
  const args = parameters.map(({ name, term }) =>
    term && isFloat(term.dtype) ? { term, id: over(name, term).id } : null,
  );
  const definition = { kind: "custom", of: whole, args: [], cotangent: zeros, adjoints: [] } as const;
  const id = like(
    values.define(`${context.owner}.${declaration.name.text}`, dtype, shape, definition, { span: node.span }),
  );

  const scope = new Scope(context.scope);
  const made = new Map<string, Term>();
  floats.forEach(({ name }, k) => {
    const term = part(id, k, name);
    made.set(name, term);
    scope.bind(name, { kind: "term", term });
    const cotangent = cotangents[k]?.text ?? "";
    scope.bind(cotangent, { kind: "term", term: part(zeros, k, cotangent) });
  });
  const inner: Context = {
    ...context,
    scope,
    owner: `${context.owner}.adjoint`,
    home: null,
    given: [...context.given, id, ...parameters.flatMap((p) => (p.term && asValue(p.term)?.id) ?? [])],
  };
  const back = sentBack(
    adjoint,
    args.map((a) => a?.term ?? null),
    points,
    inner,
  );
  if (!back) return null;
  const passing = args.flatMap((a, k) => (a ? [{ id: a.id, back: back[k] ?? null }] : []));
  values.replace(id, {
    definition: { ...definition, args: passing.map((p) => p.id), adjoints: passing.map((p) => p.back) },
  });
  return named.map((r) => made.get(r.name) ?? r.term);
}

/** The results of a call as one value, and how each is read from it or from another one like it. */
interface Packed {
  readonly whole: ValueId;
  /** Says of a value that recurrences run along its axes as they do along the results'. */
  readonly like: (id: ValueId) => ValueId;
  readonly part: (of: ValueId, k: number, name: string) => Term;
}
function asOne(results: readonly (Lifted & { readonly name: string })[], context: Context): Packed | null {
  const { values } = context.session;
  const [first] = results;
  if (!first) return null;
  const { lead } = first;
  const like = (id: ValueId): ValueId => {
    context.session.runAsDoes(first.id, id);
    return id;
  };
  const term = (id: ValueId): Term => valueTerm(values.get(id), lead);
  const packing = new Packing(
    results.map((r) => values.get(r.id)),
    lead.length,
  );
  if (results.length === 1) return { whole: first.id, like, part: term };
  return {
    whole: like(packing.pack(context, `${context.owner}.results`)),
    like,
    part: (of, k, name) => term(like(packing.unpack(context, of, k, `${context.owner}.${name}`))),
  };
}

/** What the adjoint's equations give for each argument, over the same points; null where it is left out. */
function sentBack(
  adjoint: NonNullable<FunctionStatement["adjoint"]>,
  args: readonly (Term | null)[],
  points: readonly Index[],
  context: Context,
): (ValueId | null)[] | null {
  const { report } = context.session;
  const { scope } = context;
  if (adjoint.results.length > args.length)
    return report.add("GRAD3007", adjoint.span, {
      name: "adjoint",
      wanted: `at most ${args.length}`,
      given: adjoint.results.length,
    });
  if (reportMisplaced(adjoint.body, "an adjoint", context)) return null;
  const shapes = new Map(
    adjoint.results.flatMap((name, k) => {
      const term = args[k];
      return term ? [[name.text, { dtype: term.dtype, shape: shapeOf(term) }] as const] : [];
    }),
  );
  elaborateBody(adjoint.body, context, {
    prefix: `${context.owner}.`,
    declared: (name) => shapes.get(name),
  });
  const found: (ValueId | null)[] = [];
  for (const [k, name] of adjoint.results.entries()) {
    const binding = scope.own(name.text);
    const arg = args[k];
    if (!binding)
      return report.add("GRAD2001", name.span, { kind: "equation for the result", name: name.text });
    if (binding.kind !== "term") return null;
    if (!arg) {
      report.add("GRAD4001", name.span, { text: "an integer argument has no cotangent" });
      return null;
    }
    const term = coerce(settle(binding.term), arg.dtype);
    if (!term)
      return report.add("GRAD3006", name.span, {
        wanted: describe(arg),
        found: describe(binding.term),
      });
    found.push(lift(context, name.text, term, null, term.dtype, name.span, points).id);
  }
  return found;
}

/** The name of a function with a written adjoint that lies between a value and what it is differentiated for. */
export function adjointBetween(of: ValueId, wrt: ValueId, context: Context): string | null {
  const { values } = context.session;
  const written = [...values.byId.values()].some(
    (v) => v.definition.kind === "custom" && v.definition.args.length > 0,
  );
  if (!written) return null;
  const reaches = (from: ValueId): ReadonlySet<ValueId> => {
    const seen = new Set<ValueId>([from]);
    const work = [from];
    for (let id = work.pop(); id !== undefined; id = work.pop())
      if (id !== wrt && !context.given.includes(id))
        for (const next of mentions(values.get(id).definition)) {
          if (seen.has(next)) continue;
          seen.add(next);
          work.push(next);
        }
    return seen;
  };
  for (const id of reaches(of)) {
    const { definition, name } = values.get(id);
    if (definition.kind === "custom" && definition.args.length > 0 && reaches(id).has(wrt))
      return name.split(".").pop() ?? name;
  }
  return null;
}
