"""Writes torch.json beside this file: values and gradients of the cases below in PyTorch, and arrays as NumPy prints them.

Run by hand when a case is added; the tests read the JSON only. Case names are those of torch.test.ts.
"""
import json, os
import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
generator = np.random.default_rng(7)
INDEX = torch.tensor([[0, 2, 1], [1, 1, 0]])

CASES = {
    "add broadcast": (lambda a, b: a + b, [(2, 3), (3,)]),
    "sub broadcast": (lambda a, b: a - b, [(2, 1), (1, 3)]),
    "mul broadcast": (lambda a, b: a * b, [(4, 1, 3), (2, 1)]),
    "div": (lambda a, b: a / (b * b + 1), [(3,), (2, 3)]),
    "pow 3": (lambda a: a ** 3, [(5,)]),
    "pow tensor": (lambda a, b: (a * a + 0.5) ** b, [(4,), (4,)]),
    "sqrt": (lambda a: (a * a + 1).sqrt(), [(4,)]),
    "exp log": (lambda a: a.exp().add(1).log(), [(4,)]),
    "tanh": (torch.tanh, [(4,)]),
    "sigmoid": (torch.sigmoid, [(4,)]),
    "gelu": (F.gelu, [(6,)]),
    "silu": (F.silu, [(6,)]),
    "mish": (F.mish, [(6,)]),
    "softplus": (F.softplus, [(6,)]),
    "elu": (F.elu, [(6,)]),
    "selu": (F.selu, [(6,)]),
    "leakyRelu": (lambda a: F.leaky_relu(a, 0.2), [(6,)]),
    "relu": (torch.relu, [(6,)]),
    "erf": (torch.erf, [(4,)]),
    "lgamma": (lambda a: torch.lgamma(a * a + 0.5), [(4,)]),
    # Not digamma: PyTorch's trigamma is right to 9 digits only.
    "atan2": (torch.atan2, [(4,), (4,)]),
    "hypot": (torch.hypot, [(4,), (4,)]),
    "remainder": (lambda a: torch.remainder(a, 0.7), [(5,)]),
    "clamp": (lambda a: a.clamp(-0.5, 0.5), [(8,)]),
    "maximum": (torch.maximum, [(5,), (5,)]),
    "where": (lambda a, b: torch.where(a > b, a * 2, b * 3), [(2, 3), (2, 3)]),
    "sum axis": (lambda a: a.sum(1), [(2, 3, 4)]),
    "sum axes keepdim": (lambda a: a.sum((0, 2), keepdim=True), [(2, 3, 4)]),
    "mean": (lambda a: a.mean((1, 2)), [(2, 3, 4)]),
    "var": (lambda a: a.var(1), [(2, 5)]),
    "std": (lambda a: a.std(), [(2, 5)]),
    "prod": (lambda a: a.prod(1), [(2, 4)]),
    "prod with zeros": (lambda a: (a * torch.tensor([1.0, 0.0, 1.0, 1.0])).prod(1), [(2, 4)]),
    "prod with two zeros": (lambda a: (a * torch.tensor([1.0, 0.0, 0.0, 1.0])).prod(1), [(2, 4)]),
    "amax": (lambda a: a.amax((0, 1)), [(2, 3, 4)]),
    "amin of ties": (lambda a: a.round().amin(1) * a.amin(1), [(3, 4)]),
    "max along": (lambda a: a.max(1).values, [(3, 4)]),
    "min along": (lambda a: a.min(0).values, [(3, 4)]),
    "logsumexp": (lambda a: a.logsumexp(1), [(3, 4)]),
    "norm": (lambda a: a.norm(dim=1), [(3, 4)]),
    "norm 3": (lambda a: a.norm(p=3), [(3, 4)]),
    "cumsum": (lambda a: a.cumsum(1), [(2, 4)]),
    "cumprod": (lambda a: a.cumprod(1), [(2, 4)]),
    "cumprod with zero": (lambda a: (a * torch.tensor([1.0, 0.0, 1.0, 1.0])).cumprod(1), [(2, 4)]),
    "sort": (lambda a: a.sort(1, descending=True).values, [(2, 5)]),
    "topk": (lambda a: a.topk(2, 1).values, [(3, 5)]),
    "softmax": (lambda a: a.softmax(1), [(2, 4)]),
    "logSoftmax": (lambda a: a.log_softmax(0), [(3, 2)]),
    "matmul": (lambda a, b: a @ b, [(3, 4), (4, 5)]),
    "matmul batched": (lambda a, b: a @ b, [(2, 1, 3, 4), (5, 4, 2)]),
    "matmul vector": (lambda a, b: a @ b, [(2, 3, 4), (4,)]),
    "matmul row": (lambda a, b: a @ b, [(4,), (4, 3)]),
    "dot": (lambda a, b: a @ b, [(6,), (6,)]),
    "einsum attention": (lambda q, k: torch.einsum("bhid,bhjd->bhij", q, k), [(2, 2, 3, 4), (2, 2, 5, 4)]),
    "einsum three": (lambda a, b, c: torch.einsum("ij,jk,kl->il", a, b, c), [(2, 3), (3, 4), (4, 2)]),
    "einsum trace": (lambda a: torch.einsum("ii->", a), [(3, 3)]),
    "einsum diagonal": (lambda a: torch.einsum("bii->bi", a), [(2, 3, 3)]),
    "einsum outer": (lambda a, b: torch.einsum("i,j->ji", a, b), [(3,), (4,)]),
    "einsum ellipsis": (lambda a, b: torch.einsum("...ij,jk->...ik", a, b), [(2, 3, 2, 4), (4, 3)]),
    "einsum sum": (lambda a, b: torch.einsum("ij,ik->k", a, b), [(2, 3), (2, 4)]),
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b), [(2, 3, 5, 6), (4, 3, 3, 2), (4,)]),
    "conv2d strided": (lambda x, w: F.conv2d(x, w, stride=(2, 1), padding=(1, 2), dilation=(1, 2)), [(2, 2, 6, 5), (3, 2, 3, 2)]),
    "conv2d groups": (lambda x, w: F.conv2d(x, w, groups=2, padding=1), [(1, 4, 4, 4), (6, 2, 3, 3)]),
    "conv1d": (lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=1), [(2, 3, 7), (4, 3, 3), (4,)]),
    "maxPool2d": (lambda x: F.max_pool2d(x, 2), [(2, 2, 4, 6)]),
    "maxPool2d overlapping": (lambda x: F.max_pool2d(x, 3, stride=2, padding=1), [(1, 2, 5, 5)]),
    "avgPool2d": (lambda x: F.avg_pool2d(x, 3, stride=2, padding=1), [(1, 2, 5, 5)]),
    "layerNorm": (lambda x, w, b: F.layer_norm(x, (4,), w, b), [(2, 3, 4), (4,), (4,)]),
    "crossEntropy": (lambda x: F.cross_entropy(x, torch.tensor([1, 0, 3])), [(3, 4)]),
    "crossEntropy smoothed": (lambda x: F.cross_entropy(x, torch.tensor([1, 0, 3]), label_smoothing=0.1), [(3, 4)]),
    "crossEntropy sum": (lambda x: F.cross_entropy(x, torch.tensor([[1, 0], [2, 2]]), reduction="sum"), [(2, 3, 2)]),
    "crossEntropy probabilities": (lambda x, p: F.cross_entropy(x, p.softmax(1)), [(3, 4), (3, 4)]),
    "gather": (lambda a: a.gather(1, INDEX), [(2, 4)]),
    "scatterAdd": (lambda a, s: a.scatter_add(1, INDEX, s), [(2, 4), (2, 3)]),
    "indexSelect": (lambda a: a.index_select(1, torch.tensor([2, 0, 2])), [(2, 3, 2)]),
    "index lists": (lambda a: a[[0, 1, 1], :, [2, 0, 0]], [(2, 3, 4)]),
    "index list between": (lambda a: a[:, [2, 0, 0, 1], 1:3], [(2, 3, 4)]),
    "index mask": (lambda a: a[torch.tensor([[True, False, True], [False, True, True]])], [(2, 3, 2)]),
    "slices": (lambda a: a[1:, ::2, None, -1], [(3, 4, 2)]),
    "flip": (lambda a: a.flip((0, 1)) * a, [(2, 3)]),
    "cat stack": (lambda a, b: torch.stack([torch.cat([a, b], 1), torch.cat([b, a], 1)], 1), [(2, 3), (2, 1)]),
    "permute reshape": (lambda a: a.permute(2, 0, 1).reshape(4, 6) * a.reshape(4, 6), [(2, 3, 4)]),
    "expand": (lambda a, b: a.expand(4, 2, 3) * b, [(2, 1), (4, 2, 3)]),
    "unfold": (lambda a: a.unfold(1, 3, 2), [(2, 7)]),
    "diagonal": (lambda a: a.diagonal(1, 0, 2), [(3, 2, 4)]),
    "pad": (lambda a: F.pad(a, (1, 2, 0, 1)), [(2, 3)]),
    "in place": (lambda a, b: (a * 2).mul_(b).add_(a).exp_(), [(3,), (3,)]),
    "in place through view": (lambda a, b: inplace(a, b), [(3, 4), (4,)]),
    "in place chain": (lambda a: chain(a), [(3, 3)]),
}


def inplace(a, b):
    x = a * 1.5
    row = x[1]
    row.mul_(b)
    x[:, 0] += 2 * row[2]
    return x * row


def chain(a):
    x = a.clone()
    for k in range(1, 3):
        x[k] = x[k - 1].clone() * x[k].clone() + 1
    return x


def case(fn, shapes):
    inputs = [torch.tensor(np.round(generator.standard_normal(s), 2)).requires_grad_() for s in shapes]
    out = fn(*inputs)
    cotangent = ((torch.arange(out.numel()) % 7 - 3) * 0.5).reshape(out.shape) if out.numel() > 1 else torch.ones(out.shape)
    grads = torch.autograd.grad(out, inputs, cotangent)
    flat = lambda t: {"shape": list(t.shape), "data": t.detach().flatten().tolist()}
    return {"inputs": list(map(flat, inputs)), "value": flat(out), "grads": list(map(flat, grads))}


def optimizer(make, steps=5):
    p = torch.tensor([1.0, -2.0, 0.5], requires_grad=True)
    opt = make([p])
    trace = []
    for _ in range(steps):
        opt.zero_grad()
        ((p * p * torch.tensor([1.0, 2.0, 3.0])).sum() + p.prod()).backward()
        opt.step()
        trace.append(p.detach().tolist())
    return trace


O = torch.optim
OPTIMIZERS = {
    "sgd": lambda p: O.SGD(p, lr=0.05),
    "sgd momentum": lambda p: O.SGD(p, lr=0.05, momentum=0.9, dampening=0.1, weight_decay=0.01),
    "sgd nesterov": lambda p: O.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda p: O.Adam(p, lr=0.1, weight_decay=0.01),
    "adamw": lambda p: O.AdamW(p, lr=0.1, betas=(0.8, 0.95)),
    "rmsprop": lambda p: O.RMSprop(p, lr=0.05, weight_decay=0.01),
    "rmsprop centered": lambda p: O.RMSprop(p, lr=0.05, centered=True, momentum=0.5),
}

r = np.random.default_rng(3)
PRINTED = {
    "f64 vector": np.array([1.0, 2.5, -3.125]),
    "f64 whole": np.array([[1.0, 2.0], [3.0, 40.0]]),
    "f64 random": r.standard_normal((3, 4)),
    "f32 random": r.standard_normal((2, 3, 4)).astype(np.float32),
    "f32 tenths": np.array([0.1, 0.2, 0.3], np.float32),
    "f32 long": r.standard_normal(40).astype(np.float32),
    "large": np.array([1e8, 1.0]),
    "small": np.array([1e-5, 1.0, -2.5e-3]),
    "ratio": np.array([0.001, 1.1]),
    "ratio f32": np.array([0.001, 123.456], np.float32),
    "huge exponent": np.array([1e300, 1e-300, 0.0]),
    "not finite": np.array([1.5, np.nan, -np.inf, np.inf]),
    "only nan": np.array([np.nan, np.inf]),
    "minus zero": np.array([-0.0, 1.0]),
    "i32": np.array([[1, -20], [300, 4]], np.int32),
    "i64": np.array([2**62, -1]),
    "bool": np.array([[True, False], [False, False]]),
    "empty": np.zeros((0, 3)),
    "empty inside": np.zeros((2, 0)),
    "scalar": np.array(1.5),
    "scalar f32": np.array(0.1, np.float32),
    "scalar small": np.array(1e-7),
    "scalar large": np.array(1e16),
    "scalar whole": np.array(123456789.0),
    "scalar i32": np.array(5, np.int32),
    "scalar bool": np.array(True),
    "summary": np.arange(2000.0),
    "summary 2d": np.arange(2000).reshape(40, 50),
    "summary 3d": (np.arange(3000.0) / 8).reshape(10, 30, 10),
    "three axes": np.arange(24).reshape(2, 3, 4),
    "four axes": np.arange(16.0).reshape(2, 2, 2, 2),
    "eighths": np.array([0.125, 1 / 3, 12345.678]),
}


def printed(a):
    kind = {"float64": "f64", "float32": "f32", "int32": "i32", "int64": "i64", "bool": "bool"}[str(a.dtype)]
    data = [str(x) for x in a.flatten().tolist()] if kind == "i64" else [x if isinstance(x, bool) or np.isfinite(x) else str(x) for x in a.flatten().tolist()]
    data = ["-0" if isinstance(x, float) and x == 0 and np.signbit(x) else x for x in data]
    return {"dtype": kind, "shape": list(a.shape), "data": data, "text": str(a)}


out = {
    "cases": {name: case(*c) for name, c in CASES.items()},
    "optimizers": {name: optimizer(make) for name, make in OPTIMIZERS.items()},
    "printed": {name: printed(a) for name, a in PRINTED.items()},
}
with open(os.path.join(os.path.dirname(__file__), "torch.json"), "w") as f:
    json.dump(out, f, ensure_ascii=False)
    f.write("\n")
