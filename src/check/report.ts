import type { Code } from "../diagnostics/catalogue.js";
import { diagnose, type Diagnostic, type DiagnosticExtras } from "../diagnostics/diagnostic.js";
import type { Span } from "../diagnostics/span.js";

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
  unknownName(kind: string, name: string, span: Span, known: Iterable<string>): null {
    const near = closest(name, known);
    return this.add(
      "GRAD2001",
      span,
      { kind, name },
      near ? { help: `did you mean \`${near}\`?`, fix: { span, text: near } } : {},
    );
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

/** The known name within a third of the length in edits, or undefined. */
function closest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const other of new Set(known)) {
    if (name.length < 2 || Math.abs(other.length - name.length) >= least) continue;
    const distance = edits(name, other);
    if (distance < least) [best, least] = [other, distance];
  }
  return best;
}
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, k) => k);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}
