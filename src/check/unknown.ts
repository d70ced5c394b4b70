import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import { START, type Span } from "../diagnostics/span.js";
import { STD_SOURCES } from "../std/sources.js";
import { AXIS_OPERATORS, REDUCERS, type Name } from "../parser/ast.js";
import { operatorExample } from "../parser/help.js";
import { SCALARS } from "../ir/scalar/table.js";
import { isReserved } from "./reserved.js";
import type { Binding, Context, Scope } from "./context.js";
import { functionElsewhere, valueElsewhere } from "./elsewhere.js";
import { suggestion } from "./report.js";

/** Names that nothing declares: which known one is near, what others call so, and where the library has it. */

export function* visibleOf(scope: Scope, ...kinds: Binding["kind"][]): Iterable<string> {
  for (const name of scope.visible()) {
    const kind = scope.lookup(name)?.kind;
    // What has an error of its own may be of any kind.
    if (kind && (kind === "poison" || kinds.includes(kind))) yield name;
  }
}

export function unknownValue(name: string, span: Span, { scope, session }: Context): null {
  const { report } = session;
  if (isReserved(name)) return report.add("GRAD2008", span, { name });
  const meant = valueElsewhere(name);
  if (meant !== undefined)
    return report.add("GRAD2001", span, { kind: "name", name }, suggestion(meant, span));
  const part = partHelp(name, span, scope);
  const known = part ? [] : [...visibleOf(scope, "term", "size", "index"), "pi", "inf"];
  return report.unknownName("name", name, span, known, part ?? inLibrary(name, span));
}

const TRANSPOSE = (name: string): DiagnosticExtras => ({
  help: `a transpose is written with indices: \`y[j, i] = ${name}[i, j]\``,
});
/** `x²`, `x_i`, `A'` and `A.T` of a known name. */
function partHelp(name: string, span: Span, scope: Scope): DiagnosticExtras | undefined {
  if (name === "e" && !scope.lookup("E")) return { help: "a power of e is written `exp(x)`" };
  const [, of = "", marks = ""] = /^(.+?)_([a-z]|[i-n]{2,3})$/.exec(name) ?? [];
  const entries = scope.lookup(of);
  if (entries?.kind === "term" && marks.length === entries.term.axes.length && entries.term.axes.length > 0) {
    const text = `${of}[${[...marks].join(", ")}]`;
    return { help: `an entry is written \`${text}\``, fix: { span, text } };
  }
  const plain = name.endsWith("'") ? scope.lookup(name.slice(0, -1)) : undefined;
  if (plain?.kind === "term" && plain.term.axes.length > 1) return TRANSPOSE(name.slice(0, -1));
  const [, base = "", power] = /^(.+?)([²³])$/.exec(name) ?? [];
  if (power !== undefined && scope.lookup(base)) {
    const text = `${base}^${power === "²" ? 2 : 3}`;
    return { help: `a power is written \`${text}\``, fix: { span, text } };
  }
  const [, owner = "", part = ""] = /^(\w+)\.(\w+)$/.exec(name) ?? [];
  if (!owner || !scope.lookup(owner)) return undefined;
  // `m.W` of a layer's instance: one of its other params may be meant.
  if ([...scope.visible()].some((known) => known.startsWith(`${owner}.`))) return undefined;
  if (part === "T" || part === "mT") return TRANSPOSE(owner);
  return { help: functionElsewhere(part) };
}

/** `x.sum()` of a known tensor. */
function methodHelp(name: string, scope: Scope): string | undefined {
  const [, owner = "", method = ""] = /^(\w+)\.(\w+)$/.exec(name) ?? [];
  const of = scope.lookup(owner);
  const reducer = [...REDUCERS, ...AXIS_OPERATORS].find((r) => r === method);
  if (of?.kind !== "term" || !reducer) return undefined;
  const indices = of.term.axes.map((_, k) => "ijkl"[k] ?? `i${k}`);
  if (indices.length === 0) return undefined;
  const over = REDUCERS.some((r) => r === reducer) ? indices.join(", ") : indices[indices.length - 1];
  return `an index says over which axis: \`${reducer}[${over}] ${owner}[${indices.join(", ")}]\``;
}

/** `F.softmax(…)` */
function operatorHelp(last: string, name: string): string | undefined {
  const isReducer = REDUCERS.some((r) => r === last);
  if (last === name || (!isReducer && !AXIS_OPERATORS.some((o) => o === last))) return undefined;
  return `an index says over which axis: ${operatorExample(last, isReducer)}`;
}
/** `own` are the functions that every file has. */
export function unknownFunction(
  name: string,
  span: Span,
  { scope, session }: Context,
  own: readonly string[],
): null {
  const { report } = session;
  const last = name.split(".").pop() ?? name;
  const owner = scope.lookup(name.slice(0, -last.length - 1));
  if (owner?.kind === "term" && own.includes(last) && SCALARS[last] && !REDUCERS.some((r) => r === last))
    return report.add(
      "GRAD2001",
      span,
      { kind: "function", name },
      { help: `a function takes its argument in brackets: \`${last}(${name.slice(0, -last.length - 1)})\`` },
    );
  if (
    last !== name &&
    owner?.kind !== "term" &&
    (own.includes(last) || scope.lookup(last)?.kind === "function")
  )
    return report.add(
      "GRAD2001",
      span,
      { kind: "function", name },
      { help: `functions stand in no module: \`${last}\``, fix: { span, text: last } },
    );
  const elsewhere = methodHelp(name, scope) ?? operatorHelp(last, name) ?? functionElsewhere(name);
  const otherwise = inLibrary(name, span) ?? (elsewhere === undefined ? undefined : { help: elsewhere });
  return report.unknownName(
    "function",
    name,
    span,
    otherwise ? [] : [...visibleOf(scope, "function"), ...own],
    otherwise,
  );
}

export function unknownDim(name: string, span: Span, { scope, session }: Context): null {
  return session.report.unknownName(
    "dim",
    name,
    span,
    visibleOf(scope, "size"),
    session.calls.length > 0
      ? `declare it: \`dim ${name}\`, or as a size of its own behind the function's name: \`f<${name}>(…)\``
      : `declare it: \`dim ${name}\``,
  );
}

/** A name that is no loss: also where it is something else. */
export function unknownLoss(
  { text, span }: Name,
  losses: readonly string[],
  { scope, session }: Context,
): null {
  const known = scope.lookup(text);
  // Of what has an error of its own nobody knows what it is.
  if (known?.kind === "poison") return null;
  const place = scope.placeOf(text);
  const plain = scope.lookup("loss")?.kind === "term" && losses.length === 0;
  return session.report.unknownName(
    "loss",
    text,
    span,
    losses,
    known && place
      ? {
          help: `\`loss ${text} = …\` makes it one`,
          related: [{ message: `\`${text}\` is declared here, as something else`, span: place }],
        }
      : plain
        ? "`loss = …` defines a value of this name: write `loss l = …`"
        : losses.length === 0
          ? "the file has no loss: write `loss l = …`"
          : undefined,
  );
}

/** The file of the library that declares a name. */
export function libraryOf(name: string): string | undefined {
  if (!/^\w+$/.test(name)) return undefined;
  const declares = new RegExp(`^(?:fn|layer|const) ${name}\\b`, "m");
  return Object.entries(STD_SOURCES).find(([, source]) => declares.test(source))?.[0];
}
/** An import of what the library declares. */
function inLibrary(name: string, span: Span): DiagnosticExtras | undefined {
  const from = libraryOf(name);
  if (from === undefined) return undefined;
  const line = `import { ${name} } from "${from}"`;
  return {
    help: `the library has it: \`${line}\``,
    fix: { span: { file: span.file, start: START, end: START }, text: `${line}\n` },
  };
}
