import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { encloses } from "../diagnostics/span.js";
import type { EquationStatement, Expression, SourceFile } from "../parser/ast.js";
import { printExpression } from "../parser/print.js";
import { equationsIn, partsOf, reducerOver } from "../parser/walk.js";

/**
 * One missing reducer is one mistake, however often its index is used in an equation: the first use is reported, and
 * the help shows the term that the reducer would stand before, which holds all of the uses.
 */
export function oneReducerEach(
  diagnostics: readonly Diagnostic[],
  unreduced: ReadonlyMap<Diagnostic, string>,
  file: SourceFile,
): Diagnostic[] {
  const isUnbound = ({ code, file: of }: Diagnostic): boolean => code === "GRAD2004" && of === file.span.file;
  if (!diagnostics.some(isUnbound)) return [...diagnostics];
  const equations = equationsIn(file.statements);
  const equationOf = (found: Diagnostic): EquationStatement | undefined =>
    isUnbound(found) ? equations.find((e) => encloses(e.span, found.span)) : undefined;
  const groups = new Map<string, Diagnostic[]>();
  const keyOf = (found: Diagnostic): string | undefined => {
    const equation = equationOf(found);
    return equation && `${equation.span.start.offset} ${found.message}`;
  };
  for (const found of diagnostics) {
    const key = keyOf(found);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), found]);
  }
  return diagnostics.flatMap((found) => {
    const equation = equationOf(found);
    const group = groups.get(keyOf(found) ?? "");
    if (!equation || !group) return [found];
    if (group[0] !== found) return [];
    const index = unreduced.get(found);
    return [index === undefined ? found : withTerm(found, index, equation, group)];
  });
}

function withTerm(
  found: Diagnostic,
  index: string,
  equation: EquationStatement,
  uses: readonly Diagnostic[],
): Diagnostic {
  const term = termAround(equation.value, uses);
  // It binds the same index, for a term of its own.
  const reducer = reducerOver(index, equation.value);
  const related = reducer
    ? [
        ...found.related,
        {
          message: `this \`${reducer.reducer}[${index}]\` reaches to the end of its own term only`,
          file: found.file,
          span: reducer.span,
        },
      ]
    : found.related;
  if (!term) return { ...found, related };
  const { start } = term.node.span;
  // Sums and means of terms add up to those of the sum.
  const name = reducer?.reducer === "mean" ? "mean" : "sum";
  return {
    ...found,
    related,
    help: reducer
      ? `in brackets, \`${reducer.reducer}[${index}] (…)\`, it reaches over more terms; \`${name}[${index}] ${term.text}\` is over this one`
      : `${onTheLeft(index, equation)}\`sum[${index}] ${term.text}\` adds over it`,
    ...(term.needsBrackets ? {} : { fix: { span: { start, end: start }, text: `${name}[${index}] ` } }),
  };
}

/** For `y = x[i]`. */
function onTheLeft(index: string, { targets, role }: EquationStatement): string {
  const [target] = targets;
  if (!target || target.indices || role === "loss") return "";
  return `\`${target.name.text}[${index}] = …\` binds it on the left, `;
}

const isFactor = (node: Expression): boolean =>
  node.kind === "subscript" ||
  node.kind === "call" ||
  (node.kind === "binary" && "*/@^".includes(node.operator));

/** The largest product, within its bracket, call or sum, that holds all of the places. */
function termAround(
  root: Expression,
  places: readonly Diagnostic[],
): { node: Expression; text: string; needsBrackets: boolean } | undefined {
  const holdsAll = (node: Expression): boolean => places.every(({ span }) => encloses(node.span, span));
  let product: Expression | undefined;
  let node = root;
  for (;;) {
    // The subscripts of an entry are what is wrong in it, not what is multiplied.
    const isEntry =
      node.kind === "subscript" &&
      node.subscripts.some((s) => places.some(({ span }) => encloses(s.span, span)));
    const inner = isEntry ? undefined : partsOf(node).find(holdsAll);
    if (isFactor(node) && (node.kind !== "call" || !inner)) product ??= node;
    else if (inner) product = undefined;
    if (!inner) break;
    node = inner;
  }
  const term = product ?? node;
  if (!holdsAll(term)) return undefined;
  const [first] = partsOf(term);
  // The span of what stands in brackets takes them in.
  const isBracketed =
    first !== undefined && first.span.start.offset > term.span.start.offset && !isFactor(term);
  const text = printExpression(term);
  return product
    ? { node: term, text, needsBrackets: false }
    : { node: term, text: `(${text})`, needsBrackets: !isBracketed };
}
