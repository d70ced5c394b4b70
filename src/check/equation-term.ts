import { freshIndex, type DType, type Index } from "../ir/expr.js";
import { ZERO, type Poly } from "../ir/poly.js";
import { joinSpans, type Span } from "../diagnostics/span.js";
import type { EquationStatement, Expression, Target } from "../parser/ast.js";
import { isDoubted } from "./index-sizes.js";
import { withIndices, type Context, type LostAxes, elaborate, resultsOf } from "./context.js";
import { indicesFor, type Wanted } from "./ranges.js";
import { coerce, describe, settle, showSize, type Term } from "./term.js";

/** What is known of a result before its equation is read. */
export interface Declared {
  readonly dtype: DType;
  readonly shape: readonly Poly[];
}

interface LeftSide {
  /** Null in place of one that has an error. */
  readonly indices: readonly (Index | null)[];
  readonly names: readonly string[];
  readonly failed: boolean;
}
/** The indices on the left, with their ranges. */
function leftIndices(
  target: Target,
  uses: readonly Expression[],
  context: Context,
  declared?: Declared,
): LeftSide {
  const { report } = context.session;
  const wanted: Wanted[] = [];
  let failed = false;
  for (const [k, { index, range, span }] of (target.indices ?? []).entries()) {
    if (index.kind !== "name" || index.prime) {
      report.add(
        "GRAD3006",
        span,
        { wanted: "an index", found: "another expression" },
        {
          help: `entries at fixed places stand in a \`rec\`: \`rec t in 0..T { ${target.name.text}[0] = …; ${target.name.text}[t + 1] = … }\``,
        },
      );
      failed = true;
    } else {
      const first = wanted.find(({ name }) => name.text === index.name);
      if (!first)
        wanted.push({
          name: { text: index.name, span: index.span },
          range,
          size: declared?.shape[k],
          of: target.name,
        });
      else {
        report.add(
          "GRAD2006",
          span,
          { name: index.name },
          {
            related: [{ message: "bound here first", span: first.name.span }],
            help: "entries on a diagonal are chosen with `if i == j then … else 0`",
          },
        );
        failed = true;
      }
    }
  }
  const indices = indicesFor(wanted, uses, context);
  for (const [k, index] of indices.entries()) {
    if (!index) failed = true;
    else if (!index.lo.equals(ZERO)) {
      const lo = showSize(index.lo);
      report.add(
        "GRAD3006",
        wanted[k]?.range?.span ?? target.name.span,
        { wanted: "a range from 0 on the left of an equation", found: `one from ${lo}` },
        {
          help: `a tensor's entries count from 0: let \`${index.name}\` run over \`0..${showSize(index.hi.sub(index.lo))}\` and read at \`${index.name} + ${lo}\``,
        },
      );
      failed = true;
    }
  }
  return { indices, names: wanted.map((w) => w.name.text), failed };
}
const found = (indices: readonly (Index | null)[]): Index[] => indices.flatMap((index) => index ?? []);

/** What an equation says; of one with an error the sizes of its first axes. */
export interface Read {
  readonly term: Term | null;
  readonly axes: LostAxes;
  /** The right side is of literals, dims and indices only: then its type is what its name's is elsewhere. */
  readonly flexible: boolean;
}

/** `name[i, j] = value` as a tensor over the indices on the left and what the right side leaves. */
export function equationTerm(target: Target, value: Expression, context: Context, declared?: Declared): Read {
  const { indices, names, failed } = leftIndices(target, [value], context, declared);
  const right = elaborate(value, withIndices(context, indices, names));
  const axes = declared?.shape ?? indices.map((i) => (i && !isDoubted(i) ? i.hi : undefined));
  if (failed || !right) return { term: null, axes, flexible: false };
  const settled = settleAs(right, declared);
  const whole = { ...settled, axes: [...found(indices), ...settled.axes] };
  const term = declaredTerm(whole, right, target, value.span, context, declared);
  return { term, axes, flexible: right.flexible !== undefined };
}
const settleAs = (term: Term, declared?: Declared): Term =>
  declared ? (coerce(term, declared.dtype) ?? settle(term)) : settle(term);

function declaredTerm(
  term: Term,
  found: Term,
  { name }: Target,
  span: Span,
  context: Context,
  declared?: Declared,
): Term | null {
  if (!declared) return term;
  const { report } = context.session;
  const wanted = describe({
    dtype: declared.dtype,
    axes: declared.shape.map((s) => freshIndex("", s)),
    body: term.body,
  });
  if (term.dtype !== declared.dtype)
    return report.add("GRAD3006", span, {
      wanted: `${declared.dtype} for \`${name.text}\``,
      found: describe(found),
    });
  const fits =
    term.axes.length === declared.shape.length && term.axes.every((a, k) => declared.shape[k]?.equals(a.hi));
  return fits
    ? term
    : report.add("GRAD3004", span, {
        left: `${wanted} is declared for \`${name.text}\``,
        right: `${describe(term)} is what the equation gives`,
      });
}

/** `a, b = f(x)`: the results of the call, over the indices of one of the targets, the same on all of them. */
export function severalTerms(statement: EquationStatement, target: Target, context: Context): Term[] | null {
  const { value, targets } = statement;
  const binding = value.kind === "call" ? context.scope.lookup(value.callee.text) : undefined;
  if (value.kind !== "call" || binding?.kind !== "function")
    return binding?.kind === "poison"
      ? null
      : context.session.report.add("GRAD3006", value.span, {
          wanted: "a call with several results",
          found: "another expression",
        });
  const left = leftIndices(target, [value], context);
  const results = resultsOf(value, binding, withIndices(context, left.indices, left.names));
  const [first, last] = [targets[0], targets.at(-1)];
  if (results && results.length !== targets.length && first && last)
    context.session.report.add("GRAD3006", joinSpans(first.span, last.span), {
      wanted: `${results.length} ${results.length === 1 ? "name for the result" : "names for the results"}`,
      found: String(targets.length),
    });
  if (left.failed) return null;
  return results?.map((r) => ({ ...settle(r), axes: [...found(left.indices), ...settle(r).axes] })) ?? null;
}

/** What equations are read into. */
export interface Destination {
  /** Before the names of the values: the file's are plain, a function's stand behind its owner. */
  readonly prefix: string;
  /** Told of every target; also of those that failed. */
  readonly define: (target: Target, term: Term | null, statement: EquationStatement, axes: LostAxes) => void;
}
