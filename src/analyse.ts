import { invariant } from "./diagnostics/invariant.js";
import { check, inOrder, type CheckedValues } from "./check/index.js";
import { importedName } from "./check/modules.js";
import type { Diagnostic } from "./diagnostics/diagnostic.js";
import { encloses } from "./diagnostics/span.js";
import { ExpressionTable } from "./ir/expr.js";
import type { Program } from "./ir/program.js";
import type { SourceFile } from "./parser/ast.js";
import { parse } from "./parser/parse.js";

export interface AnalyseOptions {
  /** Default: `model.grad`. Diagnostics and the source map name it; imports are relative to it. */
  readonly filename?: string;
  /** Values for dims, over the literal ones of the source. */
  readonly dims?: Readonly<Record<string, number>>;
  /** What gradients may be asked for: "params" (default), "all" (and the float inputs), or names. */
  readonly wrt?: "params" | "all" | readonly string[];
  /** The source of an import, or null where there is none. `importer` is the importing file's name. */
  readonly resolve?: (specifier: string, importer: string) => string | null | undefined;
}

export interface Analysis {
  readonly file: SourceFile;
  /** Null where there was an error. */
  readonly program: Program | null;
  /** The file's `check` declarations; where there was an error, as far as they could be read. */
  readonly checks: readonly CheckedValues[];
  readonly diagnostics: readonly Diagnostic[];
  /** The file and what it imports, by the names that spans give them. */
  readonly sources: ReadonlyMap<string, string>;
}

const textAt = (source: string, { start, end }: Diagnostic["span"]): string =>
  source.slice(start.offset, end.offset);

/** The front end alone: all that `gradc check` and an editor need, and every diagnostic that there can be. */
export function analyse(source: string, options: AnalyseOptions = {}): Analysis {
  const filename = options.filename ?? "model.grad";
  const sources = new Map([[filename, source]]);
  const parsed = parse(source, filename);
  const resolve = (specifier: string, importer: string): string | null | undefined => {
    const text = options.resolve?.(specifier, importer);
    if (text !== null && text !== undefined) sources.set(importedName(specifier, importer), text);
    return text;
  };
  const checked = ExpressionTable.scoped(() =>
    check(parsed.file, { dims: options.dims ?? {}, wrt: options.wrt ?? "params", resolve }),
  );
  // What contains a syntax error, or is a part of one, was read as something else than was meant: what the checker
  // finds there follows.
  const news = checked.diagnostics.filter(
    ({ file, span }) =>
      file !== filename ||
      !parsed.diagnostics.some(({ span: fault }) => encloses(span, fault) || encloses(fault, span)),
  );
  // A reserved word that was declared all the same is told there; where it is used as a name follows.
  const declared = news.flatMap(({ code, span }) => (code === "GRAD2003" ? [textAt(source, span)] : []));
  const syntax = parsed.diagnostics.filter(
    ({ code, span }) => code !== "GRAD1007" || !declared.includes(textAt(source, span)),
  );
  const diagnostics = inOrder([...syntax, ...news], filename);
  const failed = diagnostics.some((d) => d.severity === "error");
  invariant(
    failed || checked.lost.length === 0,
    `an error says why ${checked.lost.join(", ")} came to nothing`,
  );
  const program = failed ? null : (checked.program ?? null);
  return { file: parsed.file, program, checks: checked.checks, diagnostics, sources };
}
