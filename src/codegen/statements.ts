import type { DType } from "../ir/expr.js";
import type { KExpr, Kernel, ProductStatement, Statement } from "../schedule/kernel/ir.js";
import type { Names } from "./names.js";
import type { IntegerFacts } from "./signs.js";
import type { Lines } from "./text.js";

type Loop = Statement & { readonly kind: "loop" };
export type Store = Statement & { readonly kind: "store" };

/** How a language of C's family declares things. */
export interface Syntax {
  /** Before the name of what keeps its value, and of what does not. */
  readonly value: string;
  readonly variable: string;
  /** The declaration of a loop's variable. */
  counter(name: string): string;
  /** Whether `x += y` is `x = x + y` for numbers of the type. */
  hasCompounds(dtype: DType): boolean;
}
/** Expressions as text: values, and what counts elements and iterations, where literals may need no type. */
export interface ExpressionPrinter {
  text(e: KExpr): string;
  index(e: KExpr): string;
}
/** What a loop runs up (or down) to, and what its head declares for that. */
export interface Bound {
  readonly end: string;
  readonly declared: string;
}

/** Statements of Kernel IR as a language of C's family has them; JavaScript and WGSL differ in little. */
export abstract class StatementPrinter<Expressions extends ExpressionPrinter> {
  protected constructor(
    protected readonly syntax: Syntax,
    readonly names: Names,
    protected readonly facts: IntegerFacts,
    protected readonly expressions: Expressions,
    protected readonly out: Lines,
  ) {}

  protected abstract store(s: Store): void;
  protected abstract product(s: ProductStatement): void;
  /** A bound that is worked out once, before the loop. */
  protected abstract fixed(variable: string, bound: string): Bound;

  notes({ notes }: Kernel): void {
    for (const note of notes) for (const line of note.split("\n")) this.out.add(`// ${line}`);
  }
  list(statements: readonly Statement[]): void {
    for (const s of statements) this.statement(s);
  }
  protected statement(s: Statement): void {
    const { out, names, expressions, syntax } = this;
    switch (s.kind) {
      case "comment":
        return out.add(`// ${s.text}`);
      case "let":
        return out.add(`${syntax.value} ${names.of(s.name)} = ${expressions.text(s.value)};`);
      case "var":
        return out.add(`${syntax.variable} ${names.of(s.name)} = ${expressions.text(s.init)};`);
      case "assign":
        return out.add(this.assignment(s.name, s.value));
      case "store":
        return this.store(s);
      case "product":
        return this.product(s);
      case "if": {
        const otherwise = s.else.length ? { head: "} else {", body: () => this.list(s.else) } : undefined;
        return out.block(`if (${expressions.text(s.condition)}) {`, () => this.list(s.then), otherwise);
      }
      case "loop":
        return this.loop(s);
    }
  }

  private assignment(name: string, value: KExpr): string {
    const v = this.names.of(name);
    if (value.op === "call" && this.syntax.hasCompounds(value.dtype)) {
      const [a, b] = value.args;
      const sign = { add: "+", sub: "-", mul: "*" }[value.fn];
      if (sign && b && a?.op === "variable" && a.name === name)
        return `${v} ${sign}= ${this.expressions.text(b)};`;
    }
    return `${v} = ${this.expressions.text(value)};`;
  }

  private loop({ variable, lo, hi, step, direction, body }: Loop): void {
    if (direction === 1) return this.counted(variable, lo, hi, step, true, () => this.list(body));
    const last: KExpr = { op: "address", dtype: "i32", fn: "sub", args: [hi, ONE] };
    this.counted(variable, last, lo, step, false, () => this.list(body));
  }
  protected counted(
    variable: string,
    start: KExpr,
    bound: KExpr,
    step: number | KExpr,
    isUpwards: boolean,
    body: () => void,
  ): void {
    const { expressions } = this;
    const v = this.names.of(variable);
    const last = expressions.index(bound);
    const { end, declared } = this.facts.isFixed(bound)
      ? { end: last, declared: "" }
      : this.fixed(variable, last);
    const first = `${this.syntax.counter(v)} = ${expressions.index(start)}${declared}`;
    const by = typeof step === "number" ? String(step) : expressions.index(step);
    const [relation, one, many] = isUpwards ? ["<", "++", "+="] : [">=", "--", "-="];
    const advance = by === "1" ? v + one : `${v} ${many} ${by}`;
    this.out.block(`for (${first}; ${v} ${relation} ${end}; ${advance}) {`, body);
  }
}

const ONE: KExpr = { op: "constant", dtype: "i32", value: 1 };
