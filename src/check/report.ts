import type { Code } from "../diagnostics/catalogue.js";
import { diagnose, type Diagnostic, type DiagnosticExtras } from "../diagnostics/diagnostic.js";
import type { Span } from "../diagnostics/span.js";
import { didYouMean, suggest } from "../diagnostics/suggest.js";

type Arguments<C extends Code> = Parameters<typeof diagnose<C>>[2];

/** Collects diagnostics; the same one at the same place counts once. */
export class Report {
  readonly diagnostics: Diagnostic[] = [];
  private readonly seen = new Set<string>();
  private silent = 0;

  /** Returns null, so that a poisoned result and its reason stand in one line. */
  add<C extends Code>(code: C, span: Span, args: Arguments<C>, extras: DiagnosticExtras = {}): null {
    if (this.silent > 0) return null;
    const made = diagnose(code, span, args, extras);
    const key = `${made.code} ${made.file} ${made.span.start.offset} ${made.message}`;
    if (!this.seen.has(key)) {
      this.seen.add(key);
      this.diagnostics.push(made);
    }
    return null;
  }
  unsupported(text: string, span: Span): null {
    return this.add("GRAD5001", span, { text });
  }
  /** `otherwise` helps where no known name is near. */
  unknownName(kind: string, name: string, span: Span, known: Iterable<string>, otherwise?: string): null {
    return this.add("GRAD2001", span, { kind, name }, nearest(name, span, known, otherwise));
  }
  /** A named argument that the callee does not have. */
  unknownArgument(callee: string, name: string, span: Span, known: readonly string[]): null {
    const otherwise = `its arguments are ${known.join(", ")}`;
    return this.add("GRAD2013", span, { name, callee }, nearest(name, span, known, otherwise));
  }
  silently<T>(attempt: () => T): T {
    this.silent++;
    try {
      return attempt();
    } finally {
      this.silent--;
    }
  }
  get failed(): boolean {
    return this.diagnostics.some((d) => d.severity === "error");
  }
}

/** The known name that is near as help and mend. */
function nearest(
  name: string,
  span: Span,
  known: Iterable<string>,
  otherwise: string | undefined,
): DiagnosticExtras {
  const near = suggest(name, known);
  return near === undefined ? { help: otherwise } : { help: didYouMean(near), fix: { span, text: near } };
}
