import type { BinaryOperator } from "./ast.js";

/** How tightly things bind, loosest first: what the parser reads and the printer puts in brackets by. */
const OR = 1;
const AND = 2;
export const NOT = 3;
export const COMPARISON = 4;
export const SUM = 5;
/** Reducers and unary minus; no binary operator has this level. */
export const TERM = 6;
export const PRODUCT = 7;
export const POWER = 8;
export const PAD = 9;
/** Subscripts, calls and what has no operator. */
export const POSTFIX = 10;

export const LEVELS: Readonly<Record<BinaryOperator, number>> = {
  or: OR,
  and: AND,
  "==": COMPARISON,
  "!=": COMPARISON,
  "<": COMPARISON,
  "<=": COMPARISON,
  ">": COMPARISON,
  ">=": COMPARISON,
  "+": SUM,
  "-": SUM,
  "*": PRODUCT,
  "/": PRODUCT,
  "%": PRODUCT,
  "@": PRODUCT,
  "^": POWER,
  "??": PAD,
};
