import * as E from "../../src/eager/index.js";
import { cat, einsum, stack, tensor, type Tensor } from "../../src/eager/index.js";

/** What expected.py computes in PyTorch, under the same names. */
const f64 = (values: E.TensorData): Tensor => tensor(values, { dtype: "f64" });
const index = tensor(
  [
    [0, 2, 1],
    [1, 1, 0],
  ],
  { dtype: "i64" },
);
const classes = tensor([1, 0, 3], { dtype: "i64" });
type Case = (a: Tensor, b: Tensor, c: Tensor) => Tensor;

export const CASES: Readonly<Record<string, Case>> = {
  "add broadcast": (a, b) => a.add(b),
  "sub broadcast": (a, b) => a.sub(b),
  "mul broadcast": (a, b) => a.mul(b),
  div: (a, b) => a.div(b.mul(b).add(1)),
  "pow 3": (a) => a.pow(3),
  "pow tensor": (a, b) => a.mul(a).add(0.5).pow(b),
  sqrt: (a) => a.mul(a).add(1).sqrt(),
  "exp log": (a) => a.exp().add(1).log(),
  tanh: (a) => a.tanh(),
  sigmoid: (a) => a.sigmoid(),
  gelu: (a) => a.gelu(),
  silu: (a) => a.silu(),
  mish: (a) => a.mish(),
  softplus: (a) => a.softplus(),
  elu: (a) => a.elu(),
  selu: (a) => a.selu(),
  leakyRelu: (a) => a.leakyRelu(0.2),
  relu: (a) => a.relu(),
  erf: (a) => a.erf(),
  lgamma: (a) => a.mul(a).add(0.5).lgamma(),
  atan2: (a, b) => a.atan2(b),
  hypot: (a, b) => a.hypot(b),
  remainder: (a) => a.mod(0.7),
  clamp: (a) => a.clamp(-0.5, 0.5),
  maximum: (a, b) => a.maximum(b),
  where: (a, b) => E.where(a.gt(b), a.mul(2), b.mul(3)),
  "sum axis": (a) => a.sum(1),
  "sum axes keepdim": (a) => a.sum([0, 2], true),
  mean: (a) => a.mean([1, 2]),
  var: (a) => a.var(1),
  std: (a) => a.std(),
  prod: (a) => a.prod(1),
  "prod with zeros": (a) => a.mul(f64([1, 0, 1, 1])).prod(1),
  "prod with two zeros": (a) => a.mul(f64([1, 0, 0, 1])).prod(1),
  amax: (a) => a.amax([0, 1]),
  "amin of ties": (a) => a.round().amin(1).mul(a.amin(1)),
  "max along": (a) => a.max(1).values,
  "min along": (a) => a.min(0).values,
  logsumexp: (a) => a.logsumexp(1),
  norm: (a) => a.norm(2, 1),
  "norm 3": (a) => a.norm(3),
  cumsum: (a) => a.cumsum(1),
  cumprod: (a) => a.cumprod(1),
  "cumprod with zero": (a) => a.mul(f64([1, 0, 1, 1])).cumprod(1),
  sort: (a) => a.sort(1, true).values,
  topk: (a) => a.topk(2, 1).values,
  softmax: (a) => a.softmax(1),
  logSoftmax: (a) => a.logSoftmax(0),
  matmul: (a, b) => a.matmul(b),
  "matmul batched": (a, b) => a.matmul(b),
  "matmul vector": (a, b) => a.matmul(b),
  "matmul row": (a, b) => a.matmul(b),
  dot: (a, b) => a.matmul(b),
  "einsum attention": (q, k) => einsum("bhid,bhjd->bhij", q, k),
  "einsum three": (a, b, c) => einsum("ij,jk,kl->il", a, b, c),
  "einsum trace": (a) => einsum("ii->", a),
  "einsum diagonal": (a) => einsum("bii->bi", a),
  "einsum outer": (a, b) => einsum("i,j->ji", a, b),
  "einsum ellipsis": (a, b) => einsum("...ij,jk->...ik", a, b),
  "einsum sum": (a, b) => einsum("ij,ik->k", a, b),
  conv2d: (x, w, b) => E.conv2d(x, w, b),
  "conv2d strided": (x, w) => E.conv2d(x, w, null, { stride: [2, 1], padding: [1, 2], dilation: [1, 2] }),
  "conv2d groups": (x, w) => E.conv2d(x, w, null, { groups: 2, padding: 1 }),
  conv1d: (x, w, b) => E.conv1d(x, w, b, { stride: 2, padding: 1 }),
  maxPool2d: (x) => E.maxPool2d(x, 2),
  "maxPool2d overlapping": (x) => E.maxPool2d(x, 3, 2, 1),
  avgPool2d: (x) => E.avgPool2d(x, 3, 2, 1),
  layerNorm: (x, w, b) => E.layerNorm(x, [4], w, b),
  crossEntropy: (x) => E.crossEntropy(x, classes),
  "crossEntropy smoothed": (x) => E.crossEntropy(x, classes, { labelSmoothing: 0.1 }),
  "crossEntropy sum": (x) =>
    E.crossEntropy(
      x,
      tensor(
        [
          [1, 0],
          [2, 2],
        ],
        { dtype: "i32" },
      ),
      { reduction: "sum" },
    ),
  "crossEntropy probabilities": (x, p) => E.crossEntropy(x, p.softmax(1)),
  gather: (a) => a.gather(1, index),
  scatterAdd: (a, s) => a.scatterAdd(1, index, s),
  indexSelect: (a) => a.indexSelect(1, tensor([2, 0, 2], { dtype: "i64" })),
  "index lists": (a) => a.at([0, 1, 1], ":", [2, 0, 0]),
  "index list between": (a) => a.at(":", [2, 0, 0, 1], "1:3"),
  "index mask": (a) =>
    a.at(
      tensor([
        [true, false, true],
        [false, true, true],
      ]),
    ),
  slices: (a) => a.at("1:", "::2", null, -1),
  flip: (a) => a.flip([0, 1]).mul(a),
  "cat stack": (a, b) => stack([cat([a, b], 1), cat([b, a], 1)], 1),
  "permute reshape": (a) => a.permute([2, 0, 1]).reshape(4, 6).mul(a.reshape(4, 6)),
  expand: (a, b) => a.expand([4, 2, 3]).mul(b),
  unfold: (a) => a.unfold(1, 3, 2),
  diagonal: (a) => a.diagonal(1, 0, 2),
  pad: (a) =>
    a.pad([
      [0, 1],
      [1, 2],
    ]),
  "in place": (a, b) => a.mul(2).mul_(b).add_(a).exp_(),
  "in place through view": (a, b) => {
    const x = a.mul(1.5);
    const row = x.at(1);
    row.mul_(b);
    x.at(":", 0).add_(row.at(2).mul(2));
    return x.mul(row);
  },
  "in place chain": (a) => {
    const x = a.clone();
    for (let k = 1; k < 3; k++)
      x.set(
        [k],
        x
          .at(k - 1)
          .clone()
          .mul(x.at(k).clone())
          .add(1),
      );
    return x;
  },
};
