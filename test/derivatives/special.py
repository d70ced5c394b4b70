"""Writes special.json: values and derivatives of the scalar functions at kinks, singularities and the ends of float32,
from PyTorch in float64 at points that float32 has: { NAME: [[arguments, value, partials], ...] }, numbers as JSON or as
"NaN", "Infinity", "-Infinity", and -0 as "-0".
Run: python3 test/derivatives/special.py"""

import json
import math
import os
import struct

import torch

torch.set_default_dtype(torch.float64)
inf, nan = math.inf, math.nan


def single(x):
    return struct.unpack("f", struct.pack("f", x))[0]


LINE = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 1e-40, -1e-40, 1e-30, -1e-30]
LINE += [30.0, -30.0, 100.0, -100.0, 1e30, -1e30, 3e38, -3e38, inf, -inf, nan]
EDGES = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, inf, -inf, nan]
PAIRS = [(a, b) for a in EDGES for b in EDGES] + [(3.0, 3.0), (1e30, 1e30), (1e-40, 0.0), (1e38, 1e38), (-7.5, 3.0)]

one = torch.tensor(1.0)


def elu(x, alpha=1.0):  # PyTorch's own takes exp(x) - 1, which loses small x
    return torch.where(x > 0, x, alpha * torch.expm1(torch.clamp(x, max=0)))


UNARY = {
    "abs": torch.abs, "sign": torch.sign, "floor": torch.floor, "ceil": torch.ceil, "round": torch.round,
    "trunc": torch.trunc, "sqrt": torch.sqrt, "rsqrt": torch.rsqrt, "exp": torch.exp, "exp2": torch.exp2,
    "expm1": torch.expm1, "log": torch.log, "log2": torch.log2, "log10": torch.log10, "log1p": torch.log1p,
    "sin": torch.sin, "cos": torch.cos, "tan": torch.tan, "asin": torch.asin, "acos": torch.acos,
    "atan": torch.atan, "sinh": torch.sinh, "cosh": torch.cosh, "tanh": torch.tanh, "asinh": torch.asinh,
    "acosh": torch.acosh, "atanh": torch.atanh, "erf": torch.erf, "erfc": torch.erfc, "lgamma": torch.lgamma,
    "digamma": torch.digamma, "sigmoid": torch.sigmoid, "log_sigmoid": torch.nn.functional.logsigmoid,
    "softplus": lambda x: torch.nn.functional.softplus(x, threshold=1e4), "relu": torch.relu,
    "leaky_relu": torch.nn.functional.leaky_relu, "elu": elu,
    "selu": lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772),
    "gelu": lambda x: 0.5 * x * torch.erfc(-x * 0.5**0.5), "silu": torch.nn.functional.silu, "mish": torch.nn.functional.mish,
    "square": torch.square, "clamp(-1,1)": lambda x: torch.minimum(torch.maximum(x, -one), one),
    "step(1)": lambda x: (x >= 1).double(), "x^0": lambda x: x**0, "x^1": lambda x: x**1, "x^2": lambda x: x**2,
    "x^3": lambda x: x**3, "x^-1": lambda x: x**-1, "x^-2": lambda x: x**-2, "x^0.5": lambda x: x**0.5,
    "x^1.5": lambda x: x**1.5, "x^-0.5": lambda x: x**-0.5, "2^x": lambda x: torch.pow(2.0, x),
    "0^x": lambda x: torch.pow(0.0, x),
}  # fmt: skip
BINARY = {
    "x+y": torch.add, "x*y": torch.mul, "x/y": torch.div, "x%y": torch.remainder, "x^y": torch.pow,
    "min": torch.minimum, "max": torch.maximum, "atan2": torch.atan2, "hypot": torch.hypot,
}  # fmt: skip


def number(x):
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "Infinity" if x > 0 else "-Infinity"
    return "-0" if x == 0 and math.copysign(1, x) < 0 else x


def row(f, point):
    xs = [torch.tensor(single(x), requires_grad=True) for x in point]
    y = f(*xs)
    partials = torch.autograd.grad(y, xs, allow_unused=True) if y.requires_grad else [None] * len(xs)
    return [[number(x.item()) for x in xs], number(y.item()), [number(p.item() if p is not None else 0.0) for p in partials]]


table = {name: [row(f, (x,)) for x in LINE] for name, f in UNARY.items()}
table |= {name: [row(f, p) for p in PAIRS] for name, f in BINARY.items()}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "special.json"), "w") as file:
    rows = ",\n".join(f'"{k}": [\n' + ",\n".join(json.dumps(r, separators=(",", ":")) for r in v) + "]" for k, v in table.items())
    file.write("{" + rows + "}\n")
