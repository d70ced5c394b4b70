import type { Span } from "../diagnostics/span.js";
import type { DType, Expr, Index, ValueId } from "./expr.js";
import type { Poly } from "./poly.js";

/**
 * Index IR: a program is a list of tensors, each defined once. Almost every definition is an indexed equation:
 * output axes, at most one reduction, and a scalar expression over reads.
 *
 * A recurrence needs no region: `z[t + 1] = f(z[t])` is an equation with a `t` axis whose definition reads
 * itself at an earlier entry. The strongly connected equations stand together in a `RecurrenceGroup`, which says
 * along which axis they run and in which direction. So the derivative rule for an equation is also the rule for a
 * recurrence (the adjoint group runs the other way), and whatever does not depend on the carried values stays an
 * ordinary equation outside the loop.
 */
export interface Program {
  readonly dims: readonly DimDeclaration[];
  readonly values: ReadonlyMap<ValueId, Value>;
  /** Definitions before uses, except within a group. */
  readonly items: readonly Item[];
  /** Results by name, in source order; losses stand here too. */
  readonly outputs: readonly { readonly name: string; readonly value: ValueId }[];
  readonly losses: readonly string[];
  /** Gradients that callers may ask for. */
  readonly gradients: readonly { readonly loss: string; readonly wrt: string; readonly value: ValueId }[];
  readonly trains: readonly TrainStep[];
  /** `m' = e`: what a state becomes after a step. */
  readonly stateUpdates: readonly { readonly leaf: ValueId; readonly value: ValueId }[];
  /** What must hold when the sizes are bound. */
  readonly checks: readonly BindingCheck[];
}
export type Item = ValueId | RecurrenceGroup;

export interface RecurrenceGroup {
  readonly kind: "recurrence";
  readonly name: string;
  /** Step numbers, half open; run upwards or downwards. */
  readonly lo: Poly;
  readonly hi: Poly;
  readonly direction: 1 | -1;
  /**
   * At step s a member computes the entries whose coordinate along `axis` is s + shift. Entries with a coordinate
   * outside lo + shift .. hi + shift are computed before the loop or after it, as their coordinate comes before
   * or after in the direction of the run.
   */
  readonly time: ReadonlyMap<ValueId, TimeAxis>;
  /** In an order that serves one step. */
  readonly items: readonly Item[];
  readonly checkpoint: "auto" | "sqrt" | "none" | number;
  readonly span?: Span;
}

/** Along `axis`, step s makes the entry s + shift. */
export interface TimeAxis {
  readonly axis: number;
  readonly shift: number;
}

export interface DimDeclaration {
  readonly name: string;
  readonly default?: number;
  readonly definition?: DimDefinition;
  readonly span?: Span;
}
/** numerator / divisor; exact unless `floor`. With `root` its square root, rounded up. At least `least`. */
export interface DimDefinition {
  readonly numerator: Poly;
  readonly divisor: Poly;
  readonly floor: boolean;
  readonly root?: boolean;
  readonly least?: number;
}
export interface BindingCheck {
  readonly poly: Poly;
  readonly kind: "non-negative" | "integer" | "zero";
  readonly code: string;
  readonly message: string;
  readonly span?: Span;
}

export interface Value {
  readonly id: ValueId;
  /** Readable, unique in the program: `h`, `h.sum`, `d_W1`. */
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Poly[];
  readonly definition: Definition;
  /** The source that it comes from (an adjoint: that of its primal). */
  readonly span?: Span;
  readonly doc?: string;
  /** One over the sum of a softmax's exponentials, the largest of which is 1. */
  readonly isScale?: true;
}

export type Definition = Leaf | Equation | Reshape | Scatter | Derivative | Custom;

export interface Leaf {
  readonly kind: "leaf";
  readonly role: "input" | "param" | "state" | "optimizer" | "const";
  /** Integer inputs: promised half-open range. */
  readonly range?: { readonly lo: Poly; readonly hi: Poly };
  readonly init?: Initialiser;
}
export type Initialiser =
  | { readonly kind: "fill"; readonly value: number }
  | { readonly kind: "values"; readonly data: readonly number[] }
  | { readonly kind: "normal" | "uniform"; readonly a: number; readonly b: number }
  | {
      readonly kind: "he_normal" | "he_uniform" | "glorot_normal" | "glorot_uniform" | "orthogonal" | "eye";
      readonly fanIn?: Poly;
    };

/** For every point of `axes` (each from 0): the reduction over its indices of `body`, or `body` itself. */
export interface Equation {
  readonly kind: "equation";
  readonly axes: readonly Index[];
  readonly operator: Operator | null;
  readonly body: Expr;
}
/** What falls out of the guard is never evaluated. */
export type Operator =
  | {
      readonly kind: "reduce";
      readonly reducer: Reducer;
      readonly indices: readonly Index[];
      readonly guard: Expr | null;
    }
  /** Works along one of the output axes and leaves it. */
  | {
      readonly kind: "along";
      readonly name: AxisOperator;
      readonly index: Index;
      readonly guard: Expr | null;
    };
/**
 * Empty: sum 0, prod 1, max -inf, min inf, any false, all true, logsumexp -inf, argmax and argmin 0.
 * `peak` is max where NaN may be passed over, for what is not a result itself.
 * argmax and argmin over several indices give the row-major position in their ranges (counted from each lo),
 * over one index its value; the first of equals wins. Their dtype is i32.
 */
export type Reducer =
  "sum" | "prod" | "max" | "min" | "peak" | "any" | "all" | "argmax" | "argmin" | "logsumexp";
export type AxisOperator = "softmax" | "log_softmax" | "cumsum" | "cumprod";

/** The same elements in row-major order under another shape. */
export interface Reshape {
  readonly kind: "reshape";
  readonly of: ValueId;
}
/** out[target] += body for every point of `domain` within the guard; 0 elsewhere. */
export interface Scatter {
  readonly kind: "scatter";
  readonly domain: readonly Index[];
  readonly guard: Expr | null;
  readonly target: readonly Poly[];
  readonly body: Expr;
}
/** An axis of what a derivative is taken for, of which only the coordinate that goes with a batch coordinate counts. */
export interface Alignment {
  readonly batch: number;
  readonly axis: number;
  /** The axis's coordinate is the batch's plus this. */
  readonly offset: number;
}
/**
 * A derivative not yet taken. `of` has the axes `batch` and then its own; `wrt` has aligned axes and others of its
 * own: `grad(u(x[b]), x[b])` is for x of two axes aligned in the first. The result has the axes `batch`, then
 * (grad: wrt's own; jvp: of's own; vjp: wrt's own; jacobian: of's own and wrt's own).
 * Within a recurrence, where the step is a batch axis, only the step's own equations are followed.
 * `wrt` counts as given: the result is the partial derivative through everything computed from it.
 * hvp(l, x, v) is written as jvp(grad(l, x), x, v).
 */
export interface Derivative {
  readonly kind: "derivative";
  readonly mode: "grad" | "jvp" | "vjp" | "jacobian";
  readonly of: ValueId;
  readonly wrt: ValueId;
  /** jvp: tangent, with the axes batch and wrt's own; vjp: cotangent, with all axes of `of`. */
  readonly direction: ValueId | null;
  /** Number of leading axes of `of` that only enumerate separate scalars (free indices at the place of the call). */
  readonly batch: number;
  readonly aligned: readonly Alignment[];
  /** Other values that count as given: in a written adjoint the arguments and results of its function. */
  readonly given: readonly ValueId[];
}
/** A value that equals `of`, whose cotangents are given by `adjoints` applied to the cotangent. */
export interface Custom {
  readonly kind: "custom";
  readonly of: ValueId;
  readonly args: readonly ValueId[];
  /** The leaf-like placeholder standing for the incoming cotangent, and for each argument what flows back (null: 0). */
  readonly cotangent: ValueId;
  readonly adjoints: readonly (ValueId | null)[];
}

export interface TrainStep {
  readonly loss: string;
  readonly optimizer: string;
  /** Arguments are scalar input leaves named `train/LOSS/rate`; their constants are the defaults. */
  readonly args: readonly { readonly name: string; readonly leaf: ValueId; readonly value: number }[];
  readonly updates: readonly { readonly leaf: ValueId; readonly value: ValueId }[];
}
