import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import type { Span } from "../diagnostics/span.js";
import type { Name } from "../parser/ast.js";
import type { Context } from "./context.js";
import { isReserved, reportReserved } from "./reserved.js";

/** Whether the name may be declared in this scope; reports why not. */
export function declarable(name: Name, context: Context): boolean {
  if (isReserved(name.text)) {
    reportReserved(name, context);
    return false;
  }
  if (context.scope.own(name.text)) {
    duplicate(name.text, name.span, context);
    return false;
  }
  return true;
}

/** Reports that a name is there already. */
export function duplicate(name: string, span: Span, context: Context, extras: DiagnosticExtras = {}): void {
  context.session.disputed.add(name);
  context.session.report.definedTwice(name, span, context.scope.placeOf(name), extras);
}
