import { isFloat } from "../../ir/expr.js";
import type { KExpr, Kernel, Place, Statement } from "../../schedule/kernel/ir.js";
import type { PartCall, PartCalls } from "../parts.js";
import { integerFacts } from "../signs.js";
import { type Line, Lines } from "../text.js";
import { JsExpressions, jsNames } from "./expression.js";
import { productRoutine } from "./product.js";
import { blockEnd } from "../../schedule/kernel/grid.js";

/**
 * A kernel as a function over typed arrays: buffers, then sizes. Floats are computed in double and rounded when they
 * are stored; addresses are plain numbers, data integers wrap to 32 bits.
 */
export function jsKernelLines(kernel: Kernel, calls: PartCalls = new Map()): readonly Line[] {
  const out = new Lines();
  const printer = new JsStatements(kernel, calls, out);
  for (const note of kernel.notes) for (const line of note.split("\n")) out.add(`// ${line}`);
  const parameters = [...kernel.buffers, ...kernel.sizes].map((p) => printer.names.of(p.name));
  out.block(`function ${kernel.name}(${parameters.join(", ")}) {`, () => {
    printer.grid(kernel, 0);
    printer.list(kernel.after);
  });
  return out.list;
}

class JsStatements {
  readonly names = jsNames();
  private readonly expressions: JsExpressions;
  private readonly facts;
  private readonly halves: ReadonlySet<string>;

  constructor(
    kernel: Kernel,
    private readonly calls: PartCalls,
    private readonly out: Lines,
  ) {
    this.facts = integerFacts(kernel);
    this.expressions = new JsExpressions(this.names, this.facts);
    this.halves = new Set(kernel.buffers.flatMap((b) => (b.dtype === "f16" ? [b.name] : [])));
  }

  grid(kernel: Kernel, depth: number): void {
    const loop = kernel.grid[depth];
    if (!loop) return this.list(kernel.body);
    const v = this.names.of(loop.variable);
    const { init, end } = this.bound(v, loop.extent);
    const first = loop.first ? this.expressions.text(loop.first) : "0";
    this.out.block(`for (let ${v} = ${first}${init}; ${v} < ${end}; ${advance(v, loop.step, 1)}) {`, () => {
      this.list(blockEnd(loop));
      this.grid(kernel, depth + 1);
    });
  }

  /** A bound is worked out once, before the loop. */
  private bound(variable: string, e: KExpr): { readonly init: string; readonly end: string } {
    const text = this.expressions.text(e);
    if (this.facts.isFixed(e)) return { init: "", end: text };
    const end = this.names.fresh(`${variable}_end`);
    return { init: `, ${end} = ${text}`, end };
  }

  list(statements: readonly Statement[]): void {
    const call = this.calls.get(statements);
    if (call) this.call(call);
    else for (const s of statements) this.statement(s);
  }
  private call({ part, buffers, sizes, stores }: PartCall): void {
    this.out.add(`${part}(${[...buffers, ...sizes].map((name) => this.names.of(name)).join(", ")});`, stores);
  }
  private statement(s: Statement): void {
    const { out, names, expressions } = this;
    const call = this.calls.get(s);
    if (call) return this.call(call);
    switch (s.kind) {
      case "comment":
        return out.add(`// ${s.text}`);
      case "let":
        return out.add(`const ${names.of(s.name)} = ${expressions.text(s.value)};`);
      case "var":
        return out.add(`let ${names.of(s.name)} = ${expressions.text(s.init)};`);
      case "assign":
        return out.add(this.assignment(names.of(s.name), s.name, s.value));
      case "store": {
        const value = expressions.text(s.value);
        const stored = this.halves.has(s.buffer) ? `gradc_to_f16(${value})` : value;
        return out.add(`${names.of(s.buffer)}[${expressions.text(s.index)}] = ${stored};`, s.buffer);
      }
      case "product": {
        const place = ({ buffer, index }: Place): string => `${names.of(buffer)}, ${expressions.text(index)}`;
        const operands = `${place(s.left)}, ${place(s.right)}, ${expressions.text(s.count)}`;
        return out.add(`${productRoutine(s.rows, s.columns)}(${operands}, ${place(s.into)});`);
      }
      case "if": {
        const otherwise = s.else.length ? { head: "} else {", body: () => this.list(s.else) } : undefined;
        return out.block(`if (${expressions.text(s.condition)}) {`, () => this.list(s.then), otherwise);
      }
      case "loop": {
        const v = names.of(s.variable);
        if (s.direction === 1) {
          const { init, end } = this.bound(v, s.hi);
          const head = `for (let ${v} = ${expressions.text(s.lo)}${init}; ${v} < ${end}; ${advance(v, this.stepOf(s), 1)}) {`;
          return out.block(head, () => this.list(s.body));
        }
        const { init, end } = this.bound(v, s.lo);
        const start = expressions.text({ op: "address", dtype: "i32", fn: "sub", args: [s.hi, ONE] });
        return out.block(
          `for (let ${v} = ${start}${init}; ${v} >= ${end}; ${advance(v, this.stepOf(s), -1)}) {`,
          () => this.list(s.body),
        );
      }
    }
  }

  private stepOf({ step }: Statement & { readonly kind: "loop" }): number | string {
    return typeof step === "number" ? step : this.expressions.text(step);
  }

  private assignment(v: string, name: string, value: KExpr): string {
    if (value.op === "call" && isFloat(value.dtype)) {
      const [a, b] = value.args;
      const sign = { add: "+", sub: "-", mul: "*" }[value.fn];
      if (sign && b && a?.op === "variable" && a.name === name)
        return `${v} ${sign}= ${this.expressions.text(b)};`;
    }
    return `${v} = ${this.expressions.text(value)};`;
  }
}

const ONE: KExpr = { op: "constant", dtype: "i32", value: 1 };
function advance(v: string, step: number | string, direction: 1 | -1): string {
  if (step === 1) return direction === 1 ? `${v}++` : `${v}--`;
  return direction === 1 ? `${v} += ${step}` : `${v} -= ${step}`;
}
