import type { TargetDescription } from "./kernel-ir.js";

export const JS_TARGET: TargetDescription = {
  title: "JavaScript",
  dtypes: ["f32", "f64", "f16", "i32", "u32", "bool"],
  accumulator: "f64",
  registerTile: { columns: [4, 4], reduction: [4, 4] },
  packing: { rows: 4, columns: 4, rowBlock: 128, columnBlock: 256, depth: 256, whole: 1024, fewColumns: 0 },
  maxBuffers: 64,
  keepCost: 4,
  sequentialGrid: true,
};

/** Lanes make the columns of a tile, or the parts of its sums: so it is narrower here. */
export const WASM_TARGET: TargetDescription = {
  ...JS_TARGET,
  title: "WebAssembly",
  dtypes: ["f32", "f64", "i32", "u32", "bool"],
  accumulator: "f32",
  keepCost: 24,
  registerTile: { columns: [4, 1], reduction: [4, 2] },
  packing: { rows: 4, columns: 8, rowBlock: 128, columnBlock: 256, depth: 512, whole: 1024, fewColumns: 16 },
};

export const WGSL_TARGET: TargetDescription = {
  title: "WGSL",
  dtypes: ["f32", "f16", "i32", "u32", "bool"],
  accumulator: "f32",
  registerTile: { columns: [4, 4], reduction: [4, 4] },
  packing: null,
  maxBuffers: 8,
  keepCost: 24,
  sequentialGrid: false,
};
