import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import { AXIS_OPERATORS, REDUCERS, type CallExpression, type Expression } from "../parser/ast.js";
import { operatorExample } from "../parser/help.js";
import { printExpression } from "../parser/print.js";
import { mentionsName, partsOf } from "../parser/walk.js";
import type { Context } from "./context.js";
import type { Term } from "./term.js";

/**
 * `sum(A[i, j], j)` and `sum(x[i] * y[i])` for `sum[j] A[i, j]` and `sum[i] x[i] * y[i]`: a reducer or axis operator that
 * is called like a function, of entries. Undefined where no index says what was meant.
 */
export function calledOperator(
  { callee, args, span }: CallExpression,
  { scope }: Context,
): DiagnosticExtras | undefined {
  const [body, ...more] = args.map((a) => a.value);
  const reducer = REDUCERS.find((r) => r === callee.text);
  const operator = AXIS_OPERATORS.find((o) => o === callee.text);
  if (!body || (!reducer && !operator)) return undefined;
  const open = new Set<string>();
  const stack: { node: Expression; inSubscript: boolean }[] = [{ node: body, inSubscript: false }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { node, inSubscript } = next;
    if (node.kind === "name" && inSubscript && !scope.lookup(node.name)) open.add(node.name);
    const parts = node.kind === "subscript" ? [...node.subscripts].reverse() : [...partsOf(node)].reverse();
    stack.push(
      ...parts.map((part) => ({ node: part, inSubscript: inSubscript || node.kind === "subscript" })),
    );
  }
  const named = more.flatMap((node) =>
    node.kind === "name" && mentionsName(body, node.name) ? [node.name] : [],
  );
  const names = (named.length ? named : [...open]).map((text) => ({ text, span }));
  const [index] = names;
  if (!index || named.length < more.length || (operator && names.length > 1)) return undefined;
  const text = printExpression(
    reducer
      ? { kind: "reducer", reducer, indices: names.map((name) => ({ name })), body, headSpan: span, span }
      : { kind: "axis", operator: operator ?? "softmax", index, body, headSpan: span, span },
  );
  return { help: `write \`${text}\``, fix: { span, text } };
}
/** How a reducer or axis operator is written that is called like a function: of a named tensor over its axes. */
export function operatorHelp(
  { callee, args, span }: CallExpression,
  isReducer: boolean,
  tensor: Term | null,
): DiagnosticExtras {
  const [argument] = args;
  const rank = tensor?.axes.length ?? 0;
  if (!isReducer || rank === 0 || rank > 4 || argument?.value.kind !== "name" || args.length > 1)
    return { help: operatorExample(callee.text, isReducer) };
  const indices = ["i", "j", "k", "l"].slice(0, rank).join(", ");
  const text = `${callee.text}[${indices}] ${argument.value.name}[${indices}]`;
  return { help: `write \`${text}\``, fix: { span, text } };
}
