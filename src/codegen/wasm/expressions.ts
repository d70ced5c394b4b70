import { invariant } from "../../diagnostics/invariant.js";
import type { DType } from "../../ir/expr.js";
import type { KExpr } from "../../schedule/kernel/ir.js";
import { isPositiveConstant, type IntegerFacts } from "../signs.js";
import { addressValue } from "./affine.js";
import { callInstruction, castInstruction, constantOf } from "./calls.js";
import { isCheap } from "./costs.js";
import type { Instruction } from "./instruction.js";
import { get, i32, op } from "./instruction.js";
import type { Memory } from "./memory.js";
import {
  eachLane,
  extract,
  gather,
  scalarOf,
  scalarType,
  spread,
  uniform,
  vector,
  type Value,
} from "./values.js";
import type { FunctionWriter } from "./writer.js";

/** Scalar expressions, for one iteration or for all that run side by side. */
export class Expressions {
  constructor(
    private readonly writer: FunctionWriter,
    private readonly memory: Memory,
    private readonly facts: IntegerFacts,
  ) {}

  scalar(e: KExpr): Instruction {
    return scalarOf(this.evaluate(e));
  }
  /** A bound of a loop, once. */
  integer(e: KExpr): Instruction {
    return this.writer.keep(this.scalar(e), "i32");
  }

  evaluate(e: KExpr): Value {
    const { writer } = this;
    switch (e.op) {
      case "constant":
        return uniform(constantOf(e.value, e.dtype, false), e.dtype);
      case "variable": {
        const binding = writer.binding(e.name);
        if (binding.kind === "sum") return uniform(op("f32.demote_f64", get(binding.local)), "f32");
        return binding.value;
      }
      case "load":
        return this.memory.load(e.buffer, this.evaluate(e.index));
      case "address":
        return addressValue(
          e.fn,
          e.args.map((a) => this.evaluate(a)),
          writer,
        );
      case "cast": {
        const arg = this.evaluate(e.arg);
        const cast = (node: Instruction): Instruction =>
          castInstruction(node, e.arg.dtype, e.dtype, arg.shape !== "uniform");
        return arg.shape === "uniform"
          ? uniform(cast(arg.node), e.dtype)
          : vector(spread(arg, writer.vectors).map(cast), e.dtype);
      }
      case "select":
        return this.choice(e);
      case "call":
        return this.shortCircuit(e) ?? this.call(e);
    }
  }

  // ---- calls ----

  private call(e: Call): Value {
    const args = e.args.map((a) => this.evaluate(a));
    const scalars = args.flatMap((a) => (a.shape === "uniform" ? [a.node] : []));
    if (scalars.length === args.length)
      return uniform(this.unsigned(e, scalars) ?? this.callOnce(e, scalars), e.dtype);
    const wide = args.map((a) => spread(this.forAllLanes(a), this.writer.vectors));
    const nodes = this.writer.perVector((k) => {
      const operands = wide.map((w) => w[k] ?? i32(0));
      return this.instruction(e, operands, true) ?? this.laneByLane(e, operands);
    });
    return vector(nodes, e.dtype);
  }

  /** A quotient or remainder of what is not negative. */
  private unsigned(e: Call, [a, b]: readonly Instruction[]): Instruction | undefined {
    const [x, y] = e.args;
    if (!a || !b || !x || (e.fn !== "floor_div" && e.fn !== "mod") || operandOf(e) !== "i32")
      return undefined;
    if (!isPositiveConstant(y) || !this.facts.isNonNegative(x)) return undefined;
    return op(e.fn === "mod" ? "i32.rem_u" : "i32.div_u", a, b);
  }
  private callOnce(e: Call, args: readonly Instruction[]): Instruction {
    const made = this.instruction(e, args, false);
    invariant(made, "every function can be called for one number");
    return made;
  }
  private laneByLane(e: Call, args: readonly Instruction[]): Instruction {
    const kept = args.map((a) => this.writer.keep(a, "v128"));
    const lanes = eachLane((lane) =>
      this.callOnce(
        e,
        kept.map((a, n) => extract(a, lane, e.args[n]?.dtype ?? operandOf(e))),
      ),
    );
    return gather(lanes, e.dtype);
  }
  private instruction(e: Call, args: readonly Instruction[], wide: boolean): Instruction | undefined {
    const literals = e.args.map((a) => (a.op === "constant" ? a.value : undefined));
    return callInstruction(e.fn, args, operandOf(e), literals, wide, this.writer, e.dtype);
  }

  /** One number for all lanes is loaded into them at once, and once for several vectors. */
  private forAllLanes(value: Value): Value {
    if (value.shape !== "uniform") return value;
    const { writer } = this;
    const { node, dtype } = value;
    if (node.kind === "op" && (node.op === "f32.load" || node.op === "i32.load")) {
      const all = writer.keep({ ...node, op: "v128.load32_splat" }, "v128");
      return vector(
        writer.perVector(() => all),
        dtype,
      );
    }
    return writer.vectors > 1 ? uniform(writer.keep(node, scalarType(dtype)), dtype) : value;
  }

  // ---- choices ----

  /** The right side of `and` and `or` is evaluated where the left one leaves it open: it may read out of bounds. */
  private shortCircuit(e: Call): Value | undefined {
    const [left, right] = e.args;
    if ((e.fn !== "and" && e.fn !== "or") || !left || !right || isCheap(right)) return undefined;
    const known: KExpr = { op: "constant", dtype: "bool", value: e.fn === "and" ? 0 : 1 };
    const [then, otherwise] = e.fn === "and" ? [right, known] : [known, right];
    return this.choice({ op: "select", dtype: "bool", condition: left, then, else: otherwise });
  }

  private choice(e: Select): Value {
    const { writer } = this;
    const condition = this.evaluate(e.condition);
    if (writer.vectors === 0) return uniform(this.branch(e, scalarOf(condition)), e.dtype);
    const [x, y, c] = [...this.arms(e), condition].map((v) => spread(v, writer.vectors));
    const nodes = writer.perVector((k) =>
      op("v128.bitselect", x?.[k] ?? i32(0), y?.[k] ?? i32(0), c?.[k] ?? i32(0)),
    );
    return vector(nodes, e.dtype);
  }
  /** Both arms in lanes. */
  private arms(e: Select): Value[] {
    const made: Value[] = [];
    this.writer.guardedly(() => made.push(this.evaluate(e.then), this.evaluate(e.else)));
    return made;
  }
  private branch(e: Select, condition: Instruction): Instruction {
    const result = scalarType(e.dtype);
    if (isCheap(e.then) && isCheap(e.else))
      return op("select", this.scalar(e.then), this.scalar(e.else), condition);
    const arm = (x: KExpr): readonly Instruction[] =>
      this.writer.list(() => this.writer.push(this.scalar(x)));
    return { kind: "if", condition, then: arm(e.then), else: arm(e.else), result };
  }
}

type Call = KExpr & { readonly op: "call" };
type Select = KExpr & { readonly op: "select" };
/** The type that a function works on. */
const operandOf = (e: Call): DType => e.args[e.args.length - 1]?.dtype ?? e.dtype;
