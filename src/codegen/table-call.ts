import { invariant } from "../diagnostics/invariant.js";
import { SCALARS } from "../ir/scalar/table.js";
import type { ScalarFunction, TargetCode } from "../ir/scalar/types.js";
import type { KExpr } from "../schedule/kernel/ir.js";
import { atom, bracketed, callPiece, type Piece, STRENGTH } from "./text.js";

/** A call of a scalar function in one target's text, which is the function table's. */
export function tableCall(
  e: KExpr & { readonly op: "call" },
  print: (e: KExpr) => Piece,
  code: (entry: ScalarFunction) => TargetCode,
): Piece {
  const entry = SCALARS[e.fn];
  invariant(entry, `scalar function ${e.fn} is in the table`);
  const dtype = e.args[e.args.length - 1]?.dtype ?? e.dtype;
  const pieces = e.args.map(print);
  // A literal exponent is looked into, and so is a base that is only a name.
  const looksInto = entry.parameters.some((p) => p.literal);
  const literals = e.args.map((x, k) =>
    looksInto && (x.op === "constant" || (k === 0 && x.op === "variable"))
      ? bracketed(pieces[k] ?? atom("0"), STRENGTH.atom)
      : null,
  );
  return callPiece((args) => code(entry).expression(args, dtype), pieces, literals);
}
