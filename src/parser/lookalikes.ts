import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import type { Span } from "../diagnostics/span.js";
import { symbols, words } from "./vocabulary.js";

/** Characters and runs of them that mean something elsewhere, and what means it here. */
const MEANT: Readonly<Record<string, string>> = {
  "×": "*",
  "·": "*",
  "∙": "*",
  "⋅": "*",
  "÷": "/",
  "−": "-",
  "–": "-",
  "—": "-",
  "≤": "<=",
  "≥": ">=",
  "≠": "!=",
  "→": "->",
  "&&": "and",
  "&": "and",
  "!": "not",
  "∧": "and",
  "∨": "or",
  "¬": "not",
  "∞": "inf",
  "∈": "in",
  "⊙": "*",
  "∘": "*",
};
/** Characters for what takes more than another character to write. */
const CONSTRUCTIONS: Readonly<Record<string, string>> = {
  "√": "a root is written `sqrt(x)`",
  "∑": "a sum is written `sum[i] x[i]`",
  "∏": "a product is written `prod[i] x[i]`",
  "∂": "a derivative is written `grad(l, x)`",
  "∇": "a derivative is written `grad(l, x)`",
  "∫": "an integral is the sum of a quadrature: `sum[i] f(x[i]) * dx`",
  "²": "a square is written `x^2`",
  "³": "a cube is written `x^3`",
  "⁻¹": "a reciprocal is written `x^-1` or `1 / x`",
  ᵀ: "a transpose is written with indices: `y[j, i] = A[i, j]`",
  "⊤": "a transpose is written with indices: `y[j, i] = A[i, j]`",
  "‖": "a norm is written `sqrt(sum[i] x[i]^2)`",
  $: "formulas stand as they are, without `$`",
};
/** Made of characters that have meanings of their own; no program has these next to each other. */
const MISSPELT: Readonly<Record<string, string>> = {
  "**": "^",
  "||": "or",
  "<>": "!=",
  ":=": "=",
  "===": "==",
  "!==": "!=",
};
/** By the code of their first character. */
export const MAY_BE_MISSPELT: boolean[] = [];
for (const text of Object.keys(MISSPELT)) MAY_BE_MISSPELT[text.charCodeAt(0)] = true;

/** A misspelt operator at the offset, and what it stands for. */
export function misspelt(text: string, at: number): { image: string; meant: string } | undefined {
  for (const length of [3, 2]) {
    const image = text.slice(at, at + length);
    const meant = image.length === length ? MISSPELT[image] : undefined;
    if (meant !== undefined) return { image, meant };
  }
  return undefined;
}

/** What a run of strange characters stands for, also where it is an operator in another width. */
export function strayMeant(stray: string): string | undefined {
  const known = MEANT[stray];
  if (known !== undefined) return known;
  const plain = stray.normalize("NFKC");
  return symbols.has(plain) || words.has(plain) ? plain : undefined;
}

const INVISIBLE = /^[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ufff9-\ufffb]+$/;
export const isInvisible = (stray: string): boolean => INVISIBLE.test(stray);

/** Shown so that invisible characters are seen. */
export function shownStray(stray: string): string {
  // A backslash alone is meant as it stands.
  const shown = stray === "\\" ? stray : JSON.stringify(stray.slice(0, 20)).slice(1, -1);
  return `\`${shown.replace(/[\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufff0-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)}\``;
}

/** How to write it instead. */
export function strayHelp(stray: string, span: Span, next: string): DiagnosticExtras {
  const meant = strayMeant(stray);
  if (meant !== undefined) return written(meant, span);
  if (isInvisible(stray)) return { help: "it is invisible: delete it", fix: { span, text: "" } };
  if (stray === "?") return { help: "a choice is written `if … then … else …`" };
  if (stray === "\\" && /[A-Za-z]/.test(next))
    return { help: "commands of LaTeX are none here: `sum[i] x[i]` for `\\sum_i x_i`" };
  if (stray === "\\") return { help: 'a system of equations is solved by `solve(A, b)` of "std/linalg"' };
  const construction = CONSTRUCTIONS[stray];
  if (construction !== undefined) return { help: construction };
  return {};
}
export const written = (meant: string, span: Span): DiagnosticExtras => ({
  help: `write \`${meant}\``,
  fix: { span, text: meant },
});

/** What was meant by a number and what directly follows it, and the mend where there is one. */
export function numberMeant(
  number: string,
  rest: string,
): { help: string; meant?: string; product: boolean } {
  if (rest === ".")
    return {
      help: `a decimal point has a digit on both sides: \`${number}.0\``,
      meant: `${number}.0`,
      product: false,
    };
  if (number === "0" && /^[xX]/.test(rest))
    return { help: "hexadecimal digits are 0 to 9 and a to f", product: false };
  if (/^[eE]$/.test(rest)) return { help: "an exponent has digits: `1e-3`", product: false };
  if (/^[fFdDlLuU](16|32|64)?$/.test(rest))
    return { help: "a number has no suffix: its type is its context's", meant: number, product: false };
  if (rest.startsWith("_")) return { help: "`_` stands between two digits", product: false };
  return {
    help: `a product is written \`${number} * ${rest}\``,
    meant: `${number} * ${rest}`,
    product: true,
  };
}
