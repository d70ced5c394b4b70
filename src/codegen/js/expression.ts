import { castJs } from "../../ir/scalar/cast.js";
import type { KExpr } from "../../schedule/kernel/ir.js";
import { addressPiece } from "../address.js";
import { Names } from "../names.js";
import { type IntegerFacts, isPositiveConstant } from "../signs.js";
import type { ExpressionPrinter } from "../statements.js";
import { tableCall } from "../table-call.js";
import { atom, bracketed, callPiece, infix, type Piece, STRENGTH } from "../text.js";

const RESERVED = new Set(
  (
    "arguments async await break case catch class const continue debugger default delete do else enum eval export extends " +
    "false finally for function get if implements import in instanceof interface let new null of package private protected " +
    "public return set static super switch this throw true try typeof undefined var void while with yield Infinity Math NaN"
  ).split(" "),
);
export const jsNames = (): Names => new Names((identifier) => RESERVED.has(identifier));

/** Kernel expressions as JavaScript's. A select is `?:`, so the arm not chosen is not evaluated. */
export class JsExpressions implements ExpressionPrinter {
  constructor(
    private readonly names: Names,
    private readonly facts: IntegerFacts,
  ) {}

  text(e: KExpr): string {
    return this.piece(e).text;
  }
  index(e: KExpr): string {
    return this.text(e);
  }

  private readonly piece = (e: KExpr): Piece => {
    switch (e.op) {
      case "constant":
        if (e.dtype === "bool") return atom(e.value ? "true" : "false");
        // As memory has it: 0.1 of f32 is the one that is read from there.
        return numberPiece(e.dtype === "f32" ? Math.fround(e.value) : e.value);
      case "variable":
        return atom(this.names.of(e.name));
      case "load": {
        const element = atom(`${this.names.of(e.buffer)}[${this.text(e.index)}]`);
        return e.dtype === "bool" ? infix("!==", element, atom("0")) : element;
      }
      case "address":
        return addressPiece(
          e,
          this.piece,
          (fn, args) => `Math.${fn}(${args.join(", ")})`,
          (a, b) => ({
            text: `${infix("/", a, b).text} | 0`,
            strength: STRENGTH.bits,
          }),
        );
      case "cast":
        return callPiece(([x = ""]) => castJs(e.arg.dtype, e.dtype, x), [this.piece(e.arg)], [null]);
      case "select": {
        const condition = bracketed(this.piece(e.condition), STRENGTH.choice + 1);
        const then = bracketed(this.piece(e.then), STRENGTH.choice + 1);
        return {
          text: `${condition} ? ${then} : ${bracketed(this.piece(e.else), STRENGTH.choice)}`,
          strength: STRENGTH.choice,
        };
      }
      case "call":
        return this.call(e);
    }
  };

  private call(e: KExpr & { readonly op: "call" }): Piece {
    const [a, b] = e.args;
    if (a && b && a.dtype === "i32" && isPositiveConstant(b)) {
      const whole = this.facts.isNonNegative(a);
      const quotient = infix("/", this.piece(a), this.piece(b));
      if (e.fn === "floor_div")
        return whole
          ? { text: `${quotient.text} | 0`, strength: STRENGTH.bits }
          : atom(`Math.floor(${quotient.text})`);
      if (e.fn === "mod" && whole) return infix("%", this.piece(a), this.piece(b));
    }
    // Bools are booleans here, also those that come out of memory.
    if (a && b && a.dtype === "bool" && (e.fn === "eq" || e.fn === "ne"))
      return infix(e.fn === "eq" ? "===" : "!==", this.piece(a), this.piece(b));
    // A name is multiplied by itself; what would have to be computed twice goes through a function.
    if (a && b && e.fn === "powi" && a.op !== "variable" && b.op === "constant" && b.value === 2)
      return atom(`gradc_square(${this.text(a)})`);
    return tableCall(e, this.piece, ({ js }) => js);
  }
}

function numberPiece(value: number): Piece {
  const text = Object.is(value, -0) ? "-0" : String(value);
  return text.startsWith("-") ? { text, strength: STRENGTH.unary } : atom(text);
}
