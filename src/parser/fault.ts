import type { Diagnostic } from "../diagnostics/diagnostic.js";

/** Ends the statement at hand, which is reported as this; the parser goes on with the next one. */
export class StatementFault extends Error {
  override readonly name = "StatementFault";
  constructor(readonly diagnostic: Diagnostic) {
    super(diagnostic.message);
  }
}
