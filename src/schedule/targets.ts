import type { DType } from "../ir/expr.js";

/** A target as data: passes ask these numbers, never a name. */
export interface TargetDescription {
  /** As messages call it. */
  readonly title: string;
  /** Types that it lacks replace a compile by an error. */
  readonly dtypes: readonly DType[];
  /** The float that a reduction accumulates in. */
  readonly accumulator: "f64" | "f32";
  /** Register tile of a contraction, rows × columns, by where its operands are contiguous: along the columns or not. */
  readonly registerTile: {
    readonly columns: readonly [number, number];
    readonly reduction: readonly [number, number];
  };
  /** How contractions of packed operands are cut up; null where they are not packed. */
  readonly packing: PackingDescription | null;
  readonly maxBuffers: number;
  /** Flops that take as long as a store and a load of main memory: so much may be worked out again instead. */
  readonly keepCost: number;
  /** Whether iterations of one kernel run one after the other, so a reduction may run across the grid. */
  readonly sequentialGrid: boolean;
}

/**
 * Blocks of a packed contraction: the operands' panels of `rows` and `columns` meet in the product routine; panels of
 * a block of rows stay in the second-level cache while columns pass by, a panel of columns in the first-level one.
 */
export interface PackingDescription {
  readonly rows: number;
  readonly columns: number;
  /** Rows and columns of one iteration of the grid. */
  readonly rowBlock: number;
  readonly columnBlock: number;
  /** Terms that are packed at once; a known number of up to `whole` terms is not cut. */
  readonly depth: number;
  readonly whole: number;
  /** So many known columns have registers of their own without packing, where nothing but reads is multiplied. */
  readonly fewColumns: number;
}

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
