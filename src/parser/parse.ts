import { diagnose, type Diagnostic } from "../diagnostics/diagnostic.js";
import { SourceText } from "../diagnostics/span.js";
import type { SourceFile } from "./ast.js";
import { withBoundaries } from "./boundaries.js";
import { lex } from "./lexer.js";
import { StatementParser } from "./statement-parser.js";

const MOST_DIAGNOSTICS = 100;

/** Chevrotain analyses the grammar once for each parser made, so one serves all texts. */
let shared: StatementParser | undefined;

/**
 * Source text to syntax tree. A statement that does not parse is reported once and left out, and all others stand.
 * Never throws on any text; at most 100 diagnostics, in the order of their places.
 */
export function parse(source: string, file: string): { file: SourceFile; diagnostics: Diagnostic[] } {
  const text = new SourceText(file, source);
  const { tokens: bare, comments, diagnostics, strays } = lex(text);
  const { tokens, closing } = withBoundaries(bare);
  shared ??= new StatementParser();
  const { statements, broken } = shared.read(text, tokens, closing, strays, (diagnostic) => {
    if (diagnostics.length <= 2 * MOST_DIAGNOSTICS) diagnostics.push(diagnostic);
  });
  diagnostics.sort((a, b) => a.span.start.offset - b.span.start.offset);
  const rest = diagnostics[MOST_DIAGNOSTICS - 1];
  if (rest && diagnostics.length > MOST_DIAGNOSTICS) {
    const span = { file, ...rest.span };
    diagnostics.splice(
      MOST_DIAGNOSTICS - 1,
      Infinity,
      diagnose("GRAD1014", span, { limit: MOST_DIAGNOSTICS - 1 }),
    );
  }
  return { file: { statements, broken, comments, span: text.span(0, source.length) }, diagnostics };
}
