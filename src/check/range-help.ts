import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import { minimumOverRanges, provablyNonNegative } from "../ir/bounds.js";
import { freshIndex } from "../ir/expr.js";
import { Poly, ZERO } from "../ir/poly.js";
import type { Expression, ReducerExpression } from "../parser/ast.js";
import { binds, mentionsName, nodesIn, partsOf, reducerOver, scopeName } from "../parser/walk.js";
import { subscript } from "./access.js";
import { withIndices, type Context } from "./context.js";
import { written } from "./mismatch.js";
import type { Wanted } from "./ranges.js";
import type { Range } from "./sizes.js";
import { showSize } from "./term.js";

/** A subscript in which an index does not stand alone, and the reducers around it. */
interface AffineUse {
  readonly entry: Expression;
  readonly size: Poly;
  readonly subscript: Expression;
  readonly under: readonly ReducerExpression[];
}

/** How the indices of reducers are bound (ranges.ts, which asks for this help). */
type UnderReducers = (reducers: readonly ReducerExpression[], context: Context) => Context | null;

/** The range that keeps all affine uses inside, where they say one; else how any is written. */
export function rangeHelp(
  { name, of }: Wanted,
  uses: readonly Expression[],
  context: Context,
  underReducers: UnderReducers,
): DiagnosticExtras {
  if (!uses.some((use) => mentionsName(use, name.text))) return unusedHelp(name.text, uses, context, !!of);
  const affine = affineUses(name.text, uses, context);
  const range = commonRange(affine.map((use) => rangeFor(name.text, use, context, underReducers)));
  const example = affine.map(({ entry }) => written(entry)).find((text) => text !== undefined);
  // On the left of an equation entries count from 0.
  if (!range || example === undefined || (of && !range.lo.isZero))
    return {
      help: `${anyRange(name.text)}, or use it alone as a subscript of an axis`,
    };
  const text = `${name.text} in ${showSize(range.lo)}..${showSize(range.hi)}`;
  return {
    help: `write the range: with \`${text}\`, \`${example}\` stays inside`,
    fix: { span: name.span, text },
  };
}

const anyRange = (name: string): string =>
  `write the range, \`${name} in 0..SIZE\` with a dim or a number for SIZE`;

/** `sum[i] x`: the name of a tensor is all of it. */
function unusedHelp(
  name: string,
  uses: readonly Expression[],
  context: Context,
  isLeft: boolean,
): DiagnosticExtras {
  for (const node of isLeft ? [] : nodesIn(...uses)) {
    if (node.kind !== "name") continue;
    const binding = context.scope.lookup(node.name);
    const rank = binding?.kind === "term" ? binding.term.axes.length : 0;
    if (rank > 0) {
      const entry = `${node.name}[${[name, ...Array<string>(rank - 1).fill("…")].join(", ")}]`;
      return {
        help: `nothing is subscripted by it: \`${node.name}\` is all of the tensor, an entry is \`${entry}\``,
        ...(rank === 1 ? { fix: { span: node.span, text: entry } } : {}),
      };
    }
  }
  const own = isLeft && reducerOver(name, ...uses);
  if (own)
    return {
      help: `\`${own.reducer}[${name}]\` binds an index of its own: leave \`${name}\` out on the left`,
    };
  return { help: `nothing on the right uses it: leave it out, or ${anyRange(name)}` };
}

function affineUses(name: string, uses: readonly Expression[], context: Context): AffineUse[] {
  const found: AffineUse[] = [];
  const stack = [...uses].reverse().map((node) => ({ node, under: [] as readonly ReducerExpression[] }));
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { node, under } = next;
    if (node.kind === "reducer" && binds(node, name)) continue;
    // What is outside has a value: such a use bounds nothing.
    if (node.kind === "binary" && node.operator === "??") {
      stack.push({ node: node.right, under });
      continue;
    }
    if (node.kind === "subscript" && node.base.kind === "name") {
      const binding = context.scope.lookup(scopeName(node.base));
      for (const [k, each] of node.subscripts.entries()) {
        const size = binding?.kind === "term" ? binding.term.axes[k]?.hi : undefined;
        if (size && mentionsName(each, name)) found.push({ entry: node, size, subscript: each, under });
      }
    }
    const inside = node.kind === "reducer" ? [...under, node] : under;
    stack.push(...[...partsOf(node)].reverse().map((part) => ({ node: part, under: inside })));
  }
  return found;
}

/** For `x[a * i + rest]`: the `i` for which all subscripts are in `0..size`. */
function rangeFor(
  name: string,
  use: AffineUse,
  context: Context,
  underReducers: UnderReducers,
): Range | null {
  const index = freshIndex(name, use.size);
  const poly = context.session.speculate(() => {
    const inner = underReducers(use.under, withIndices(context, [index]));
    return inner && subscript(use.subscript, inner);
  });
  const parts = poly?.hasOpaque ? undefined : poly?.split(index);
  const step = parts?.coefficient.constant;
  if (!parts || step === undefined || !Number.isInteger(step)) return null;
  const least = minimumOverRanges(parts.rest);
  const most = minimumOverRanges(parts.rest.neg())?.neg();
  if (!least || !most || [least, most].some((p) => p.indices.size > 0)) return null;
  const between = (lo: Poly, hi: Poly): Range | null =>
    provablyNonNegative(lo.neg()) ? { lo: ZERO, hi } : provablyNonNegative(lo.sub(1)) ? { lo, hi } : null;
  if (step === 1) return between(least.neg(), use.size.sub(most));
  if (step === -1) return between(most.sub(use.size).add(1), least.add(1));
  // Quotients of sizes come out even, so what is left over stays below one step.
  const inOneStep = (least.constant ?? -1) >= 0 && (most.constant ?? step) < step;
  return step > 1 && inOneStep ? { lo: ZERO, hi: use.size.scale(1, step) } : null;
}

/** The entries in all of the ranges, where their ends can be told apart. */
function commonRange(ranges: readonly (Range | null)[]): Range | null {
  let common: Range | null = null;
  for (const range of ranges) {
    if (!range) return null;
    if (!common) {
      common = range;
      continue;
    }
    const below: number | undefined = range.lo.sub(common.lo).constant;
    const above: number | undefined = range.hi.sub(common.hi).constant;
    if (below === undefined || above === undefined) return null;
    common = { lo: below > 0 ? range.lo : common.lo, hi: above < 0 ? range.hi : common.hi };
  }
  return common;
}
