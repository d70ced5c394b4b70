import type { Expr } from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";
import type { Initialiser } from "../ir/program.js";
import { SCALARS } from "../ir/scalar/table.js";
import type { Expression, Name } from "../parser/ast.js";
import { nodesIn, partsOf } from "../parser/walk.js";
import { INITIALISERS } from "../parser/words.js";
import { elaborate, type Context } from "./context.js";
import { initialiserElsewhere } from "./elsewhere.js";
import { declarations, written } from "./mismatch.js";
import { suggestion } from "./report.js";
import { sizeOf } from "./sizes.js";
import { showSize } from "./term.js";

/** The number that an expression of literals and consts has; null after an error. */
export function numberOf(node: Expression, context: Context): number | null {
  const term = elaborate(node, context);
  if (!term) return null;
  const value = term.axes.length === 0 ? fold(term.body) : undefined;
  return value ?? notConstant(node, "a constant number", context);
}
/** Made of data, or of something else that only a run of the model knows. */
export function notConstant(node: Expression, wanted: string, context: Context): null {
  return context.session.report.add(
    "GRAD3006",
    node.span,
    { wanted, found: written(node) ?? "another expression" },
    { help: "constants are made of literals and consts", related: declarations(context, [node]) },
  );
}
function fold(e: Expr): number | undefined {
  if (e.op === "constant") return e.value;
  if (e.op === "cast") return fold(e.arg);
  if (e.op !== "call") return undefined;
  const args: number[] = [];
  for (const arg of e.args) {
    const value = fold(arg);
    if (value === undefined) return undefined;
    args.push(value);
  }
  return SCALARS[e.fn]?.evaluate(...args);
}

/** Numbers that a source states, row-major. */
export interface Numbers {
  readonly data: readonly number[];
  readonly shape: readonly number[];
}
/** What a number, or a nested list of them, says; null where it has an error, which is told. */
export function nestedNumbers(node: Expression, context: Context): Numbers | null {
  if (node.kind !== "list") {
    const value = numberOf(node, context);
    return value === null ? null : { data: [value], shape: [] };
  }
  const data: number[] = [];
  let inner: readonly number[] | null = null;
  for (const item of node.items) {
    const part = nestedNumbers(item, context);
    if (!part) return null;
    if (inner && (inner.length !== part.shape.length || inner.some((s, k) => s !== part.shape[k])))
      return context.session.report.add(
        "GRAD3004",
        item.span,
        { left: `[${inner.join(", ")}] before`, right: `[${part.shape.join(", ")}] here` },
        { help: "lists are nested evenly" },
      );
    inner = part.shape;
    data.push(...part.data);
  }
  return { data, shape: [node.items.length, ...(inner ?? [])] };
}

type Fan = "he_normal" | "he_uniform" | "glorot_normal" | "glorot_uniform" | "orthogonal" | "eye";
const isFan = (name: string): name is Fan => /^(he|glorot)_|^orthogonal$|^eye$/.test(name);

/** How a param or a state starts: a named initialiser, a number, a nested list. Null after an error. */
export function initialiser(node: Expression, shape: readonly Poly[], context: Context): Initialiser | null {
  const { report } = context.session;
  if (node.kind === "boolean") return { kind: "fill", value: Number(node.value) };
  if (node.kind === "list") {
    const found = nestedNumbers(node, context);
    if (!found) return null;
    if (!fits(found.shape, shape, node, context))
      return report.add("GRAD3004", node.span, {
        left: `[${shape.map(showSize).join(", ")}] is declared`,
        right: `[${found.shape.join(", ")}] given`,
      });
    return { kind: "values", data: found.data };
  }
  const known = (name: string): readonly string[] | undefined =>
    context.scope.lookup(name) ? undefined : INITIALISERS.get(name);
  const unbracketed = node.kind === "name" ? known(node.name) : undefined;
  if (node.kind === "name" && unbracketed) {
    return report.add(
      "GRAD3006",
      node.span,
      { wanted: "an initialiser", found: `\`${node.name}\` without brackets` },
      {
        help: `write \`${node.name}(${unbracketed.join(", ")})\``,
        ...(unbracketed.length === 0 ? { fix: { span: node.span, text: `${node.name}()` } } : {}),
      },
    );
  }
  const formals = node.kind === "call" ? known(node.callee.text) : undefined;
  if (node.kind !== "call" || !formals) {
    if (
      node.kind === "call" &&
      !context.scope.lookup(node.callee.text) &&
      !["f32", "sqrt", "exp"].includes(node.callee.text)
    )
      return unknownInitialiser(node.callee, context);
    const drawn = drawnIn(node);
    if (drawn)
      return report.add(
        "GRAD3006",
        node.span,
        { wanted: "an initialiser alone, a number or a list", found: written(node) ?? "another expression" },
        {
          help: "what is drawn is scaled by the initialiser's argument: `normal(0.01)`, `uniform(-0.1, 0.1)`",
        },
      );
    const value = numberOf(node, context);
    return value === null ? null : { kind: "fill", value };
  }
  const name = node.callee.text;
  let fanIn: Poly | null = null;
  const numbers: number[] = [];
  for (const { name: key, value, span } of node.args) {
    if (key?.text === "fan_in" && isFan(name)) {
      fanIn = sizeOf(value, context);
      if (!fanIn) return null;
      continue;
    }
    const position = key ? formals.indexOf(key.text) : numbers.length;
    if (position < 0) return report.unknownArgument(name, key?.text ?? "", key?.span ?? span, formals);
    const number = numberOf(value, context);
    if (number === null) return null;
    numbers[position] = number;
  }
  if (numbers.length !== formals.length)
    return report.add(
      "GRAD3007",
      node.span,
      { name, wanted: String(formals.length), given: numbers.length },
      numbers.length > formals.length
        ? { help: `the shape is that of the type: \`param W: f32[N, M] = ${name}(${formals.join(", ")})\`` }
        : {},
    );
  const [a = 0, b = 0] = numbers;
  if (name === "eye" && shape.length !== 2)
    return report.add("GRAD3006", node.span, {
      wanted: "a matrix for `eye`",
      found: shape.length ? `[${shape.map(showSize).join(", ")}]` : "a scalar",
    });
  if (isFan(name)) return { kind: name, ...(fanIn ? { fanIn } : {}) };
  if (name === "normal") return { kind: "normal", a: 0, b: a };
  if (name === "uniform") return { kind: "uniform", a, b };
  return { kind: "fill", value: name === "ones" ? 1 : name === "fill" ? a : 0 };
}
/** Whether an initialiser, or what others call one, stands within an expression. */
function drawnIn(node: Expression): boolean {
  for (const part of nodesIn(...partsOf(node))) {
    const name = part.kind === "call" ? part.callee.text : undefined;
    if (name !== undefined && (INITIALISERS.has(name) || initialiserElsewhere(name))) return true;
  }
  return false;
}
function unknownInitialiser({ text, span }: Name, { session }: Context): null {
  const meant = initialiserElsewhere(text);
  return meant === undefined
    ? session.report.unknownName(
        "initialiser",
        text,
        span,
        INITIALISERS.keys(),
        `initialisers are ${[...INITIALISERS.keys()].join(", ")}`,
      )
    : session.report.add("GRAD2001", span, { kind: "initialiser", name: text }, suggestion(meant, span));
}
/** Whether a nested list has the shape that is declared, as far as it is known: open sizes are held to it when bound. */
export function fits(
  found: readonly number[],
  shape: readonly Poly[],
  { span }: Expression,
  { session }: Context,
): boolean {
  if (found.length !== shape.length) return false;
  if (shape.some((s, k) => s.constant !== undefined && s.constant !== found[k])) return false;
  for (const [k, size] of shape.entries())
    if (size.constant === undefined)
      session.require(
        "zero",
        size.sub(found[k] ?? 0),
        "GRAD3004",
        `${showSize(size)} is not ${found[k]}, the number of entries written`,
        span,
      );
  return true;
}
