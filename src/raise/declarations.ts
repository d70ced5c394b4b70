import type { Initialiser, Program, Value } from "../ir/program.js";
import type { Expression, Statement } from "../parser/ast.js";
import type { Scope } from "./scope.js";
import * as tree from "./tree.js";

const { span } = tree;

export function dim(
  { name, default: literal, definition }: Program["dims"][number],
  scope: Scope,
): Statement {
  const value = definition
    ? definition.floor
      ? tree.call("floor", tree.binary("/", scope.size(definition.numerator), scope.size(definition.divisor)))
      : definition.divisor.equals(1)
        ? scope.size(definition.numerator)
        : tree.binary("/", scope.size(definition.numerator), scope.size(definition.divisor))
    : literal === undefined
      ? undefined
      : tree.integer(literal);
  const declared = { name: tree.name(scope.dimName(name)), ...(value ? { value } : {}) };
  return { kind: "dim", dims: [declared], span };
}

/** An input, a param, a state or a const; null for what is an optimizer's. */
export function leaf(v: Value, scope: Scope): Statement | null {
  const { definition } = v;
  if (definition.kind !== "leaf" || definition.role === "optimizer") return null;
  const type = { dtype: tree.name(v.dtype), sizes: v.shape.map((s) => scope.size(s)), span };
  const { init, range, role } = definition;
  const common = {
    name: tree.name(scope.nameOf(v.id)),
    type,
    ...(v.doc === undefined ? {} : { doc: v.doc }),
  };
  if (role === "input") {
    const bounds = range ? { range: tree.range(scope.size(range.lo), scope.size(range.hi)) } : {};
    const value = init?.kind === "fill" ? { value: literal(init.value, v) } : {};
    return { kind: "input", items: [{ ...common, ...bounds, ...value }], span };
  }
  if (role === "const") {
    const value = init?.kind === "values" ? nested(init.data, v) : literal(0, v);
    return { kind: "const", items: [{ ...common, value }], span };
  }
  const value = init ? { value: initialiser(init, v, scope) } : {};
  return { kind: role, items: [{ ...common, ...value }], span };
}

function initialiser(init: Initialiser, v: Value, scope: Scope): Expression {
  if (init.kind === "fill") return tree.call("fill", literal(init.value, v));
  if (init.kind === "values") return nested(init.data, v);
  if ("a" in init)
    return init.kind === "normal"
      ? tree.call("normal", tree.float(init.b))
      : tree.call("uniform", tree.float(init.a), tree.float(init.b));
  if (!init.fanIn) return tree.call(init.kind);
  const argument = { name: tree.name("fan_in"), value: scope.size(init.fanIn), span };
  return { kind: "call", callee: tree.name(init.kind), sizes: [], args: [argument], span };
}

function literal(value: number, v: Value): Expression {
  if (v.dtype === "bool") return tree.truth(value !== 0);
  return v.dtype === "i32" || v.dtype === "u32" ? tree.integer(value) : tree.float(value);
}
/** A nested list of a const's or param's numbers; its sizes are numbers. */
function nested(data: readonly number[], v: Value): Expression {
  const sizes = v.shape.map((s) => s.constant ?? 1);
  const build = (depth: number, from: number): Expression => {
    const size = sizes[depth];
    if (size === undefined) return literal(data[from] ?? 0, v);
    const stride = sizes.slice(depth + 1).reduce((a, b) => a * b, 1);
    return tree.list(Array.from({ length: size }, (_, k) => build(depth + 1, from + k * stride)));
  };
  return build(0, 0);
}
