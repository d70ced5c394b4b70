import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import type { Span } from "../diagnostics/span.js";
import { isFloat, isInteger } from "../ir/expr.js";
import type { Expression } from "../parser/ast.js";
import { printExpression } from "../parser/print.js";
import type { Context } from "./context.js";
import { declaredHere } from "./report.js";
import { align, commonType, describe, showSize, type Term } from "./term.js";

/** How operands that do not go together are told: both sides, where each was declared, and what was likely meant. */

/** An operand as it is written, where known. */
export type Side = Expression | undefined;
/** What stands between two operands: `a + b`, `max(a, b)`. */
export type Together = (a: string, b: string) => string;

const LONGEST = 32;
/** A side as text, if it is short. */
export function written(side: Side): string | undefined {
  const text = side && printExpression(side);
  return text !== undefined && text.length <= LONGEST ? text : undefined;
}
export const told = (term: Term, side: Side): string => {
  const text = written(side);
  return text === undefined ? describe(term) : `\`${text}\` is ${describe(term)}`;
};

/** The name whose type an operand has: of an entry that of its tensor. */
function nameIn(side: Side): string | undefined {
  let node = side;
  while (node?.kind === "subscript") node = node.base;
  return node?.kind === "name" ? node.name : undefined;
}
/** Where the names of the sides are declared. */
export function declarations(
  context: Context,
  sides: readonly Side[],
): NonNullable<DiagnosticExtras["related"]> {
  const names = new Set(sides.flatMap((side) => nameIn(side) ?? []));
  return [...names].flatMap((name) => {
    const span = context.scope.placeOf(name);
    return span ? [declaredHere(name, span)] : [];
  });
}

/** Two of the terms that do not agree, with the first that is not flexible. */
function disagreeing(terms: readonly Term[], agree: (a: Term, b: Term) => boolean): [number, number] {
  const first = Math.max(
    0,
    terms.findIndex((t) => !t.flexible),
  );
  const one = terms[first];
  const other = terms.findIndex((t, k) => k !== first && one && !agree(one, t));
  const second = other >= 0 ? other : first === 0 ? Math.min(1, terms.length - 1) : 0;
  return [Math.min(first, second), Math.max(first, second)];
}

export function typeMismatch(
  context: Context,
  terms: readonly Term[],
  span: Span,
  sides: readonly Side[],
): null {
  const [l, r] = disagreeing(terms, (a, b) => commonType([a, b]) !== undefined);
  const [left, right] = [terms[l], terms[r]];
  if (!left || !right) return null;
  const pair = [sides[l], sides[r]];
  return context.session.report.add(
    "GRAD3003",
    span,
    { left: told(left, pair[0]), right: told(right, pair[1]) },
    { ...conversion([left, right], pair), related: declarations(context, pair) },
  );
}

function conversion(terms: readonly [Term, Term], sides: readonly Side[]): DiagnosticExtras {
  const typeOf = (t: Term): Term["dtype"] => (t.flexible && !t.flexible.integer ? "f32" : t.dtype);
  const into = (k: 0 | 1, to: string): DiagnosticExtras => {
    const side = sides[k];
    const text = written(side);
    if (!side || text === undefined) return { help: `\`${to}(…)\` converts` };
    const replacement = `${to}(${text})`;
    return { help: `\`${replacement}\` converts`, fix: { span: side.span, text: replacement } };
  };
  const [a, b] = [typeOf(terms[0]), typeOf(terms[1])];
  if (a === "bool" || b === "bool") {
    const text = written(sides[a === "bool" ? 0 : 1]) ?? "…";
    return { help: `\`if ${text} then 1.0 else 0.0\` makes a number of a condition` };
  }
  if (isInteger(a) && isFloat(b)) return into(0, b);
  if (isFloat(a) && isInteger(b)) return into(1, a);
  if (isInteger(a)) return into(a === "u32" ? 0 : 1, "i32");
  return a === "f64" || b === "f16" ? into(1, a) : into(0, b);
}

export function shapeMismatch(
  context: Context,
  terms: readonly Term[],
  span: Span,
  sides: readonly Side[],
  together?: Together,
): null {
  const tensors = terms.flatMap((term, k) => (term.axes.length > 0 ? [{ term, side: sides[k] }] : []));
  const [left] = tensors;
  const right = tensors.find(({ term }) => left && !align([left.term, term])) ?? tensors[1];
  if (!left || !right) return null;
  return context.session.report.add(
    "GRAD3004",
    span,
    { left: told(left.term, left.side), right: told(right.term, right.side) },
    {
      related: declarations(context, [left.side, right.side]),
      help:
        withIndices(left, right, together) ??
        "only equal shapes, or a scalar on one side, go without indices",
    },
  );
}

interface Operand {
  readonly term: Term;
  readonly side: Side;
}
/** The same with indices, where the axes of one are among those of the other. */
function withIndices(left: Operand, right: Operand, together?: Together): string | undefined {
  if (!together) return undefined;
  const named = [left, right].map(({ side }, k) => {
    const text = written(side);
    return side?.kind === "name" ? { name: side.name } : { name: k === 0 ? "u" : "v", is: text };
  });
  const [a, b] = named.map(({ name }) => name);
  if (a === undefined || b === undefined || named.some((n) => "is" in n && n.is === undefined))
    return undefined;
  const made = named.flatMap((n) => ("is" in n ? [`\`${n.name} = ${n.is}\``] : []));
  const wider = left.term.axes.length >= right.term.axes.length ? left : right;
  const narrower = wider === left ? right : left;
  const letters = wider.term.axes.map((_, k) => "ijklmn"[k] ?? `i${k}`);
  const used = new Set<number>();
  const own: string[] = [];
  for (const axis of narrower.term.axes) {
    const k = wider.term.axes.findIndex((w, n) => !used.has(n) && w.hi.equals(axis.hi));
    const letter = letters[k];
    if (letter === undefined) return undefined;
    used.add(k);
    own.push(letter);
  }
  const of = (operand: Operand, name: string): string =>
    `${name}[${(operand === wider ? letters : own).join(", ")}]`;
  const text = `\`y[${letters.join(", ")}] = ${together(of(left, a), of(right, b))}\``;
  return `nothing is broadcast: write ${text}${made.length ? ` with ${made.join(" and ")}` : ""}`;
}

/** `A @ B` whose inner axes differ. */
export function productMismatch(
  context: Context,
  terms: readonly [Term, Term],
  span: Span,
  sides: readonly Side[],
): null {
  const [a, b] = terms;
  const inner = a.axes[a.axes.length - 1];
  const outer = b.axes[0];
  const [left, right] = [written(sides[0]) ?? "the left side", written(sides[1]) ?? "the right side"];
  return context.session.report.add(
    "GRAD3004",
    span,
    { left: told(a, sides[0]), right: told(b, sides[1]) },
    {
      related: declarations(context, sides),
      ...(inner && outer
        ? {
            help: `\`@\` sums over the last axis of \`${left}\`, ${showSize(inner.hi)}, and the first of \`${right}\`, ${showSize(outer.hi)}; other axes meet by indices: \`sum[k] A[i, k] * B[j, k]\``,
          }
        : {}),
    },
  );
}

/** Entries of a list with and without axes. */
export function listMismatch(
  context: Context,
  [a, b]: readonly [Term | undefined, Term | undefined],
  span: Span,
  sides: readonly Side[],
): null {
  if (!a || !b) return null;
  return context.session.report.add(
    "GRAD3004",
    span,
    { left: told(a, sides[0]), right: told(b, sides[1]) },
    {
      related: declarations(context, sides),
      help: "entries of a list have one shape; `concat[i](a, b)` joins along an axis",
    },
  );
}
