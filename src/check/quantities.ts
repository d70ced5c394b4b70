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
export function declareQuantities(
  quantities: readonly Quantity[],
  reading: Reading,
): ReadonlyMap<string, DeclaredQuantity> {
  const { scope, session, prefix, points, readOf } = reading;
  const { values } = session;
  const declared = new Map<string, DeclaredQuantity>();
  const guessed = new Set<Quantity>();
  /** Those whose type may follow from a guess. */
  const later = new Set<Quantity>();
  const corrected = new Set<Quantity>();
  for (const { name } of quantities) scope.bind(name, { kind: "poison" });

  const bind = (quantity: Quantity, known: DeclaredQuantity): void => {
    scope.bind(quantity.name, { kind: "term", term: valueTerm(values.get(known.id), points.lead) });
    declared.set(quantity.name, known);
  };
  const declare = (quantity: Quantity, { dtype, shape }: Declared): void => {
    const id = values.define(
      `${prefix}${quantity.name}`,
      dtype,
      [...points.axes.map((a) => a.hi), ...quantity.sizes, ...shape],
      { kind: "equation", axes: [], operator: null, body: ir.constant(0, dtype) },
      { span: quantity.step.target.span },
    );
    bind(quantity, { dtype, shape, id });
    session.runAlong(id, [
      ...points.runs,
      ...quantity.levels.map(({ run: own }, k) => ({
        run: own,
        axis: points.axes.length + k,
        shift: quantity.shifts[k] ?? 0,
      })),
    ]);
  };
  const retype = (quantity: Quantity, dtype: DType): void => {
    const known = declared.get(quantity.name);
    if (!known) return;
    const { definition } = values.get(known.id);
    if (definition.kind === "equation")
      values.replace(known.id, { dtype, definition: { ...definition, body: ir.constant(0, dtype) } });
    bind(quantity, { ...known, dtype });
  };

  const readable = (entry: Entry) => session.speculate(() => readOf(entry));
  /** The first entry that can be read: a base entry that says its type before one that does not, then the step. */
  const firstEntry = (quantity: Quantity): { term: Term; entry: Entry; flexible: boolean } | null => {
    let first = null;
    for (const entry of [...quantity.bases, quantity.step]) {
      if (entry === quantity.step && first) break;
      const found = readable(entry);
      if (found && !found.flexible) return { ...found, entry };
      first ??= found && { ...found, entry };
    }
    return first;
  };
  const grow = (): boolean => {
    let grown = false;
    for (const quantity of quantities) {
      const found = declared.has(quantity.name) ? null : firstEntry(quantity);
      if (!found) continue;
      const { term, entry, flexible } = found;
      declare(quantity, { dtype: term.dtype, shape: term.axes.slice(entry.free).map((a) => a.hi) });
      if (flexible) guessed.add(quantity);
      else if (guessed.size > 0) later.add(quantity);
      grown = true;
    }
    if (grown) return true;
    // What reads only itself has no entry to begin with; ranges on the left say its shape, and the form of the right
    // side whether it is a condition.
    for (const quantity of quantities) {
      const shape = declared.has(quantity.name) ? null : reading.writtenShape(quantity);
      if (!shape) continue;
      const isBool = isCondition(quantity.step.statement.value);
      declare(quantity, { dtype: isBool ? "bool" : "f32", shape });
      if (!isBool) guessed.add(quantity);
      return true;
    }
    return false;
  };
  /** Correct one guess by what the step gives; else by trying the other kind of number, where more can be read then. */
  const correct = (): boolean => {
    const open = [...guessed].filter((q) => !corrected.has(q) && declared.get(q.name)?.dtype !== "bool");
    const accept = (quantity: Quantity): true => {
      corrected.add(quantity);
      for (const q of later) guessed.add(q);
      return true;
    };
    const unread = open.filter((quantity) => {
      const found = readable(quantity.step)?.term;
      if (!found || found.dtype === declared.get(quantity.name)?.dtype) return !found;
      retype(quantity, found.dtype);
      return !accept(quantity);
    });
    if (open.some((q) => corrected.has(q))) return true;
    return unread.some((quantity) => {
      const known = declared.get(quantity.name)?.dtype ?? "f32";
      retype(quantity, isFloat(known) ? "i32" : "f32");
      const others = quantities.filter((q) => !declared.has(q.name));
      if (readable(quantity.step) || others.some((q) => firstEntry(q))) return accept(quantity);
      retype(quantity, known);
      return false;
    });
  };
  do {
    while (grow());
  } while (correct());
  return declared;
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
