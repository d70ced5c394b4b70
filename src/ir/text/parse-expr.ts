import { isDType } from "../dtypes.js";
import type { DType, Expr, Index, ValueId } from "../expr.js";
import { call, cast, constant, FALSE, indexValue, polyOf, read, select, TRUE } from "../expr.js";
import { Poly } from "../poly.js";
import { INFIX, STRENGTH } from "./print-expr.js";
import { resultType, SCALARS, takes } from "../scalar/table.js";
import type { TextLine } from "./tokens.js";

/** What names mean in a line of IR text. */
export interface TextScope {
  readonly indices: ReadonlyMap<string, Index>;
  readonly dims: ReadonlySet<string>;
  readonly shared: ReadonlyMap<string, Expr>;
  readonly value: (
    name: string,
  ) => { readonly id: ValueId; readonly dtype: DType; readonly rank: number } | undefined;
}

/** Signs that are polynomials' where both sides are integers. */
type Operand = Expr | Poly;
const FUNCTIONS = new Map(Object.entries(INFIX).map(([fn, sign]) => [sign, fn]));
const asExpr = (o: Operand): Expr => (o instanceof Poly ? indexValue(o) : o);
const asPoly = (o: Operand): Poly => (o instanceof Poly ? o : polyOf(o));
const isI32 = (o: Operand): boolean => o instanceof Poly || o.dtype === "i32";

/**
 * Expressions of IR text, by precedence climbing:
 *
 *   expr    = "if" expr "then" expr "else" expr | or
 *   levels  = or, and, not, == != < <=, + -, unary -, * /
 *   primary = number [dtype] | "true" | "false" | "(" expr ")" | index | dim | $1
 *           | %value["[" poly, … "]"] | dtype "(" expr ")" | function[":" dtype] "(" expr, … ")"
 *
 * Arithmetic signs between integers make a polynomial. @throws IrTextError
 */
export class ExprParser {
  constructor(
    private readonly line: TextLine,
    private readonly scope: TextScope,
  ) {}

  expr(): Expr {
    return asExpr(this.level(0));
  }
  poly(): Poly {
    const { next } = this.line;
    const found = this.level(5);
    if (!isI32(found)) this.line.fail("an integer is wanted here", next);
    return asPoly(found);
  }

  private level(least: number): Operand {
    const { line } = this;
    if (least === 0 && line.accept("if")) {
      const condition = asExpr(this.level(1));
      line.expect("then");
      const then = asExpr(this.level(1));
      line.expect("else");
      const place = line.next;
      const otherwise = asExpr(this.level(0));
      if (condition.dtype !== "bool") line.fail("the condition of `if` must be a bool", place);
      if (then.dtype !== otherwise.dtype)
        line.fail(`the arms are ${then.dtype} and ${otherwise.dtype}`, place);
      return select(condition, then, otherwise);
    }
    let left = this.prefix(least);
    for (;;) {
      const sign = line.next;
      const fn = sign.kind === "string" ? undefined : FUNCTIONS.get(sign.text);
      const strength = fn === undefined ? 0 : (STRENGTH[fn] ?? 0);
      if (fn === undefined || strength < Math.max(1, least)) return left;
      line.accept(sign.text);
      const right = this.level(strength + 1);
      left = this.infix(fn, left, right, sign);
    }
  }
  private prefix(least: number): Operand {
    const { line } = this;
    const place = line.next;
    if (least <= 3 && line.accept("not")) {
      const arg = asExpr(this.level(3));
      if (arg.dtype !== "bool") line.fail("`not` wants a bool", place);
      return call("not", [arg], "bool");
    }
    if (least <= 6 && line.accept("-")) {
      const literal = line.next.kind === "number" || line.is("inf") || line.is("nan");
      const from = line.position;
      const arg = this.level(7);
      // -2.0 is a number; -2.0 * x is the negative of a product.
      const alone = literal && !(arg instanceof Poly) && arg.op === "constant" && this.wasNumber(from);
      if (alone) return constant(-arg.value, arg.dtype);
      return isI32(arg) ? asPoly(arg).neg() : call("neg", [asExpr(arg)], asExpr(arg).dtype);
    }
    return this.primary();
  }
  /** Whether the tokens since `from` are a number, with or without its type. */
  private wasNumber(from: number): boolean {
    const count = this.line.position - from;
    return count <= 3 && this.line.isNumber(from, count);
  }

  private infix(fn: string, a: Operand, b: Operand, sign: TextLine["next"]): Operand {
    const { line } = this;
    if (isI32(a) && isI32(b)) {
      if (fn === "add") return asPoly(a).add(asPoly(b));
      if (fn === "sub") return asPoly(a).sub(asPoly(b));
      if (fn === "mul") return asPoly(a).mul(asPoly(b));
      if (fn === "div") {
        const divisor = asPoly(b).constant;
        if (divisor === undefined || divisor <= 0) line.fail("a polynomial is divided by numbers only", sign);
        return asPoly(a).scale(1, divisor);
      }
    }
    const [left, right] = [asExpr(a), asExpr(b)];
    if (left.dtype !== right.dtype)
      line.fail(`\`${sign.text}\` stands between ${left.dtype} and ${right.dtype}`, sign);
    return call(fn, [left, right], resultType(fn, [left.dtype, right.dtype]));
  }

  private primary(): Operand {
    const { line, scope } = this;
    const token = line.next;
    if (line.accept("(")) {
      const inner = this.level(0);
      line.expect(")");
      return inner;
    }
    switch (token.kind) {
      case "number":
        line.seek(line.position + 1);
        return this.number(token.text, /[.e]/.test(token.text));
      case "value":
        return this.read();
      case "shared": {
        const known = scope.shared.get(token.text);
        if (!known) return line.fail(`\`${token.text}\` is defined nowhere before`);
        line.seek(line.position + 1);
        return known;
      }
      case "name":
        return this.named();
      default:
        return line.fail(
          `an expression is wanted here, not ${token.kind === "end" ? "the end of the line" : `\`${token.text}\``}`,
        );
    }
  }
  private number(text: string, float: boolean): Expr {
    const { line } = this;
    const value = text === "inf" ? Infinity : text === "nan" ? NaN : Number(text);
    const colon = line.is(":");
    const type = colon ? line.peek(1) : line.next;
    if (type?.kind === "name" && isDType(type.text)) {
      line.seek(line.position + (colon ? 2 : 1));
      return constant(value, type.text);
    }
    return constant(value, float ? "f32" : "i32");
  }
  private read(): Expr {
    const { line, scope } = this;
    const token = line.next;
    line.seek(line.position + 1);
    const value = scope.value(token.text.slice(1));
    if (!value) return line.fail(`there is no value \`${token.text}\``, token);
    const subscripts = line.accept("[") ? line.list("]", () => this.poly()) : [];
    if (subscripts.length !== value.rank)
      line.fail(`\`${token.text}\` has ${value.rank} axes, not ${subscripts.length}`, token);
    return read(value.id, subscripts, value.dtype);
  }
  private named(): Operand {
    const { line, scope } = this;
    const token = line.next;
    line.seek(line.position + 1);
    const { text } = token;
    const index = scope.indices.get(text);
    if (index) return Poly.index(index);
    if (scope.dims.has(text)) return Poly.dim(text);
    if (text === "true") return TRUE;
    if (text === "false") return FALSE;
    if (text === "inf" || text === "nan") return this.number(text, true);
    if (isDType(text) && line.accept("(")) {
      const arg = this.expr();
      line.expect(")");
      return cast(arg, text);
    }
    const entry = SCALARS[text];
    if (!entry) return line.fail(`\`${text}\` is no index, dim or function`, token);
    const type = line.accept(":") ? line.take("name", "a type") : undefined;
    if (type !== undefined && !isDType(type)) return line.fail(`\`${type}\` is no type`, token);
    line.expect("(");
    const args = line.list(")", () => this.expr());
    if (!takes(entry, args.length)) line.fail(`\`${text}\` does not take ${args.length} arguments`, token);
    const types = args.map((a) => a.dtype);
    return call(text, args, type ?? resultType(text, types));
  }
}
