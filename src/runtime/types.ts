/**
 * The contract between a generated module and the runtime. A module brings data (dims, tensors, results) and, for each
 * target, its kernels and its entry points as functions that call them: sizes that only kernels need are code there.
 */
export type DType = "f32" | "f64" | "f16" | "i32" | "u32" | "bool";
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array | Uint16Array;

/** Values of dims by name; those that nothing binds yet are not in it. Without a prototype: a dim may have any name. */
export type Dims = Readonly<Record<string, number>>;
/** A number, a dim's name, or one of `ModuleSpec.sizes`. */
export type Size = number | string;
/** How a dim gets its value: open, a default, or a definition, which stands after the dims that it is made of. */
export type DimSpec = null | number | ((dims: Dims) => number);

/** Writes start values, row-major, over zeros. `seed` is `create`'s. */
export type Initialiser = (values: TypedArray, seed: number, dims: Dims, shape: readonly number[]) => void;

export interface TensorType {
  readonly dtype: DType;
  readonly shape: readonly Size[];
}
/** What has memory of its own. */
export interface LeafSpec extends TensorType {
  readonly doc?: string;
  /** Promised half-open range of an integer input. */
  readonly range?: readonly [Size, Size];
  /** What fills an input that is not given. */
  readonly default?: number;
  /** How what the store keeps starts: a number fills, 0 where there is none. */
  readonly init?: number | readonly number[] | Initialiser;
  /** Of integers and bools. @throws DataError for a value that the type or the range does not hold */
  readonly check?: Check;
}
export type Check = (
  values: ArrayLike<number>,
  of: { readonly source: string; readonly dtype: DType; readonly range?: readonly [Size, Size] },
  dims: Dims,
) => void;

/**
 * A module's tensors are numbered in the order of this page: inputs, params, states, states of optimizers, consts, then
 * the arguments of each `train`.
 */
export interface ModuleSpec {
  readonly version: string;
  readonly dims: Readonly<Record<string, DimSpec>>;
  /** What shapes have for sizes beside numbers and dims, by their text: `2 * N - 1`. */
  readonly sizes?: Readonly<Record<string, (dims: Dims) => number>>;
  /** What must not be negative, else an error of this code and message. NaN while a dim of it is open. */
  readonly checks?: (dims: Dims) => readonly (readonly [value: number, code: string, message: string])[];
  readonly input: Readonly<Record<string, LeafSpec>>;
  readonly param: Readonly<Record<string, LeafSpec>>;
  readonly state: Readonly<Record<string, LeafSpec>>;
  readonly optimizer: Readonly<Record<string, LeafSpec>>;
  readonly const: Readonly<Record<string, LeafSpec>>;
  /** With the arguments' defaults, and their types where they are not f32. */
  readonly trains: readonly {
    readonly of: string;
    readonly optimizer: string;
    readonly args: Readonly<Record<string, number>>;
    readonly types?: Readonly<Record<string, DType>>;
  }[];
  /** Outputs and losses, in the order in which entry points give them. */
  readonly results: Readonly<Record<string, TensorType & { readonly doc?: string }>>;
  readonly losses: readonly string[];
  /** What gradients are for, in the order in which entry points give them; default all params. */
  readonly wrt?: readonly string[];
}

/** A kernel over what a device takes for tensors, and sizes. As a method's its parameters may be narrower. */
export type Kernel<A> = { method(...args: (A | number)[]): void }["method"];
/** By name. `copy(to, from, bytes)` is one of them. */
export type Kernels<A> = Readonly<Record<string, Kernel<A>>>;
/**
 * One entry point over one binding of the dims: takes the module's tensors, makes its values by `value(elements)` and
 * gives the function that runs it, its results (as `ModuleSpec.results`) and gradients (as `wrt`).
 */
export type Entry = <A>(
  kernels: Kernels<A>,
  tensors: readonly A[],
  value: (length: number, dtype?: DType) => A,
  dims: Dims,
) => readonly [run: () => void, results: readonly A[], gradients?: readonly A[]];
/** `backward` and `step` by loss. */
export interface Entries {
  readonly forward: Entry;
  readonly backward: Readonly<Record<string, Entry>>;
  readonly step: Readonly<Record<string, Entry>>;
}
