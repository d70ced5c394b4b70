import { isFloat } from "../../ir/expr.js";
import {
  type KExpr,
  type Kernel,
  type Place,
  type ProductStatement,
  type Statement,
} from "../../schedule/kernel/ir.js";
import type { PartCall, PartCalls } from "../parts.js";
import { integerFacts } from "../signs.js";
import { type Bound, StatementPrinter, type Store, type Syntax } from "../statements.js";
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
  printer.notes(kernel);
  const parameters = [...kernel.buffers, ...kernel.sizes].map((p) => printer.names.of(p.name));
  out.block(`function ${kernel.name}(${parameters.join(", ")}) {`, () => {
    printer.grid(kernel, 0);
    printer.list(kernel.after);
  });
  return out.list;
}

const JAVASCRIPT: Syntax = {
  value: "const",
  variable: "let",
  counter: (name) => `let ${name}`,
  // Integers wrap after each operation.
  hasCompounds: isFloat,
};

class JsStatements extends StatementPrinter<JsExpressions> {
  private readonly halves: ReadonlySet<string>;

  constructor(
    kernel: Kernel,
    private readonly calls: PartCalls,
    out: Lines,
  ) {
    const names = jsNames();
    const facts = integerFacts(kernel);
    super(JAVASCRIPT, names, facts, new JsExpressions(names, facts), out);
    this.halves = new Set(kernel.buffers.flatMap((b) => (b.dtype === "f16" ? [b.name] : [])));
  }

  grid(kernel: Kernel, depth: number): void {
    const loop = kernel.grid[depth];
    if (!loop) return this.list(kernel.body);
    this.counted(loop.variable, loop.first ?? ZERO, loop.extent, loop.step, true, () => {
      this.list(blockEnd(loop));
      this.grid(kernel, depth + 1);
    });
  }

  override list(statements: readonly Statement[]): void {
    const call = this.calls.get(statements);
    if (call) this.call(call);
    else super.list(statements);
  }
  protected override statement(s: Statement): void {
    const call = this.calls.get(s);
    if (call) this.call(call);
    else super.statement(s);
  }
  private call({ part, buffers, sizes, stores }: PartCall): void {
    this.out.add(`${part}(${[...buffers, ...sizes].map((name) => this.names.of(name)).join(", ")});`, stores);
  }

  protected override store(s: Store): void {
    const { names, expressions } = this;
    const value = expressions.text(s.value);
    const stored = this.halves.has(s.buffer) ? `gradc_to_f16(${value})` : value;
    this.out.add(`${names.of(s.buffer)}[${expressions.text(s.index)}] = ${stored};`, s.buffer);
  }
  protected override product(s: ProductStatement): void {
    const { names, expressions } = this;
    const place = ({ buffer, index }: Place): string => `${names.of(buffer)}, ${expressions.text(index)}`;
    const operands = `${place(s.left)}, ${place(s.right)}, ${expressions.text(s.count)}`;
    this.out.add(`${productRoutine(s.rows, s.columns)}(${operands}, ${place(s.into)});`);
  }
  protected override fixed(variable: string, bound: string): Bound {
    const end = this.names.fresh(`${this.names.of(variable)}_end`);
    return { end, declared: `, ${end} = ${bound}` };
  }
}

const ZERO: KExpr = { op: "constant", dtype: "i32", value: 0 };
