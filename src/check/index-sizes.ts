import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import type { Span } from "../diagnostics/span.js";
import type { Index } from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";
import type { Expression, SubscriptExpression } from "../parser/ast.js";
import { printExpression } from "../parser/print.js";
import type { Context } from "./context.js";
import { declaredHere } from "./report.js";
import { showSize } from "./term.js";

/** One subscript of a tensor: where it stands, and the size of its axis. */
export interface Use {
  readonly poly: Poly;
  readonly size: Poly;
  readonly name: string;
  readonly position: number;
  readonly rank: number;
  readonly node: Expression;
  /** All of the access, as it is written. */
  readonly entry: string;
}

/** Where an index has its range from: its use on an axis, a declared type, or as it is written. */
export type IndexSource =
  | { readonly kind: "use"; readonly name: string; readonly position: number; readonly span: Span }
  | { readonly kind: "declared"; readonly name: string; readonly span: Span }
  | { readonly kind: "computed" | "written"; readonly span: Span };
const sources = new WeakMap<Index, IndexSource>();
export const markSource = (index: Index, source: IndexSource): void => void sources.set(index, source);
export const sourceOf = (index: Index): IndexSource | undefined => sources.get(index);
/** Indices found to be of other sizes as well, and these: which one was meant is not known. */
const doubted = new WeakMap<Index, readonly Poly[]>();
export const isDoubted = (index: Index): boolean => doubted.has(index);
/** All uses of an index whose range is not written agree with where it has it from. */
const isInferred = (index: Index): boolean => {
  const source = sources.get(index);
  return source !== undefined && source.kind !== "written";
};

const axisOf = (name: string, position: number): string =>
  position === 0 ? `\`${name}\`` : `\`${name}\` (axis ${position + 1})`;

/** An index that runs over an axis of one size and stands on one of another. */
export function isOfTwoSizes({ poly, size, node }: Use): boolean {
  const lone = poly.asIndex;
  return lone !== undefined && node.kind === "name" && !lone.hi.equals(size) && isInferred(lone);
}
/** One mistake an entry where its subscripts are in another order, and one for each size that an index meets. */
export function reportTwoSizes(
  uses: readonly (Use | null)[],
  node: SubscriptExpression,
  context: Context,
): void {
  // What is only tried out is met again.
  if (context.session.report.isSilent) return;
  const found = uses.filter((use): use is Use => use !== null && isOfTwoSizes(use));
  const meant = orderMeant(uses, found);
  let isReported = false;
  for (const use of found) {
    const index = use.poly.asIndex;
    if (!index || !doubt(index, use.size) || (meant && isReported)) continue;
    twoSizes(use, index, context, meant && orderHelp(meant, found, node));
    isReported = true;
  }
  // An index that has its range from its place in the wrong order is of the right size elsewhere.
  if (isReported)
    for (const { poly, size } of meant ?? [])
      if (poly.asIndex?.hi.equals(size) === false) doubt(poly.asIndex, size);
}
/** Whether it is news that the index meets this size. */
function doubt(index: Index, size: Poly): boolean {
  const known = doubted.get(index) ?? [];
  doubted.set(index, [...known, size]);
  return !known.some((other) => other.equals(size));
}
/** Uses at the places where they were meant. */
type Order = readonly Use[];
/**
 * The order of the subscripts in which each stands on an axis of its size, where there is another than the one that is
 * written. Indices that have their range from this very entry may go anywhere.
 */
function orderMeant(uses: readonly (Use | null)[], found: readonly Use[]): Order | undefined {
  const own = uses.flatMap((use) => (use && !found.includes(use) && isOwn(use) ? [use] : []));
  const open = new Map([...found, ...own].map(({ position, size }) => [position, size]));
  const order: Use[] = [];
  const put = (use: Use, position: number | undefined): void => {
    const size = position === undefined ? undefined : open.get(position);
    if (position === undefined || !size) return;
    open.delete(position);
    order.push({ ...use, position, size });
  };
  for (const use of found) put(use, [...open].find(([, size]) => use.poly.asIndex?.hi.equals(size))?.[0]);
  for (const use of own) if (open.has(use.position)) put(use, use.position);
  for (const use of own) if (!order.some(({ node }) => node === use.node)) put(use, [...open.keys()][0]);
  const isComplete = order.length === found.length + own.length;
  const isOther = order.some(({ position, poly }) => !uses[position]?.poly.equals(poly));
  return isComplete && isOther ? order : undefined;
}
function orderHelp(order: Order, found: readonly Use[], node: SubscriptExpression): DiagnosticExtras {
  const subscripts = node.subscripts.map((s) => printExpression(s));
  for (const { position, node: own } of order) subscripts[position] = printExpression(own);
  const name = order[0]?.name ?? "";
  const text = `${name}[${subscripts.join(", ")}]`;
  const isTransposed = found.every(({ poly }) => {
    const source = poly.asIndex && sources.get(poly.asIndex);
    return source?.kind === "use" && source.name === name;
  });
  return isTransposed
    ? { help: `beside \`${text}\` it fits only where the axes of \`${name}\` have one size` }
    : { help: `in the order of the axes: \`${text}\``, fix: { span: node.span, text } };
}
/** Whether the index has its range from here. */
function isOwn({ poly, node }: Use): boolean {
  const source = poly.asIndex && sources.get(poly.asIndex);
  return source?.kind === "use" && source.span.start.offset === node.span.start.offset;
}
function twoSizes(
  { name, position, size, node }: Use,
  index: Index,
  context: Context,
  help: DiagnosticExtras = {},
): void {
  const source = sources.get(index);
  const declared = context.scope.placeOf(name);
  const over =
    source?.kind === "use"
      ? axisOf(source.name, source.position)
      : source?.kind === "declared"
        ? `the declared axis of \`${source.name}\``
        : "an axis of what it subscripts";
  const from = `\`${index.name}\` runs over ${over}, of size ${showSize(index.hi)}`;
  context.session.report.add(
    "GRAD3001",
    node.span,
    {
      name: axisOf(name, position),
      index: index.name,
      sizes: `${showSize(index.hi)}, and here ${showSize(size)}`,
    },
    {
      ...help,
      related: [
        ...(source ? [{ message: from, span: source.span }] : []),
        ...(declared ? [declaredHere(name, declared)] : []),
      ],
    },
  );
}
