import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { invariant } from "../diagnostics/invariant.js";
import { SourceText } from "../diagnostics/span.js";
import type { SourceFile } from "../parser/ast.js";
import { lex } from "../parser/lexer.js";
import { parse } from "../parser/parse.js";
import { linesOf } from "./lines.js";
import { marksOf } from "./marks.js";
import type { Item } from "./spacing.js";
import { writeLines } from "./write.js";

/**
 * A source in the layout of the reference: spaces, indentation, alignment that its author began, blank lines in
 * groups of one, lines of at most 132. Line breaks within a statement are the author's. Formatting twice changes
 * nothing, the tree is the same, and no comment is lost.
 *
 * @returns the text, or what is wrong with the source, which is then nobody's business to lay out
 */
export function format(
  source: string,
  file: string,
): { text: string } | { diagnostics: readonly Diagnostic[] } {
  const parsed = parse(source, file);
  if (parsed.diagnostics.length) return { diagnostics: parsed.diagnostics };
  const { tokens, comments } = lex(new SourceText(file, source));
  const marks = marksOf(parsed.file, tokens);
  const bare = [
    ...tokens.map((t) => ({ text: t.image, start: t.startOffset, end: t.end })),
    ...comments.map((c) => ({
      text: c.text.trimEnd(),
      start: c.span.start.offset,
      end: c.span.end.offset,
      comment: c.kind,
    })),
  ].sort((a, b) => a.start - b.start);
  let end = 0;
  const items = bare.map((item): Item => {
    const between = source.slice(end, item.start);
    end = item.end;
    return {
      ...item,
      breaks: between.match(/\r\n|\n|\r/g)?.length ?? 0,
      gap: /[\r\n]/.test(between) ? 0 : between.length,
    };
  });
  const text = writeLines(linesOf(items, marks), marks);
  const again = parse(text, file);
  invariant(
    again.diagnostics.length === 0 && meaning(again.file) === meaning(parsed.file),
    "formatting keeps the meaning of a source",
  );
  return { text };
}

/** The tree and the comments, without places. Brackets and the kinds of blanks are not in it. */
const meaning = (file: SourceFile): string =>
  JSON.stringify(
    [file.statements, file.comments.map((c) => c.text.replace(/\s+/g, " ").trim())],
    (key, value: unknown) => (key === "span" || key.endsWith("Span") ? undefined : value),
  );
