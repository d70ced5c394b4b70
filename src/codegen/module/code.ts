import { invariant } from "../../diagnostics/invariant.js";
import type { Poly } from "../../ir/poly.js";
import type { Dims, Size } from "../../runtime/types.js";
import { jsNames } from "../js/expression.js";
import { keyText } from "./data.js";

/** Functions of a module's data, with the text that they have in the module. */
export class ModuleCode {
  private readonly texts = new Map<unknown, string>();
  /** What the texts take from the runtime. */
  readonly imports = new Set<string>();
  /** Sizes that shapes have beside numbers and dims, by their text. */
  readonly sizes: Record<string, (dims: Dims) => number> = {};

  /** @throws InternalError for a function that was not made here */
  textOf(value: unknown): string {
    const text = this.texts.get(value);
    invariant(text !== undefined, "a function of a module's data has a text");
    return text;
  }
  /** A function of the dims that `polys` are made of; `body` puts their texts together. */
  ofDims<T>(
    polys: readonly Poly[],
    body: (texts: readonly string[]) => string,
    value: (sizes: readonly number[]) => T,
  ): (dims: Dims) => T {
    const scope = new DimScope();
    const text = body(polys.map((p) => scope.text(p)));
    return this.named(`(${scope.parameter}) => ${text}`, (dims: Dims) =>
      value(polys.map((p) => valueOf(p, dims))),
    );
  }
  named<F>(text: string, value: F): F {
    this.texts.set(value, text);
    return value;
  }
  /** A size as the runtime's data. */
  size(p: Poly): Size {
    const known = p.constant;
    if (known !== undefined && Number.isInteger(known)) return known;
    const text = writtenSize(p, (dim) => dim);
    if (!p.dims.has(text))
      this.sizes[text] ??= this.ofDims(
        [p],
        ([size]) => size!,
        ([size]) => size!,
      );
    return text;
  }
}

/** NaN where a dim is open. */
const valueOf = (p: Poly, dims: Dims): number =>
  p.evaluate((atom) => (atom.kind === "dim" ? (dims[atom.name] ?? NaN) : NaN));

/** The dims that a function of the module takes, as JavaScript. */
export class DimScope {
  private readonly names = jsNames();
  private readonly used = new Map<string, string>();

  /** @param taken identifiers that mean something else there; @param first the dims that come first, in order */
  constructor(
    taken: readonly string[] = [],
    private readonly first: readonly string[] = [],
  ) {
    for (const name of taken) this.names.fresh(name);
  }
  text(p: Poly): string {
    return writtenSize(p, (dim) => this.dim(dim));
  }
  /** An identifier for something else than a dim. */
  fresh(name: string): string {
    return this.names.fresh(name);
  }
  /** `{ B, I }`, of what was asked for; empty for nothing. */
  get parameter(): string {
    const inOrder = new Map([...this.first.map((dim) => [dim, ""] as const), ...this.used]);
    const fields = [...inOrder]
      .filter(([, name]) => name)
      .map(([dim, name]) => (dim === name ? name : `${keyText(dim)}: ${name}`));
    return fields.length ? `{ ${fields.join(", ")} }` : "";
  }
  private dim(dim: string): string {
    const known = this.used.get(dim) ?? this.names.of(dim);
    this.used.set(dim, known);
    return known;
  }
}

/** `B`, `2 * N - 1`, `(H * W + 1) / 2`: a size for people and, with the dims' identifiers, as JavaScript. */
function writtenSize(p: Poly, name: (dim: string) => string): string {
  const over = p.denominator;
  const sum = p.terms
    .map(({ num, den, atoms }, k) => {
      const coefficient = (num * over) / den;
      const factors = atoms.map((atom) => {
        invariant(atom.kind === "dim", "a size holds dims only");
        return name(atom.name);
      });
      if (Math.abs(coefficient) !== 1 || !factors.length) factors.unshift(String(Math.abs(coefficient)));
      return (coefficient < 0 ? (k ? " - " : "-") : k ? " + " : "") + factors.join(" * ");
    })
    .join("");
  if (over === 1) return sum || "0";
  return `${p.terms.length > 1 ? `(${sum})` : sum} / ${over}`;
}

/** As an operand of whatever binds tightest. */
export const bracketed = (text: string): string =>
  /[ ]/.test(text) || text.startsWith("-") ? `(${text})` : text;
