import { grad, tensor, Tensor } from "../../src/eager/index.js";

type F = (...args: Tensor[]) => Tensor;
/** Weights that are no pattern, so that errors of single entries do not cancel. */
const weights = (t: Tensor): Tensor =>
  tensor(
    Array.from({ length: t.size }, (_, k) => Math.sin(3 * k + 1)),
    { dtype: "f64" },
  ).reshape(...t.shape);
const weighted = (f: F, args: readonly Tensor[]): Tensor => {
  const value = f(...args);
  return value.mul(weights(value)).sum();
};

export interface Difference {
  readonly argument: number;
  readonly element: number;
  readonly found: number;
  readonly wanted: number;
}
/**
 * Entries where the gradient of a weighted sum of f is not what central differences say. These are taken with steps h
 * and h / 2 and extrapolated; what the two disagree about is how far they can be trusted.
 */
export function gradcheck(f: F, args: readonly Tensor[], h = 1e-3): Difference[] {
  const leaves = args.map((t) => t.detach().clone().requiresGrad_());
  const value = weighted(f, leaves);
  const gradients = value.requiresGrad
    ? grad(value, leaves, { allowUnused: true })
    : leaves.map((t) => t.detach().mul(0));
  return leaves.flatMap((leaf, argument) => {
    const data = leaf.numbers();
    const shifted = (element: number, by: number): number => {
      const moved = Float64Array.from(data);
      moved[element]! += by;
      const changed = tensor(moved).reshape(...leaf.shape);
      return weighted(
        f,
        leaves.map((t, k) => (k === argument ? changed : t.detach())),
      ).item();
    };
    const found = gradients[argument]!.numbers();
    return Array.from({ length: data.length }, (_, element): Difference[] => {
      const slope = (step: number): number => (shifted(element, step) - shifted(element, -step)) / (2 * step);
      const [wide, narrow] = [slope(h), slope(h / 2)];
      const wanted = narrow + (narrow - wide) / 3;
      const trust = 1e-7 * Math.max(1, Math.abs(wanted)) + Math.abs(narrow - wide) * 0.05;
      return Math.abs(found[element]! - wanted) <= trust
        ? []
        : [{ argument, element, found: found[element]!, wanted }];
    }).flat();
  });
}
/** The gradient as a function, so that a gradcheck of it is one of second derivatives. */
export const gradientOf =
  (f: F, argument: number): F =>
  (...args) => {
    const leaves = args.map((t) => (t.requiresGrad ? t : t.clone().requiresGrad_()));
    const value = weighted(f, leaves);
    if (!value.requiresGrad) return leaves[argument]!.mul(0);
    return grad(value, [leaves[argument]!], { createGraph: true, allowUnused: true })[0]!;
  };
