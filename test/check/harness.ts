import { check, type CheckOptions, type Checked } from "../../src/check/index.js";
import { printProgram } from "../../src/ir/text/print.js";
import { parse } from "../../src/parser/parse.js";

export function checked(source: string, options: CheckOptions = {}): Checked {
  const { file, diagnostics } = parse(source, "model.grad");
  const [first] = diagnostics;
  if (first)
    throw new Error(
      `the test's source does not parse: ${first.message} at ${first.span.start.line}:${first.span.start.column}`,
    );
  return check(file, options);
}

/** The equations of the program, without leaves, dims and results. */
export function equations(source: string, options: CheckOptions = {}): string {
  const { program, diagnostics } = checked(source, options);
  if (!program) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  return printProgram(program)
    .split("\n")
    .filter((line) => /^(%|rec|} along|  %)/.test(line) && !line.includes(":="))
    .join("\n");
}

/** Each diagnostic as `CODE line:column message | text under the caret`. */
export function complaints(source: string, options: CheckOptions = {}): string {
  return checked(source, options)
    .diagnostics.map(({ code, span, message }) => {
      const { start, end } = span;
      return `${code} ${start.line}:${start.column} ${message} | ${source.slice(start.offset, end.offset)}`;
    })
    .join("\n");
}
