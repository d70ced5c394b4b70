import type { RecStatement } from "../parser/ast.js";
import type { Context } from "./context.js";
import type { Body } from "./equations.js";

export function elaborateRecurrence(statement: RecStatement, context: Context, _body: Body): void {
  context.session.report.unsupported("`rec`", statement.span);
}
