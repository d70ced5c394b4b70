"""Writes expected.json: twelve steps of each optimizer by PyTorch in float64, from the same start on the same loss.
Lion, which PyTorch does not have, is its paper's algorithm 2. Run by hand: python3 expected.py
"""
import json, os, torch
torch.set_default_dtype(torch.float64)
W = torch.tensor([[0.5, -1.25, 2.0], [0.75, 0.125, -0.5]])
X = torch.tensor([[1.0, 0.5], [-0.75, 2.0], [0.25, -1.5], [1.5, 1.0]])
Y = torch.tensor([[0.5, -0.25, 1.0], [1.0, 0.75, -1.5], [-0.5, 0.25, 0.125], [2.0, -1.0, 0.5]])

class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))
    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                b1, b2 = group["betas"]
                p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(group["lr"] * torch.sign(b1 * m + (1 - b1) * p.grad))
                m.mul_(b2).add_((1 - b2) * p.grad)

O = torch.optim
CASES = {
    "sgd(rate = 0.1)": lambda p: O.SGD(p, lr=0.1),
    "sgd(rate = 0.05, momentum = 0.9)": lambda p: O.SGD(p, lr=0.05, momentum=0.9),
    "sgd(rate = 0.05, momentum = 0.9, nesterov = true, weight_decay = 0.1)": lambda p: O.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.1),
    "adam(rate = 0.05)": lambda p: O.Adam(p, lr=0.05),
    "adam(rate = 0.05, beta1 = 0.8, beta2 = 0.95, weight_decay = 0.1)": lambda p: O.Adam(p, lr=0.05, betas=(0.8, 0.95), weight_decay=0.1),
    "adamw(rate = 0.05, weight_decay = 0.2)": lambda p: O.AdamW(p, lr=0.05, weight_decay=0.2),
    "rmsprop(rate = 0.02)": lambda p: O.RMSprop(p, lr=0.02),
    "rmsprop(rate = 0.02, alpha = 0.9, momentum = 0.5, weight_decay = 0.1)": lambda p: O.RMSprop(p, lr=0.02, alpha=0.9, momentum=0.5, weight_decay=0.1),
    "adagrad(rate = 0.1, rate_decay = 0.05)": lambda p: O.Adagrad(p, lr=0.1, lr_decay=0.05),
    "lion(rate = 0.02, weight_decay = 0.1)": lambda p: Lion(p, lr=0.02, weight_decay=0.1),
}
found = {}
for name, make in CASES.items():
    w = W.clone().requires_grad_(True)
    optimizer = make([w])
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = ((torch.tanh(X @ w) - Y) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    found[name] = {"losses": losses, "w": w.detach().reshape(-1).tolist()}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected.json")
json.dump({"w": W.reshape(-1).tolist(), "x": X.reshape(-1).tolist(), "y": Y.reshape(-1).tolist(), "cases": found}, open(path, "w"))
