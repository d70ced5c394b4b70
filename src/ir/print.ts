import type { Expr, Index, ValueId } from "./expr.js";
import { operands } from "./expr.js";
import { idsOf } from "./items.js";
import type { Poly } from "./poly.js";
import type { Definition, Initialiser, Item, Program, Value } from "./program.js";

/** IR text: a declaration or an equation a line, as a person would write it. */
export function printProgram(program: Program): string {
  const lines: string[] = [];
  for (const dim of program.dims) {
    const d = dim.definition;
    const definition = d
      ? ` = ${d.floor ? "floor" : ""}(${polyText(d.numerator, plain)} / ${polyText(d.divisor, plain)})`
      : dim.default === undefined
        ? ""
        : ` = ${dim.default}`;
    lines.push(`dim ${dim.name}${definition}`);
  }
  for (const value of program.values.values())
    if (value.definition.kind === "leaf") lines.push(valueText(program, value));
  const print = (item: Item, indent: string): void => {
    if (typeof item === "number") {
      const value = program.values.get(item);
      if (value && value.definition.kind !== "leaf") lines.push(indent + valueText(program, value));
      return;
    }
    lines.push(
      `${indent}rec ${item.direction === 1 ? `${polyText(item.lo, plain)}..${polyText(item.hi, plain)}` : `${polyText(item.hi, plain)}..${polyText(item.lo, plain)}`} {`,
    );
    for (const inner of item.items) print(inner, `${indent}  `);
    const times = idsOf(item).flatMap((id) => {
      const t = item.time.get(id);
      return t ? [`${nameOf(program, id)}@${t.axis}${t.shift ? `+${t.shift}` : ""}`] : [];
    });
    lines.push(`${indent}} along ${times.join(" ")}`);
  };
  for (const item of program.items) print(item, "");
  for (const o of program.outputs)
    lines.push(
      `${program.losses.includes(o.name) ? "loss" : "output"} ${o.name} = ${nameOf(program, o.value)}`,
    );
  for (const g of program.gradients) lines.push(`gradient ${g.loss} ${g.wrt} = ${nameOf(program, g.value)}`);
  for (const t of program.trains)
    for (const u of t.updates)
      lines.push(`update ${t.loss} ${nameOf(program, u.leaf)} = ${nameOf(program, u.value)}`);
  for (const u of program.stateUpdates)
    lines.push(`update ${nameOf(program, u.leaf)} = ${nameOf(program, u.value)}`);
  return `${lines.join("\n")}\n`;
}

const nameOf = (program: Program, id: ValueId): string => `%${program.values.get(id)?.name ?? `?${id}`}`;
const plain = (): string => "?";

function valueText(program: Program, value: Value): string {
  const shape = value.shape.length ? `[${value.shape.map((s) => polyText(s, plain)).join(", ")}]` : "";
  const { definition } = value;
  if (definition.kind === "leaf") {
    const range = definition.range
      ? ` in ${polyText(definition.range.lo, plain)}..${polyText(definition.range.hi, plain)}`
      : "";
    return `${definition.role} ${value.name}: ${value.dtype}${shape}${range}${definition.init ? ` = ${initText(definition.init)}` : ""}`;
  }
  return `%${value.name}: ${value.dtype}${shape} = ${definitionText(program, definition)}`;
}
function initText(init: Initialiser): string {
  if (init.kind === "fill") return `fill(${init.value})`;
  if (init.kind === "values") return `[${init.data.join(", ")}]`;
  if ("a" in init) return init.kind === "normal" ? `normal(${init.b})` : `uniform(${init.a}, ${init.b})`;
  return `${init.kind}(${init.fanIn ? `fan_in = ${polyText(init.fanIn, plain)}` : ""})`;
}

/** Names for the indices of one definition, unique within it. */
function naming(indices: readonly Index[]): (index: Index) => string {
  const names = new Map<Index, string>();
  const taken = new Set<string>();
  for (const index of indices) {
    let name = index.name;
    for (let n = 2; taken.has(name); n++) name = `${index.name}${n}`;
    taken.add(name);
    names.set(index, name);
  }
  return (index) => names.get(index) ?? `${index.name}?`;
}

function definitionText(program: Program, definition: Exclude<Definition, { kind: "leaf" }>): string {
  switch (definition.kind) {
    case "equation": {
      const { axes, operator, body } = definition;
      const name = naming(operator?.kind === "reduce" ? [...axes, ...operator.indices] : axes);
      const head = axes.length
        ? `[${axes.map((a) => `${name(a)}: ${polyText(a.hi, name)}`).join(", ")}] `
        : "";
      const guard = operator?.guard ? ` | ${exprText(program, operator.guard, name)}` : "";
      const op = !operator
        ? ""
        : operator.kind === "reduce"
          ? `${operator.reducer}[${operator.indices.map((i) => `${name(i)}: ${polyText(i.lo, name)}..${polyText(i.hi, name)}`).join(", ")}${guard}] `
          : `${operator.name}[${name(operator.index)}${guard}] `;
      return head + op + exprText(program, body, name);
    }
    case "scatter": {
      const name = naming(definition.domain);
      const guard = definition.guard ? ` | ${exprText(program, definition.guard, name)}` : "";
      return `scatter[${definition.domain.map((i) => `${name(i)}: ${polyText(i.hi, name)}`).join(", ")}${guard}] (${definition.target.map((t) => polyText(t, name, program)).join(", ")}) += ${exprText(program, definition.body, name)}`;
    }
    case "reshape":
      return `reshape(${nameOf(program, definition.of)})`;
    case "derivative":
      return `${definition.mode}(${[definition.of, definition.wrt, ...(definition.direction === null ? [] : [definition.direction])].map((v) => nameOf(program, v)).join(", ")})${definition.batch ? ` batch ${definition.batch}` : ""}${definition.aligned.map((a) => ` aligned ${a.batch}:${a.axis}${a.offset ? `+${a.offset}` : ""}`).join("")}`;
    case "custom":
      return `custom(${nameOf(program, definition.of)})`;
  }
}

export function polyText(p: Poly, name: (index: Index) => string, program?: Program): string {
  if (p.isZero) return "0";
  let text = "";
  for (const t of p.terms) {
    const atoms = t.atoms.map((a) =>
      a.kind === "dim"
        ? a.name
        : a.kind === "index"
          ? name(a.index)
          : program
            ? exprText(program, a.expr, name)
            : "?",
    );
    const size = Math.abs(t.num);
    const factors =
      [...(size !== 1 || atoms.length === 0 ? [String(size)] : []), ...atoms].join(" * ") +
      (t.den === 1 ? "" : ` / ${t.den}`);
    text += text ? (t.num < 0 ? " - " : " + ") + factors : (t.num < 0 ? "-" : "") + factors;
  }
  return text;
}

const INFIX: Readonly<Record<string, string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  and: "and",
  or: "or",
};
const STRENGTH: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  eq: 4,
  ne: 4,
  lt: 4,
  le: 4,
  add: 5,
  sub: 5,
  mul: 7,
  div: 7,
};

function exprText(program: Program, root: Expr, name: (index: Index) => string): string {
  // Shared nodes of some size get a name of their own, so that the text stays as long as the graph.
  const uses = new Map<Expr, number>();
  const order: Expr[] = [];
  const count = (e: Expr): void => {
    const n = (uses.get(e) ?? 0) + 1;
    uses.set(e, n);
    if (n > 1) return;
    operands(e).forEach(count);
    order.push(e);
  };
  count(root);
  const lets = new Map<Expr, string>();
  const shared: string[] = [];
  const print = (e: Expr, least = 0): string => {
    const known = lets.get(e);
    if (known) return known;
    switch (e.op) {
      case "constant":
        return e.dtype === "bool"
          ? e.value
            ? "true"
            : "false"
          : Number.isInteger(e.value) && e.dtype !== "i32" && e.dtype !== "u32"
            ? `${Object.is(e.value, -0) ? "-0" : e.value}.0`
            : String(e.value);
      case "index": {
        const text = polyText(e.poly, name, program);
        return e.poly.terms.length > 1 && least > 5 ? `(${text})` : text;
      }
      case "read":
        return `${nameOf(program, e.value)}${e.subscripts.length ? `[${e.subscripts.map((s) => polyText(s, name, program)).join(", ")}]` : ""}`;
      case "cast":
        return `${e.dtype}(${print(e.arg)})`;
      case "select": {
        const text = `if ${print(e.condition, 1)} then ${print(e.then, 1)} else ${print(e.else)}`;
        return least > 0 ? `(${text})` : text;
      }
      case "call": {
        const [a, b] = e.args;
        const infix = INFIX[e.fn];
        const strength = STRENGTH[e.fn] ?? 9;
        if (infix && a && b) {
          const text = `${print(a, strength)} ${infix} ${print(b, strength + 1)}`;
          return strength < least ? `(${text})` : text;
        }
        if (e.fn === "neg" && a) return least > 6 ? `(-${print(a, 7)})` : `-${print(a, 7)}`;
        if (e.fn === "not" && a) return least > 3 ? `(not ${print(a, 3)})` : `not ${print(a, 3)}`;
        return `${e.fn}(${e.args.map((x) => print(x)).join(", ")})`;
      }
    }
  };
  for (const e of order) {
    if (
      e === root ||
      (uses.get(e) ?? 0) < 2 ||
      e.op !== "call" ||
      (e.args.every((x) => x.op === "constant" || x.op === "index" || x.op === "read") && e.args.length < 2)
    )
      continue;
    const text = print(e);
    if (text.length < 16) continue;
    const named = `t${lets.size + 1}`;
    shared.push(`${named} = ${text}`);
    lets.set(e, named);
  }
  const text = print(root);
  return shared.length ? `${text} where ${shared.join("; ")}` : text;
}
