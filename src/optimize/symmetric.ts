import type { CallExpr, Expr, Index, ReadExpr, ValueId } from "../ir/expr.js";
import { read, rewriter } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { Definition, Program } from "../ir/program.js";
import { mapDefinitions, rewriteDefinition } from "../ir/rewrite.js";
import { SCALARS } from "../ir/scalar/table.js";

/**
 * What a tensor holds at [i, j] and at [j, i] may be the same by the form of its equation: distances, masses' products, a
 * kernel matrix. A sum that runs along the first of two such axes then runs along the second, so that it is in the order
 * of memory, and the two halves of a pairwise force turn out to be one.
 */
export function symmetric(program: Program): Program {
  const symmetries = new Symmetries(program);
  return mapDefinitions(program, (definition): Definition => {
    if (definition.kind !== "equation" || definition.operator?.kind !== "reduce") return definition;
    const { indices } = definition.operator;
    const isReduced = (p: Poly | undefined): boolean => {
      const index = p?.asIndex;
      return index !== undefined && indices.includes(index);
    };
    return rewriteDefinition(definition, {
      read: (node) => {
        for (let q = 1; q < node.subscripts.length; q++)
          for (let p = 0; p < q; p++) {
            const [first, second] = [node.subscripts[p], node.subscripts[q]];
            if (!isReduced(first) || isReduced(second) || !second?.asIndex) continue;
            if (symmetries.holds(node.value, p, q)) return swapped(node, p, q);
          }
        return undefined;
      },
    });
  });
}

function swapped(node: ReadExpr, p: number, q: number): Expr {
  const subscripts = node.subscripts.map((s, k) => node.subscripts[k === p ? q : k === q ? p : k] ?? s);
  return read(node.value, subscripts, node.dtype);
}

class Symmetries {
  private readonly known = new Map<string, boolean>();
  constructor(private readonly program: Program) {}

  /** Whether the value is the same with its axes p and q exchanged, for all data. */
  holds(id: ValueId, p: number, q: number): boolean {
    const key = `${id} ${p} ${q}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    // What rests on itself is not shown.
    this.known.set(key, false);
    const found = this.isSymmetric(id, p, q);
    this.known.set(key, found);
    return found;
  }

  private isSymmetric(id: ValueId, p: number, q: number): boolean {
    const definition = this.program.values.get(id)?.definition;
    if (definition?.kind !== "equation" || definition.operator?.kind === "along") return false;
    const [a, b] = [definition.axes[p], definition.axes[q]];
    if (!a || !b || !a.hi.equals(b.hi) || !a.lo.equals(b.lo)) return false;
    const { expr } = rewriter({
      index: (i: Index) => (i === a ? Poly.index(b) : i === b ? Poly.index(a) : undefined),
    });
    const guard = definition.operator?.guard;
    return (!guard || this.alike(guard, expr(guard))) && this.alike(definition.body, expr(definition.body));
  }

  /** Whether two expressions are equal by their form, as far as a few laws tell. */
  private alike(x: Expr, y: Expr): boolean {
    if (x === y) return true;
    if (x.op !== y.op || x.dtype !== y.dtype) return false;
    switch (x.op) {
      case "constant":
      case "index":
        return false;
      case "read":
        return y.op === "read" && y.value === x.value && this.sameElement(x, y);
      case "call":
        return y.op === "call" && y.fn === x.fn && this.sameCall(x, y);
      case "cast":
        return y.op === "cast" && this.alike(x.arg, y.arg);
      case "select":
        return (
          y.op === "select" &&
          this.alike(x.condition, y.condition) &&
          this.alike(x.then, y.then) &&
          this.alike(x.else, y.else)
        );
    }
  }
  private sameCall(x: CallExpr, y: CallExpr): boolean {
    const pairwise = (b: readonly Expr[]): boolean =>
      x.args.length === b.length && x.args.every((arg, k) => this.alike(arg, b[k] ?? arg));
    if (pairwise(y.args)) return true;
    const [a, b] = x.args;
    const [c, d] = y.args;
    if (a && b && x.args.length === 2 && SCALARS[x.fn]?.isCommutative && pairwise([...y.args].reverse()))
      return true;
    const isSquare = x.fn === "mul" && a === b && c === d;
    const isEven = SCALARS[x.fn]?.isEven || isSquare || (x.fn === "powi" && b === d && isEvenNumber(b));
    return isEven && a !== undefined && c !== undefined && this.opposite(a, c);
  }
  private opposite(x: Expr, y: Expr): boolean {
    if (x.op !== "call" || y.op !== "call" || x.fn !== "sub" || y.fn !== "sub") return false;
    const [a, b] = x.args;
    const [c, d] = y.args;
    return a !== undefined && b !== undefined && c !== undefined && d !== undefined
      ? this.alike(a, d) && this.alike(b, c)
      : false;
  }
  private sameElement(x: ReadExpr, y: ReadExpr): boolean {
    const other = x.subscripts.flatMap((s, k) => (y.subscripts[k]?.equals(s) ? [] : [k]));
    const [p, q] = other;
    if (other.length !== 2 || p === undefined || q === undefined) return false;
    return swapped(y, p, q) === x && this.holds(x.value, p, q);
  }
}

const isEvenNumber = (e: Expr | undefined): boolean =>
  e?.op === "constant" && Number.isInteger(e.value) && e.value % 2 === 0;
