import type { DType } from "../../ir/expr.js";
import type { Instruction, WasmType } from "./instruction.js";
import { i32, lanes, op } from "./instruction.js";

/**
 * What an expression is while several iterations of one loop run side by side in lanes: one number for all of them,
 * an integer that grows by a constant from lane to lane (a base address), or a number of each lane's own, four to a
 * vector. A condition of each lane's own is a mask of ones and zeros.
 */
export type Value =
  | { readonly shape: "uniform"; readonly dtype: DType; readonly node: Instruction }
  | { readonly shape: "affine"; readonly dtype: "i32"; readonly node: Instruction; readonly stride: number }
  | { readonly shape: "vector"; readonly dtype: DType; readonly nodes: readonly Instruction[] };

/** The loop cannot run in lanes; the message says why, for whoever reads the code. Caught where the choice is made. */
export class NotWidenable extends Error {}

export const uniform = (node: Instruction, dtype: DType): Value & { readonly shape: "uniform" } => ({
  shape: "uniform",
  dtype,
  node,
});
export const vector = (nodes: readonly Instruction[], dtype: DType): Value => ({
  shape: "vector",
  dtype,
  nodes,
});

export function scalarType(dtype: DType): "i32" | "f32" | "f64" {
  if (dtype === "f16") throw new NotWidenable("f16 is no type of wasm");
  return dtype === "f32" || dtype === "f64" ? dtype : "i32";
}
export const localType = (value: Value): WasmType =>
  value.shape === "vector" ? "v128" : scalarType(value.dtype);
export const laneType = (dtype: DType): "f32x4" | "i32x4" => {
  if (dtype === "f64" || dtype === "f16") throw new NotWidenable(`${dtype} has no lanes here`);
  return dtype === "f32" ? "f32x4" : "i32x4";
};

/** A value that all lanes share, as a scalar instruction. */
export function scalarOf(value: Value): Instruction {
  if (value.shape === "uniform") return value.node;
  throw new NotWidenable("a bound or place of each lane's own");
}
export const eachLane = <T>(make: (lane: number) => T): T[] => [0, 1, 2, 3].map(make);

/** A value as vectors of four lanes each. */
export function spread(value: Value, vectors: number): readonly Instruction[] {
  if (value.shape === "vector") return value.nodes;
  const type = laneType(value.dtype);
  const splat = op(`${type}.splat`, value.node);
  if (value.shape === "uniform") {
    // A condition for all lanes becomes a mask.
    const all = value.dtype === "bool" ? op("i32x4.ne", splat, lanes("i32x4", 0, 0, 0, 0)) : splat;
    return new Array<Instruction>(vectors).fill(all);
  }
  return Array.from({ length: vectors }, (_, n) =>
    op("i32x4.add", splat, lanes("i32x4", ...eachLane((l) => (4 * n + l) * value.stride))),
  );
}

/** One lane of a vector as a scalar; a mask gives 0 or 1. */
export function extract(node: Instruction, lane: number, dtype: DType): Instruction {
  const taken: Instruction = { kind: "op", op: `${laneType(dtype)}.extract_lane`, args: [node], lane };
  return dtype === "bool" ? op("i32.and", taken, i32(1)) : taken;
}
/** A value for one of the lanes, counted through all vectors. */
export function laneOf(value: Value, lane: number): Value & { readonly shape: "uniform" } {
  switch (value.shape) {
    case "uniform":
      return value;
    case "affine":
      return uniform(
        lane === 0 ? value.node : op("i32.add", value.node, i32(lane * value.stride)),
        value.dtype,
      );
    case "vector":
      return uniform(
        extract(value.nodes[Math.floor(lane / 4)] ?? i32(0), lane % 4, value.dtype),
        value.dtype,
      );
  }
}
/** A vector from four scalars; bools become masks. */
export function gather(scalars: readonly Instruction[], dtype: DType): Instruction {
  const type = laneType(dtype);
  const [first = i32(0), ...rest] = scalars;
  const all = rest.reduce<Instruction>(
    (v, s, k) => ({ kind: "op", op: `${type}.replace_lane`, args: [v, s], lane: k + 1 }),
    op(`${type}.splat`, first),
  );
  return dtype === "bool" ? op("i32x4.ne", all, lanes("i32x4", 0, 0, 0, 0)) : all;
}
