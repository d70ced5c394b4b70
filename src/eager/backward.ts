import { Cotangents, type Arrived } from "./cotangents.js";
import { kindOf } from "./dtype.js";
import { AutogradError } from "./errors.js";
import { sameShape, showShape } from "./shape.js";
import type { Edge, Hook, Node, Part } from "./tape.js";
import { edgeOf, enableGrad, noGrad } from "./tape.js";
import { onesLike, zerosLike } from "./create.js";
import { Tensor } from "./tensor.js";

export interface BackwardOptions {
  /** Keep what the tape holds, for another backward run. Default: as `createGraph`. */
  readonly retainGraph?: boolean;
  /** Put the backward run itself on the tape, so that gradients have gradients. */
  readonly createGraph?: boolean;
}

/** The nodes that can be reached from `roots`, results before what they come from. */
function order(roots: readonly Node[]): Node[] {
  const seen = new Set<Node>(roots);
  const stack = [...seen];
  for (let node = stack.pop(); node; node = stack.pop())
    for (const edge of node.edges)
      if (edge && !seen.has(edge.node)) {
        seen.add(edge.node);
        stack.push(edge.node);
      }
  return [...seen].sort((a, b) => b.id - a.id);
}

function checkGradient(gradient: unknown, what: string): asserts gradient is Tensor {
  if (!(gradient instanceof Tensor)) throw new AutogradError(`${what} is a tensor, not ${kindOf(gradient)}`);
}

function seedOf(output: Tensor, gradient: Tensor | null | undefined): Tensor {
  if (!gradient) {
    if (output.size !== 1)
      throw new AutogradError(
        `the gradient of a tensor of shape ${showShape(output.shape)} needs a cotangent; only of a single number it is 1`,
      );
    return onesLike(output);
  }
  checkGradient(gradient, "a cotangent");
  if (!sameShape(gradient.shape, output.shape))
    throw new AutogradError(
      `a cotangent of shape ${showShape(gradient.shape)} for a tensor of shape ${showShape(output.shape)}`,
    );
  return gradient.to(output.dtype);
}

/**
 * Carries cotangents from `outputs` back. With `targets` the gradients of those are returned and no leaf is touched;
 * without, they are added to the leaves' `grad`.
 */
function run(
  outputs: readonly Tensor[],
  gradients: readonly (Tensor | null | undefined)[],
  targets: readonly Tensor[] | null,
  { createGraph = false, retainGraph = createGraph }: BackwardOptions,
): (Tensor | null)[] {
  const pending = new Cotangents(createGraph);
  const roots = outputs.map((output, k) => {
    const edge = edgeOf(output);
    if (!edge)
      throw new AutogradError(
        "this tensor needs no gradient: nothing that it was computed from requires one",
      );
    return { edge, seed: seedOf(output, gradients[k]) };
  });
  const wanted = targets?.map((t) => {
    const edge = edgeOf(t);
    if (!edge)
      throw new AutogradError("a gradient was asked for with respect to a tensor that does not require one");
    return edge;
  });
  const found: (Tensor | null)[] = (targets ?? []).map(() => null);
  const nodes = order(roots.map((r) => r.edge.node));
  const leads = leadsTo(nodes, wanted);

  (createGraph ? enableGrad : noGrad)(() => {
    for (const { edge, seed } of roots) pending.send(edge, seed);
    for (const node of nodes) {
      const arrived = pending.take(node);
      if (!arrived) continue;
      for (const [output, hooks] of node.hooks)
        for (const hook of [...hooks]) {
          const at = arrived[output];
          if (at) arrived[output] = { gradient: hooked(hook, at.gradient, node), own: false };
        }
      wanted?.forEach((edge, k) => {
        const at = edge.node === node ? arrived[edge.output] : null;
        if (at) [found[k], at.own] = [at.gradient, false];
      });
      if (node.leaf) {
        const [at] = arrived;
        if (!wanted && at) accumulate(node.leaf, at.gradient, createGraph);
        continue;
      }
      if (leads && !leads.has(node)) continue;
      const goes = (edge: Edge): boolean => !leads || leads.has(edge.node) || isWanted(wanted, edge);
      if (node.part && !createGraph) passInPlace(node, node.part, arrived, pending, goes);
      else {
        const passed = node.apply(arrived.map((at) => at?.gradient ?? null));
        node.edges.forEach((edge, k) => {
          const cotangent = passed[k];
          if (!edge || !cotangent || !goes(edge)) return;
          checkShape(node, edge, cotangent);
          pending.send(edge, cotangent);
        });
      }
      if (!retainGraph) node.release();
    }
  });
  return found;
}

function hooked(hook: Hook, gradient: Tensor, { name }: Node): Tensor {
  const replaced = hook(gradient) ?? gradient;
  checkGradient(replaced, `what a hook on a result of \`${name}\` returns`);
  if (!sameShape(replaced.shape, gradient.shape))
    throw new AutogradError(
      `a hook on a result of \`${name}\` gave a gradient of shape ${showShape(replaced.shape)} in place of one of shape ` +
        showShape(gradient.shape),
    );
  return replaced;
}

/** The backward rule of a node for a part, without a copy of the whole for each. */
function passInPlace(
  node: Node,
  { of, overwrites }: Part,
  [arrived]: readonly (Arrived | null)[],
  pending: Cotangents,
  goes: (edge: Edge) => boolean,
): void {
  node.rule(); // throws where it must not run
  const [whole, replacement] = node.edges;
  if (!arrived) return;
  const { gradient, own } = arrived;
  if (!overwrites) {
    if (whole && goes(whole)) pending.sendPart(whole, of, gradient);
    return;
  }
  const toWhole = whole && goes(whole) ? whole : null;
  if (replacement && goes(replacement))
    pending.send(replacement, toWhole ? of(gradient).clone() : of(gradient));
  if (!toWhole) return;
  const rest = own ? gradient : gradient.clone();
  of(rest).zero_();
  pending.send(toWhole, rest, true);
}

const isWanted = (wanted: readonly Edge[] | undefined, edge: Edge): boolean =>
  wanted?.some((w) => w.node === edge.node) ?? false;

/** The nodes from which a wanted one can be reached (not counting themselves); null where all count. */
function leadsTo(nodes: readonly Node[], wanted: readonly Edge[] | undefined): ReadonlySet<Node> | null {
  if (!wanted) return null;
  const found = new Set<Node>();
  for (const node of [...nodes].reverse())
    if (node.edges.some((e) => e && (found.has(e.node) || isWanted(wanted, e)))) found.add(node);
  return found;
}

function checkShape(node: Node, edge: Edge, cotangent: Tensor): void {
  const shape = edge.node.outputs[edge.output]?.shape ?? [];
  if (!sameShape(shape, cotangent.shape))
    throw new AutogradError(
      `the backward rule of \`${node.name}\` gave a gradient of shape ${showShape(cotangent.shape)} for an input of ` +
        `shape ${showShape(shape)}`,
    );
}

/** The first gradient is a copy, for cotangents may share their elements; later ones are added. */
function accumulate(leaf: Tensor, gradient: Tensor, createGraph: boolean): void {
  if (createGraph) leaf.grad = leaf.grad ? leaf.grad.add(gradient) : gradient;
  else if (leaf.grad) leaf.grad = leaf.grad.detach().add(gradient);
  else leaf.grad = gradient.detach().clone();
}

/**
 * Adds the gradient of `output` to the `grad` of every leaf that it was computed from.
 * @param gradient the cotangent of `output`, of its shape; may be left out for a single number, and is 1 then
 * @throws AutogradError where nothing requires a gradient, the graph was freed, or a value was changed in place
 */
export function backward(output: Tensor, gradient?: Tensor | null, options: BackwardOptions = {}): void {
  run([output], [gradient], null, options);
}

export interface GradOptions extends BackwardOptions {
  /** Cotangents of the outputs; ones where left out. */
  readonly gradOutputs?: readonly (Tensor | null)[] | Tensor;
  /** Give zeros for inputs that the outputs do not depend on, instead of throwing. */
  readonly allowUnused?: boolean;
}

/**
 * The gradients of `outputs` (their sum, weighted by `gradOutputs`) with respect to `inputs`, which may be leaves or
 * intermediate results. No `grad` is touched.
 * @throws AutogradError as `backward`, and where an input is not used unless `allowUnused`
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions = {},
): Tensor[] {
  const list = "shape" in outputs ? [outputs] : outputs;
  const targets = "shape" in inputs ? [inputs] : inputs;
  const { gradOutputs = [] } = options;
  const found = run(list, "shape" in gradOutputs ? [gradOutputs] : gradOutputs, targets, options);
  return found.map((gradient, k) => {
    if (gradient) return options.createGraph ? gradient : gradient.detach();
    const input = targets[k];
    if (!input || !options.allowUnused)
      throw new AutogradError(
        `the outputs do not depend on input ${k}; pass { allowUnused: true } to have zeros for it`,
      );
    return zerosLike(input);
  });
}
