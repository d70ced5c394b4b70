import type { DType } from "../../ir/expr.js";
import { isFloat } from "../../ir/expr.js";
import { InternalError, invariant } from "../../diagnostics/invariant.js";
import { SCALARS } from "../../ir/scalar/table.js";
import type { KExpr, Kernel, Statement } from "../../schedule/kernel/ir.js";
import { freshName, namesOf } from "../../schedule/kernel/rewrite.js";
import { repeatedOperands } from "../text.js";

/**
 * Rewrites a kernel so that WGSL's strict `select()` is only left where both arms may be evaluated: an arm that loads
 * or costs something becomes a branch around statements. Also named before use: what the text of a call would repeat,
 * what nests deeper than shader compilers read, and one operand of a call of constants only (which a shader compiler
 * folds, and refuses if the result is not finite).
 */
export function withBranches(kernel: Kernel): Kernel {
  const rewriter = new Rewriter(kernel);
  return { ...kernel, body: rewriter.statements(kernel.body) };
}

/** Floating-point operations that are cheaper to do than to branch around. */
const CHEAP = 8;
const DEEPEST = 40;

class Rewriter {
  private readonly taken: Set<string>;
  constructor(kernel: Kernel) {
    this.taken = namesOf(kernel);
  }
  private fresh(base: string): string {
    return freshName(base, this.taken);
  }

  statements(list: readonly Statement[]): Statement[] {
    const out: Statement[] = [];
    for (const s of list) out.push(this.statement(s, out));
    return out;
  }
  private statement(s: Statement, before: Statement[]): Statement {
    const rewrite = (e: KExpr): KExpr => this.expr(e, before).value;
    switch (s.kind) {
      case "comment":
        return s;
      case "let":
        return { ...s, value: rewrite(s.value) };
      case "var":
        return { ...s, init: rewrite(s.init) };
      case "assign":
        return { ...s, value: rewrite(s.value) };
      case "store":
        return { ...s, index: rewrite(s.index), value: rewrite(s.value) };
      case "product":
        return packedNowhere();
      case "if":
        return {
          ...s,
          condition: rewrite(s.condition),
          then: this.statements(s.then),
          else: this.statements(s.else),
        };
      case "loop":
        return {
          ...s,
          lo: rewrite(s.lo),
          hi: rewrite(s.hi),
          step: typeof s.step === "number" ? s.step : rewrite(s.step),
          body: this.statements(s.body),
        };
    }
  }

  private expr(e: KExpr, out: Statement[]): Rewritten {
    const made = this.shallow(e, out);
    return made.depth > DEEPEST ? leafOf(this.named(made.value, out)) : made;
  }
  private shallow(e: KExpr, out: Statement[]): Rewritten {
    switch (e.op) {
      case "constant":
      case "variable":
        return leafOf(e);
      case "load": {
        const index = this.expr(e.index, out);
        return { value: { ...e, index: index.value }, depth: index.depth + 1, cost: Infinity };
      }
      case "cast": {
        const arg = this.expr(e.arg, out);
        return { value: { ...e, arg: arg.value }, depth: arg.depth + 1, cost: arg.cost + 1 };
      }
      case "address": {
        const args = e.args.map((a) => this.expr(a, out));
        return { value: { ...e, args: args.map((a) => a.value) }, ...sizeOf(args, args.length) };
      }
      case "call":
        return e.fn === "and" || e.fn === "or" ? this.logic(e, out) : this.call(e, out);
      case "select":
        return this.select(e, out);
    }
  }

  private call(e: Call, out: Statement[]): Rewritten {
    const args = e.args.map((a) => this.expr(a, out));
    const entry = SCALARS[e.fn];
    invariant(entry, `scalar function ${e.fn} is in the table`);
    const literals = e.args.map((a) => (e.fn === "powi" && a.op === "constant" ? `${a.value}.0f` : null));
    const dtype = e.args[e.args.length - 1]?.dtype ?? e.dtype;
    const repeated = repeatedOperands((texts) => entry.wgsl.expression(texts, dtype), literals);
    const values = args.map(({ value }, k) =>
      repeated.has(k) || (e.fn === "powi" && k === 0) ? this.named(value, out) : value,
    );
    const first = values[0];
    if (first && (isFloat(first.dtype) || e.fn !== "neg") && values.every(isConstant))
      values[0] = this.hidden(first, out);
    return { value: { ...e, args: values }, ...sizeOf(args, entry.cost) };
  }

  /** Both targets evaluate the second operand only where it is needed; so do we when it takes statements. */
  private logic(e: Call, out: Statement[]): Rewritten {
    const [a, b] = e.args;
    invariant(a && b, `${e.fn} has two operands`);
    const first = this.expr(a, out);
    const inner: Statement[] = [];
    const second = this.expr(b, inner);
    if (inner.length === 0)
      return { value: { ...e, args: [first.value, second.value] }, ...sizeOf([first, second], 1) };
    const name = this.fresh("is");
    const result: KExpr = { op: "variable", dtype: "bool", name };
    out.push({ kind: "var", name, init: first.value });
    const condition: KExpr =
      e.fn === "and" ? result : { op: "call", dtype: "bool", fn: "not", args: [result] };
    out.push({
      kind: "if",
      condition,
      then: [...inner, { kind: "assign", name, value: second.value }],
      else: [],
    });
    return leafOf(result);
  }

  private select(e: Select, out: Statement[]): Rewritten {
    const condition = this.expr(e.condition, out);
    const thenStatements: Statement[] = [];
    const elseStatements: Statement[] = [];
    const then = this.expr(e.then, thenStatements);
    const otherwise = this.expr(e.else, elseStatements);
    const isPlain = (arm: Rewritten, statements: readonly Statement[]): boolean =>
      statements.length === 0 && arm.cost <= CHEAP;
    if (isPlain(then, thenStatements) && isPlain(otherwise, elseStatements)) {
      const value: KExpr = { ...e, condition: condition.value, then: then.value, else: otherwise.value };
      return { value, ...sizeOf([condition, then, otherwise], 1) };
    }
    const name = this.fresh("chosen");
    const result: KExpr = { op: "variable", dtype: e.dtype, name };
    // A plain arm is the value to begin with; the other one replaces it.
    const startsWith = isPlain(otherwise, elseStatements) ? otherwise.value : zero(e.dtype);
    out.push({ kind: "var", name, init: startsWith });
    out.push({
      kind: "if",
      condition: condition.value,
      then: [...thenStatements, { kind: "assign", name, value: then.value }],
      else:
        startsWith === otherwise.value
          ? []
          : [...elseStatements, { kind: "assign", name, value: otherwise.value }],
    });
    return leafOf(result);
  }

  private named(value: KExpr, out: Statement[]): KExpr {
    if (value.op === "constant" || value.op === "variable") return value;
    const name = this.fresh("t");
    out.push({ kind: "let", name, value });
    return { op: "variable", dtype: value.dtype, name };
  }
  private hidden(value: KExpr, out: Statement[]): KExpr {
    const name = this.fresh("c");
    out.push({ kind: "var", name, init: value });
    return { op: "variable", dtype: value.dtype, name };
  }
}

type Call = KExpr & { readonly op: "call" };
type Select = KExpr & { readonly op: "select" };
interface Rewritten {
  readonly value: KExpr;
  readonly depth: number;
  /** Operations; infinite with a load. */
  readonly cost: number;
}
const leafOf = (value: KExpr): Rewritten => ({ value, depth: 1, cost: 0 });
const sizeOf = (parts: readonly Rewritten[], own: number): { depth: number; cost: number } => ({
  depth: parts.reduce((most, p) => Math.max(most, p.depth), 0) + 1,
  cost: parts.reduce((total, p) => total + p.cost, own),
});
const zero = (dtype: DType): KExpr => ({ op: "constant", dtype, value: 0 });
/** Infinities and NaN come out of a helper that hides them already. */
const isConstant = (e: KExpr): boolean => e.op === "constant" && Number.isFinite(e.value);

/** The target's description packs no operands, so no kernel for it has a product of such. */
export function packedNowhere(): never {
  throw new InternalError("a kernel for a GPU has a product of packed operands");
}
