import { grad as gradOf } from "./backward.js";
import { zerosLike } from "./create.js";
import { ShapeError } from "./errors.js";
import { range } from "./shape.js";
import { enableGrad } from "./tape.js";
import { stack } from "./ops/join.js";
import { reshape } from "./ops/views.js";
import type { Tensor } from "./tensor.js";

/** Derivatives of functions of tensors. The arguments' own tapes are left alone: each is taken as a new leaf. */
type Single = (...args: Tensor[]) => Tensor;

/** New leaves of the arguments' values, or the arguments themselves where the result shall depend on them. */
const leaves = (args: readonly Tensor[], create: boolean): Tensor[] =>
  args.map((x) => (create && x.requiresGrad ? x.clone() : x.detach().requiresGrad_()));

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
      return gradOf(f(...inputs), inputs, { createGraph: create, allowUnused: true });
    });
}

/** `f(x)` and vᵀ J: the cotangent v of the result carried back to x. */
export function vjp(
  f: (x: Tensor) => Tensor,
  x: Tensor,
  v: Tensor,
  { createGraph = false }: DerivativeOptions = {},
): [Tensor, Tensor] {
  return enableGrad(() => {
    const [input] = leaves([x], createGraph) as [Tensor];
    const value = f(input);
    if (!value.requiresGrad) return [value, zerosLike(x)];
    const [found] = gradOf(value, [input], { gradOutputs: [v], createGraph, allowUnused: true }) as [Tensor];
    return [createGraph ? value : value.detach(), found];
  });
}

/**
 * `f(x)` and J v: the tangent v of x carried forward. By reverse mode twice: uᵀ J is linear in u, and its derivative
 * along v is J v.
 */
export function jvp(
  f: (x: Tensor) => Tensor,
  x: Tensor,
  v: Tensor,
  { createGraph = false }: DerivativeOptions = {},
): [Tensor, Tensor] {
  return enableGrad(() => {
    const [input] = leaves([x], createGraph) as [Tensor];
    const value = f(input);
    const plain = createGraph ? value : value.detach();
    if (!value.requiresGrad) return [plain, zerosLike(value)];
    const u = zerosLike(value).requiresGrad_();
    const [transposed] = gradOf(value, [input], {
      gradOutputs: [u],
      createGraph: true,
      allowUnused: true,
    }) as [Tensor];
    if (!transposed.requiresGrad) return [plain, zerosLike(value)];
    const [found] = gradOf(transposed, [u], { gradOutputs: [v], createGraph, allowUnused: true }) as [Tensor];
    return [plain, found];
  });
}

/** All partial derivatives, of shape [...f(x).shape, ...x.shape]; a backward run for each element of the result. */
export function jacobian(
  f: (x: Tensor) => Tensor,
  x: Tensor,
  { createGraph = false }: DerivativeOptions = {},
): Tensor {
  return enableGrad(() => {
    const [input] = leaves([x], createGraph) as [Tensor];
    const value = f(input);
    const shape = [...value.shape, ...x.shape];
    const flat = reshape(value, [value.size]);
    if (!value.requiresGrad || !value.size) return zerosLike(value).sum().mul(0).expand(shape).clone();
    const rows = range(value.size).map((k) => {
      const [row] = gradOf(flat.select(0, k), [input], {
        createGraph,
        retainGraph: true,
        allowUnused: true,
      }) as [Tensor];
      return row;
    });
    return reshape(stack(rows), shape);
  });
}

/** Second partial derivatives of `f`, which gives a single number, of shape [...x.shape, ...x.shape]. */
export function hessian(f: (x: Tensor) => Tensor, x: Tensor, options: DerivativeOptions = {}): Tensor {
  return jacobian(
    (at) => {
      const value = f(at);
      if (value.size !== 1) throw new ShapeError("a hessian is of a function that gives a single number");
      if (!value.requiresGrad) return zerosLike(at);
      const [first] = gradOf(value, [at], { createGraph: true, allowUnused: true }) as [Tensor];
      return first;
    },
    x,
    options,
  );
}
