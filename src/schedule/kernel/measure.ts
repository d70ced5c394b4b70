import type { DType, Index } from "../../ir/expr.js";
import { freshIndex, isFloat } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import { SCALARS } from "../../ir/scalar/table.js";
import type { KExpr, Kernel, Statement } from "./ir.js";
import { operandsOf } from "./walk.js";
import { wholeBody } from "./grid.js";

export const BYTES: Readonly<Record<DType, number>> = { f32: 4, f64: 8, f16: 2, i32: 4, u32: 4, bool: 1 };

/** The number of elements. */
export const elements = (shape: readonly Poly[]): Poly => Poly.product(shape);

export interface Measure {
  /** Floating-point operations by the function table's costs; both arms of a branch count. */
  readonly flops: Poly;
  /** The loops, outermost first: variable, extent, and how far in it stands. */
  readonly loops: readonly { readonly variable: string; readonly extent: Poly; readonly depth: number }[];
}

/** What one run of a kernel does, as polynomials in dims. A bound that varies counts with its middle value. */
export function measureKernel(kernel: Kernel): Measure {
  const known = new Map<string, Poly>(kernel.sizes.map((s) => [s.name, s.poly]));
  const loops: { variable: string; extent: Poly; depth: number }[] = [];
  let flops = Poly.constant(0);
  // With a step of its own length a loop counts as one round over its whole range.
  const loop = (variable: string, lo: Poly, hi: Poly, step: number | KExpr, depth: number): Poly => {
    if (typeof step !== "number") {
      known.set(variable, lo);
      loops.push({ variable, extent: Poly.constant(1), depth });
      return Poly.constant(1);
    }
    // A variable stands for the middle of its range in whatever depends on it.
    const index: Index = freshIndex(variable, hi, lo);
    known.set(variable, Poly.index(index));
    const extent = middle(hi.sub(lo));
    loops.push({ variable, extent, depth });
    return extent.scale(1, step);
  };
  const run = (list: readonly Statement[], times: Poly, depth: number): void => {
    const count = (e: KExpr): void => {
      flops = flops.add(times.mul(costOf(e)));
    };
    for (const s of list)
      switch (s.kind) {
        case "let": {
          count(s.value);
          const poly = s.value.dtype === "i32" ? polyOf(s.value, known) : undefined;
          if (poly) known.set(s.name, poly);
          break;
        }
        case "var":
          count(s.init);
          break;
        case "assign":
          count(s.value);
          break;
        case "store":
          count(s.value);
          break;
        case "if":
          count(s.condition);
          run(s.then, times, depth);
          run(s.else, times, depth);
          break;
        case "loop": {
          const zero = Poly.constant(0);
          const inner = loop(
            s.variable,
            polyOf(s.lo, known) ?? zero,
            polyOf(s.hi, known) ?? zero,
            s.step,
            depth,
          );
          run(s.body, times.mul(inner), depth + 1);
          break;
        }
        case "product": {
          const terms = polyOf(s.count, known);
          const each = Poly.constant(2 * s.rows * s.columns);
          flops = flops.add(times.mul(each).mul(terms ? middle(terms) : 0));
          break;
        }
        case "comment":
          break;
      }
  };
  let times = Poly.constant(1);
  kernel.grid.forEach((g, k) => {
    times = times.mul(
      loop(g.variable, Poly.constant(0), polyOf(g.extent, known) ?? Poly.constant(0), g.step, k),
    );
  });
  run(wholeBody(kernel), times, kernel.grid.length);
  run(kernel.after, Poly.constant(1), 0);
  return { flops, loops };
}

function middle(p: Poly): Poly {
  let current = p;
  for (let round = 0; round < 8 && current.indices.size; round++)
    current = current.substitute((a) =>
      a.kind === "index" ? a.index.lo.add(a.index.hi).sub(1).scale(1, 2) : undefined,
    );
  return current;
}

function costOf(e: KExpr): Poly {
  let cost = 0;
  const walk = (x: KExpr): void => {
    if (x.op === "address") return;
    if (x.op === "call" && isFloat(x.dtype)) cost += SCALARS[x.fn]?.cost ?? 1;
    operandsOf(x).forEach(walk);
  };
  walk(e);
  return Poly.constant(1).scale(Math.round(cost * 4), 4);
}

/** Address arithmetic as a polynomial. Of a least or greatest value the range's own bound counts. */
function polyOf(e: KExpr, known: ReadonlyMap<string, Poly>): Poly | undefined {
  if (e.op === "constant") return Poly.constant(e.value);
  if (e.op === "variable") return known.get(e.name);
  if (e.op === "select") return polyOf(e.then, known);
  if (e.op !== "address") return undefined;
  const [a, b] = e.args.map((x) => polyOf(x, known));
  if (e.fn === "min" || e.fn === "max") return a ?? b;
  if (!a) return undefined;
  switch (e.fn) {
    case "neg":
      return a.neg();
    case "add":
      return b && a.add(b);
    case "sub":
      return b && a.sub(b);
    case "mul":
      return b && a.mul(b);
    case "div": {
      const by = b?.constant;
      // What is rounded up counts as it is.
      const [up] = e.args;
      const added = up?.op === "address" && up.fn === "add" ? up.args : [];
      const isUp = by !== undefined && added[1]?.op === "constant" && added[1].value === by - 1;
      return by ? a.sub(isUp ? by - 1 : 0).scale(1, by) : undefined;
    }
    case "rem":
      return undefined;
  }
}
