import { invariant } from "../../diagnostics/invariant.js";
import type { KExpr, Kernel, Place, ProductStatement, Statement } from "../../schedule/kernel/ir.js";
import type { PartCall, PartCalls } from "../parts.js";
import { doubleSums } from "./accumulators.js";
import type { Expressions } from "./expressions.js";
import type { Instruction } from "./instruction.js";
import { get, op, set } from "./instruction.js";
import { madd } from "./madd.js";
import type { Loops } from "./loops.js";
import type { Memory } from "./memory.js";
import { productRoutine } from "./product.js";
import { NotWidenable, spread, vector } from "./values.js";
import type { FunctionWriter } from "./writer.js";

/** Statements, for one iteration or for all that run side by side, of which some may not do them. */
export class Statements {
  private readonly sums: ReadonlySet<string>;

  constructor(
    kernel: Kernel,
    private readonly calls: PartCalls,
    private readonly writer: FunctionWriter,
    private readonly memory: Memory,
    private readonly expressions: Expressions,
    private readonly loops: Loops,
  ) {
    this.sums = doubleSums([...kernel.body, ...kernel.after]);
  }

  /** A block with names of its own. */
  list(statements: readonly Statement[]): void {
    this.writer.scoped(() => this.statements(statements));
  }
  /** What they declare is known to what comes after them. */
  statements(statements: readonly Statement[]): void {
    const call = this.calls.get(statements);
    if (call) this.call(call);
    else for (const s of statements) this.statement(s);
  }
  private call({ part, buffers, sizes }: PartCall): void {
    const args = [
      ...buffers.map((name) => get(this.writer.ascii(name))),
      ...sizes.map((name) => this.expressions.integer({ op: "variable", dtype: "i32", name })),
    ];
    this.writer.push({ kind: "call", fn: part, args });
  }
  private statement(s: Statement): void {
    const call = this.calls.get(s);
    if (call) return this.call(call);
    switch (s.kind) {
      case "comment":
        return this.writer.push({ kind: "comment", text: s.text });
      case "let":
        return this.writer.assign(s.name, this.expressions.evaluate(s.value));
      case "var":
        return this.declare(s.name, s.init);
      case "assign":
        return this.assign(s.name, s.value);
      case "store": {
        const index = this.expressions.evaluate(s.index);
        return this.memory.store(s.buffer, index, this.expressions.evaluate(s.value));
      }
      case "product":
        return this.product(s);
      case "if":
        return this.branch(s);
      case "loop":
        return this.loops.inner(s, () => this.list(s.body));
    }
  }

  private declare(name: string, init: KExpr): void {
    const { writer } = this;
    if (writer.vectors === 0 && this.sums.has(name)) {
      const local = writer.localOf(`${name}_sum`, "f64");
      writer.push(set(local, op("f64.promote_f32", this.expressions.scalar(init))));
      return writer.defineSum(name, local);
    }
    const value = this.expressions.evaluate(init);
    writer.assign(name, writer.vectors > 0 ? vector(spread(value, writer.vectors), init.dtype) : value);
  }

  private assign(name: string, e: KExpr): void {
    const { writer, expressions } = this;
    const binding = writer.binding(name);
    if (binding.kind === "sum") {
      const term = e.op === "call" && e.fn === "add" ? e.args[1] : undefined;
      invariant(term, "a sum is added to");
      const added = op("f64.promote_f32", expressions.scalar(term));
      return writer.push(set(binding.local, op("f64.add", get(binding.local), added)));
    }
    const { value } = binding;
    if (value.shape === "vector") {
      const made = spread(expressions.evaluate(e), writer.vectors);
      value.nodes.forEach((node, k) => {
        invariant(node.kind === "get", "variables are locals");
        const result = made[k] ?? node;
        const next = this.sums.has(name) ? summed(result, node.local) : result;
        const keeps = writer.mask?.[k];
        writer.push(set(node.local, keeps ? op("v128.bitselect", next, node, keeps) : next));
      });
      return;
    }
    if (writer.vectors > 0) throw new NotWidenable("a variable of all lanes is assigned");
    invariant(value.node.kind === "get", "variables are locals");
    writer.push(set(value.node.local, expressions.scalar(e)));
  }

  private product({ dtype, rows, columns, count, left, right, into }: ProductStatement): void {
    const { writer, expressions } = this;
    if (writer.vectors > 0) throw new NotWidenable("a product has lanes of its own");
    const place = ({ buffer, index }: Place): Instruction =>
      this.memory.address(buffer, expressions.scalar(index));
    writer.push({
      kind: "call",
      fn: writer.helper(productRoutine(dtype, rows, columns)),
      args: [place(left), place(right), expressions.scalar(count), place(into)],
    });
  }

  private branch(s: Statement & { readonly kind: "if" }): void {
    const { writer } = this;
    const condition = this.expressions.evaluate(s.condition);
    if (condition.shape === "uniform") {
      const arm = (list: readonly Statement[]): readonly Instruction[] => writer.list(() => this.list(list));
      return writer.push({ kind: "if", condition: condition.node, then: arm(s.then), else: arm(s.else) });
    }
    const chosen = spread(condition, writer.vectors).map((m) => writer.keep(m, "v128"));
    this.masked(chosen, s.then);
    this.masked(
      chosen.map((m) => writer.keep(op("v128.not", m), "v128")),
      s.else,
    );
  }
  /** What only the lanes of a mask do, of those that do anything here. */
  private masked(mask: readonly Instruction[], list: readonly Statement[]): void {
    if (list.length === 0) return;
    const { writer } = this;
    const within = mask.map((m, k) => {
      const outer = writer.mask?.[k];
      return outer ? writer.keep(op("v128.and", m, outer), "v128") : m;
    });
    writer.guardedly(() => this.list(list), within);
  }
}

/** The next value of a sum; where a product is added to it, as a multiply-add. */
function summed(next: Instruction, variable: string): Instruction {
  const [sum, product] = next.kind === "op" && next.op === "f32x4.add" ? next.args : [];
  if (sum?.kind !== "get" || sum.local !== variable) return next;
  const [a, b] = product?.kind === "op" && product.op === "f32x4.mul" ? product.args : [];
  return a && b ? madd("f32x4", a, b, sum) : next;
}
