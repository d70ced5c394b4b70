import { grad as gradOf } from "./backward.js";
import { zeros, zerosLike } from "./create.js";
import { kindOf } from "./dtype.js";
import { DTypeError, ShapeError } from "./errors.js";
import { range } from "./shape.js";
import { enableGrad } from "./tape.js";
import { stack } from "./ops/join.js";
import { reshape } from "./ops/views.js";
import { Tensor } from "./tensor.js";

/** Derivatives of functions of tensors. The arguments' own tapes are left alone: each is taken as a new leaf. */
type Single = (...args: Tensor[]) => Tensor;

/** New leaves of the arguments' values, or the arguments themselves where the result shall depend on them. */
const leaves = (args: readonly Tensor[], create: boolean): Tensor[] =>
  args.map((x) => (create && x.requiresGrad ? x.clone() : x.detach().requiresGrad_()));

function valueOf(f: Single, inputs: readonly Tensor[]): Tensor {
  const value: unknown = f(...inputs);
  if (value instanceof Tensor) return value;
  throw new DTypeError(`a function to be differentiated gives one tensor, not ${kindOf(value)}`);
}

export interface DerivativeOptions {
  /** Leave the result on the tape, to be differentiated in turn. */
  readonly createGraph?: boolean;
}

/** The function that gives the gradients of `f`, which gives a single number, for each of its arguments. */
export function grad(f: Single): (...args: Tensor[]) => Tensor[] {
  return (...args) =>
    enableGrad(() => {
      const create = args.some((x) => x.requiresGrad);
      const inputs = leaves(args, create);
      return gradOf(valueOf(f, inputs), inputs, { createGraph: create, allowUnused: true });
    });
}

/** One argument, or several as a list; the results then are lists as well. */
type Given = Tensor | readonly Tensor[];
const isList = (x: Given): x is readonly Tensor[] => Array.isArray(x);
const asList = (x: Given): readonly Tensor[] => (isList(x) ? x : [x]);

/** `f(x)` and vᵀ J: the cotangent v of the result (1 of a single number) carried back to x. */
export function vjp(f: Single, x: Tensor, v?: Tensor | null, options?: DerivativeOptions): [Tensor, Tensor];
export function vjp(
  f: Single,
  x: readonly Tensor[],
  v?: Tensor | null,
  options?: DerivativeOptions,
): [Tensor, Tensor[]];
export function vjp(
  f: Single,
  x: Given,
  v: Tensor | null = null,
  { createGraph = false }: DerivativeOptions = {},
): [Tensor, Given] {
  return enableGrad(() => {
    const inputs = leaves(asList(x), createGraph);
    const value = valueOf(f, inputs);
    const found = value.requiresGrad
      ? gradOf(value, inputs, { gradOutputs: [v], createGraph, allowUnused: true })
      : inputs.map((t) => zerosLike(t));
    return [createGraph ? value : value.detach(), isList(x) ? found : found[0]!];
  });
}

/**
 * `f(x)` and J v: the tangent v of x carried forward. By reverse mode twice: uᵀ J is linear in u, and its derivative
 * along v is J v.
 */
export function jvp<X extends Given>(
  f: Single,
  x: X,
  v: X extends Tensor ? Tensor : readonly Tensor[],
  { createGraph = false }: DerivativeOptions = {},
): [Tensor, Tensor] {
  return enableGrad(() => {
    const inputs = leaves(asList(x), createGraph);
    const value = valueOf(f, inputs);
    const plain = createGraph ? value : value.detach();
    if (!value.requiresGrad) return [plain, zerosLike(value)];
    const u = zerosLike(value).requiresGrad_();
    const transposed = gradOf(value, inputs, { gradOutputs: [u], createGraph: true, allowUnused: true });
    const tangents = asList(v);
    if (tangents.length !== inputs.length)
      throw new ShapeError(`${tangents.length} tangents for ${inputs.length} arguments`);
    const moved = transposed.flatMap((t, k) => (t.requiresGrad ? [[t, tangents[k]!] as const] : []));
    if (!moved.length) return [plain, zerosLike(value)];
    const [found] = gradOf(
      moved.map(([t]) => t),
      u,
      { gradOutputs: moved.map(([, t]) => t), createGraph, allowUnused: true },
    );
    return [plain, found!];
  });
}

/** All partial derivatives, of shape [...f(x).shape, ...x.shape]; a backward run for each element of the result. */
export function jacobian(f: Single, x: Tensor, options?: DerivativeOptions): Tensor;
export function jacobian(f: Single, x: readonly Tensor[], options?: DerivativeOptions): Tensor[];
export function jacobian(f: Single, x: Given, { createGraph = false }: DerivativeOptions = {}): Given {
  return enableGrad(() => {
    const inputs = leaves(asList(x), createGraph);
    const value = valueOf(f, inputs);
    const flat = reshape(value, [value.size]);
    const rows = value.requiresGrad
      ? range(value.size).map((k) =>
          gradOf(flat.select(0, k), inputs, { createGraph, retainGraph: true, allowUnused: true }),
        )
      : [];
    const all = inputs.map((input, j) => {
      const shape = [...value.shape, ...input.shape];
      return rows.length
        ? reshape(stack(rows.map((row) => row[j]!)), shape)
        : zeros(shape, { dtype: value.dtype });
    });
    return isList(x) ? all : all[0]!;
  });
}

/** Second partial derivatives of `f`, which gives a single number, of shape [...x.shape, ...x.shape]. */
export function hessian(f: Single, x: Tensor, options?: DerivativeOptions): Tensor;
export function hessian(f: Single, x: readonly Tensor[], options?: DerivativeOptions): Tensor[][];
export function hessian(f: Single, x: Given, options: DerivativeOptions = {}): Tensor | Tensor[][] {
  const gradient =
    (k: number): Single =>
    (...at) => {
      const value = valueOf(f, at);
      if (value.size !== 1) throw new ShapeError("a hessian is of a function that gives a single number");
      if (!value.requiresGrad) return zerosLike(at[k]!);
      return gradOf(value, at[k]!, { createGraph: true, allowUnused: true })[0]!;
    };
  const blocks = asList(x).map((_, k) => jacobian(gradient(k), asList(x), options));
  return isList(x) ? blocks : blocks[0]![0]!;
}
