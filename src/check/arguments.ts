import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import type { CallExpression, Expression } from "../parser/ast.js";
import type { Context } from "./context.js";
import { listed } from "./report.js";

interface Formal {
  readonly name: string | { readonly text: string };
  readonly default?: number;
  readonly value?: Expression;
}
const nameOf = (formal: Formal): string => (typeof formal.name === "string" ? formal.name : formal.name.text);

/**
 * Arguments in the order of the parameters, undefined where a default serves; null after an error. `meant` is what is
 * known of arguments that there are no parameters for: then it is one mistake.
 */
export function arrange(
  node: Pick<CallExpression, "args" | "callee" | "span">,
  formals: readonly Formal[],
  variadic: boolean,
  context: Context,
  meant?: DiagnosticExtras,
): (Expression | undefined)[] | null {
  const { report } = context.session;
  const arranged: (Expression | undefined)[] = formals.map(() => undefined);
  let failed = false;
  let position = 0;
  const wanted = (): string => {
    const required = formals.filter((f) => f.default === undefined && !f.value).length;
    return variadic
      ? `${formals.length} or more`
      : required === formals.length
        ? String(required)
        : `${required} to ${formals.length}`;
  };
  const count = (): null =>
    report.add(
      "GRAD3007",
      node.span,
      { name: node.callee.text, wanted: wanted(), given: node.args.length },
      meant ?? (variadic ? {} : { help: listed("its argument", formals.map(nameOf)) }),
    );
  for (const argument of node.args) {
    if (argument.name) {
      const { text, span } = argument.name;
      const k = formals.findIndex((f) => nameOf(f) === text);
      if (k < 0 && meant)
        return report.add("GRAD2013", span, { name: text, callee: node.callee.text }, meant);
      if (k < 0) {
        report.unknownArgument(node.callee.text, text, span, formals.map(nameOf));
        failed = true;
      } else if (arranged[k]) {
        report.add("GRAD2014", span, { name: text, callee: node.callee.text });
        failed = true;
      } else arranged[k] = argument.value;
    } else if (position < formals.length || variadic) arranged[position++] = argument.value;
    else return count();
  }
  if (failed) return null;
  const missing = formals.filter((f, k) => !arranged[k] && f.default === undefined && !f.value);
  const [first] = missing;
  if (!first) return arranged;
  // One left out has a name to ask for.
  return missing.length === 1 && formals.length > 1
    ? report.add("GRAD2015", node.span, { name: nameOf(first), callee: node.callee.text })
    : count();
}
