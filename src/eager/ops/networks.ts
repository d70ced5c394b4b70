import { ShapeError } from "../errors.js";
import { sameShape, showShape, sizeOf } from "../shape.js";
import { record } from "../tape.js";
import { Tensor } from "../tensor.js";
import { gather } from "./indexing.js";
import { matmul } from "./linear.js";
import { amax, maxAlong, mean, sum } from "./reductions.js";
import { add, mul, sub } from "./scalar.js";
import { pad, permute, reshape, squeeze, unfold, unsqueeze } from "./views.js";

export type Pair = number | readonly [number, number];
const pairOf = (p: Pair): readonly [number, number] => (typeof p === "number" ? [p, p] : p);

/** `exp(x) / Σ exp(x)` along an axis. */
export function softmax(x: Tensor, dim: number): Tensor {
  const shifted = sub(x.detach(), amax(x.detach(), dim, true)).exp();
  const out = shifted.div(sum(shifted, dim, true));
  return record(out, {
    name: "softmax",
    inputs: [x],
    saved: [out],
    backward: (g) => [mul(out, sub(g, sum(mul(g, out), dim, true)))],
  });
}
/** `log softmax(x)`, without the logarithm of a small number. */
export function logSoftmax(x: Tensor, dim: number): Tensor {
  const out = sub(x.detach(), x.detach().logsumexp(dim, true));
  return record(out, {
    name: "logSoftmax",
    inputs: [x],
    saved: [out],
    backward: (g) => [sub(g, mul(out.exp(), sum(g, dim, true)))],
  });
}

export type Reduction = "mean" | "sum" | "none";
const reduced = (losses: Tensor, reduction: Reduction): Tensor =>
  reduction === "none" ? losses : reduction === "sum" ? sum(losses) : mean(losses);

export interface CrossEntropyOptions {
  readonly reduction?: Reduction;
  /** So much of each target is spread evenly over all classes. */
  readonly labelSmoothing?: number;
}
/**
 * `-log softmax(logits)` at the target, along axis 1 ([N, C, …]) or the only axis ([C]). Targets are integers of shape
 * [N, …], or probabilities of the logits' shape.
 * @throws ShapeError
 */
export function crossEntropy(
  logits: Tensor,
  target: Tensor,
  { reduction = "mean", labelSmoothing = 0 }: CrossEntropyOptions = {},
): Tensor {
  const axis = logits.ndim === 1 ? 0 : 1;
  const logProbabilities = logSoftmax(logits, axis);
  if (target.dtype === "f32" || target.dtype === "f64") {
    if (!sameShape(target.shape, logits.shape))
      throw new ShapeError(
        `probabilities of shape ${showShape(target.shape)} for logits of shape ${showShape(logits.shape)}; ` +
          'labels are integers, to("i64")',
      );
    const classes = logits.shape[axis]!;
    const smooth = labelSmoothing ? target.mul(1 - labelSmoothing).add(labelSmoothing / classes) : target;
    const losses = sum(mul(logProbabilities, smooth), axis).neg();
    return reduced(losses, reduction);
  }
  const expected = logits.shape.toSpliced(axis, 1);
  if (showShape(expected) !== showShape(target.shape))
    throw new ShapeError(
      `targets of shape ${showShape(target.shape)} for logits of shape ${showShape(logits.shape)}`,
    );
  const own = squeeze(gather(logProbabilities, axis, unsqueeze(target, axis)), axis).neg();
  if (!labelSmoothing) return reduced(own, reduction);
  const even = mean(logProbabilities, axis).neg();
  return reduced(add(own.mul(1 - labelSmoothing), even.mul(labelSmoothing)), reduction);
}
/** The mean of squared differences. */
export function mseLoss(x: Tensor, target: Tensor, reduction: Reduction = "mean"): Tensor {
  const difference = sub(x, target);
  return reduced(mul(difference, difference), reduction);
}

/** (x - mean) / sqrt(variance + eps) over the last axes, as many as `shape` has, times `weight` plus `bias`. */
export function layerNorm(
  x: Tensor,
  shape: readonly number[],
  weight?: Tensor | null,
  bias?: Tensor | null,
  eps = 1e-5,
): Tensor {
  const axes = shape.map((_, k) => k - shape.length);
  if (shape.some((n, k) => n !== x.shape.at(k - shape.length)))
    throw new ShapeError(`layerNorm over ${showShape(shape)} of a tensor of shape ${showShape(x.shape)}`);
  const centred = sub(x, mean(x, axes, true));
  const normal = mul(centred, mean(mul(centred, centred), axes, true).add(eps).rsqrt());
  const scaled = weight ? mul(normal, weight) : normal;
  return bias ? add(scaled, bias) : scaled;
}
/** x · weightᵀ + bias, weight being [out, in]. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  const out = matmul(x, weight.transpose(-2, -1));
  return bias ? add(out, bias) : out;
}

export interface ConvOptions<P = Pair> {
  readonly stride?: P;
  readonly padding?: P;
  readonly dilation?: P;
  readonly groups?: number;
}
/**
 * Cross-correlation, [N, C, H, W] with [O, C / groups, KH, KW] → [N, O, OH, OW]: windows as a view, copied into a matrix
 * and multiplied (im2col).
 * @throws ShapeError
 */
export function conv2d(x: Tensor, weight: Tensor, bias?: Tensor | null, options: ConvOptions = {}): Tensor {
  const { groups = 1 } = options;
  const [[sh, sw], [ph, pw], [dh, dw]] = [
    pairOf(options.stride ?? 1),
    pairOf(options.padding ?? 0),
    pairOf(options.dilation ?? 1),
  ];
  const [batch = 0, channels = 0] = x.shape;
  const [outputs = 0, perGroup = 0, kh = 0, kw = 0] = weight.shape;
  if (x.ndim !== 4 || weight.ndim !== 4 || perGroup * groups !== channels || outputs % groups !== 0)
    throw new ShapeError(
      `conv2d of shape ${showShape(x.shape)} with kernels of shape ${showShape(weight.shape)} in ${groups} groups`,
    );
  const padded = pad(x, [
    [ph, ph],
    [pw, pw],
  ]);
  const windows = unfold(unfold(padded, 2, kh, sh, dh), 3, kw, sw, dw); // [N, C, OH, OW, KH, KW]
  const [oh = 0, ow = 0] = windows.shape.slice(2, 4);
  const columns = reshape(permute(windows, [0, 1, 4, 5, 2, 3]), [batch, groups, perGroup * kh * kw, oh * ow]);
  const kernels = reshape(weight, [groups, outputs / groups, perGroup * kh * kw]);
  const out = reshape(matmul(kernels, columns), [batch, outputs, oh, ow]);
  return bias ? add(out, reshape(bias, [outputs, 1, 1])) : out;
}
/** [N, C, L] with [O, C / groups, K] → [N, O, OL]. */
export function conv1d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options: ConvOptions<number> = {},
): Tensor {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  if (x.ndim !== 3 || weight.ndim !== 3)
    throw new ShapeError(
      `conv1d of shape ${showShape(x.shape)} with kernels of shape ${showShape(weight.shape)}`,
    );
  const out = conv2d(unsqueeze(x, 2), unsqueeze(weight, 2), bias, {
    stride: [1, stride],
    padding: [0, padding],
    dilation: [1, dilation],
    groups,
  });
  return squeeze(out, 2);
}

/** [..., OH, OW, KH * KW]: the windows of the last two axes. */
function pools(x: Tensor, size: Pair, stride: Pair, padding: Pair, filler: number): Tensor {
  const [[kh, kw], [sh, sw], [ph, pw]] = [pairOf(size), pairOf(stride), pairOf(padding)];
  const padded = pad(
    x,
    [
      [ph, ph],
      [pw, pw],
    ],
    filler,
  );
  const windows = unfold(unfold(padded, -2, kh, sh), -2, kw, sw);
  return reshape(windows, [...windows.shape.slice(0, -2), sizeOf([kh, kw])]);
}
/** The greatest of each window of the last two axes; the first of equals gets the gradient. */
export function maxPool2d(x: Tensor, size: Pair, stride: Pair = size, padding: Pair = 0): Tensor {
  return maxAlong(pools(x, size, stride, padding, -Infinity), -1).values;
}
/** The mean of each window of the last two axes, padding counted in. */
export function avgPool2d(x: Tensor, size: Pair, stride: Pair = size, padding: Pair = 0): Tensor {
  return mean(pools(x, size, stride, padding, 0), -1);
}
