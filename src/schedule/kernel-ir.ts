import type { Span } from "../diagnostics/span.js";
import type { DType, ValueId } from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";
import type { Program } from "../ir/program.js";

/**
 * Kernel IR: what the code generators know. A kernel is a grid of independent iterations around a body of loops,
 * scalar variables, loads and stores; addresses are explicit. No tensor, no reduction, no operation's name but
 * those of the scalar function table.
 */
export interface Kernel {
  readonly name: string;
  /** Buffer parameters, in order. Flat, row-major. */
  readonly buffers: readonly KernelBuffer[];
  /** Integer parameters, in order: dims and products of dims that the body uses. */
  readonly sizes: readonly { readonly name: string; readonly poly: Poly }[];
  /** Independent loops, outermost first. A CPU target nests them; a GPU flattens them into one invocation number. */
  readonly grid: readonly GridLoop[];
  readonly body: readonly Statement[];
  /** The equations computed here, as source lines for a reader. */
  readonly notes: readonly string[];
  readonly spans: readonly Span[];
}
export interface KernelBuffer {
  readonly name: string;
  readonly dtype: DType;
  readonly access: "read" | "write" | "readwrite";
}
/** variable = 0, step, 2 * step, … < extent. */
export interface GridLoop {
  readonly variable: string;
  readonly extent: KExpr;
  readonly step: number;
}

export type Statement =
  | {
      readonly kind: "loop";
      readonly variable: string;
      readonly lo: KExpr;
      readonly hi: KExpr;
      readonly step: number;
      readonly direction: 1 | -1;
      /** Iterations may load what earlier ones stored; else they have nothing in common but accumulators. */
      readonly carried: boolean;
      readonly body: readonly Statement[];
    }
  /** An immutable scalar. */
  | { readonly kind: "let"; readonly name: string; readonly value: KExpr }
  /** A mutable scalar: accumulators. */
  | { readonly kind: "var"; readonly name: string; readonly init: KExpr }
  | { readonly kind: "assign"; readonly name: string; readonly value: KExpr }
  | { readonly kind: "store"; readonly buffer: string; readonly index: KExpr; readonly value: KExpr }
  | {
      readonly kind: "if";
      readonly condition: KExpr;
      readonly then: readonly Statement[];
      readonly else: readonly Statement[];
    }
  | { readonly kind: "comment"; readonly text: string };

/**
 * Scalar expressions. Trees: what is used twice has been named by a `let`. A select evaluates one arm only, as far as a trap or a
 * load out of bounds goes.
 */
export type KExpr =
  | { readonly op: "constant"; readonly dtype: DType; readonly value: number }
  | { readonly op: "variable"; readonly dtype: DType; readonly name: string }
  | { readonly op: "load"; readonly dtype: DType; readonly buffer: string; readonly index: KExpr }
  | { readonly op: "call"; readonly dtype: DType; readonly fn: string; readonly args: readonly KExpr[] }
  /** Exact i32 arithmetic on addresses and loop variables. */
  | {
      readonly op: "address";
      readonly dtype: "i32";
      readonly fn: "add" | "sub" | "mul" | "neg" | "min" | "max";
      readonly args: readonly KExpr[];
    }
  | {
      readonly op: "select";
      readonly dtype: DType;
      readonly condition: KExpr;
      readonly then: KExpr;
      readonly else: KExpr;
    }
  | { readonly op: "cast"; readonly dtype: DType; readonly arg: KExpr };

/** One kernel call: which tensor stands for each buffer parameter. */
export interface Launch {
  readonly kernel: string;
  readonly tensors: readonly ValueId[];
  /** A recurrence whose steps are separate launches: the step number is the last size parameter. */
  readonly steps?: { readonly lo: Poly; readonly hi: Poly; readonly direction: 1 | -1 };
}
export interface ScheduledEntry {
  readonly launches: readonly Launch[];
  /** Values of recurrences of which the latest entries alone are kept → the tensors that hold these. */
  readonly kept: ReadonlyMap<ValueId, ValueId>;
  readonly results: readonly { readonly name: string; readonly value: ValueId }[];
  readonly gradients: readonly { readonly name: string; readonly value: ValueId }[];
  readonly updates: readonly { readonly leaf: ValueId; readonly value: ValueId }[];
}
/** Why a value has a kernel of its own. */
export interface Decision {
  readonly value: ValueId;
  readonly why: string;
}
/** Everything for one target. Value ids are those of `program` (which holds every tensor that any launch names). */
export interface ScheduledModule {
  readonly program: Program;
  readonly kernels: ReadonlyMap<string, Kernel>;
  /** A reshape shares its source's memory: value → the tensor that owns it. */
  readonly aliases: ReadonlyMap<ValueId, ValueId>;
  readonly forward: ScheduledEntry;
  readonly backward: ReadonlyMap<string, ScheduledEntry>;
  readonly step: ReadonlyMap<string, ScheduledEntry>;
  /** For each entry point (`forward`, `backward l`, `step l`) why values did not join an earlier kernel. */
  readonly decisions: ReadonlyMap<string, readonly Decision[]>;
}

/** A target as data: passes ask these numbers, never a name. */
export interface TargetDescription {
  readonly name: "js" | "wasm" | "wgsl";
  /** Types that it lacks replace a compile by an error. */
  readonly dtypes: readonly DType[];
  /** The float that a reduction accumulates in. */
  readonly accumulator: "f64" | "f32";
  /** Independent iterations wanted before a reduction is split to get more of them (1: never). */
  readonly wantedParallelism: number;
  /** Register tile of a contraction, rows × columns, by where its operands are contiguous: along the columns or not. */
  readonly registerTile: {
    readonly columns: readonly [number, number];
    readonly reduction: readonly [number, number];
  };
  readonly maxBuffers: number;
  /** Whether iterations of one kernel run one after the other, so a reduction may run across the grid. */
  readonly sequentialGrid: boolean;
}
