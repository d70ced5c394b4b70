import { CATALOGUE, type Code } from "./catalogue.js";
import type { Span } from "./span.js";

/** One finding; also one line of `--format json`. */
export interface Diagnostic {
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly file: string;
  readonly span: { readonly start: Span["start"]; readonly end: Span["end"] };
  readonly related: readonly {
    readonly message: string;
    readonly file: string;
    readonly span: { readonly start: Span["start"]; readonly end: Span["end"] };
  }[];
  readonly help?: string;
  readonly fix?: {
    readonly span: { readonly start: Span["start"]; readonly end: Span["end"] };
    readonly text: string;
  };
}

export interface DiagnosticExtras {
  readonly related?: readonly { readonly message: string; readonly span: Span }[];
  readonly help?: string | undefined;
  readonly fix?: { readonly span: Span; readonly text: string };
}

const place = (span: Span): { start: Span["start"]; end: Span["end"] } => ({
  start: span.start,
  end: span.end,
});

/** The one way to make a diagnostic: a code of the catalogue, a place, and what its wording asks for. */
export function diagnose<C extends Code>(
  code: C,
  span: Span,
  args: Parameters<(typeof CATALOGUE)[C]["message"]>[0],
  extras: DiagnosticExtras = {},
): Diagnostic {
  const entry = CATALOGUE[code];
  // The catalogue pairs each code with its own argument type; the union of all hides that from the checker.
  const message = (entry.message as (a: typeof args) => string)(args);
  return {
    code,
    severity: "severity" in entry ? entry.severity : "error",
    message,
    file: span.file,
    span: place(span),
    related: (extras.related ?? []).map((r) => ({
      message: r.message,
      file: r.span.file,
      span: place(r.span),
    })),
    ...(extras.help ? { help: extras.help } : {}),
    ...(extras.fix ? { fix: { span: place(extras.fix.span), text: extras.fix.text } } : {}),
  };
}
