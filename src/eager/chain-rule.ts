import { tensor, zerosLike } from "./create.js";
import { AutogradError, EagerError } from "./errors.js";
import { digits, type LocalDerivative, localDerivative, only, reach, rootOf, show } from "./graph.js";
import type { Edge, Node } from "./tape.js";
import { noGrad } from "./tape.js";
import type { Tensor } from "./tensor.js";

/** One way from the loss to a leaf. */
export interface ChainPath {
  /** Operations passed, from the loss's. */
  readonly operations: readonly string[];
  /** The derivative of each of them by the operand that the path takes. */
  readonly derivatives: readonly LocalDerivative[];
  /** The product of the derivatives, of the leaf's shape. */
  readonly product: Tensor;
}
const VIEWS: ReadonlySet<string> = new Set(["permute", "reshape", "squeeze", "unsqueeze", "expand"]);

/** The chain rule laid open: all paths, and the sum of their products, which is the gradient. */
export class ChainRule {
  constructor(
    readonly paths: readonly ChainPath[],
    readonly sum: Tensor,
  ) {}
  toString(): string {
    const value = (t: Tensor): string =>
      t.size === 1 ? digits(t.item()) : show({ shape: t.shape, value: null, norm: t.norm().item() });
    const lines = this.paths.map(({ operations, derivatives, product }) => {
      // One number under another view is the same number.
      const steps = operations
        .map((name, k) => ({ name, derivative: derivatives[k] }))
        .filter(({ name, derivative }) => !(VIEWS.has(name) && derivative?.value === 1));
      const factors = steps.flatMap(({ derivative }) => (derivative ? [show(derivative)] : []));
      return `${steps.map((s) => s.name).join(" → ") || "itself"}: ${factors.join(" · ") || "1"} = ${value(product)}`;
    });
    return [...lines, `sum of ${this.paths.length}: ${value(this.sum)}`].join("\n");
  }
}
export interface PathOptions {
  /** More paths than this are an error: their number may grow exponentially. Default 1000. */
  readonly limit?: number;
  readonly entries?: number;
}

/**
 * Every path from `loss`, a single number, to `leaf` (or an intermediate result), the product of the derivatives along
 * it, and the products' sum.
 * @throws AutogradError as `graph`; EagerError where there are more paths than `limit`
 */
export function paths(
  loss: Tensor,
  leaf: Tensor,
  { limit = 1000, entries = 65536 }: PathOptions = {},
): ChainRule {
  if (loss.size !== 1) throw new AutogradError("paths begin at a single number");
  const root = rootOf(loss);
  const target = rootOf(leaf);
  const isTarget = (edge: Edge): boolean => edge.node === target.node && edge.output === target.output;
  const count = countPaths(root, target);
  if (count > limit) throw new EagerError(`there are ${count} paths, more than the limit of ${limit}`);
  const found: ChainPath[] = [];
  const known = new Map<string, LocalDerivative>();
  const descend = (
    edge: Edge,
    g: Tensor,
    operations: readonly string[],
    derivatives: readonly LocalDerivative[],
  ): void => {
    if (isTarget(edge)) found.push({ operations, derivatives, product: g });
    const { node, output } = edge;
    if (node.leaf) return;
    const wanted = node.edges.map((e) => e !== null && countPaths(e, target) > 0);
    if (!wanted.includes(true)) return;
    const passed = node.apply(only(node, output, g));
    node.edges.forEach((next, operand) => {
      const cotangent = passed[operand];
      if (!next || !cotangent || !wanted[operand]) return;
      const key = `${node.id} ${output} ${operand}`;
      const own = known.get(key) ?? localDerivative(node, output, operand, entries);
      known.set(key, own);
      descend(next, cotangent, [...operations, node.name], [...derivatives, own]);
    });
  };
  return noGrad(() => {
    const one = tensor(1, { dtype: loss.dtype }).expand(loss.shape);
    descend(root, one, [], []);
    return new ChainRule(
      found,
      found.reduce((total, path) => total.add(path.product), zerosLike(leaf)),
    );
  });
}
/** The number of ways from an edge to another: its own where it is that one, and its operands'. */
function countPaths(from: Edge, to: Edge): number {
  const below = new Map<Node, number>();
  const nodes = [...reach(from).keys()].reverse();
  const ways = (edge: Edge): number =>
    (below.get(edge.node) ?? 0) + (edge.node === to.node && edge.output === to.output ? 1 : 0);
  for (const node of nodes)
    below.set(
      node,
      node.edges.reduce((n, e) => n + (e ? ways(e) : 0), 0),
    );
  return ways(from);
}
