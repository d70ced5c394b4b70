import type { Index, ValueId } from "../expr.js";
import { iterationOf } from "../equation.js";
import { idsOf } from "../items.js";
import type { Poly } from "../poly.js";
import { ExprPrinter, WORDS } from "./print-expr.js";
import { dimText } from "./tokens.js";
import type { Definition, Initialiser, Item, Program, RecurrenceGroup, Value } from "../program.js";

/**
 * IR text: a declaration or an equation a line, as a person would write it. It holds the whole program but for places
 * and docs: `parse.ts` reads it back. The grammar stands there.
 */
export function printProgram(program: Program): string {
  return new ProgramPrinter(program).text();
}

class ProgramPrinter {
  private readonly lines: string[] = [];
  constructor(private readonly program: Program) {}

  text(): string {
    const { program, lines } = this;
    for (const dim of program.dims) {
      const d = dim.definition;
      const definition = d
        ? ` = ${d.floor ? "floor" : d.root ? "root" : ""}(${sizeText(d.numerator)}) / (${sizeText(d.divisor)})${d.least === undefined ? "" : ` least ${d.least}`}`
        : dim.default === undefined
          ? ""
          : ` = ${dim.default}`;
      lines.push(`dim ${dimText(dim.name)}${definition}`);
    }
    for (const c of program.checks)
      lines.push(`check ${c.kind} ${sizeText(c.poly)} ${c.code} ${JSON.stringify(c.message)}`);
    for (const value of program.values.values()) if (value.definition.kind === "leaf") this.value(value, "");
    for (const item of program.items) this.item(item, "");
    for (const o of program.outputs)
      lines.push(`${program.losses.includes(o.name) ? "loss" : "output"} ${o.name} = ${this.name(o.value)}`);
    for (const g of program.gradients) lines.push(`gradient ${g.loss} ${g.wrt} = ${this.name(g.value)}`);
    for (const t of program.trains) {
      const args = t.args.map((a) => `${a.name}: ${this.name(a.leaf)} = ${a.value}`).join(", ");
      lines.push(`train ${t.loss} with ${t.optimizer}(${args}) {`);
      for (const u of t.updates) lines.push(`  ${this.name(u.leaf)} := ${this.name(u.value)}`);
      lines.push("}");
    }
    for (const u of program.stateUpdates) lines.push(`${this.name(u.leaf)} := ${this.name(u.value)}`);
    return `${lines.join("\n")}\n`;
  }

  private readonly name = (id: ValueId): string => `%${this.program.values.get(id)?.name ?? `?${id}`}`;

  private item(item: Item, indent: string): void {
    if (typeof item !== "number") return this.group(item, indent);
    const value = this.program.values.get(item);
    if (value && value.definition.kind !== "leaf") this.value(value, indent);
  }
  private group(group: RecurrenceGroup, indent: string): void {
    const [from, to] = group.direction === 1 ? [group.lo, group.hi] : [group.hi, group.lo];
    const checkpoint = group.checkpoint === "auto" ? "" : ` checkpoint ${group.checkpoint}`;
    const direction = group.direction === 1 ? "" : " down";
    this.lines.push(
      `${indent}rec ${group.name} ${sizeText(from)}..${sizeText(to)}${direction}${checkpoint} {`,
    );
    for (const inner of group.items) this.item(inner, `${indent}  `);
    const times = idsOf(group).flatMap((id) => {
      const t = group.time.get(id);
      return t ? [`${this.name(id)}@${t.axis}${shiftText(t.shift)}`] : [];
    });
    this.lines.push(`${indent}} along ${times.join(" ")}`);
  }

  private value(value: Value, indent: string): void {
    const shape = value.shape.length ? `[${value.shape.map(sizeText).join(", ")}]` : "";
    const { definition } = value;
    if (definition.kind !== "leaf") {
      this.lines.push(`${indent}%${value.name}: ${value.dtype}${shape} = ${this.definition(definition)}`);
      return;
    }
    const { role, range, init } = definition;
    const within = range ? ` in ${sizeText(range.lo)}..${sizeText(range.hi)}` : "";
    this.lines.push(
      `${role} %${value.name}: ${value.dtype}${shape}${within}${init ? ` = ${initText(init)}` : ""}`,
    );
  }

  private definition(definition: Exclude<Definition, { kind: "leaf" }>): string {
    switch (definition.kind) {
      case "equation": {
        const { axes, operator, body } = definition;
        const bound = iterationOf(definition);
        const name = this.naming(bound);
        const guard = operator?.guard ?? null;
        const ranges = bound.flatMap((i) => [i.lo, i.hi]);
        const printer = new ExprPrinter(this.name, bound, name, [...ranges, guard, body]);
        const range = rangeText(printer, name);
        const head = axes.length ? `[${axes.map(axisText(printer, name)).join(", ")}] ` : "";
        const condition = guard ? ` | ${printer.expr(guard)}` : "";
        const op = !operator
          ? ""
          : operator.kind === "reduce"
            ? `${operator.reducer}[${operator.indices.map(range).join(", ")}${condition}] `
            : `${operator.name}[${name(operator.index)}${condition}] `;
        return head + op + printer.expr(body) + whereText(printer);
      }
      case "scatter": {
        const { domain, target, guard, body } = definition;
        const name = this.naming(domain);
        const ranges = domain.flatMap((i) => [i.lo, i.hi]);
        const printer = new ExprPrinter(this.name, domain, name, [...ranges, guard, ...target, body]);
        const condition = guard ? ` | ${printer.expr(guard)}` : "";
        const places = target.map((t) => printer.poly(t)).join(", ");
        return `scatter[${domain.map(axisText(printer, name)).join(", ")}${condition}] [${places}] += ${printer.expr(body)}${whereText(printer)}`;
      }
      case "reshape":
        return `reshape(${this.name(definition.of)})`;
      case "derivative": {
        const { mode, of, wrt, direction, batch, aligned, given } = definition;
        const args = [of, wrt, ...(direction === null ? [] : [direction])].map(this.name).join(", ");
        return `${mode}(${args})${batch ? ` batch ${batch}` : ""}${aligned.map((a) => ` aligned ${a.batch}:${a.axis}${shiftText(a.offset)}`).join("")}${given.map((id) => ` given ${this.name(id)}`).join("")}`;
      }
      case "custom": {
        const { of, args, cotangent, adjoints } = definition;
        const pairs = args.map((a, k) => {
          const back = adjoints[k];
          return ` ${this.name(a)} <- ${back === null || back === undefined ? "0" : this.name(back)}`;
        });
        return `custom(${this.name(of)}) adjoint(${this.name(cotangent)})${pairs.join(",")}`;
      }
    }
  }

  /** Names for the indices of one definition, unique within it and different from dims and words. */
  private naming(indices: readonly Index[]): (index: Index) => string {
    const names = new Map<Index, string>();
    const taken = new Set([...this.program.dims.map((d) => d.name), ...WORDS]);
    for (const index of indices) {
      let name = index.name;
      for (let n = 2; taken.has(name); n++) name = `${index.name}${n}`;
      taken.add(name);
      names.set(index, name);
    }
    return (index) => names.get(index) ?? `${index.name}?`;
  }
}

/** A polynomial in dims alone. */
export function sizeText(p: Poly): string {
  return new ExprPrinter(
    () => "?",
    [],
    (i) => `${i.name}?`,
    [],
  ).poly(p);
}
const rangeText =
  (printer: ExprPrinter, name: (index: Index) => string) =>
  (i: Index): string =>
    `${name(i)}: ${printer.poly(i.lo)}..${printer.poly(i.hi)}`;
const shiftText = (shift: number): string => (shift === 0 ? "" : shift < 0 ? String(shift) : `+${shift}`);

/** A range from 0 is its end. */
const axisText =
  (printer: ExprPrinter, name: (index: Index) => string) =>
  (i: Index): string =>
    i.lo.isZero ? `${name(i)}: ${printer.poly(i.hi)}` : rangeText(printer, name)(i);
const whereText = ({ shared }: ExprPrinter): string => (shared.length ? ` where ${shared.join("; ")}` : "");

function initText(init: Initialiser): string {
  if (init.kind === "fill") return `fill(${init.value})`;
  if (init.kind === "values") return `values(${init.data.join(", ")})`;
  if ("a" in init) return `${init.kind}(${init.a}, ${init.b})`;
  return `${init.kind}(${init.fanIn ? sizeText(init.fanIn) : ""})`;
}
