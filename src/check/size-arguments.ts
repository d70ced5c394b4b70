import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import type { Argument, CallExpression, FunctionStatement } from "../parser/ast.js";
import { printExpression } from "../parser/print.js";
import type { Context } from "./context.js";
import { sizeOf } from "./sizes.js";

/**
 * `dense(x, 64)` and `dense(x, units = 64)` for `dense<O = 64>(x)`: sizes of a function among the arguments of a call.
 * Undefined where something else is wrong with the arguments.
 */
export function sizesAmongArguments(
  node: CallExpression,
  declaration: FunctionStatement,
  context: Context,
): DiagnosticExtras | undefined {
  const name = declaration.name.text;
  const isSize = (argument: Argument): boolean =>
    context.session.speculate(() => sizeOf(argument.value, context)) !== null;
  const formals = declaration.parameters.map((p) => p.name.text);
  const positional = node.args.filter((a) => !a.name);
  const wrong = node.args.filter((argument) =>
    argument.name ? !formals.includes(argument.name.text) : positional.indexOf(argument) >= formals.length,
  );
  const open = openSizes(node, declaration);
  if (wrong.length === 0 || open.length === 0 || !wrong.every(isSize)) return undefined;
  const named = wrong.map((argument) => open.find((size) => size === argument.name?.text));
  const others = open.filter((size) => !named.includes(size));
  const meant = named.map((size) => size ?? others.shift());
  const written = open.map((size) => {
    const argument = wrong[meant.indexOf(size)];
    return `${size} = ${argument ? printExpression(argument.value) : "…"}`;
  });
  const args = node.args.filter((argument) => !wrong.includes(argument));
  const call = (sizes: readonly string[]): string =>
    printExpression({ ...node, sizes: [], args }).replace(name, `${name}<${sizes.join(", ")}>`);
  if (meant.includes(undefined))
    return {
      help: `sizes stand before the arguments, without those that the arguments say: \`${call(open.map((size) => `${size} = …`))}\``,
    };
  const given = node.sizes.map((size) => `${size.name.text} = ${printExpression(size.value)}`);
  const text = call([...given, ...written]);
  return {
    help: `sizes stand before the arguments: \`${text}\``,
    ...(text.includes("…") ? {} : { fix: { span: node.span, text } }),
  };
}

/** Sizes that neither the call gives nor the arguments say. */
function openSizes(node: CallExpression, { sizes, parameters }: FunctionStatement): string[] {
  const said = parameters.flatMap(({ type }) =>
    "sizes" in type ? type.sizes.flatMap((size) => (size.kind === "name" ? [size.name] : [])) : [],
  );
  const given = node.sizes.map(({ name }) => name.text);
  return sizes.map(({ text }) => text).filter((text) => !said.includes(text) && !given.includes(text));
}
