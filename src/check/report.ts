import type { Code } from "../diagnostics/catalogue.js";
import { diagnose, type Diagnostic, type DiagnosticExtras } from "../diagnostics/diagnostic.js";
import type { Span } from "../diagnostics/span.js";
import { didYouMean, suggest } from "../diagnostics/suggest.js";
import { argumentElsewhere } from "./elsewhere.js";

type Arguments<C extends Code> = Parameters<typeof diagnose<C>>[2];

/** Collects diagnostics; the same one at the same place counts once. */
export class Report {
  readonly diagnostics: Diagnostic[] = [];
  /** Indices that want a reducer, by what tells so. */
  readonly unreduced = new Map<Diagnostic, string>();
  private readonly seen = new Set<string>();
  private silent = 0;
  private generic = false;
  /** The places of the calls that are being inlined, outermost first. */
  readonly callSites: Span[] = [];

  /** Returns null, so that a poisoned result and its reason stand in one line. */
  add<C extends Code>(code: C, span: Span, args: Arguments<C>, extras: DiagnosticExtras = {}): null {
    if (this.silent > 0) return null;
    const made = diagnose(code, span, args, this.withCall(code, span, extras));
    // Whether numbers are drawn twice depends on who calls.
    if (this.generic && made.severity === "warning") return null;
    const key = `${made.code} ${made.file} ${made.span.start.offset} ${made.message}`;
    if (!this.seen.has(key)) {
      this.seen.add(key);
      this.diagnostics.push(made);
    }
    return null;
  }
  /** What is wrong in a function may be so for the sizes and types of one call only, and may stand in another file. */
  private withCall(code: Code, span: Span, extras: DiagnosticExtras): DiagnosticExtras {
    const [call] = this.callSites;
    if (this.generic || !call || (call.file === span.file && !code.startsWith("GRAD3"))) return extras;
    return { ...extras, related: [...(extras.related ?? []), { message: "in this call", span: call }] };
  }
  unsupported(text: string, span: Span): null {
    return this.add("GRAD5001", span, { text });
  }
  /** A name that was defined at another place before. */
  definedTwice(name: string, span: Span, first: Span | undefined, extras: DiagnosticExtras = {}): null {
    const related = first ? { related: [{ message: "defined here first", span: first }] } : {};
    return this.add("GRAD2002", span, { name }, { ...extras, ...related });
  }
  /** An index that nothing binds; without `extras` for want of a reducer. */
  unbound(index: string, span: Span, extras?: DiagnosticExtras): null {
    const count = this.diagnostics.length;
    this.add("GRAD2004", span, { name: index }, extras ?? { help: `\`sum[${index}] …\` adds over it` });
    const made = this.diagnostics[count];
    if (made && !extras) this.unreduced.set(made, index);
    return null;
  }
  /** `otherwise` helps where no known name is near. */
  unknownName(
    kind: string,
    name: string,
    span: Span,
    known: Iterable<string>,
    otherwise?: string | DiagnosticExtras,
  ): null {
    const extras = typeof otherwise === "string" ? { help: otherwise } : otherwise;
    return this.add("GRAD2001", span, { kind, name }, nearest(name, span, known) ?? extras ?? {});
  }
  /** A named argument that the callee does not have. */
  unknownArgument(callee: string, name: string, span: Span, known: readonly string[]): null {
    const meant = argumentElsewhere(name, known);
    return this.add(
      "GRAD2013",
      span,
      { name, callee },
      meant
        ? suggestion(meant, span)
        : (nearest(name, span, known) ?? { help: `${listed("its argument", known)}` }),
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
  generically(attempt: () => void): void {
    this.generic = true;
    try {
      attempt();
    } finally {
      this.generic = false;
    }
  }
  get isSilent(): boolean {
    return this.silent > 0;
  }
  get failed(): boolean {
    return this.diagnostics.some((d) => d.severity === "error");
  }
}

/** "its arguments are `lo` and `hi`" */
export function listed(what: string, names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``);
  const last = quoted.pop();
  if (last === undefined) return `there is no ${what.replace(/^its /, "")}`;
  return quoted.length ? `${what}s are ${quoted.join(", ")} and ${last}` : `${what} is ${last}`;
}

/** A note about a name's declaration. */
export const declaredHere = (name: string, span: Span): { message: string; span: Span } => ({
  message: `\`${name}\` is declared here`,
  span,
});

export const suggestion = (meant: string, span: Span): DiagnosticExtras => ({
  help: didYouMean(meant),
  fix: { span, text: meant },
});

/** The known name that is near as help and mend. */
function nearest(name: string, span: Span, known: Iterable<string>): DiagnosticExtras | undefined {
  const near = suggest(name, known);
  return near === undefined ? undefined : suggestion(near, span);
}
