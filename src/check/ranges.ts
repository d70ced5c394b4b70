import { freshIndex, type Index } from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";
import type { Expression, Name, RangeSyntax, ReducerExpression } from "../parser/ast.js";
import { binds, mentionsName, nodesIn, partsOf, scopeName } from "../parser/walk.js";
import { markSource, type IndexSource } from "./index-sizes.js";
import { withIndices, type Context, elaborate } from "./context.js";
import { rangeHelp } from "./range-help.js";
import { rangeOf } from "./sizes.js";

/** A subscripted expression with the position of the index in it, and the reducers it stands under. */
interface ComputedUse {
  readonly base: Expression;
  readonly position: number;
  readonly under: readonly ReducerExpression[];
}

/**
 * Size of the axis on which the index stands alone as a subscript, by the first such use of a name in source order;
 * else the uses whose base is itself an expression.
 */
function usesOf(
  name: string,
  nodes: readonly Expression[],
  context: Context,
): { size: Poly; use: IndexSource } | ComputedUse[] {
  const computed: ComputedUse[] = [];
  const stack = [...nodes].reverse().map((node) => ({ node, under: [] as readonly ReducerExpression[] }));
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { node, under } = next;
    if (node.kind === "reducer" && binds(node, name)) continue;
    if (node.kind === "subscript") {
      for (const [position, subscript] of node.subscripts.entries()) {
        if (subscript.kind !== "name" || subscript.name !== name) continue;
        if (node.base.kind !== "name") {
          computed.push({ base: node.base, position, under });
          continue;
        }
        const binding = context.scope.lookup(scopeName(node.base));
        const size =
          binding?.kind === "term"
            ? binding.term.axes[position]?.hi
            : binding?.kind === "poison"
              ? binding.axes?.[position]
              : undefined;
        if (size) return { size, use: { kind: "use", name: node.base.name, position, span: subscript.span } };
      }
    }
    // The axis that `concat[i](a, b)` makes is as long as its parts together.
    if (node.kind === "call" && node.axis?.text === name) {
      computed.push({ base: node, position: 0, under });
      continue;
    }
    const inside = node.kind === "reducer" ? [...under, node] : under;
    stack.push(...[...partsOf(node)].reverse().map((part) => ({ node: part, under: inside })));
  }
  return computed;
}

/** The size of the axis on which the index stands alone as a subscript of a name. */
export function sizeByUse(name: string, nodes: readonly Expression[], context: Context): Poly | undefined {
  const found = usesOf(name, nodes, context);
  return "size" in found ? found.size : undefined;
}

/** An index that a reducer or a left side binds: by a written range, a size known otherwise, or its uses. */
export interface Wanted {
  readonly name: Name;
  readonly range?: RangeSyntax | undefined;
  readonly size?: Poly | undefined;
  /** What has an axis of this size by declaration. */
  readonly of?: Name | undefined;
}

/**
 * The indices that one reducer or one left side binds together, with their ranges by the rules of the language; null
 * for each that has none, after an error. A use of a computed tensor takes elaborating it, with the indices around
 * it bound: so those that names settle come first, and the others in the order that they settle each other.
 */
export function indicesFor(
  wanted: readonly Wanted[],
  uses: readonly Expression[],
  context: Context,
): (Index | null)[] {
  const found: (Index | null | undefined)[] = [];
  const open = new Map<number, ComputedUse[]>();
  for (const [k, { name, range, size, of }] of wanted.entries()) {
    if (range) {
      const written = rangeOf(range, context);
      found[k] = written && freshIndex(name.text, written.hi, written.lo);
      if (found[k]) markSource(found[k], { kind: "written", span: range.span });
    } else if (size)
      found[k] = inferred(name, size, of && { kind: "declared", name: of.text, span: of.span });
    else {
      const use = usesOf(name.text, uses, context);
      if ("size" in use) found[k] = inferred(name, use.size, use.use);
      else open.set(k, use);
    }
  }
  const around = (): Context =>
    withIndices(
      context,
      wanted.flatMap((_, n) => found[n] ?? []),
    );
  const withOpen = (): Context =>
    withIndices(
      context,
      wanted.map((_, n) => found[n] ?? null),
      wanted.map((w) => w.name.text),
    );
  for (let settled = true; settled && open.size > 0;) {
    settled = false;
    for (const [k, computed] of open) {
      const name = wanted[k]?.name;
      const size = name && computedSize(computed, around());
      if (!size) continue;
      found[k] = inferred(name, size);
      open.delete(k);
      settled = true;
    }
  }
  const { report } = context.session;
  for (const [k, computed] of open) {
    const each = wanted[k];
    const name = each?.name;
    // Where a use cannot be elaborated, its own fault is the reason to show.
    const faulty = computed.filter(({ base, under }) => under.length === 0 && !elaborate(base, around()));
    // What fails may be where it was to be used.
    const isUnused = name && !uses.some((use) => mentionsName(use, name.text));
    if (isUnused && uses.some((use) => !elaborate(use, withOpen()))) continue;
    if (name && faulty.length === 0 && !standsInFault(uses, name.text, context))
      report.add("GRAD2005", name.span, { name: name.text }, rangeHelp(each, uses, around(), underReducers));
  }
  return wanted.map((_, k) => found[k] ?? null);
}

/**
 * Whether what the index stands in has a fault of its own, which says why there is no range: a name that is not
 * known is reported here, what was found wrong at its own place has been.
 */
function standsInFault(uses: readonly Expression[], index: string, context: Context): boolean {
  let found = false;
  for (const node of nodesIn(...uses.filter((use) => mentionsName(use, index)))) {
    if (node.kind === "subscript" && node.base.kind === "name") {
      const { base } = node;
      const own = node.subscripts.some((s) => s.kind === "name" && s.name === index);
      const binding = context.scope.lookup(scopeName(base));
      if (own && !binding) elaborate(base, context);
      if (own && (!binding || binding.kind === "poison")) found = true;
    }
    if (node.kind === "call" && context.scope.lookup(node.callee.text)?.kind === "poison") found = true;
  }
  return found;
}

function inferred(name: Name, size: Poly, source?: IndexSource): Index {
  const made = freshIndex(name.text, size);
  markSource(made, source ?? { kind: "computed", span: name.span });
  return made;
}

/** With the indices of reducers bound, outermost first; null where one has no range. */
function underReducers(reducers: readonly ReducerExpression[], context: Context): Context | null {
  let inner = context;
  for (const reducer of reducers) {
    const indices = indicesFor(reducer.indices, partsOf(reducer), inner);
    if (indices.some((i) => !i)) return null;
    inner = withIndices(inner, indices);
  }
  return inner;
}

/** Size of the axis at the position of the first use that can be elaborated. */
function computedSize(computed: readonly ComputedUse[], context: Context): Poly | null {
  for (const { base, position, under } of computed) {
    const size = context.session.speculate(() => {
      const inner = underReducers(under, context);
      return inner && elaborate(base, inner)?.axes[position]?.hi;
    });
    if (size) return size;
  }
  return null;
}
