import type { KExpr } from "../schedule/kernel/ir.js";
import { atom, infix, type Piece, prefix } from "./text.js";

type Address = KExpr & { readonly op: "address" };

/** Address arithmetic is infix in every target, and exact: no bracket is needed for the order of sums or products. */
export function addressPiece(
  e: Address,
  print: (e: KExpr) => Piece,
  call: (fn: "min" | "max", args: readonly string[]) => string,
  quotient: (dividend: Piece, divisor: Piece) => Piece,
): Piece {
  const [first, ...rest] = e.fn === "add" ? withoutZeros(e.args) : e.args;
  if (!first) return atom("0");
  switch (e.fn) {
    case "add":
      return chained(rest, print(first), (sum, next) => {
        if (next.op === "constant" && next.value < 0) return infix("-", sum, atom(String(-next.value)));
        if (next.op === "address" && next.fn === "neg" && next.args[0])
          return infix("-", sum, print(next.args[0]));
        return flat("+", sum, print(next));
      });
    case "sub":
      return chained(rest, print(first), (sum, next) =>
        next.op === "constant" && next.value < 0
          ? infix("+", sum, atom(String(-next.value)))
          : infix("-", sum, print(next)),
      );
    case "mul":
      return chained(rest, print(first), (product, next) => flat("*", product, print(next)));
    case "div":
    case "rem": {
      const [by] = rest;
      if (!by) return print(first);
      return e.fn === "div" ? quotient(print(first), print(by)) : infix("%", print(first), print(by));
    }
    case "neg":
      return prefix("-", print(first));
    case "min":
    case "max":
      return atom(
        call(
          e.fn,
          e.args.map((a) => print(a).text),
        ),
      );
  }
}

const withoutZeros = (args: readonly KExpr[]): readonly KExpr[] =>
  args.filter((a) => !(a.op === "constant" && a.value === 0));
const chained = (rest: readonly KExpr[], first: Piece, step: (so: Piece, next: KExpr) => Piece): Piece =>
  rest.reduce(step, first);

/** As `infix` for an operator that is associative on exact integers. */
function flat(operator: "+" | "*", a: Piece, b: Piece): Piece {
  if (operator === "+" && (b.operator === "+" || b.operator === "-"))
    return { ...b, text: `${infix("+", a, atom(b.text)).text}`, operator: "+" };
  // A quotient within b would take a into its dividend.
  if (operator === "*" && b.operator === "*" && !/[/%]/.test(b.text))
    return { ...b, text: `${infix("*", a, atom(b.text)).text}` };
  return infix(operator, a, b);
}
