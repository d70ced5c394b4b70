/** A define-by-run engine in PyTorch's shape: tensors, a tape, optimizers. Of the compiler it has the scalar functions. */
export { Tensor } from "./methods.js";
export type { NestedList, Operand } from "./tensor.js";
export type { Data, DType } from "./dtype.js";
export type { Shape } from "./shape.js";
export {
  arange,
  eye,
  fromTypedArray,
  full,
  linspace,
  manualSeed,
  ones,
  onesLike,
  rand,
  randint,
  randn,
  randperm,
  tensor,
  zeros,
  zerosLike,
} from "./create.js";
export type { RandomOptions, TensorData, TensorOptions } from "./create.js";
export { Generator } from "./random.js";
export { fromNpy } from "./npy.js";
export * from "./ops/scalar.js";
export {
  all,
  amax,
  amin,
  any,
  argmax,
  argmin,
  logsumexp,
  mean,
  norm,
  prod,
  std,
  sum,
  variance,
} from "./ops/reductions.js";
export type { Axes, ValuesAndIndices } from "./ops/reductions.js";
export { argsort, cumprod, cumsum, sort, topk } from "./ops/scans.js";
export { cat, stack } from "./ops/join.js";
export { gather, indexSelect, nonzero, scatterAdd } from "./ops/indexing.js";
export type { Index } from "./ops/indexing.js";
export { einsum, matmul } from "./ops/linear.js";
export {
  avgPool2d,
  conv1d,
  conv2d,
  crossEntropy,
  layerNorm,
  linear,
  logSoftmax,
  maxPool2d,
  mseLoss,
  softmax,
} from "./ops/networks.js";
export type { ConvOptions, CrossEntropyOptions, Pair, Reduction } from "./ops/networks.js";
export {
  diagonal,
  expand,
  flatten,
  flip,
  narrow,
  pad,
  permute,
  reshape,
  slice,
  split,
  squeeze,
  transpose,
  unfold,
  unsqueeze,
} from "./ops/views.js";
export { backward, grad } from "./backward.js";
export type { BackwardOptions, GradOptions } from "./backward.js";
export { enableGrad, isGradEnabled, noGrad } from "./tape.js";
export type { Hook, Node } from "./tape.js";
export { Context, Function } from "./function.js";
export * as functional from "./functional.js";
export { Adam, AdamW, Optimizer, RMSprop, SGD } from "./optim.js";
export type { AdamSettings, OptimizerState, ParamGroup, RMSpropSettings, SGDSettings } from "./optim.js";
export { ChainRule, paths } from "./chain-rule.js";
export type { ChainPath, PathOptions } from "./chain-rule.js";
export { Graph, graph, heldBytes } from "./graph.js";
export type { GraphEdge, GraphNode, GraphOptions, LocalDerivative } from "./graph.js";
export { AutogradError, DTypeError, EagerError, IndexError, ShapeError } from "./errors.js";
