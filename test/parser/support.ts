import { renderPretty } from "../../src/diagnostics/render.js";
import { parse } from "../../src/parser/parse.js";
import type { Expression, Statement } from "../../src/parser/ast.js";

/** A tree without the places of things, as plain data. */
export function shape(tree: unknown): unknown {
  return JSON.parse(
    JSON.stringify(tree, (key, value: unknown) =>
      key === "span" || key.endsWith("Span") ? undefined : value,
    ),
  );
}
/** The rendered diagnostics of a source. */
export function report(source: string): string {
  return parse(source, "m.grad")
    .diagnostics.map((d) => renderPretty(d, source))
    .join("\n");
}
export function statements(source: string): readonly Statement[] {
  return parse(source, "m.grad").file.statements;
}
export function expression(source: string): Expression {
  const [only] = statements(`y = ${source}`);
  if (only?.kind !== "equation") throw new Error(`does not parse: ${source}\n${report(`y = ${source}`)}`);
  return only.value;
}
/** An expression with all its brackets, for tests of precedence. */
export function bracketed(node: Expression): string {
  switch (node.kind) {
    case "number":
    case "boolean":
      return String(node.value);
    case "name":
      return node.name;
    case "binary":
      return `(${bracketed(node.left)} ${node.operator} ${bracketed(node.right)})`;
    case "unary":
      return `(${node.operator} ${bracketed(node.operand)})`;
    case "reducer":
      return `(${node.reducer} ${bracketed(node.body)})`;
    case "axis":
      return `(${node.operator} ${bracketed(node.body)})`;
    case "if":
      return `(if ${bracketed(node.condition)} ${bracketed(node.then)} ${bracketed(node.else)})`;
    case "subscript":
      return `${bracketed(node.base)}[${node.subscripts.map(bracketed).join(", ")}]`;
    case "call":
      return `${node.callee.text}(${node.args.map((a) => bracketed(a.value)).join(", ")})`;
    case "list":
      return `[${node.items.map(bracketed).join(", ")}]`;
  }
}
