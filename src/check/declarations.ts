import type { Span } from "../diagnostics/span.js";
import type { DType } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Initialiser, Leaf } from "../ir/program.js";
import type {
  ConstStatement,
  DimStatement,
  Expression,
  InputStatement,
  Name,
  ParamStatement,
  Statement,
  TypeSyntax,
} from "../parser/ast.js";
import { quoted } from "../diagnostics/page.js";
import { dtypeOf } from "./reserved.js";
import { elaborate, type Context } from "./context.js";
import { declarable } from "./declarable.js";
import { fits, initialiser, nestedNumbers, notConstant, numberOf } from "./initialisers.js";
import { written } from "./mismatch.js";
import { arrangeUnits, namesIn } from "./order.js";
import { derivedSize, rangeOf, requireNonNegative, sizeOf } from "./sizes.js";
import { coerce, describe, valueTerm, scalar, type Term } from "./term.js";
import * as ir from "../ir/expr.js";

export function typeOf(type: TypeSyntax, context: Context): { dtype: DType; shape: Poly[] } | null {
  const dtype = dtypeOf(type.dtype, context);
  if (!dtype) return null;
  const shape: Poly[] = [];
  let failed = false;
  for (const node of type.sizes) {
    const size = sizeOf(node, context);
    if (!size) failed = true;
    else if ((size.constant ?? 0) < 0) {
      context.session.report.add("GRAD3008", node.span, { text: `${size.constant}` });
      failed = true;
    } else {
      requireNonNegative(size, context, node.span);
      shape.push(size);
    }
  }
  return failed ? null : { dtype, shape };
}

type DimItem = DimStatement["dims"][number];
/** Dims in an order in which definitions come before uses; `given` overrides literal values. */
export function declareDims(
  statements: readonly Statement[],
  place: Span,
  given: Readonly<Record<string, number>>,
  context: Context,
): void {
  const { session, scope } = context;
  const items: DimItem[] = [];
  for (const statement of statements)
    if (statement.kind === "dim")
      for (const item of statement.dims)
        if (declarable(item.name, context)) {
          scope.bind(item.name.text, { kind: "poison" }, item.name.span);
          items.push(item);
        }
  const units = items.map((statement) => {
    const uses = new Set<string>();
    if (statement.value) namesIn([statement.value], [], uses);
    return { statement, defines: [statement.name.text], uses };
  });
  const { order, circles } = arrangeUnits(units, () => []);
  for (const circle of circles) {
    const [first] = circle;
    if (first)
      session.report.add("GRAD2007", first.statement.name.span, {
        names: quoted(circle.flatMap((u) => u.defines)),
      });
  }
  const inOrder = order.map((u) => u.statement);
  for (const item of inOrder) declareDim(item, given[item.name.text], context);
  // Source order is what readers of the program expect; derived sizes without a name of their own stay behind.
  const positions = new Map(items.map((item, k) => [item.name.text, k]));
  session.dims.sort(
    (a, b) => (positions.get(a.name) ?? items.length) - (positions.get(b.name) ?? items.length),
  );
  for (const name of Object.keys(given))
    if (!positions.has(name)) session.report.unknownName("dim", name, place, positions.keys());
}
function declareDim({ name, value }: DimItem, given: number | undefined, context: Context): void {
  const { session, scope } = context;
  const { span } = name;
  if (given !== undefined && !(Number.isSafeInteger(given) && given >= 0)) {
    session.report.add(
      "GRAD3008",
      span,
      { text: `\`${name.text}\` = ${given}, as the compiler was given it,` },
      { help: "a size is a whole number and not negative" },
    );
    return;
  }
  const open = (fallback: number | undefined): void => {
    const known = given ?? fallback;
    session.dims.push({ name: name.text, ...(known === undefined ? {} : { default: known }), span });
    scope.bind(name.text, { kind: "size", poly: Poly.dim(name.text) }, span);
  };
  if (!value) return open(undefined);
  const quotient = quotientOf(value);
  if (quotient) {
    const numerator = sizeOf(quotient.left, context);
    const divisor = sizeOf(quotient.right, context);
    if (!numerator || !divisor) return;
    if (divisor.constant === undefined || quotient.floor) {
      if (given !== undefined && !quotient.floor) confirm(numerator.sub(divisor.scale(given)));
      session.dims.push({ name: name.text, definition: { numerator, divisor, floor: quotient.floor }, span });
      scope.bind(name.text, { kind: "size", poly: Poly.dim(name.text) }, span);
      return;
    }
    return linear(derivedSize(numerator, divisor, false, context));
  }
  const size = sizeOf(value, context);
  if (!size) return;
  if (size.constant === undefined) return linear(size);
  if (size.constant < 0)
    return void session.report.add("GRAD3008", value.span, { text: String(size.constant) });
  open(size.constant);

  /** A defined dim can only be confirmed. */
  function confirm(difference: Poly): void {
    session.require(
      "zero",
      difference,
      "GRAD3008",
      `${name.text} is defined by other dims and is not ${given}`,
      span,
    );
  }
  /** Equal sizes must be equal as expressions, so the name stands for its definition. */
  function linear(poly: Poly): void {
    const over = poly.denominator;
    if (given !== undefined) confirm(poly.sub(given));
    session.requireEven(poly, span);
    session.dims.push({
      name: name.text,
      definition: { numerator: poly.scale(over), divisor: Poly.constant(over), floor: false },
      span,
    });
    scope.bind(name.text, { kind: "size", poly }, span);
  }
}
function quotientOf(node: Expression): { left: Expression; right: Expression; floor: boolean } | undefined {
  if (node.kind === "binary" && node.operator === "/")
    return { left: node.left, right: node.right, floor: false };
  const [inner] = node.kind === "call" && node.callee.text === "floor" ? node.args : [];
  return inner?.value.kind === "binary" && inner.value.operator === "/"
    ? { left: inner.value.left, right: inner.value.right, floor: true }
    : undefined;
}

function bindLeaf(
  name: Name,
  dtype: DType,
  shape: readonly Poly[],
  leaf: Omit<Leaf, "kind">,
  doc: string | undefined,
  context: Context,
  prefix = "",
): void {
  const { values } = context.session;
  const id = values.define(
    prefix + name.text,
    dtype,
    shape,
    { kind: "leaf", ...leaf },
    { span: name.span, ...(doc ? { doc } : {}) },
  );
  context.scope.bind(name.text, { kind: "term", term: valueTerm(values.get(id)) }, name.span);
}
/** Until all of a declaration is known to be right, and for good where it is not; of its sizes what can be read is. Not before they are read: a name is none of its own sizes. */
function poison(name: Name, type: TypeSyntax | undefined, context: Context): void {
  const { report } = context.session;
  const axes = report.silently(() => type?.sizes.map((size) => sizeOf(size, context) ?? undefined) ?? []);
  context.scope.bind(name.text, { kind: "poison", axes }, name.span);
}
const fitsInteger = (x: number, dtype: DType): boolean =>
  Number.isInteger(x) && (dtype === "u32" ? x >= 0 && x < 2 ** 32 : x >= -(2 ** 31) && x < 2 ** 31);

export function declareInput(statement: InputStatement, context: Context): void {
  for (const { name, type, range, value, doc } of statement.items) {
    if (!declarable(name, context)) continue;
    const typed = typeOf(type, context);
    const promised = range && rangeOf(range, context);
    const number = value && numberOf(value, context);
    poison(name, type, context);
    if (!typed || promised === null || number === null) continue;
    if (promised && !ir.isInteger(typed.dtype)) {
      context.session.report.add(
        "GRAD3006",
        range?.span ?? name.span,
        { wanted: "an integer type for a range", found: typed.dtype },
        { help: "a range says which integers there are; floats are bounded with `clamp`" },
      );
      continue;
    }
    if (number !== undefined && value && !holds(number, typed.dtype, promised, value, context)) continue;
    const init: Initialiser | undefined = number === undefined ? undefined : { kind: "fill", value: number };
    bindLeaf(
      name,
      typed.dtype,
      typed.shape,
      { role: "input", ...(promised ? { range: promised } : {}), ...(init ? { init } : {}) },
      doc,
      context,
    );
  }
}

/** Whether a number is one of the type, and in the range that is promised; reports why not. */
function holds(
  number: number,
  dtype: DType,
  range: { readonly lo: Poly; readonly hi: Poly } | undefined,
  { span }: Expression,
  { session }: Context,
): boolean {
  const found = String(number);
  if (ir.isInteger(dtype) && !Number.isInteger(number)) {
    session.report.add("GRAD3006", span, { wanted: `a whole number for ${dtype}`, found });
    return false;
  }
  if (ir.isInteger(dtype) && !fitsInteger(number, dtype)) {
    session.report.add("GRAD3006", span, { wanted: `a number of ${dtype}`, found });
    return false;
  }
  const [lo, hi] = [range?.lo.constant, range?.hi.constant];
  if ((lo !== undefined && number < lo) || (hi !== undefined && number >= hi)) {
    session.report.add("GRAD3006", span, { wanted: `a value in ${lo ?? "…"}..${hi ?? "…"}`, found });
    return false;
  }
  return true;
}

export function declareParam(statement: ParamStatement, context: Context, prefix = ""): void {
  for (const { name, type, value, doc } of statement.items) {
    if (!declarable(name, context)) continue;
    const typed = type ? typeOf(type, context) : { dtype: "f32" as const, shape: [] };
    const init = !typed
      ? null
      : value
        ? initialiser(value, typed.shape, context)
        : ({ kind: "fill", value: 0 } as const);
    poison(name, type, context);
    if (!typed || !init) continue;
    if (statement.kind === "param" && !ir.isFloat(typed.dtype)) {
      context.session.report.add(
        "GRAD3006",
        type?.dtype.span ?? name.span,
        { wanted: "a float type for a param", found: typed.dtype },
        { help: "state keeps integers" },
      );
      continue;
    }
    bindLeaf(name, typed.dtype, typed.shape, { role: statement.kind, init }, doc, context, prefix);
  }
}

/** Numbers stand for themselves; lists are tensors. */
export function declareConst(statement: ConstStatement, context: Context): void {
  for (const item of statement.items)
    if (declarable(item.name, context) && !bindConst(item, context)) poison(item.name, item.type, context);
}
type ConstItem = ConstStatement["items"][number];

/** False after an error, which was reported. */
function bindConst(item: ConstItem, context: Context): boolean {
  const { name, type, value, doc } = item;
  const { report } = context.session;
  const typed = type && typeOf(type, context);
  if (typed === null) return false;
  if (value.kind === "list") return bindList(item, typed, context);
  const term = elaborate(value, context);
  if (!term) return false;
  if (typed?.shape.length) {
    const number = numberOf(value, context);
    if (number === null) return false;
    const init = { kind: "fill", value: number } as const;
    bindLeaf(name, typed.dtype, typed.shape, { role: "const", init }, doc, context);
    return true;
  }
  const bind = (made: Term): true => {
    context.scope.bind(name.text, { kind: "term", term: made }, name.span);
    return true;
  };
  const converted = typed ? coerce(term, typed.dtype) : term;
  if (!converted) {
    const found = written(value) ?? describe(term);
    report.add("GRAD3006", value.span, { wanted: typed?.dtype ?? "a number", found });
    return false;
  }
  const isKnown = converted.flexible !== undefined || converted.body.op === "constant";
  if (isKnown && converted.axes.length === 0) return bind(converted);
  if (!typed) return notConstant(value, "a constant", context) ?? false;
  const number = numberOf(value, context);
  return number !== null && bind(scalar(ir.constant(number, typed.dtype)));
}

function bindList(
  { name, value, doc }: ConstItem,
  typed: ReturnType<typeof typeOf> | undefined,
  context: Context,
): boolean {
  const { report } = context.session;
  const found = nestedNumbers(value, context);
  if (!found) return false;
  const dtype = typed?.dtype ?? "f32";
  const shape = typed?.shape ?? found.shape.map((s) => Poly.constant(s));
  if (!fits(found.shape, shape, value, context)) {
    const declared = describe({ dtype, axes: shape.map((s) => ir.freshIndex("", s)), body: ir.TRUE });
    report.add("GRAD3004", value.span, {
      left: `${declared} is declared`,
      right: `[${found.shape.join(", ")}] given`,
    });
    return false;
  }
  const wrong = found.data.find((x) => ir.isInteger(dtype) && !fitsInteger(x, dtype));
  if (wrong !== undefined) {
    report.add("GRAD3006", value.span, { wanted: `whole numbers of ${dtype}`, found: String(wrong) });
    return false;
  }
  const init = { kind: "values", data: found.data } as const;
  bindLeaf(name, dtype, shape, { role: "const", init }, doc, context);
  return true;
}
