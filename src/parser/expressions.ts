import { diagnose } from "../diagnostics/diagnostic.js";
import { join } from "../diagnostics/span.js";
import type { Argument, AxisName, BinaryOperator, Expression, Name, RangeSyntax, ReducerName } from "./ast.js";
import { AXIS_OPERATORS, REDUCERS } from "./ast.js";
import { SyntaxFault, type Cursor } from "./cursor.js";

// Precedence, loosest first: if · or · and · not · comparison · + - · reducers, unary - · * / % @ · ^ · ?? · postfix.

export function expression(c: Cursor): Expression {
  if (!c.is("if")) return disjunction(c);
  return c.deeper(() => {
    const start = c.next().span;
    const condition = expression(c);
    c.expect("then");
    const then = expression(c);
    c.expect("else");
    const otherwise = expression(c);
    return { kind: "if", condition, then, else: otherwise, span: c.since(start) };
  });
}

function leftAssociative(c: Cursor, operand: () => Expression, operators: readonly BinaryOperator[]): Expression {
  let left = operand();
  for (;;) {
    const operator = operators.find((o) => c.is(o));
    if (!operator) return left;
    const operatorSpan = c.next().span;
    const right = operand();
    left = { kind: "binary", operator, left, right, operatorSpan, span: join(left.span, right.span) };
  }
}
const disjunction = (c: Cursor): Expression => leftAssociative(c, () => conjunction(c), ["or"]);
const conjunction = (c: Cursor): Expression => leftAssociative(c, () => negation(c), ["and"]);

function negation(c: Cursor): Expression {
  if (!c.is("not")) return comparison(c);
  return c.deeper(() => {
    const start = c.next().span;
    const operand = negation(c);
    return { kind: "unary", operator: "not", operand, span: c.since(start) };
  });
}
const COMPARISONS: readonly BinaryOperator[] = ["==", "!=", "<=", ">=", "<", ">"];
function comparison(c: Cursor): Expression {
  const left = additive(c);
  const operator = COMPARISONS.find((o) => c.is(o));
  if (!operator) return left;
  const operatorSpan = c.next().span;
  const right = additive(c);
  if (COMPARISONS.some((o) => c.is(o))) throw new SyntaxFault(diagnose("GRAD1004", c.peek().span, {}, { help: "join two comparisons with `and`" }));
  return { kind: "binary", operator, left, right, operatorSpan, span: join(left.span, right.span) };
}
export const additive = (c: Cursor): Expression => leftAssociative(c, () => term(c), ["+", "-"]);

const isReducer = (c: Cursor): boolean => c.is("[", 1) && (REDUCERS as readonly string[]).includes(c.peek().text);
const isAxisOperator = (c: Cursor): boolean => c.is("[", 1) && (AXIS_OPERATORS as readonly string[]).includes(c.peek().text);

function term(c: Cursor): Expression {
  if (c.is("-"))
    return c.deeper(() => {
      const start = c.next().span;
      const operand = term(c);
      return { kind: "unary", operator: "-", operand, span: c.since(start) };
    });
  if (isReducer(c)) return reducer(c);
  return product(c);
}
const PRODUCTS: readonly BinaryOperator[] = ["*", "/", "%", "@"];
function product(c: Cursor): Expression {
  const bare = isAxisOperator(c);
  let left = power(c);
  for (;;) {
    const operator = PRODUCTS.find((o) => c.is(o));
    if (!operator) return left;
    if (bare && left.kind === "axis") throw new SyntaxFault(diagnose("GRAD1006", left.span, { name: left.operator }, { help: `write \`(${left.operator}[${left.index.text}] …) ${operator} …\` or \`${left.operator}[${left.index.text}] (… ${operator} …)\`` }));
    const operatorSpan = c.next().span;
    // A reducer as right operand takes the rest of the product.
    const right = isReducer(c) ? reducer(c) : c.is("-") ? signed(c) : power(c);
    left = { kind: "binary", operator, left, right, operatorSpan, span: join(left.span, right.span) };
  }
}
function signed(c: Cursor): Expression {
  if (!c.is("-")) return power(c);
  return c.deeper(() => {
    const start = c.next().span;
    const operand = isReducer(c) ? reducer(c) : signed(c);
    return { kind: "unary", operator: "-", operand, span: c.since(start) };
  });
}
function power(c: Cursor): Expression {
  if (isAxisOperator(c)) return axisOperator(c);
  const base = padded(c);
  if (!c.is("^")) return base;
  return c.deeper(() => {
    const operatorSpan = c.next().span;
    const exponent = signed(c);
    return { kind: "binary", operator: "^", left: base, right: exponent, operatorSpan, span: join(base.span, exponent.span) };
  });
}
function padded(c: Cursor): Expression {
  let left = postfix(c);
  while (c.is("??")) {
    const operatorSpan = c.next().span;
    const minus = c.take("-");
    const value = postfix(c);
    const right: Expression = minus ? { kind: "unary", operator: "-", operand: value, span: c.since(minus.span) } : value;
    left = { kind: "binary", operator: "??", left, right, operatorSpan, span: join(left.span, right.span) };
  }
  return left;
}
function postfix(c: Cursor): Expression {
  let base = primary(c);
  while (c.is("[") && !c.peek().lineStart) {
    const inner = base;
    base = c.deeper(() => {
      c.next();
      const subscripts = c.list(() => expression(c), "]");
      c.expect("]");
      return { kind: "subscript", base: inner, subscripts, span: c.since(inner.span) };
    });
  }
  return base;
}

/** A new statement stands where an operand should: the error belongs to the line before. */
function beginsStatement(c: Cursor): boolean {
  if (!c.peek().lineStart || !c.isName()) return false;
  if (c.is("=", 1) || c.is("'", 1)) return true;
  if (c.is("[", 1)) {
    let depth = 0;
    for (let k = 1; k < 200; k++) {
      if (c.is("[", k)) depth++;
      else if (c.is("]", k) && --depth === 0) return c.is("=", k + 1);
      else if (c.peek(k).kind === "end") return false;
    }
  }
  return c.isName(1) && STATEMENT_WORDS.has(c.peek().text);
}
export const STATEMENT_WORDS: ReadonlySet<string> = new Set(["dim", "input", "param", "state", "const", "output", "loss", "train", "fn", "layer", "optimizer", "rec", "import", "check"]);

function primary(c: Cursor): Expression {
  const token = c.peek();
  if (beginsStatement(c)) c.fail("an expression");
  if (token.kind === "number") {
    c.next();
    const text = token.text.replaceAll("_", "");
    return { kind: "number", value: Number(text), integer: /^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(text), span: token.span };
  }
  if (c.is("true") || c.is("false")) {
    c.next();
    return { kind: "boolean", value: token.text === "true", span: token.span };
  }
  if (c.is("("))
    return c.deeper(() => {
      c.next();
      const inner = expression(c);
      c.expect(")");
      // Brackets leave no node, but the span takes them in.
      return { ...inner, span: c.since(token.span) };
    });
  if (c.is("["))
    return c.deeper(() => {
      c.next();
      const items = c.list(() => expression(c), "]");
      c.expect("]");
      return { kind: "list", items, span: c.since(token.span) };
    });
  if (isReducer(c)) return reducer(c);
  if (isAxisOperator(c)) return axisOperator(c);
  if (!c.isName()) c.fail("an expression");
  const name = c.dottedName();
  if (name.text === "concat" && c.is("[") && c.isName(1) && c.is("]", 2)) {
    c.next();
    const axis = c.name();
    c.expect("]");
    return call(c, name, [], axis);
  }
  if (c.is("<") && c.isName(1) && c.is("=", 2)) {
    c.next();
    const sizes = c.list(() => {
      const size = c.name();
      c.expect("=");
      return { name: size, value: additive(c) };
    }, ">");
    c.expect(">");
    return call(c, name, sizes);
  }
  if (c.is("(")) return call(c, name, []);
  const prime = c.take("'");
  return { kind: "name", name: name.text, prime: prime !== undefined, span: c.since(name.span) };
}

function call(c: Cursor, callee: Name, sizes: readonly { name: Name; value: Expression }[], axis?: Name): Expression {
  return c.deeper(() => {
    c.expect("(");
    const args = argumentsOf(c);
    c.expect(")");
    return { kind: "call", callee, sizes, ...(axis ? { axis } : {}), args, span: c.since(callee.span) };
  });
}
export function argumentsOf(c: Cursor): Argument[] {
  return c.list(() => {
    const start = c.peek().span;
    const named = c.isName() && c.is("=", 1);
    const name = named ? c.name() : undefined;
    if (named) c.expect("=");
    const value = expression(c);
    return { ...(name ? { name } : {}), value, span: c.since(start) };
  }, ")");
}

export function range(c: Cursor): RangeSyntax {
  const lo = additive(c);
  c.expect("..");
  const hi = additive(c);
  return { lo, hi, span: join(lo.span, hi.span) };
}

function reducer(c: Cursor): Expression {
  return c.deeper(() => {
    const word = c.next();
    const name = REDUCERS.find((r) => r === word.text) ?? ("sum" satisfies ReducerName);
    c.expect("[");
    const indices: { name: Name; range?: RangeSyntax }[] = [];
    do {
      const index = c.name("an index");
      indices.push({ name: index, ...(c.take("in") ? { range: range(c) } : {}) });
    } while (c.take(","));
    const guard = c.take("|") ? expression(c) : undefined;
    c.expect("]");
    const headSpan = c.since(word.span);
    const body = term(c);
    return { kind: "reducer", reducer: name, indices, ...(guard ? { guard } : {}), body, headSpan, span: c.since(word.span) };
  });
}
function axisOperator(c: Cursor): Expression {
  return c.deeper(() => {
    const word = c.next();
    const operator = AXIS_OPERATORS.find((r) => r === word.text) ?? ("softmax" satisfies AxisName);
    c.expect("[");
    const index = c.name("an index");
    const guard = c.take("|") ? expression(c) : undefined;
    c.expect("]");
    const headSpan = c.since(word.span);
    const body = power(c);
    return { kind: "axis", operator, index, ...(guard ? { guard } : {}), body, headSpan, span: c.since(word.span) };
  });
}
