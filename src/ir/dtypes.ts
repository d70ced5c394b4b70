import type { DType } from "./expr.js";

export const DTYPES: readonly DType[] = ["f32", "f64", "f16", "i32", "u32", "bool"];
export const isDType = (name: string): name is DType => DTYPES.some((known) => known === name);
