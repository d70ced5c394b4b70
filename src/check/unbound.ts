import type { Diagnostic } from "../diagnostics/diagnostic.js";
import type { EquationStatement, Expression, SourceFile, Statement } from "../parser/ast.js";
import { printExpression } from "../parser/print.js";
import { partsOf } from "./ranges.js";

/**
 * One missing reducer is one mistake, however often its index is used in an equation: the first use is reported, and
 * the help shows the product that the reducer would stand before.
 */
export function oneReducerEach(diagnostics: readonly Diagnostic[], file: SourceFile): Diagnostic[] {
  const equations = equationsIn(file.statements);
  const seen = new Set<string>();
  return diagnostics.flatMap((found) => {
    if (found.code !== "GRAD2004" || found.file !== file.span.file) return [found];
    const equation = equations.find((e) => contains(e, found));
    if (!equation) return [found];
    const key = `${equation.span.start.offset} ${found.message}`;
    if (seen.has(key)) return [];
    seen.add(key);
    const index = /`(.*?)`/.exec(found.message)?.[1];
    const product = productAround(equation.value, found);
    if (!product || !found.help?.startsWith("`sum[")) return [found];
    return [{ ...found, help: `\`sum[${index}] ${printExpression(product)}\` adds over it` }];
  });
}

const contains = (node: { readonly span: Diagnostic["span"] }, { span }: Diagnostic): boolean =>
  node.span.start.offset <= span.start.offset && span.end.offset <= node.span.end.offset;

function equationsIn(statements: readonly Statement[]): EquationStatement[] {
  return statements.flatMap((s) => {
    if (s.kind === "equation") return [s];
    if (s.kind === "rec" || s.kind === "optimizer") return equationsIn(s.body);
    if (s.kind !== "fn" && s.kind !== "layer") return [];
    return [...("kind" in s.body ? [] : equationsIn(s.body)), ...equationsIn(s.adjoint?.body ?? [])];
  });
}

/** The largest product around a place within its bracket, call or sum. */
function productAround(root: Expression, place: Diagnostic): Expression | undefined {
  let product: Expression | undefined;
  for (let node: Expression | undefined = root; node;) {
    const factor = node.kind === "subscript" || (node.kind === "binary" && "*/@^".includes(node.operator));
    product = factor ? (product ?? node) : undefined;
    // Its subscripts are what is wrong in it, not what is multiplied.
    if (node.kind === "subscript" && node.subscripts.some((s) => contains(s, place))) return product;
    node = partsOf(node).find((part) => contains(part, place));
  }
  return product;
}
