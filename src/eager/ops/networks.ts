import { isFloat, leastOf } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { axisOf, sameShape, showShape, sizeOf } from "../shape.js";
import { record } from "../tape.js";
import { Tensor } from "../tensor.js";
import { gather, indexSelect } from "./indexing.js";
import { matmul } from "./linear.js";
import { amax, maxAlong, mean, sum } from "./reductions.js";
import { add, div, mul, mul0, sub, where } from "./scalar.js";
import { pad, permute, reshape, squeeze, unfold, unsqueeze } from "./views.js";

export type Pair = number | readonly [number, number];
function pairOf(p: Pair, least: number, what: string): readonly [number, number] {
  const pair = typeof p === "number" ? ([p, p] as const) : p;
  if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((n) => Number.isInteger(n) && n >= least))
    throw new ShapeError(`${what} is an integer from ${least}, or two of them, not ${String(p)}`);
  return pair;
}

/** `exp(x) / Σ exp(x)` along an axis. */
export function softmax(x: Tensor, dim: number): Tensor {
  if (x.shape[axisOf(dim, x.ndim)] === 0) return x.exp();
  const shifted = sub(x.detach(), amax(x.detach(), dim, true)).exp();
  const out = shifted.div(sum(shifted, dim, true));
  return record(out, {
    name: "softmax",
    inputs: [x],
    saved: [out],
    // By mul0, as for scalar functions: what a choice shut out stays out.
    backward: (g) => [mul0(sub(g, sum(mul0(g, out), dim, true)), out)],
  });
}
/** `log softmax(x)`, without the logarithm of a small number. */
export function logSoftmax(x: Tensor, dim: number): Tensor {
  const out = sub(x.detach(), x.detach().logsumexp(dim, true));
  return record(out, {
    name: "logSoftmax",
    inputs: [x],
    saved: [out],
    backward: (g) => [sub(g, mul0(sum(g, dim, true), out.exp()))],
  });
}

export type Reduction = "mean" | "sum" | "none";
const reduced = (losses: Tensor, reduction: Reduction): Tensor =>
  reduction === "none" ? losses : reduction === "sum" ? sum(losses) : mean(losses);

export interface CrossEntropyOptions {
  readonly reduction?: Reduction;
  /** So much of each target is spread evenly over all classes. */
  readonly labelSmoothing?: number;
  /** What the loss of each class is multiplied by, [C]; the mean is then over the weights of the targets. */
  readonly weight?: Tensor | null;
  /** A label that stands for none: it adds nothing, and the mean leaves it out. Default -100. */
  readonly ignoreIndex?: number;
}
/**
 * `-log softmax(logits)` at the target, along axis 1 ([N, C, …]) or the only axis ([C]). Targets are integers of shape
 * [N, …], or probabilities of the logits' shape.
 * @throws ShapeError, and IndexError where a label is no class
 */
export function crossEntropy(
  logits: Tensor,
  target: Tensor,
  { reduction = "mean", labelSmoothing = 0, weight = null, ignoreIndex = -100 }: CrossEntropyOptions = {},
): Tensor {
  const axis = logits.ndim === 1 ? 0 : 1;
  const classes = logits.shape[axis] ?? 0;
  if (weight && !sameShape(weight.shape, [classes]))
    throw new ShapeError(`weights of shape ${showShape(weight.shape)} for ${classes} classes`);
  const logProbabilities = logSoftmax(logits, axis);
  const alongClasses = weight && reshape(weight, [classes, ...logits.shape.slice(axis + 1).map(() => 1)]);
  const weighted = alongClasses ? mul(logProbabilities, alongClasses) : logProbabilities;
  if (isFloat(target.dtype)) {
    if (!sameShape(target.shape, logits.shape))
      throw new ShapeError(
        `probabilities of shape ${showShape(target.shape)} for logits of shape ${showShape(logits.shape)}; ` +
          'labels are integers, to("i64")',
      );
    const smooth = labelSmoothing ? target.mul(1 - labelSmoothing).add(labelSmoothing / classes) : target;
    const losses = sum(mul(weighted, smooth), axis).neg();
    // Not `mean` of [N], for a single example has no axis.
    return reduction === "mean" ? sum(losses).div(losses.size) : reduced(losses, reduction);
  }
  const expected = logits.shape.toSpliced(axis, 1);
  if (!sameShape(expected, target.shape))
    throw new ShapeError(
      `targets of shape ${showShape(target.shape)} for logits of shape ${showShape(logits.shape)}`,
    );
  const counted = target.ne(ignoreIndex);
  const label = where(counted, target, 0);
  const at = (x: Tensor): Tensor => squeeze(gather(x, axis, unsqueeze(label, axis)), axis);
  const pick = (x: Tensor): Tensor => where(counted, x, 0);
  const own = pick(at(weighted).neg());
  const losses = labelSmoothing
    ? add(own.mul(1 - labelSmoothing), pick(sum(weighted, axis).neg()).mul(labelSmoothing / classes))
    : own;
  if (reduction !== "mean") return reduced(losses, reduction);
  const weights = weight ? reshape(indexSelect(weight, 0, reshape(label, [-1])), label.shape) : null;
  return div(sum(losses), weights ? sum(pick(weights)) : sum(counted));
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
  if (!shape.length || shape.some((n, k) => n !== x.shape.at(k - shape.length)))
    throw new ShapeError(`layerNorm over ${showShape(shape)} of a tensor of shape ${showShape(x.shape)}`);
  for (const [name, t] of Object.entries({ weight, bias }))
    if (t && !sameShape(t.shape, shape))
      throw new ShapeError(`a ${name} of shape ${showShape(t.shape)} for layerNorm over ${showShape(shape)}`);
  const centred = sub(x, mean(x, axes, true));
  const normal = mul(centred, mean(mul(centred, centred), axes, true).add(eps).rsqrt());
  const scaled = weight ? mul(normal, weight) : normal;
  return bias ? add(scaled, bias) : scaled;
}
/** x · weightᵀ + bias, weight being [out, in], or [in] for a single result. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  const out = matmul(x, weight.T);
  return bias ? add(out, bias) : out;
}

export interface ConvOptions<P = Pair> {
  readonly stride?: P;
  /** So many zeros on each side; "valid" none; "same" as many as keep the size, one more at the end where they are odd. */
  readonly padding?: P | "same" | "valid";
  readonly dilation?: P;
  readonly groups?: number;
}
/** The zeros before and after each axis. @throws ShapeError */
function paddingOf(
  { padding = 0 }: ConvOptions,
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): (readonly [number, number])[] {
  if (padding === "same") {
    if (strides.some((s) => s !== 1)) throw new ShapeError('padding "same" is for strides of 1');
    return kernel.map((size, k) => {
      const all = (size - 1) * dilations[k]!;
      return [Math.floor(all / 2), Math.ceil(all / 2)];
    });
  }
  return pairOf(padding === "valid" ? 0 : padding, 0, "a padding").map((p) => [p, p]);
}
/**
 * Cross-correlation, [N, C, H, W] or [C, H, W] with [O, C / groups, KH, KW] → [N, O, OH, OW] or [O, OH, OW]: windows as a
 * view, copied into a matrix and multiplied (im2col).
 * @throws ShapeError
 */
export function conv2d(x: Tensor, weight: Tensor, bias?: Tensor | null, options: ConvOptions = {}): Tensor {
  if (x.ndim === 3 && weight.ndim === 4) return squeeze(conv2d(unsqueeze(x, 0), weight, bias, options), 0);
  const { groups = 1 } = options;
  const [batch = 0, channels = 0] = x.shape;
  const [outputs = 0, perGroup = 0, kh = 0, kw = 0] = weight.shape;
  if (x.ndim !== 4 || weight.ndim !== 4 || perGroup * groups !== channels || outputs % groups !== 0)
    throw new ShapeError(
      `conv2d of shape ${showShape(x.shape)} with kernels of shape ${showShape(weight.shape)} in ${groups} groups`,
    );
  const [sh, sw] = pairOf(options.stride ?? 1, 1, "a stride");
  const [dh, dw] = pairOf(options.dilation ?? 1, 1, "a dilation");
  const padded = pad(x, paddingOf(options, [kh, kw], [sh, sw], [dh, dw]));
  const windows = unfold(unfold(padded, 2, kh, sh, dh), 3, kw, sw, dw); // [N, C, OH, OW, KH, KW]
  const [oh = 0, ow = 0] = windows.shape.slice(2, 4);
  const columns = reshape(permute(windows, [0, 1, 4, 5, 2, 3]), [batch, groups, perGroup * kh * kw, oh * ow]);
  const kernels = reshape(weight, [groups, outputs / groups, perGroup * kh * kw]);
  const out = reshape(matmul(kernels, columns), [batch, outputs, oh, ow]);
  return bias ? add(out, reshape(bias, [outputs, 1, 1])) : out;
}
/** [N, C, L] or [C, L] with [O, C / groups, K] → [N, O, OL] or [O, OL]. @throws ShapeError */
export function conv1d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options: ConvOptions<number> = {},
): Tensor {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  if ((x.ndim !== 3 && x.ndim !== 2) || weight.ndim !== 3)
    throw new ShapeError(
      `conv1d of shape ${showShape(x.shape)} with kernels of shape ${showShape(weight.shape)}`,
    );
  const out = conv2d(unsqueeze(x, -2), unsqueeze(weight, 2), bias, {
    stride: [1, stride],
    padding: typeof padding === "number" ? [0, padding] : padding,
    dilation: [1, dilation],
    groups,
  });
  return squeeze(out, -2);
}

/** [..., OH, OW, KH * KW]: the windows of the last two axes. */
function pools(x: Tensor, size: Pair, stride: Pair, padding: Pair, filler: number | bigint): Tensor {
  const [kh, kw] = pairOf(size, 1, "a window");
  const [sh, sw] = pairOf(stride, 1, "a stride");
  const [ph, pw] = pairOf(padding, 0, "a padding");
  if (2 * ph > kh || 2 * pw > kw)
    throw new ShapeError(`a padding of [${ph}, ${pw}] is more than half of a window of [${kh}, ${kw}]`);
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
  return maxAlong(pools(x, size, stride, padding, leastOf(x.dtype)), -1).values;
}
/** The mean of each window of the last two axes, padding counted in. */
export function avgPool2d(x: Tensor, size: Pair, stride: Pair = size, padding: Pair = 0): Tensor {
  return mean(pools(x, size, stride, padding, 0), -1);
}
