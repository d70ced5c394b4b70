import {
  and,
  constant,
  freshIndex,
  indicesOf,
  rewriter,
  select,
  visit,
  type Expr,
  type Index,
  type ValueId,
} from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { AxisOperator, Reducer } from "../ir/program.js";
import { SCALARS } from "../ir/scalar/table.js";
import type { Span } from "../diagnostics/span.js";
import { conjunction, type Context } from "./context.js";
import { leadingAxes } from "./leading-axes.js";
import { asValue, valueTerm, type Term } from "./term.js";

/** What becomes an equation of its own: its axes are the free indices, then the term's own. */
export interface Lifted {
  readonly term: Term;
  readonly id: ValueId;
  readonly lead: readonly Poly[];
}
export type LiftedOperator =
  | {
      readonly kind: "reduce";
      readonly reducer: Reducer;
      readonly indices: readonly Index[];
      readonly guard: Expr | null;
    }
  | {
      readonly kind: "along";
      readonly name: AxisOperator;
      readonly index: Index;
      readonly guard: Expr | null;
    };

/**
 * Conditions of the path that matter to a body. One that shares no index with it is left out where the body
 * cannot go wrong: with it the body would be computed again for each point of the condition.
 */
function relevantConditions(context: Context, exprs: readonly Expr[]): readonly Expr[] {
  if (context.path.length === 0) return [];
  const own = indicesOf(exprs);
  let tame = true;
  visit(exprs, (e) => {
    if (e.op === "call" && !SCALARS[e.fn]?.isTame) tame = false;
  });
  return context.path.filter((condition) => {
    const theirs = [...indicesOf([condition])].filter((i) => context.bound.includes(i));
    return theirs.length === 0 || !tame || theirs.some((i) => own.has(i));
  });
}

export function lift(
  context: Context,
  suffix: string,
  term: Term,
  operator: LiftedOperator | null,
  dtype = term.dtype,
  span?: Span,
  /** Bound indices that get an axis whether or not the term mentions them. */
  also: readonly Index[] = [],
): Lifted {
  const guard = operator?.guard ?? null;
  const inside = [term.body, ...(guard ? [guard] : [])];
  const along = operator?.kind === "along" ? operator.index : undefined;
  const path = relevantConditions(context, inside).filter((c) => !along || !indicesOf([c]).has(along));
  const mentioned = indicesOf([...inside, ...path]);
  for (const index of also) mentioned.add(index);
  if (along) mentioned.add(along);
  const free = context.bound.filter((i) => mentioned.has(i));

  const { axes, lead, renamed, runs, started } = leadingAxes(free, context);
  const same = (e: Expr): Expr => e;
  const expr = renamed.size ? rewriter({ index: (i) => renamed.get(i) }).expr : same;
  const condition = conjunction([...started, ...path.map(expr)]);
  const own = term.axes.map((a) => freshIndex(a.name, a.hi));
  const toOwn = rewriter({
    index: (i) => {
      const k = term.axes.indexOf(i);
      const o = own[k];
      return o && Poly.index(o);
    },
  });
  const place = own.length ? toOwn.expr : same;
  let body = place(expr(term.body));
  const all = [...axes, ...own];

  let made: LiftedOperator | null = null;
  if (operator) {
    const inner = guard ? place(expr(guard)) : null;
    const whole = condition && inner ? and(condition, inner) : (condition ?? inner);
    const index = along && axes[free.indexOf(along)];
    made =
      operator.kind === "reduce"
        ? { ...operator, guard: whole }
        : { ...operator, index: index ?? operator.index, guard: whole };
  } else if (condition) body = select(condition, body, constant(0, body.dtype));

  const { values } = context.session;
  const id = values.equation(`${context.owner}.${suffix}`, all, made, body, dtype, span ? { span } : {});
  context.session.runAlong(id, runs);
  return {
    id,
    lead,
    term: valueTerm(
      values.get(id),
      lead,
      all.slice(lead.length).map((a) => a.name),
    ),
  };
}

/** The term as a value, lifted unless it is one already. */
export function materialise(context: Context, suffix: string, term: Term, span?: Span): Lifted {
  const whole = asValue(term);
  return whole ? { ...whole, term } : lift(context, suffix, term, null, term.dtype, span);
}
