"""Writes behaviours/expected.json: what PyTorch and NumPy make of the Python lines of behaviours/*.txt.

Run by hand when a case is added; the tests read the JSON only.
"""
import glob, json, math, os, re, warnings
import numpy as np
import torch
import torch.nn.functional as F
from torch.autograd import functional, grad

warnings.simplefilter("ignore")
HERE = os.path.join(os.path.dirname(__file__), "behaviours")
DTYPES = {torch.float32: "f32", torch.float64: "f64", torch.int32: "i32", torch.int64: "i64", torch.bool: "bool"}


def maker(dtype, requires_grad=False):
    return lambda data: torch.tensor(data, dtype=dtype, requires_grad=requires_grad)


T, D, L, I, B = (maker(t) for t in (torch.float32, torch.float64, torch.int64, torch.int32, torch.bool))
TR, DR = (maker(t, True) for t in (torch.float32, torch.float64))


def train(make):
    """Six steps; one without a gradient of y, none with one of z; the state moves to another optimizer halfway."""
    params = [DR([1, -2, 0.5]), DR([[3]]), DR([1])]
    x, y, z = params
    optimizer = make(params)
    for k in range(6):
        if k == 3:
            state = optimizer.state_dict()
            optimizer = make(params)
            optimizer.load_state_dict(state)
        optimizer.zero_grad(set_to_none=True)
        (x.square().sum() if k == 4 else (x.square() * y).sum() + y.square().sum()).backward()
        optimizer.step()
    return [t.detach() for t in params]


def number(x):
    return x if math.isfinite(x) else str(x)


def plain(v):
    if isinstance(v, torch.Tensor):
        dtype = DTYPES[v.dtype]
        data = v.detach().flatten().tolist()
        return dict(dtype=dtype, shape=list(v.shape), data=[str(x) if dtype == "i64" else number(x) for x in data])
    if isinstance(v, float):
        return number(v)
    return [plain(x) for x in v] if isinstance(v, (tuple, list)) else v


def result(code):
    scope = dict(globals())
    try:
        if code.count("\n") == 0 and not re.search(r";|\b(class|with)\b", code):
            return plain(eval(code, scope))
        exec(code, scope)
        return plain(scope["R"])
    except Exception as error:
        return dict(error=type(error).__name__)


expected = {}
for path in sorted(glob.glob(os.path.join(HERE, "*.txt"))):
    for case in open(path).read().split("\n\n"):
        head, code = case.strip().split("\nP ", 1)
        name = head.split("\n")[0][2:]
        assert name not in expected, name
        expected[name] = result(code)
with open(os.path.join(HERE, "expected.json"), "w") as out:
    json.dump(expected, out)
    out.write("\n")
