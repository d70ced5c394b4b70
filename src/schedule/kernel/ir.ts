import type { Span } from "../../diagnostics/span.js";
import type { DType, ValueId } from "../../ir/expr.js";
import type { Poly } from "../../ir/poly.js";
import type { Program } from "../../ir/program.js";

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
  /** What runs once when all iterations of the grid are done, without the grid's variables. For a GPU it is empty. */
  readonly after: readonly Statement[];
  /** The equations computed here, as source lines for a reader. */
  readonly notes: readonly string[];
  readonly spans: readonly Span[];
  /** A packed contraction, whose loops are many: the indices that they serve, for a reader. */
  readonly contraction?: {
    readonly loops: readonly { readonly variable: string; readonly extent: Poly }[];
    readonly tile: readonly [number, number];
  };
}
export interface KernelBuffer {
  readonly name: string;
  readonly dtype: DType;
  /**
   * Scratch and shared are room of the kernel's own: what it holds before and after means nothing. Iterations of the grid
   * may have each its own scratch; what is shared is the same for all of them and for what comes after them.
   */
  readonly access: "read" | "write" | "readwrite" | "scratch" | "shared";
}
/** variable = first, first + step, first + 2 * step, … < extent. */
export interface GridLoop {
  readonly variable: string;
  /** A size; 0 where there is none. */
  readonly first?: KExpr;
  readonly extent: KExpr;
  readonly step: number;
  /**
   * An iteration is for a block, whatever its length: `end` is where it ends, min(variable + step, extent). A grid may begin
   * at any multiple of `granule`.
   */
  readonly block?: { readonly end: string; readonly granule: number };
}

export type Statement =
  | {
      readonly kind: "loop";
      readonly variable: string;
      readonly lo: KExpr;
      readonly hi: KExpr;
      /** Positive; an expression keeps its value while the loop runs. */
      readonly step: number | KExpr;
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
  | ProductStatement
  | {
      readonly kind: "if";
      readonly condition: KExpr;
      readonly then: readonly Statement[];
      readonly else: readonly Statement[];
    }
  | { readonly kind: "comment"; readonly text: string };

/**
 * A tile of a contraction, for 0 <= i < rows and 0 <= j < columns:
 * `into[i * columns + j] = Σ_k left[k * rows + i] * right[k * columns + j]` over `count` values of k. Operands are packed,
 * so every access is contiguous, and a target has one routine for all contractions. Places are in buffers of `dtype`.
 */
export interface ProductStatement {
  readonly kind: "product";
  readonly dtype: "f32" | "f64";
  readonly rows: number;
  readonly columns: number;
  readonly count: KExpr;
  readonly left: Place;
  readonly right: Place;
  readonly into: Place;
}
export interface Place {
  readonly buffer: string;
  readonly index: KExpr;
}

/**
 * Scalar expressions. Trees: what is used twice has been named by a `let`. A select evaluates one arm only, as far as a trap or a
 * load out of bounds goes.
 */
export type KExpr =
  | { readonly op: "constant"; readonly dtype: DType; readonly value: number }
  | { readonly op: "variable"; readonly dtype: DType; readonly name: string }
  | { readonly op: "load"; readonly dtype: DType; readonly buffer: string; readonly index: KExpr }
  | { readonly op: "call"; readonly dtype: DType; readonly fn: string; readonly args: readonly KExpr[] }
  /** Exact i32 arithmetic on addresses and loop variables; div and rem are of what is not negative by what is positive. */
  | {
      readonly op: "address";
      readonly dtype: "i32";
      readonly fn: AddressFn;
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

export type AddressFn = "add" | "sub" | "mul" | "neg" | "min" | "max" | "div" | "rem";

/** One kernel call: which tensor stands for each buffer parameter. */
export interface Launch {
  readonly kernel: string;
  readonly tensors: readonly ValueId[];
  /** A kernel for part of its grid: where its outermost axes begin and end are the last size parameters. */
  readonly spread?: {
    /** The outermost axes, one or two: where each ends, over the kernel's sizes, and what a part begins at multiples of. */
    readonly axes: readonly { readonly extent: KExpr; readonly together: number }[];
    /** Floating-point operations of all. */
    readonly work: Poly;
    /** The buffer parameters of which each thread has its own. */
    readonly own: readonly number[];
  };
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

/** The entry points with their titles. */
export const entriesOf = (module: ScheduledModule): readonly (readonly [string, ScheduledEntry])[] => [
  ["forward", module.forward],
  ...[...module.backward].map(([loss, entry]) => [`backward ${loss}`, entry] as const),
  ...[...module.step].map(([loss, entry]) => [`step ${loss}`, entry] as const),
];
