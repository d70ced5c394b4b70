import { invariant } from "../../diagnostics/invariant.js";
import type { Instruction, WasmFunction } from "./instruction.js";
import { mapped, op } from "./instruction.js";

/**
 * a * b + c of lanes, for sums of products where one rounding less does no harm: two instructions with a mark, by which the
 * runtime's `fuse` makes one of them where the engine has relaxed SIMD. `mul nop c add` is as long as `nop nop nop nop c
 * relaxed_madd`; so that nothing has to move, the sum so far comes after the product, and is a local or a constant.
 */
export function madd(shape: Shape, a: Instruction, b: Instruction, c: Instruction): Instruction {
  invariant(c.kind === "get" || c.kind === "lanes", "what a product is added to is a local or a constant");
  return op(`${shape}.add`, op(`${shape}.mul`, a, b), MARK, c);
}
type Shape = "f32x4" | "f64x2";
const MARK = op("nop");

/** Without the marks. */
export const unmarked = (fn: WasmFunction): WasmFunction =>
  replaced(fn, ({ shape, a, b, c }) => op(`${shape}.add`, op(`${shape}.mul`, a, b), c));
/** As `fuse` makes it. */
export const fused = (fn: WasmFunction): WasmFunction =>
  replaced(fn, ({ shape, a, b, c }) => op(`${shape}.relaxed_madd`, a, b, MARK, MARK, MARK, MARK, c));

interface MultiplyAdd {
  readonly shape: Shape;
  readonly a: Instruction;
  readonly b: Instruction;
  readonly c: Instruction;
}
function replaced(fn: WasmFunction, by: (found: MultiplyAdd) => Instruction): WasmFunction {
  const change = (i: Instruction): Instruction => {
    const found = multiplyAdd(i);
    return found ? by(found) : i;
  };
  return { ...fn, body: fn.body.map((i) => mapped(i, change)) };
}
function multiplyAdd(i: Instruction): MultiplyAdd | undefined {
  if (i.kind !== "op") return undefined;
  const [product, mark, c] = i.args;
  if (mark?.kind !== "op" || mark.op !== "nop") return undefined;
  const [a, b] = product?.kind === "op" ? product.args : [];
  invariant(a && b && c, "a mark stands between a product and what it is added to");
  return { shape: i.op === "f32x4.add" ? "f32x4" : "f64x2", a, b, c };
}
