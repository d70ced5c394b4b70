import type { Poly } from "../ir/poly.js";
import type { BindingCheck, DimDeclaration } from "../ir/program.js";
import type { Session } from "./context.js";

/** Warns of what cannot be bound with the values that dims have by themselves, and says which. */
export function warnOfDefaults({ dims, checks, report }: Session): void {
  const known = knownSizes(dims);
  for (const check of checks) {
    const value = valueOf(check.poly, known);
    if (value === undefined || !check.span || holds(check, value)) continue;
    const names = [...check.poly.atoms.values()].flatMap((a) => (a.kind === "dim" ? [a.name] : []));
    report.add("GRAD3016", check.span, {
      text: check.message,
      dims: names.map((name) => `\`${name}\` = ${known.get(name)}`).join(", "),
    });
  }
}

function holds({ kind }: BindingCheck, value: number): boolean {
  if (kind === "integer") return Number.isInteger(value);
  return kind === "zero" ? value === 0 : value >= 0;
}

/** Literal values, those given to the compiler, and what is defined by them. */
function knownSizes(dims: readonly DimDeclaration[]): Map<string, number> {
  const known = new Map<string, number>();
  for (const { name, default: value } of dims) if (value !== undefined) known.set(name, value);
  for (let grown = true; grown;) {
    grown = false;
    for (const { name, definition } of dims) {
      if (!definition || known.has(name)) continue;
      const [numerator, divisor] = [valueOf(definition.numerator, known), valueOf(definition.divisor, known)];
      if (numerator === undefined || divisor === undefined || divisor === 0) continue;
      known.set(name, definition.floor ? Math.floor(numerator / divisor) : numerator / divisor);
      grown = true;
    }
  }
  return known;
}

function valueOf(poly: Poly, known: ReadonlyMap<string, number>): number | undefined {
  const atoms = [...poly.atoms.values()];
  if (!atoms.every((a) => a.kind === "dim" && known.has(a.name))) return undefined;
  return poly.evaluate((a) => (a.kind === "dim" ? (known.get(a.name) ?? NaN) : NaN));
}
