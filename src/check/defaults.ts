import { encloses, type Span } from "../diagnostics/span.js";
import type { Poly } from "../ir/poly.js";
import type { BindingCheck, DimDeclaration } from "../ir/program.js";
import type { Session } from "./context.js";
import { quotientName } from "./sizes.js";

type Sizes = ReadonlyMap<string, number>;

/** What sizes have to fulfil, as far as it can be told from values of dims. */
interface Condition {
  readonly text: string;
  readonly span: Span;
  readonly dims: readonly string[];
  /** Whether the sizes that are known break it. */
  readonly fails: (known: Sizes) => boolean;
}

/** Warns of what cannot be bound with the values that dims have by themselves, and says which. */
export function warnOfDefaults({ dims, checks, report }: Session): void {
  const known = knownSizes(dims);
  const conditions = conditionsOf(dims, checks);
  const told: Span[] = [];
  for (const condition of conditions) {
    // `N / 2 + 1` is whole where `N / 2` is.
    if (!condition.fails(known) || told.some(isWithin(condition.span))) continue;
    told.push(condition.span);
    const fitting = fittingValues(condition, conditions, dims);
    report.add(
      "GRAD3016",
      condition.span,
      {
        text: condition.text,
        dims: condition.dims.map((name) => `\`${name}\` = ${known.get(name)}`).join(", "),
      },
      { help: fitting ? `${fitting} would fit` : "other values have to be given each time" },
    );
  }
}

const isWithin =
  (outer: Span) =>
  (inner: Span): boolean =>
    inner.file === outer.file && encloses(outer, inner);

function conditionsOf(dims: readonly DimDeclaration[], checks: readonly BindingCheck[]): Condition[] {
  const quotients = dims.flatMap(({ definition, span }): Condition[] => {
    // Quotients by literals have checks of their own.
    if (!span || !definition || definition.floor) return [];
    if (definition.divisor.constant !== undefined) return [];
    const { numerator, divisor } = definition;
    return [
      {
        text: `${quotientName(numerator, divisor)} must be a whole number`,
        span,
        dims: [...new Set([...numerator.dims, ...divisor.dims])],
        fails: (known) =>
          !Number.isInteger((valueOf(numerator, known) ?? 0) / (valueOf(divisor, known) ?? 1)),
      },
    ];
  });
  const others = checks.flatMap((check): Condition[] => {
    if (!check.span) return [];
    const fails = (known: Sizes): boolean => {
      const value = valueOf(check.poly, known);
      return value !== undefined && !holds(check, value);
    };
    return [{ text: check.message, span: check.span, dims: [...check.poly.dims], fails }];
  });
  return [...quotients, ...others];
}

function holds({ kind }: BindingCheck, value: number): boolean {
  if (kind === "integer") return Number.isInteger(value);
  return kind === "zero" ? value === 0 : value >= 0;
}

/** Literal values, those given to the compiler, and what is defined by them and comes out even. */
function knownSizes(dims: readonly DimDeclaration[]): Sizes {
  const known = new Map<string, number>();
  for (const { name, default: value } of dims) if (value !== undefined) known.set(name, value);
  for (let grown = true; grown;) {
    grown = false;
    for (const { name, definition } of dims) {
      if (!definition || known.has(name)) continue;
      const [numerator, divisor] = [valueOf(definition.numerator, known), valueOf(definition.divisor, known)];
      if (numerator === undefined || divisor === undefined || divisor === 0) continue;
      const value = definition.floor ? Math.floor(numerator / divisor) : numerator / divisor;
      if (!Number.isInteger(value)) continue;
      known.set(name, value);
      grown = true;
    }
  }
  return known;
}

function valueOf(poly: Poly, known: Sizes): number | undefined {
  const atoms = [...poly.atoms.values()];
  if (!atoms.every((a) => a.kind === "dim" && known.has(a.name))) return undefined;
  return poly.evaluate((a) => (a.kind === "dim" ? (known.get(a.name) ?? NaN) : NaN));
}

/** How far from a dim's own value others are looked for. */
const FARTHEST = 1024;

/** Values of one dim near its own with which the condition holds, and whatever else held. */
function fittingValues(
  failing: Condition,
  conditions: readonly Condition[],
  dims: readonly DimDeclaration[],
): string | undefined {
  const failures = (known: Sizes): number => conditions.filter(({ fails }) => fails(known)).length;
  const before = failures(knownSizes(dims));
  for (const dim of dims) {
    const { name, default: own } = dim;
    if (own === undefined || !failing.dims.some((of) => follows(of, name, dims))) continue;
    const found: number[] = [];
    for (const direction of [-1, 1])
      for (let k = 1; k <= FARTHEST && own + direction * k >= 1; k++) {
        const value = own + direction * k;
        const known = knownSizes(dims.map((d) => (d === dim ? { ...d, default: value } : d)));
        if (failing.fails(known)) continue;
        if (failures(known) < before) found.push(value);
        break;
      }
    if (found.length) return found.map((value) => `\`${name}\` = ${value}`).join(" or ");
  }
  return undefined;
}
/** Whether one dim is another, or defined by it. */
function follows(name: string, other: string, dims: readonly DimDeclaration[]): boolean {
  if (name === other) return true;
  const definition = dims.find((d) => d.name === name)?.definition;
  return (
    definition !== undefined &&
    [...definition.numerator.dims, ...definition.divisor.dims].some((own) => follows(own, other, dims))
  );
}
