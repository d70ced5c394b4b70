import { freshIndex, type Index } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Expression, Name, RangeSyntax } from "../parser/ast.js";
import { markInferred } from "./access.js";
import type { Context, Elaborate } from "./context.js";
import { rangeOf } from "./sizes.js";

/** The direct parts of an expression, in source order. */
export function partsOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case "number":
    case "boolean":
    case "name":
      return [];
    case "subscript":
      return [node.base, ...node.subscripts];
    case "call":
      return node.args.map((a) => a.value);
    case "binary":
      return [node.left, node.right];
    case "unary":
      return [node.operand];
    case "if":
      return [node.condition, node.then, node.else];
    case "reducer":
    case "axis":
      return node.guard ? [node.guard, node.body] : [node.body];
    case "list":
      return node.items;
  }
}

/**
 * Size of the axis on which the index stands alone as a subscript: the first such use in source order; bases that
 * are themselves expressions are asked last, since their shape takes elaborating them.
 */
function inferredSize(
  name: string,
  nodes: readonly Expression[],
  context: Context,
  elaborate: Elaborate,
): Poly | null {
  const later: { base: Expression; position: number }[] = [];
  const stack = [...nodes].reverse();
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (node.kind === "reducer" && node.indices.some((i) => i.name.text === name)) continue;
    if (node.kind === "subscript") {
      for (const [position, subscript] of node.subscripts.entries()) {
        if (subscript.kind !== "name" || subscript.name !== name) continue;
        if (node.base.kind !== "name") {
          later.push({ base: node.base, position });
          continue;
        }
        const binding = context.scope.lookup(node.base.prime ? `${node.base.name}'` : node.base.name);
        const axis = binding?.kind === "term" ? binding.term.axes[position] : undefined;
        if (axis) return axis.hi;
      }
    }
    // The axis that `concat[i](a, b)` makes is as long as its parts together.
    if (node.kind === "call" && node.axis?.text === name) {
      const { axis: _, ...joined } = node;
      later.push({ base: joined, position: 0 });
    }
    stack.push(...[...partsOf(node)].reverse());
  }
  for (const { base, position } of later) {
    const size = context.session.speculate(() => elaborate(base, context)?.axes[position]?.hi);
    if (size) return size;
  }
  return null;
}

/** An index of a reducer or of a left side, with its range by the rules of the language; null after an error. */
export function indexFor(
  name: Name,
  range: RangeSyntax | undefined,
  uses: readonly Expression[],
  context: Context,
  elaborate: Elaborate,
): Index | null {
  if (range) {
    const written = rangeOf(range, context);
    return written && freshIndex(name.text, written.hi, written.lo);
  }
  const size = inferredSize(name.text, uses, context, elaborate);
  if (size) {
    const made = freshIndex(name.text, size);
    markInferred(made);
    return made;
  }
  return context.session.report.add("GRAD2005", name.span, { name: name.text });
}
