import type { TargetDescription } from "./kernel-ir.js";

export const JS_TARGET: TargetDescription = {
  name: "js",
  dtypes: ["f32", "f64", "i32", "u32", "bool"],
  accumulator: "f64",
  wantedParallelism: 1,
  registerTile: [4, 4],
  maxBuffers: 64,
  sequentialGrid: true,
};

export const WGSL_TARGET: TargetDescription = {
  name: "wgsl",
  dtypes: ["f32", "i32", "u32", "bool"],
  accumulator: "f32",
  wantedParallelism: 64,
  registerTile: [4, 4],
  maxBuffers: 8,
  sequentialGrid: false,
};
