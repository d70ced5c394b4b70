import { expect, test } from "vitest";
import {
  Context,
  Function,
  functional,
  grad,
  linspace,
  noGrad,
  ones,
  rand,
  randn,
  stack,
  Tensor,
  tensor,
  zeros,
} from "../../src/eager/index.js";

// The examples of PyTorch's documentation: autograd mechanics, torch.autograd, torch.autograd.functional, and the
// tutorials on autograd, on double backward and on functions of one's own.
const leaf = (data: number | number[]): Tensor => tensor(data, { dtype: "f64", requiresGrad: true });
const close = (a: Tensor, b: Tensor): void => {
  expect(a.shape).toEqual(b.shape);
  expect(a.sub(b).abs().amax().item()).toBeLessThan(1e-12);
};
const f64 = { dtype: "f64" } as const;

test("3 a^3 - b^2 with a cotangent of ones", () => {
  const [a, b] = [leaf([2, 3]), leaf([6, 4])];
  const q = a.pow(3).mul(3).sub(b.pow(2));
  q.backward(tensor([1, 1]));
  expect([a.grad?.tolist(), b.grad?.tolist()]).toEqual([
    [36, 81],
    [-12, -8],
  ]);
  expect([a.isLeaf, q.isLeaf, q.gradFn?.name]).toEqual([true, false, "sub"]);
});

test("one layer: parameters get gradients, inputs none; frozen ones drop out", () => {
  const [x, y] = [ones(5, f64), zeros(3, f64)];
  const [w, b] = [
    randn([5, 3], { ...f64, seed: 1 }).requiresGrad_(),
    randn(3, { ...f64, seed: 2 }).requiresGrad_(),
  ];
  const z = x.matmul(w).add(b);
  const loss = z.softplus().sub(z.mul(y)).mean();
  loss.backward();
  close(b.grad!, z.detach().sigmoid().sub(y).div(3));
  close(w.grad!, z.detach().sigmoid().sub(y).div(3).expand(5, 3));
  expect(x.grad).toBeNull();
  w.requiresGrad = false;
  expect([
    z.detach().requiresGrad,
    noGrad(() => x.matmul(w).add(b)).requiresGrad,
    x.matmul(w).requiresGrad,
  ]).toEqual([false, false, false]);
});

test("(I + 1)^2 transposed, with a cotangent of ones: gradients double, and start anew after zeroGrad", () => {
  const x = tensor(
    [
      [1, 0],
      [0, 1],
    ],
    { ...f64, requiresGrad: true },
  );
  const out = x.add(1).pow(2).T;
  const back = (): unknown => (out.backward(ones([2, 2], f64), { retainGraph: true }), x.grad?.tolist());
  expect(back()).toEqual([
    [4, 2],
    [2, 4],
  ]);
  expect(back()).toEqual([
    [8, 4],
    [4, 8],
  ]);
  x.zeroGrad();
  expect(back()).toEqual([
    [4, 2],
    [2, 4],
  ]);
});

test("a hook doubles a gradient, and is taken away", () => {
  const v = leaf([0, 0, 0]);
  const remove = v.registerHook((g) => g.mul(2));
  v.backward(tensor([1, 2, 3]));
  expect(v.grad?.tolist()).toEqual([2, 4, 6]);
  remove();
  v.backward(tensor([1, 2, 3]));
  expect(v.grad?.tolist()).toEqual([3, 6, 9]);
});

class Exp extends Function {
  static forward(ctx: Context, i: Tensor): Tensor {
    const result = i.exp();
    ctx.saveForBackward(result);
    return result;
  }
  static backward(ctx: Context, g: Tensor): Tensor {
    return g.mul(ctx.savedTensors[0]!);
  }
}
/** Legendre's polynomial of degree 3, (5 x^3 - 3 x) / 2. */
class Legendre extends Function {
  static forward(ctx: Context, x: Tensor): Tensor {
    ctx.saveForBackward(x);
    return x.pow(3).mul(5).sub(x.mul(3)).mul(0.5);
  }
  static backward(ctx: Context, g: Tensor): Tensor {
    return g.mul(1.5).mul(ctx.savedTensors[0]!.pow(2).mul(5).sub(1));
  }
}
/** A matrix product that leaves out what nobody needs. */
class LinearFunction extends Function {
  static asked: readonly boolean[][] = [];
  static forward(ctx: Context, x: Tensor, weight: Tensor, bias: Tensor): Tensor {
    ctx.saveForBackward(x, weight);
    return x.matmul(weight.T).add(bias);
  }
  static backward(ctx: Context, g: Tensor): (Tensor | null)[] {
    const [x, weight] = ctx.savedTensors;
    const needed = ctx.needsInputGrad;
    LinearFunction.asked = [...LinearFunction.asked, [...needed]];
    return [
      needed[0] ? g.matmul(weight!) : null,
      needed[1] ? g.T.matmul(x!) : null,
      needed[2] ? g.sum(0) : null,
    ];
  }
}
test("functions of one's own: exp by its result, in every order", () => {
  const x = leaf([0, 1]);
  const [first] = grad(Exp.apply(x).sum(), x, { createGraph: true });
  const [second] = grad(first!.sum(), x, { createGraph: true });
  const [third] = grad(second!.sum(), x);
  for (const order of [first, second, third]) close(order!.detach(), x.detach().exp());
});
test("functions of one's own: a + b P3(c + d x) learns a sine", () => {
  const x = linspace(-Math.PI, Math.PI, 2000, f64);
  const y = x.sin();
  const params = [0, -1, 0, 0.3].map((v) => leaf(v));
  const [a, b, c, d] = params as [Tensor, Tensor, Tensor, Tensor];
  let loss = Infinity;
  for (let t = 0; t < 400; t++) {
    const l = a
      .add(b.mul(Legendre.apply(c.add(d.mul(x)))))
      .sub(y)
      .pow(2)
      .sum();
    l.backward();
    noGrad(() => {
      for (const p of params) {
        p.sub_(p.grad!.mul(5e-6));
        p.zeroGrad();
      }
    });
    loss = l.item();
  }
  expect(loss).toBeCloseTo(71.0352740017, 8); // PyTorch's
  expect(Math.abs(a.item()) + Math.abs(c.item())).toBeLessThan(1e-10);
});
test("functions of one's own: a linear layer that asks which gradients are needed", () => {
  const [x, w, b] = [1, 2, 3].map((seed) => randn(seed === 3 ? [3] : [seed + 1, 4], { ...f64, seed })) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const reference = (t: Tensor): Tensor => t.matmul(w.T).add(b);
  w.requiresGrad_();
  LinearFunction.apply(x, w, b).pow(2).sum().backward();
  const [wanted] = grad(reference(x).pow(2).sum(), w);
  close(w.grad!, wanted!);
  expect(LinearFunction.asked).toEqual([[false, true, false]]);
});

test("double backward: a gradient of sin is cos, of that -sin, …", () => {
  const x = leaf([0.5, 2]);
  let y = x.sin();
  for (const want of ["cos", "sin", "cos", "sin"] as const) {
    [y] = grad(y.sum(), x, { createGraph: true }) as [Tensor];
    close(y.detach().abs(), x.detach()[want]().abs());
  }
});

test("a sigmoid whose detached result is changed in place is told", () => {
  const a = leaf([1, 2, 3]);
  const out = a.sigmoid();
  out.detach().zero_();
  expect(out.tolist()).toEqual([0, 0, 0]);
  expect(() => out.sum().backward()).toThrow("that the derivative of `sigmoid` needs was changed in place");
});

test("a second run over a freed graph is told, and says what to do", () => {
  const a = leaf([1, 2]);
  const loss = a.exp().sum();
  loss.backward();
  expect(() => loss.backward()).toThrow(
    "was freed by an earlier backward; pass { retainGraph: true } to the first",
  );
});

test("jacobians and products of exp summed, and of two arguments", () => {
  const [x, y] = [rand([2, 3], { ...f64, seed: 1 }), rand([2, 3], { ...f64, seed: 2 })];
  const reduced = functional.jacobian((t) => t.exp().sum(1), x);
  const eye = tensor(
    [
      [1, 0],
      [0, 1],
    ],
    f64,
  );
  close(reduced, eye.unsqueeze(-1).mul(x.exp()));
  const adder = (a: Tensor, b: Tensor): Tensor => a.exp().mul(2).add(b.mul(3)).sum(1);
  const [jx, jy] = functional.jacobian(adder, [x, y]);
  close(jx!, reduced.mul(2));
  close(jy!, eye.unsqueeze(-1).mul(3).expand(2, 2, 3));
  const v = tensor([1, 0.5], f64);
  const [, back] = functional.vjp(adder, [x, y], v);
  close(back[0]!, v.unsqueeze(-1).mul(x.exp()).mul(2));
  close(back[1]!, v.unsqueeze(-1).mul(3).expand(2, 3));
  const [value, forward] = functional.jvp(adder, [x, y], [y, x]);
  close(value, adder(x, y));
  close(forward, x.exp().mul(2).mul(y).add(x.mul(3)).sum(1));
  expect(() => functional.jvp(adder, [x, y], [x])).toThrow("1 tangents for 2 arguments");
});

test("hessians of cubes, and the blocks of two arguments", () => {
  const [x, y] = [tensor([1, 2], f64), tensor([3, 4], f64)];
  close(
    functional.hessian((t) => t.pow(3).sum(), x),
    tensor(
      [
        [6, 0],
        [0, 12],
      ],
      f64,
    ),
  );
  const blocks = functional.hessian(
    (a, b) => a.pow(2).mul(2).add(b.pow(2).mul(3)).add(a.mul(b)).sum(),
    [x, y],
  );
  expect(blocks.map((row) => row.map((t) => t.tolist()))).toEqual([
    [
      [
        [4, 0],
        [0, 4],
      ],
      [
        [1, 0],
        [0, 1],
      ],
    ],
    [
      [
        [1, 0],
        [0, 1],
      ],
      [
        [6, 0],
        [0, 6],
      ],
    ],
  ]);
  const linear = functional.hessian((a, b) => a.sum().add(b.sum()), [x, y]);
  expect(stack(linear.flat()).abs().sum().item()).toBe(0);
});
