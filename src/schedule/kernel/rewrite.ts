import type { KExpr, Kernel, Place, Statement } from "./ir.js";
import { expressionsOf, visitExpression, visitStatements } from "./walk.js";
import { wholeBody } from "./grid.js";

/** What becomes of a kernel's accesses; everything else stays as it is. Operands are rewritten before. */
export interface AccessRewrite {
  load(e: KExpr & { readonly op: "load" }): KExpr;
  store(s: Statement & { readonly kind: "store" }): Statement;
}

/** Statements with every load and store replaced. */
export function rewriteAccesses(statements: readonly Statement[], rules: AccessRewrite): Statement[] {
  const expr = (e: KExpr): KExpr => {
    switch (e.op) {
      case "constant":
      case "variable":
        return e;
      case "load":
        return rules.load({ ...e, index: expr(e.index) });
      case "call":
        return { ...e, args: e.args.map(expr) };
      case "address":
        return { ...e, args: e.args.map(expr) };
      case "select":
        return { ...e, condition: expr(e.condition), then: expr(e.then), else: expr(e.else) };
      case "cast":
        return { ...e, arg: expr(e.arg) };
    }
  };
  const list = (body: readonly Statement[]): Statement[] => body.map(statement);
  const statement = (s: Statement): Statement => {
    switch (s.kind) {
      case "comment":
        return s;
      case "let":
      case "assign":
        return { ...s, value: expr(s.value) };
      case "var":
        return { ...s, init: expr(s.init) };
      case "store":
        return rules.store({ ...s, index: expr(s.index), value: expr(s.value) });
      case "product": {
        const place = (p: Place): Place => ({ ...p, index: expr(p.index) });
        return {
          ...s,
          count: expr(s.count),
          left: place(s.left),
          right: place(s.right),
          into: place(s.into),
        };
      }
      case "if":
        return { ...s, condition: expr(s.condition), then: list(s.then), else: list(s.else) };
      case "loop":
        return {
          ...s,
          lo: expr(s.lo),
          hi: expr(s.hi),
          step: typeof s.step === "number" ? s.step : expr(s.step),
          body: list(s.body),
        };
    }
  };
  return list(statements);
}

/** The buffers that statements load from, and those that they store to. */
export function accessesOf(statements: readonly Statement[]): {
  readonly loaded: ReadonlySet<string>;
  readonly stored: ReadonlySet<string>;
} {
  const loaded = new Set<string>();
  const stored = new Set<string>();
  visitStatements(statements, (s) => {
    if (s.kind === "store") stored.add(s.buffer);
    if (s.kind === "product") {
      loaded.add(s.left.buffer).add(s.right.buffer);
      stored.add(s.into.buffer);
    }
    for (const e of expressionsOf(s))
      visitExpression(e, (x) => {
        if (x.op === "load") loaded.add(x.buffer);
      });
  });
  return { loaded, stored };
}

/** A name like `base` that is not taken, and now is. */
export function freshName(base: string, taken: Set<string>): string {
  let name = base;
  for (let n = 2; taken.has(name); n++) name = `${base}_${n}`;
  taken.add(name);
  return name;
}

/** Every name that a kernel declares. */
export function namesOf(kernel: Kernel): Set<string> {
  const names = new Set(
    [...kernel.buffers, ...kernel.sizes].map((p) => p.name).concat(kernel.grid.map((g) => g.variable)),
  );
  visitStatements([...wholeBody(kernel), ...kernel.after], (s) => {
    if (s.kind === "let" || s.kind === "var") names.add(s.name);
    if (s.kind === "loop") names.add(s.variable);
  });
  return names;
}
