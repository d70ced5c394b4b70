import type { Poly } from "../ir/poly.js";
import type { KExpr, Kernel } from "../schedule/kernel/ir.js";
import { visitStatements } from "../schedule/kernel/walk.js";
import { wholeBody } from "../schedule/kernel/grid.js";

/** What a printer asks of a kernel's integers, to choose the cheap form of a quotient or a bound. */
export interface IntegerFacts {
  /** Never negative, wherever it is evaluated. */
  isNonNegative(e: KExpr): boolean;
  /** Keeps its value while a loop runs: a constant, a size, a loop variable or a `let`. */
  isFixed(e: KExpr): boolean;
}

/** Dims are never negative, nor are sums and products of them. */
const isSizeSum = (p: Poly): boolean => p.terms.every((t) => t.num >= 0);

export function integerFacts(kernel: Kernel): IntegerFacts {
  const nonNegative = new Set<string>(kernel.grid.map((g) => g.variable));
  /** Names that some declaration does not bound from below: sibling blocks may use one name twice. */
  const unknown = new Set<string>();
  const mutable = new Set<string>();
  const declare = (name: string, known: boolean): void => void (known ? nonNegative : unknown).add(name);
  for (const size of kernel.sizes) if (isSizeSum(size.poly)) nonNegative.add(size.name);
  const isNonNegative = (e: KExpr): boolean => {
    switch (e.op) {
      case "constant":
        return e.value >= 0;
      case "variable":
        return e.dtype === "u32" || (nonNegative.has(e.name) && !unknown.has(e.name));
      case "address":
        if (e.fn === "max") return e.args.some(isNonNegative);
        return e.fn !== "sub" && e.fn !== "neg" && e.args.every(isNonNegative);
      case "select":
        return isNonNegative(e.then) && isNonNegative(e.else);
      case "call":
        return (e.fn === "floor_div" || e.fn === "mod" || e.fn === "min") && e.args.every(isNonNegative);
      case "load":
        return e.dtype === "u32";
      case "cast":
        return e.arg.dtype === "bool";
    }
  };
  visitStatements([...wholeBody(kernel), ...kernel.after], (s) => {
    if (s.kind === "loop") declare(s.variable, isNonNegative(s.lo));
    else if (s.kind === "let") declare(s.name, isNonNegative(s.value));
    else if (s.kind === "var") {
      mutable.add(s.name);
      unknown.add(s.name);
    }
  });
  return {
    isNonNegative,
    isFixed: (e) => e.op === "constant" || (e.op === "variable" && !mutable.has(e.name)),
  };
}

export const isPositiveConstant = (e: KExpr | undefined): boolean => e?.op === "constant" && e.value > 0;
