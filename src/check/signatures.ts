import type { Span } from "../diagnostics/span.js";
import type {
  FunctionStatement,
  FunctionTypeSyntax,
  Name,
  OptimizerStatement,
  TypeSyntax,
} from "../parser/ast.js";
import { printExpression } from "../parser/print.js";
import type { Context } from "./context.js";
import { isReserved, reportReserved } from "./reserved.js";

const printType = ({ dtype, sizes }: TypeSyntax): string =>
  sizes.length ? `${dtype.text}[${sizes.map(printExpression).join(", ")}]` : dtype.text;
export function printFunctionType({ parameters, results }: FunctionTypeSyntax): string {
  const given = results.map(printType);
  return `fn(${parameters.map(printType).join(", ")}) -> ${given.length === 1 ? given[0] : `(${given.join(", ")})`}`;
}

/** Why a function cannot be given where one of this type is wanted, or undefined. */
export function misfit(
  declaration: FunctionStatement,
  wanted: FunctionTypeSyntax,
): { readonly found: string; readonly help?: string } | undefined {
  const name = declaration.name.text;
  const { parameters } = declaration;
  const required = parameters.filter((p) => !p.value).length;
  const given = wanted.parameters.length;
  const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
  if (given < required || given > parameters.length)
    return {
      found: `\`${name}\`, which takes ${many(required, "argument")}`,
      help: "a function of fewer arguments around it can give the rest, also from the file's params and inputs",
    };
  const results = declaration.results?.length ?? 1;
  if (results !== wanted.results.length)
    return { found: `\`${name}\`, which has ${many(results, "result")}` };
  for (const [k, type] of wanted.parameters.entries()) {
    const own = parameters[k]?.type;
    if (!own || !("sizes" in own)) continue;
    // A function of scalars applies to the entries of a tensor.
    const rankFits = own.sizes.length === type.sizes.length || own.sizes.length === 0;
    if (own.dtype.text !== type.dtype.text || !rankFits)
      return { found: `\`${name}\`, which takes ${printType(own)}` };
  }
  return undefined;
}

/** Reports names of a function's sizes and arguments that are taken: reserved, or twice there. */
export function checkSignature({ sizes, parameters, results }: FunctionStatement, context: Context): void {
  reportTaken([...sizes, ...parameters.map((p) => p.name)], context);
  // One named as an argument is told where the body defines it.
  reportRepeated(results?.map((r) => r.name) ?? [], context);
}
/** An optimizer's arguments have names of their own. */
export function checkOptimizerSignature(
  { parameters, param, gradient }: OptimizerStatement,
  context: Context,
): void {
  reportTaken([...parameters.map((p) => p.name), param, gradient], context);
}
function reportTaken(names: readonly Name[], context: Context): void {
  for (const name of names) if (isReserved(name.text)) reportReserved(name, context);
  reportRepeated(
    names.filter((name) => !isReserved(name.text)),
    context,
  );
}
function reportRepeated(names: readonly Name[], { session }: Context): void {
  const seen = new Map<string, Span>();
  for (const { text, span } of names) {
    const first = seen.get(text);
    if (first) session.report.definedTwice(text, span, first);
    else seen.set(text, span);
  }
}
