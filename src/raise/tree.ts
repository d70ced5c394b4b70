import type {
  BinaryOperator,
  EquationStatement,
  Expression,
  IndexBinding,
  Name,
  RangeSyntax,
  ReducerName,
} from "../parser/ast.js";

/** What is not from a file has no place. */
const nowhere = { line: 1, column: 1, offset: 0 };
export const span = { file: "", start: nowhere, end: nowhere };

export const name = (text: string): Name => ({ text, span });
export const variable = (text: string): Expression => ({ kind: "name", name: text, prime: false, span });
export const integer = (value: number): Expression =>
  value < 0 ? minus(integer(-value)) : { kind: "number", value, integer: true, span };
export const minus = (operand: Expression): Expression => ({ kind: "unary", operator: "-", operand, span });
export const not = (operand: Expression): Expression => ({ kind: "unary", operator: "not", operand, span });
export const truth = (value: boolean): Expression => ({ kind: "boolean", value, span });
export const binary = (operator: BinaryOperator, left: Expression, right: Expression): Expression => ({
  kind: "binary",
  operator,
  left,
  right,
  operatorSpan: span,
  span,
});
export const call = (callee: string, ...args: Expression[]): Expression => ({
  kind: "call",
  callee: name(callee),
  sizes: [],
  args: args.map((value) => ({ value, span })),
  span,
});
export const subscript = (base: Expression, subscripts: readonly Expression[]): Expression =>
  subscripts.length ? { kind: "subscript", base, subscripts, span } : base;
export const choose = (condition: Expression, then: Expression, otherwise: Expression): Expression => ({
  kind: "if",
  condition,
  then,
  else: otherwise,
  span,
});
export const list = (items: readonly Expression[]): Expression => ({ kind: "list", items, span });
export const range = (lo: Expression, hi: Expression): RangeSyntax => ({ lo, hi, span });
/** `target[indices] = value` */
export const equation = (
  role: EquationStatement["role"],
  target: string,
  indices: readonly IndexBinding[],
  value: Expression,
  prime = false,
): EquationStatement => ({
  kind: "equation",
  role,
  targets: [{ name: name(target), prime, ...(indices.length ? { indices } : {}), span }],
  value,
  span,
});
export const reducer = (
  which: ReducerName,
  indices: readonly { readonly name: Name; readonly range?: RangeSyntax }[],
  guard: Expression | undefined,
  body: Expression,
): Expression => ({
  kind: "reducer",
  reducer: which,
  indices,
  ...(guard ? { guard } : {}),
  body,
  headSpan: span,
  span,
});
/** A float, negative, infinite or not a number as the language says them. */
export function float(value: number): Expression {
  if (Number.isNaN(value)) return binary("/", float(0), float(0));
  if (value < 0 || Object.is(value, -0)) return minus(float(-value));
  if (value === Infinity) return variable("inf");
  return { kind: "number", value, integer: false, span };
}
