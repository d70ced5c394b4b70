/**
 * The contract between a generated module and the runtime: plain data (JSON-like) and kernels.
 * Sizes are data too, so that the runtime can bind dims without generated evaluators.
 */
export type DType = "f32" | "f64" | "f16" | "i32" | "u32" | "bool";

/**
 * An integer expression in dims: a number, a dim's name, or a polynomial with one common denominator:
 * `(Σ coefficient · Π atoms) / over`. The division comes out even for every legal binding (checked when bound).
 */
export type SizeData =
  number | string | { readonly terms: readonly (readonly [number, ...string[]])[]; readonly over?: number };

/** How a dim gets its value. */
export interface DimSpec {
  readonly name: string;
  /** A literal default that `dims` overrides; null where there is none. */
  readonly default?: number;
  /**
   * The definition in other dims; such a dim can only be confirmed. `divisor` present: numerator / divisor, rounded down
   * if `floor`; `root`: its square root, rounded up; at least `least`.
   */
  readonly definition?: {
    readonly numerator: SizeData;
    readonly divisor?: SizeData;
    readonly floor?: boolean;
    readonly root?: boolean;
    readonly least?: number;
  };
}

/** A check at binding: `minimum(value) >= 0`, or `value` an integer. `message` is shown with the values of the dims. */
export interface SizeCheck {
  readonly value: SizeData;
  readonly kind: "non-negative" | "integer" | "zero";
  readonly code: string;
  readonly message: string;
}

export type InitialiserData =
  | { readonly kind: "fill"; readonly value: number }
  | { readonly kind: "values"; readonly data: readonly number[] }
  | { readonly kind: "normal" | "uniform"; readonly a: number; readonly b: number } // normal: a = 0, b = std; uniform: lo, hi
  | {
      readonly kind: "he_normal" | "he_uniform" | "glorot_normal" | "glorot_uniform" | "orthogonal" | "eye";
      readonly fanIn?: SizeData;
    };

export type TensorRole = "input" | "param" | "state" | "optimizer" | "const" | "value";

export interface TensorSpec {
  /** The user's name for leaves and results (`W1`, `m.W`, `nll/m/W1`), a readable unique one for intermediates. */
  readonly name: string;
  readonly role: TensorRole;
  readonly dtype: DType;
  readonly shape: readonly SizeData[];
  readonly doc?: string;
  /** Inputs: promised half-open range of an integer input. */
  readonly range?: readonly [SizeData, SizeData];
  /** A reshape: the tensor (of as many elements) whose memory this one is. */
  readonly alias?: number;
  /** Inputs: default value (scalar fill). Consts: `values`. Params and states: how they start. */
  readonly init?: InitialiserData;
}

/** One kernel call. */
export interface LaunchSpec {
  readonly kernel: string;
  /** Tensor indices, in the order of the kernel's buffer parameters. */
  readonly tensors: readonly number[];
  /** Which of `tensors` are written (positions). */
  readonly writes: readonly number[];
  /** Size arguments, in order (js, wasm: numbers after the buffers; wgsl: u32 words of the uniform block, in order). */
  readonly sizes: readonly SizeData[];
  /**
   * WebGPU: the grid; there are Π ceil(extent / step) invocations (the runtime derives workgroups, folding those over
   * 65,535 into y). Absent elsewhere.
   */
  readonly grid?: readonly { readonly extent: SizeData; readonly step: number }[];
  /** Run this many times, with the step's number as one more, last, size argument (a recurrence on a GPU). */
  readonly steps?: { readonly count: SizeData; readonly first: SizeData; readonly direction: 1 | -1 };
}

export interface EntrySpec {
  readonly launches: readonly LaunchSpec[];
  /** Outputs and losses by name. */
  readonly results: Readonly<Record<string, number>>;
  /** Gradients by param's name. */
  readonly grads: Readonly<Record<string, number>>;
  /** After all launches: the store's leaf takes the value's contents (they may be the same tensor when updated in place). */
  readonly updates: readonly { readonly leaf: number; readonly value: number }[];
}

export interface ModuleSpec {
  readonly version: string;
  readonly name: string;
  readonly precision: "f32" | "f64" | "f16";
  readonly dims: readonly DimSpec[];
  readonly checks: readonly SizeCheck[];
  readonly tensors: readonly TensorSpec[];
  readonly losses: readonly string[];
  readonly trains: readonly {
    readonly of: string;
    readonly optimizer: string;
    readonly args: Readonly<Record<string, number>>;
    readonly argTensors: Readonly<Record<string, number>>;
  }[];
  /** Names differentiated for. */
  readonly wrt: readonly string[];
  /** Per target: entry points. `backward` and `step` are keyed by loss name. */
  readonly targets: { readonly js?: TargetSpec; readonly wasm?: TargetSpec; readonly wgsl?: TargetSpec };
}

export interface TargetSpec {
  readonly forward: EntrySpec;
  readonly backward: Readonly<Record<string, EntrySpec>>;
  readonly step: Readonly<Record<string, EntrySpec>>;
  /** wgsl: shader text per kernel. js: absent, kernels come as functions beside this data. */
  readonly shaders?: Readonly<Record<string, { readonly code: string; readonly workgroupSize: number }>>;
}

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array | Uint16Array;
/** A JS kernel: buffers (typed arrays already cut to the tensor), then sizes. bool is Uint8Array on js, u32 words on WebGPU. */
export type JsKernel = (...args: (TypedArray | number)[]) => void;
export type JsKernels = Readonly<Record<string, JsKernel>>;
