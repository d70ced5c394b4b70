import * as ir from "../ir/expr.js";
import { isFloat, type DType } from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";
import type { ValueId } from "../ir/expr.js";
import type { Expression } from "../parser/ast.js";
import type { Scope, Session } from "./context.js";
import type { Declared } from "./equation-term.js";
import type { LeadingAxes } from "./leading-axes.js";
import type { Entry, Quantity } from "./steps.js";
import { valueTerm, type Term } from "./term.js";

export type DeclaredQuantity = Declared & { readonly id: ValueId };

/** What an entry says; `flexible` where its type is what its name's is elsewhere. */
export interface EntryRead {
  readonly term: Term;
  readonly flexible: boolean;
}
/** How the entries of a recurrence are read while not all of its quantities are known. */
export interface Reading {
  readonly scope: Scope;
  readonly session: Session;
  readonly prefix: string;
  readonly points: LeadingAxes;
  readonly readOf: (entry: Entry) => EntryRead | null;
  readonly writtenShape: (quantity: Quantity) => Poly[] | null;
}

/**
 * Types and shapes of what recurs, by name: entries are read before the equation is known, so each round settles what
 * it can. An entry of literals and indices alone, such as `k[0] = 1`, has the type that the steps give; until they can
 * be read that is a guess.
 */
export const declareQuantities = (
  quantities: readonly Quantity[],
  reading: Reading,
): ReadonlyMap<string, DeclaredQuantity> => new Declaring(quantities, reading).settled();

/** Grows until nothing grows, then corrects one guess, and again. */
class Declaring {
  private readonly declared = new Map<string, DeclaredQuantity>();
  private readonly guessed = new Set<Quantity>();
  /** Those whose type may follow from a guess. */
  private readonly later = new Set<Quantity>();
  private readonly corrected = new Set<Quantity>();

  constructor(
    private readonly quantities: readonly Quantity[],
    private readonly reading: Reading,
  ) {
    for (const { name } of quantities) reading.scope.bind(name, { kind: "poison" });
  }

  settled(): ReadonlyMap<string, DeclaredQuantity> {
    do {
      while (this.grow());
    } while (this.correct());
    return this.declared;
  }

  private grow(): boolean {
    let grown = false;
    for (const quantity of this.open) {
      const found = this.firstEntry(quantity);
      if (!found) continue;
      const { term, entry, flexible } = found;
      this.declare(quantity, { dtype: term.dtype, shape: term.axes.slice(entry.free).map((a) => a.hi) });
      if (flexible) this.guessed.add(quantity);
      else if (this.guessed.size > 0) this.later.add(quantity);
      grown = true;
    }
    return grown || this.growFromLeftSide();
  }
  /**
   * What reads only itself has no entry to begin with; ranges on the left say its shape, and the form of the right side
   * whether it is a condition.
   */
  private growFromLeftSide(): boolean {
    for (const quantity of this.open) {
      const shape = this.reading.writtenShape(quantity);
      if (!shape) continue;
      const isBool = isCondition(quantity.step.statement.value);
      this.declare(quantity, { dtype: isBool ? "bool" : "f32", shape });
      if (!isBool) this.guessed.add(quantity);
      return true;
    }
    return false;
  }
  private get open(): readonly Quantity[] {
    return this.quantities.filter((q) => !this.declared.has(q.name));
  }
  /** The first entry that can be read: a base entry that says its type before one that does not, then the step. */
  private firstEntry(quantity: Quantity): (EntryRead & { readonly entry: Entry }) | null {
    let first = null;
    for (const entry of [...quantity.bases, quantity.step]) {
      if (entry === quantity.step && first) break;
      const found = this.readable(entry);
      if (found && !found.flexible) return { ...found, entry };
      first ??= found && { ...found, entry };
    }
    return first;
  }
  private readable(entry: Entry): EntryRead | null {
    return this.reading.session.speculate(() => this.reading.readOf(entry));
  }

  /** By what the step gives; else by trying the other kind of number, where more can be read then. */
  private correct(): boolean {
    const open = [...this.guessed].filter((q) => !this.corrected.has(q) && this.dtypeOf(q) !== "bool");
    const unread = open.filter((quantity) => {
      const found = this.readable(quantity.step)?.term;
      if (!found || found.dtype === this.dtypeOf(quantity)) return !found;
      this.retype(quantity, found.dtype);
      this.accept(quantity);
      return false;
    });
    return open.some((q) => this.corrected.has(q)) || unread.some((quantity) => this.tryOther(quantity));
  }
  private tryOther(quantity: Quantity): boolean {
    const known = this.dtypeOf(quantity) ?? "f32";
    this.retype(quantity, isFloat(known) ? "i32" : "f32");
    if (this.readable(quantity.step) || this.open.some((q) => this.firstEntry(q))) {
      this.accept(quantity);
      return true;
    }
    this.retype(quantity, known);
    return false;
  }
  private accept(quantity: Quantity): void {
    this.corrected.add(quantity);
    for (const q of this.later) this.guessed.add(q);
  }

  private dtypeOf(quantity: Quantity): DType | undefined {
    return this.declared.get(quantity.name)?.dtype;
  }
  private bind(quantity: Quantity, known: DeclaredQuantity): void {
    const { scope, session, points } = this.reading;
    scope.bind(quantity.name, { kind: "term", term: valueTerm(session.values.get(known.id), points.lead) });
    this.declared.set(quantity.name, known);
  }
  private declare(quantity: Quantity, { dtype, shape }: Declared): void {
    const { session, prefix, points } = this.reading;
    const id = session.values.define(
      `${prefix}${quantity.name}`,
      dtype,
      [...points.axes.map((a) => a.hi), ...quantity.sizes, ...shape],
      { kind: "equation", axes: [], operator: null, body: ir.constant(0, dtype) },
      { span: quantity.step.target.span },
    );
    this.bind(quantity, { dtype, shape, id });
    session.runAlong(id, [
      ...points.runs,
      ...quantity.levels.map(({ run: own }, k) => ({
        run: own,
        axis: points.axes.length + k,
        shift: quantity.shifts[k] ?? 0,
      })),
    ]);
  }
  private retype(quantity: Quantity, dtype: DType): void {
    const known = this.declared.get(quantity.name);
    if (!known) return;
    const { values } = this.reading.session;
    const { definition } = values.get(known.id);
    if (definition.kind === "equation")
      values.replace(known.id, { dtype, definition: { ...definition, body: ir.constant(0, dtype) } });
    this.bind(quantity, { ...known, dtype });
  }
}

function isCondition(e: Expression): boolean {
  switch (e.kind) {
    case "boolean":
      return true;
    case "unary":
      return e.operator === "not";
    case "binary":
      return ["or", "and", "==", "!=", "<", "<=", ">", ">="].includes(e.operator);
    case "if":
      return isCondition(e.then) || isCondition(e.else);
    default:
      return false;
  }
}
