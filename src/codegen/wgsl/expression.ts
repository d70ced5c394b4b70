import type { DType } from "../../ir/expr.js";
import { castValue, castWgsl } from "../../ir/scalar/cast.js";
import type { KExpr } from "../../schedule/kernel/ir.js";
import { addressPiece } from "../address.js";
import type { Names } from "../names.js";
import { type IntegerFacts, isPositiveConstant } from "../signs.js";
import type { ExpressionPrinter } from "../statements.js";
import { tableCall } from "../table-call.js";
import { atom, callPiece, infix, type Piece, STRENGTH } from "../text.js";

/** Kernel expressions as WGSL's; the kernel went through `withBranches`, so a select may evaluate both arms. */
export class WgslExpressions implements ExpressionPrinter {
  constructor(
    private readonly names: Names,
    private readonly facts: IntegerFacts,
  ) {}

  text(e: KExpr): string {
    return this.piece(e).text;
  }
  /** In address arithmetic and bounds the literals need no type. */
  index(e: KExpr): string {
    return this.plain(e).text;
  }
  /**
   * Where an element is. WGSL refuses a constant below 0 even in a branch that is never taken (an entry before a
   * recurrence's first one, behind the condition that says so); nothing is read there, so it may as well be the first.
   */
  element(buffer: string, index: KExpr): string {
    const isOutside = index.op === "constant" && index.value < 0;
    return `${this.names.of(buffer)}[${isOutside ? "0" : this.index(index)}]`;
  }

  private readonly plain = (e: KExpr): Piece =>
    e.op === "constant" && e.value !== LEAST ? signed(String(e.value)) : this.piece(e);

  private readonly piece = (e: KExpr): Piece => {
    switch (e.op) {
      case "constant":
        return constantPiece(e.value, e.dtype);
      case "variable":
        return atom(this.names.of(e.name));
      case "load": {
        const element = atom(this.element(e.buffer, e.index));
        return e.dtype === "bool" ? infix("!=", element, atom("0u")) : element;
      }
      case "address":
        return addressPiece(
          e,
          this.plain,
          (fn, args) => args.reduce((a, b) => `${fn}(${a}, ${b})`),
          (a, b) => infix("/", a, b),
        );
      case "cast":
        return callPiece(([x = ""]) => castWgsl(e.arg.dtype, e.dtype, x), [this.piece(e.arg)], [null]);
      case "select":
        return atom(`select(${this.text(e.else)}, ${this.text(e.then)}, ${this.text(e.condition)})`);
      case "call":
        return this.call(e);
    }
  };

  private call(e: KExpr & { readonly op: "call" }): Piece {
    const [a, b] = e.args;
    // WGSL's quotient rounds towards zero, which is down for what is not negative.
    if (a && b && a.dtype === "i32" && isPositiveConstant(b) && this.facts.isNonNegative(a)) {
      if (e.fn === "floor_div") return infix("/", this.piece(a), this.plain(b));
      if (e.fn === "mod") return infix("%", this.piece(a), this.plain(b));
    }
    return tableCall(e, this.piece, ({ wgsl }) => wgsl);
  }
}

const LEAST = -2147483648;
const signed = (text: string): Piece =>
  text.startsWith("-") ? { text, strength: STRENGTH.unary } : atom(text);

function constantPiece(value: number, dtype: DType): Piece {
  switch (dtype) {
    case "bool":
      return atom(value ? "true" : "false");
    case "i32":
      return value === LEAST ? atom(`i32(${LEAST})`) : signed(`${value}i`);
    case "u32":
      return atom(`${value}u`);
    case "f16":
      return floatPiece(castValue("f64", "f16", value), "h", (inner) => `f16(${inner})`);
    case "f32":
    case "f64":
      return floatPiece(Math.fround(value), "f", (inner) => inner);
  }
}
/** No constant may be infinite or NaN: those come from bits that the shader's compiler cannot see. */
function floatPiece(value: number, suffix: string, convert: (f32: string) => string): Piece {
  if (Number.isNaN(value)) return atom(convert("gradc_nan()"));
  if (!Number.isFinite(value))
    return value > 0
      ? atom(convert("gradc_inf()"))
      : { text: `-${convert("gradc_inf()")}`, strength: STRENGTH.unary };
  return signed(floatDigits(value) + suffix);
}
/** The shortest decimal that reads back as the same f32, with a point or an exponent. */
export function floatDigits(value: number): string {
  if (Object.is(value, -0)) return "-0.0";
  let digits = String(value);
  for (let precision = 1; precision <= 9; precision++) {
    const candidate = Number(value.toPrecision(precision));
    // The shortest text of the greatest f32 rounds to beyond it, which WGSL refuses.
    if (Math.fround(candidate) !== value || Math.abs(candidate) > 3.4028234663852886e38) continue;
    digits = String(candidate);
    break;
  }
  return /[.e]/.test(digits) ? digits : `${digits}.0`;
}
