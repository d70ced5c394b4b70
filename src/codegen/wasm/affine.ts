import type { AddressFn } from "../../schedule/kernel/ir.js";
import type { Instruction, Opcode } from "./instruction.js";
import { i32, op } from "./instruction.js";
import { scalarOf, spread, uniform, vector, type Value } from "./values.js";
import type { FunctionWriter } from "./writer.js";

/**
 * Address arithmetic: it stays one number, with a constant distance from lane to lane, as long as it is linear in the
 * widened loop's variable.
 */
export function addressValue(fn: AddressFn, args: readonly Value[], writer: FunctionWriter): Value {
  const [first = ZERO, ...rest] = fn === "neg" ? [ZERO, ...args] : args;
  return rest.reduce((a, b) => pair(fn === "neg" ? "sub" : fn, a, b, writer), first);
}
const ZERO = uniform(i32(0), "i32");

function pair(fn: Exclude<AddressFn, "neg">, a: Value, b: Value, writer: FunctionWriter): Value {
  if (fn === "div" || fn === "rem") return uniform(op(`i32.${fn}_u`, scalarOf(a), scalarOf(b)), "i32");
  const flat = affinePair(fn, a, b, writer);
  if (flat) return flat;
  const [u, v] = [spread(a, writer.vectors), spread(b, writer.vectors)];
  const name: Opcode = fn === "min" || fn === "max" ? `i32x4.${fn}_s` : `i32x4.${fn}`;
  return vector(
    u.map((n, k) => op(name, n, v[k] ?? n)),
    "i32",
  );
}

/** The result where it has a constant distance between lanes, too. */
function affinePair(
  fn: "add" | "sub" | "mul" | "min" | "max",
  a: Value,
  b: Value,
  writer: FunctionWriter,
): Value | undefined {
  if (a.shape === "vector" || b.shape === "vector") return undefined;
  const [p, q] = [strideOf(a), strideOf(b)];
  switch (fn) {
    case "add":
      return withStride(plus("add", a.node, b.node), p + q);
    case "sub":
      return withStride(plus("sub", a.node, b.node), p - q);
    case "mul": {
      const product = op("i32.mul", a.node, b.node);
      if (p === 0 && q === 0) return withStride(product, 0);
      const scale = q === 0 ? b.node : p === 0 ? a.node : undefined;
      return scale?.kind === "const" ? withStride(product, (p + q) * scale.value) : undefined;
    }
    case "min":
    case "max": {
      if (p !== 0 || q !== 0) return undefined;
      const [x, y] = [writer.keep(a.node, "i32"), writer.keep(b.node, "i32")];
      const [less, other] = fn === "min" ? [x, y] : [y, x];
      return withStride(op("select", less, other, op("i32.lt_s", x, y)), 0);
    }
  }
}
const strideOf = (v: Value): number => (v.shape === "affine" ? v.stride : 0);
const withStride = (node: Instruction, stride: number): Value =>
  stride === 0 ? uniform(node, "i32") : { shape: "affine", dtype: "i32", node, stride };

/** A sum or difference of addresses, without zeros. */
export function plus(fn: "add" | "sub", a: Instruction, b: Instruction): Instruction {
  if (b.kind === "const" && b.value === 0) return a;
  if (fn === "add" && a.kind === "const" && a.value === 0) return b;
  return op(`i32.${fn}`, a, b);
}
