import { Poly } from "../ir/poly.js";
import type { Expression, RangeSyntax } from "../parser/ast.js";
import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import type { Context } from "./context.js";
import { showSize } from "./term.js";
import { declaredHere } from "./report.js";
import { unknownDim } from "./unknown.js";

/** A size: an integer polynomial in dims. Null where an error was reported. Quotients are exact. */
export function sizeOf(node: Expression, context: Context): Poly | null {
  const { session } = context;
  switch (node.kind) {
    case "number":
      if (Number.isSafeInteger(node.value)) return Poly.constant(node.value);
      return session.report.add("GRAD3008", node.span, { text: String(node.value) });
    case "name": {
      const binding = context.scope.lookup(node.name);
      if (binding?.kind === "size") return binding.poly;
      // An index is no size, whatever its range will turn out to be.
      if (binding?.kind === "poison" && !binding.isIndex) return null;
      if (binding?.kind === "term") {
        const integer = binding.term.flexible?.integer;
        if (integer?.op === "constant") return Poly.constant(integer.value);
      }
      if (!binding) return unknownDim(node.name, node.span, context);
      return session.report.add("GRAD3008", node.span, { text: `\`${node.name}\`` }, notASize(node, context));
    }
    case "unary":
      if (node.operator === "-") return sizeOf(node.operand, context)?.neg() ?? null;
      break;
    case "binary":
      return binarySize(node, context);
    case "call":
      if (node.callee.text === "floor" && node.args.length === 1) {
        const quotient = node.args[0]?.value;
        if (quotient?.kind === "binary" && quotient.operator === "/") {
          const numerator = sizeOf(quotient.left, context);
          const divisor = sizeOf(quotient.right, context);
          return numerator && divisor && derivedSize(numerator, divisor, true, context);
        }
      }
      break;
    default:
  }
  return session.report.add("GRAD3008", node.span, { text: "this" });
}

function binarySize(node: Extract<Expression, { kind: "binary" }>, context: Context): Poly | null {
  // Left-deep sums may be long.
  const chain: (typeof node)[] = [];
  let first: Expression = node;
  while (first.kind === "binary") {
    chain.push(first);
    first = first.left;
  }
  let result = sizeOf(first, context);
  for (const link of chain.reverse()) {
    const right = sizeOf(link.right, context);
    if (!result || !right) return null;
    switch (link.operator) {
      case "+":
        result = result.add(right);
        break;
      case "-":
        result = result.sub(right);
        break;
      case "*":
        result = result.mul(right);
        break;
      case "/":
        result = derivedSize(result, right, false, context);
        break;
      default:
        return context.session.report.add("GRAD3008", link.span, { text: `what \`${link.operator}\` gives` });
    }
    if (result) context.session.requireEven(result, link.span);
  }
  return result;
}

/** What a name is that is no size, and where it is declared. */
function notASize(node: Extract<Expression, { kind: "name" }>, { scope }: Context): DiagnosticExtras {
  const declared = scope.placeOf(node.name);
  const binding = scope.lookup(node.name);
  const isIndex = binding?.kind === "index" || binding?.kind === "poison";
  return {
    help: isIndex
      ? "a size is the same for all entries: indices do not stand in it; a guard, `[i | i < n]`, says which entries count"
      : "sizes are known before any data: a size is a dim, `dim N`, a literal, or made of these",
    ...(declared ? { related: [declaredHere(node.name, declared)] } : {}),
  };
}

/** numerator / divisor; where that is no polynomial, a size of its own with this definition. */
export function derivedSize(numerator: Poly, divisor: Poly, floor: boolean, context: Context): Poly {
  const n = numerator.constant;
  const d = divisor.constant;
  if (n !== undefined && d !== undefined && d !== 0 && (floor || n % d === 0))
    return Poly.constant(Math.floor(n / d));
  if (d !== undefined && d > 0 && !floor) return numerator.scale(1, d);
  // A dim that is defined so has this size as well.
  const named = context.session.dims.find(
    ({ definition: d }) =>
      d && d.floor === floor && d.numerator.equals(numerator) && d.divisor.equals(divisor),
  );
  if (named) return Poly.dim(named.name);
  const quotient = quotientName(numerator, divisor);
  const name = floor ? `floor(${quotient})` : quotient;
  context.session.dims.push({ name, definition: { numerator, divisor, floor } });
  return Poly.dim(name);
}
export const quotientName = (numerator: Poly, divisor: Poly): string =>
  `${bracketed(numerator)} / ${bracketed(divisor)}`;
const bracketed = (p: Poly): string => (p.terms.length > 1 ? `(${showSize(p)})` : showSize(p));

export interface Range {
  readonly lo: Poly;
  readonly hi: Poly;
}
export function rangeOf(node: RangeSyntax, context: Context): Range | null {
  const lo = sizeOf(node.lo, context);
  const hi = sizeOf(node.hi, context);
  if (!lo || !hi) return null;
  const extent = hi.sub(lo);
  if (extent.constant !== undefined && extent.constant < 0) {
    return context.session.report.add(
      "GRAD3008",
      node.span,
      { text: `the length of ${showSize(lo)}..${showSize(hi)}` },
      { help: "a range goes up: `lo..hi` has the entries from lo to hi - 1" },
    );
  }
  requireNonNegative(extent, context, node.span);
  return { lo, hi };
}

/** A size that is not plainly >= 0 is checked when the sizes are bound. */
export function requireNonNegative(size: Poly, context: Context, span: Expression["span"]): void {
  if (size.terms.every((t) => t.num > 0)) return;
  context.session.require("non-negative", size, "GRAD3008", `${showSize(size)} is negative`, span);
}
