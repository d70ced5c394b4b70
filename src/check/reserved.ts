import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import type { Span } from "../diagnostics/span.js";
import { suggest } from "../diagnostics/suggest.js";
import { DTYPES, isDType } from "../ir/dtypes.js";
import type { DType } from "../ir/expr.js";
import { SCALARS } from "../ir/scalar/table.js";
import type { Name } from "../parser/ast.js";
import { AXIS_OPERATORS, DERIVATIVE_FUNCTIONS, REDUCERS, TENSOR_FUNCTIONS } from "../parser/words.js";
import type { Context } from "./context.js";
import { typeElsewhere } from "./elsewhere.js";
import { suggestion } from "./report.js";

/** Functions that concern derivatives. */
export const DERIVATIVES: ReadonlySet<string> = new Set([...DERIVATIVE_FUNCTIONS, "stop"]);
/** What the language has as functions. */
export const OWN_FUNCTIONS: readonly string[] = [
  ...Object.entries(SCALARS).flatMap(([name, { visible }]) => (visible ? [name] : [])),
  ...DTYPES,
  ...TENSOR_FUNCTIONS,
  ...DERIVATIVE_FUNCTIONS,
];
const RESERVED: ReadonlySet<string> = new Set([...OWN_FUNCTIONS, ...REDUCERS, ...AXIS_OPERATORS]);

/** Names that a file may not declare. */
export const isReserved = (name: string): boolean => RESERVED.has(name);

export function reportReserved({ text, span }: Name, { session }: Context): void {
  session.disputed.add(text);
  session.report.add(
    "GRAD2003",
    span,
    { name: text, what: reservedAs(text) },
    { help: `take another name, such as \`${text}_\`` },
  );
}
function reservedAs(name: string): string {
  if (REDUCERS.some((r) => r === name)) return "a reducer";
  if (AXIS_OPERATORS.some((o) => o === name)) return "an axis operator";
  return isDType(name) ? "a type" : "a function of the language";
}

/** What other languages call a type, or the nearest, or all. */
function typeMeant(name: string, span: Span): DiagnosticExtras {
  const near = typeElsewhere(name) ?? suggest(name, DTYPES);
  return near ? suggestion(near, span) : { help: `types are ${DTYPES.join(", ")}` };
}

/** The type that a word names; null, and reported, for any other word. */
export function dtypeOf({ text, span }: Name, { session }: Context): DType | null {
  return isDType(text) ? text : session.report.add("GRAD3010", span, { name: text }, typeMeant(text, span));
}
