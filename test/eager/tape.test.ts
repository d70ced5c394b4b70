import { expect, test } from "vitest";
import {
  AutogradError,
  Context,
  Function,
  Generator,
  SGD,
  Tensor,
  arange,
  crossEntropy,
  functional,
  grad,
  isGradEnabled,
  manualSeed,
  noGrad,
  enableGrad,
  rand,
  randint,
  randn,
  tensor,
  where,
  zeros,
} from "../../src/eager/index.js";

const leaf = (values: number | number[] | number[][]): Tensor =>
  tensor(values, { dtype: "f64", requiresGrad: true });

test("gradients add up in grad until zeroGrad", () => {
  const x = leaf(3);
  x.mul(x).backward();
  x.mul(x).backward();
  expect(x.grad?.item()).toBe(12);
  x.zeroGrad();
  expect(x.grad).toBeNull();
});
test("a value used several times collects the gradients of all uses", () => {
  const x = leaf([1, 2]);
  const y = x.mul(2);
  y.mul(y).add(y).sum().backward();
  expect(x.grad?.tolist()).toEqual([10, 18]);
});
test("a graph is freed by backward, unless it is retained", () => {
  const x = leaf(2);
  const y = x.exp();
  y.backward(null, { retainGraph: true });
  y.backward();
  expect(() => y.backward()).toThrow(AutogradError);
});
test("backward of several numbers needs a cotangent of their shape", () => {
  const x = leaf([1, 2]);
  expect(() => x.mul(2).backward()).toThrow(/needs a cotangent/);
  expect(() => x.mul(2).backward(tensor([1, 2, 3]))).toThrow(/shape \[3\]/);
  expect(() => tensor([1]).backward()).toThrow(/needs no gradient/);
});
test("within noGrad nothing is recorded, and enableGrad within it records again", () => {
  const x = leaf(2);
  const [off, on] = noGrad(() => [x.mul(2), enableGrad(() => x.mul(2))]);
  expect([off!.requiresGrad, on!.requiresGrad, isGradEnabled()]).toEqual([false, true, true]);
  expect(() =>
    noGrad(() => {
      throw new Error("out");
    }),
  ).toThrow("out");
  expect(isGradEnabled()).toBe(true);
});
test("detach shares elements and passes no gradient", () => {
  const x = leaf([1, 2]);
  const y = x.mul(3);
  y.detach().mul(x).sum().backward();
  expect(x.grad?.tolist()).toEqual([3, 6]);
  y.detach().fill_(0);
  expect(y.tolist()).toEqual([0, 0]);
});
test("retainGrad keeps the gradient of a result, hooks see and may change it, and can be taken away", () => {
  const x = leaf([1, 2]);
  const y = x.mul(2).retainGrad();
  const seen: unknown[] = [];
  const remove = y.registerHook((g) => void seen.push(g.tolist()));
  y.registerHook((g) => g.mul(10));
  y.sum().backward(null, { retainGraph: true });
  remove();
  y.sum().backward();
  expect(seen).toEqual([[1, 1]]);
  expect(x.grad?.tolist()).toEqual([40, 40]);
  expect(y.grad).not.toBeNull();
});
test("createGraph gives gradients that have gradients", () => {
  const x = leaf(2);
  const [first] = grad(x.pow(4), [x], { createGraph: true });
  const [second] = grad(first!, [x], { createGraph: true });
  const [third] = grad(second!, [x]);
  expect([first!.item(), second!.item(), third!.item()]).toEqual([32, 48, 48]);
  expect(x.grad).toBeNull();
});
test("a penalty on a gradient trains through it", () => {
  const w = leaf([1, -2]);
  const x = leaf([0.5, 1.5]);
  const [slope] = grad(w.mul(x).sum().square(), [x], { createGraph: true });
  slope!.square().sum().backward();
  // slope = 2 (w·x) w; its squared norm is 4 (w·x)² |w|².
  const s = 0.5 - 3;
  expect(w.grad?.tolist()).toEqual([8 * s * 5 * 0.5 + 8 * s * s, 8 * s * 5 * 1.5 - 16 * s * s]);
});
test("grad of an input that is not used is an error, or zeros on request", () => {
  const [x, y] = [leaf(1), leaf([1, 2])];
  expect(() => grad(x.mul(2), [y])).toThrow(/do not depend/);
  expect(grad(x.mul(2), [y], { allowUnused: true })[0]?.tolist()).toEqual([0, 0]);
});
test("grad with respect to an intermediate result", () => {
  const x = leaf(3);
  const y = x.mul(2);
  expect(grad(y.mul(y), [y, x]).map((g) => g.item())).toEqual([12, 24]);
});
test("a gradient is a copy: changing one leaf's changes no other's", () => {
  const [a, b] = [leaf([1]), leaf([2])];
  a.add(b).sum().backward();
  a.grad!.fill_(7);
  expect(b.grad?.tolist()).toEqual([1]);
});
test("a tape of 20000 operations runs back without a deep stack", () => {
  const x = leaf(1);
  let y: Tensor = x;
  for (let k = 0; k < 20000; k++) y = y.add(0.5);
  y.backward();
  expect(x.grad?.item()).toBe(1);
});

class Cube extends Function {
  static forward(ctx: Context, x: Tensor, scale: number): Tensor {
    ctx.saveForBackward(x);
    ctx.state["scale"] = scale;
    return x.pow(3).mul(scale);
  }
  static backward(ctx: Context, g: Tensor): Tensor {
    const [x] = ctx.savedTensors;
    return g.mul(x!.pow(2).mul(3 * Number(ctx.state["scale"])));
  }
}
class SumAndDifference extends Function {
  static forward(_: Context, a: Tensor, b: Tensor): Tensor[] {
    return [a.add(b), a.sub(b)];
  }
  static backward(_: Context, s: Tensor, d: Tensor): Tensor[] {
    return [s.add(d), s.sub(d)];
  }
}
test("a Function of one's own has its derivative, and that one's", () => {
  const x = leaf(2);
  const y = Cube.apply(x, 5);
  expect(y.item()).toBe(40);
  const [first] = grad(y, [x], { createGraph: true });
  expect([first!.item(), grad(first!, [x])[0]!.item()]).toEqual([60, 60]);
});
test("a Function with several results", () => {
  const [a, b] = [leaf(3), leaf(1)];
  const [s, d] = SumAndDifference.apply(a, b) as [Tensor, Tensor];
  s.mul(d).backward();
  expect([a.grad?.item(), b.grad?.item()]).toEqual([6, -2]);
  const [only] = SumAndDifference.apply(a, b) as [Tensor];
  expect(grad(only, [a, b]).map((g) => g.item())).toEqual([1, 1]);
});
test("a Function whose saved tensor is changed in place refuses", () => {
  const x = leaf([1, 2]).mul(1);
  const y = Cube.apply(x, 1);
  x.fill_(0);
  expect(() => y.sum().backward()).toThrow(/changed in place/);
});
test("a Function that gives a wrong number or shape of gradients is told", () => {
  class Wrong extends Function {
    static forward(_: Context, x: Tensor): Tensor {
      return x.mul(2);
    }
    static backward(_: Context, g: Tensor): Tensor[] {
      return [g, g];
    }
  }
  class Misshapen extends Wrong {
    static override backward(_: Context, g: Tensor): Tensor[] {
      return [g.reshape(1, -1)];
    }
  }
  expect(() => Wrong.apply(leaf([1])).backward()).toThrow(/2 gradients for 1/);
  expect(() => Misshapen.apply(leaf([1])).backward()).toThrow(/shape \[1, 1\]/);
});

test("a norm's gradient is 0 where all is 0, of every order", () => {
  for (const p of [0.5, 1, 2, 3, Infinity]) {
    const x = leaf([
      [0, 0],
      [0, -2],
    ]);
    const length = x.norm(p, 1);
    expect(length.mul(1e9).round().tolist()).toEqual([0, 2e9]);
    const [first] = grad(length.sum(), [x], { createGraph: true }) as [Tensor];
    expect(first.mul(1e9).round().tolist()).toEqual([
      [0, 0],
      [0, -1e9],
    ]);
    if (p === 2) expect(grad(first.sum(), x)[0]?.select(0, 0).tolist()).toEqual([0, 0]);
  }
});
test("a branch not taken passes no NaN, in first and second derivatives", () => {
  const x = leaf([0, 4, 1000]);
  const y = where(x.gt(0), x.sqrt().add(x.neg().exp()), 0).add(where(x.lt(10), x.exp(), 1));
  const [first] = grad(y.sum(), [x], { createGraph: true });
  const [second] = grad(first!.sum(), [x]);
  expect(first!.tolist()).toEqual([1, 0.25 - Math.exp(-4) + Math.exp(4), 0.5 / Math.sqrt(1000)]);
  expect(Array.from(second!.numbers()).every(Number.isFinite)).toBe(true);
});

// ── Changes in place ─────────────────────────────────────────────────────────────────────────────────────────────
test("a value that a derivative needs and that was changed in place is an error, also through a view", () => {
  for (const change of [
    (y: Tensor) => y.add_(1),
    (y: Tensor) => y.at(0).fill_(5),
    (y: Tensor) => y.detach().zero_(),
    (y: Tensor) => y.T.set([0, 0], 9),
  ]) {
    const y = leaf([
      [1, 2],
      [3, 4],
    ]).mul(2);
    const z = y.mul(y);
    change(y);
    expect(() => z.sum().backward()).toThrow(/changed in place/);
  }
});
test("a change in place of what no derivative needs is fine", () => {
  const x = leaf([1, 2]);
  const y = x.mul(2);
  const z = y.add(1);
  y.mul_(3);
  z.add(y).sum().backward();
  expect(x.grad?.tolist()).toEqual([8, 8]);
});
test("the result of a function that is needed is watched as well", () => {
  const y = leaf([1, 2]).exp();
  const z = y.mul(1);
  y.add_(1);
  expect(() => z.sum().backward()).toThrow(/`exp`|changed in place/);
});
test("a leaf that requires a gradient cannot be changed in place, nor a view of it, except within noGrad", () => {
  const x = leaf([1, 2]);
  expect(() => x.add_(1)).toThrow(AutogradError);
  expect(() => x.at(0).fill_(1)).toThrow(AutogradError);
  noGrad(() => x.add_(1));
  expect(x.tolist()).toEqual([2, 3]);
});
test("writing into a tensor without gradients puts it, and its views, on the tape", () => {
  const x = leaf([1, 2, 3]);
  const buffer = zeros([2, 3], { dtype: "f64" });
  const before = buffer.at(1);
  buffer.at(1).copy_(x.mul(2));
  expect([buffer.requiresGrad, before.requiresGrad]).toEqual([true, true]);
  before.mul(before).sum().backward();
  expect(x.grad?.tolist()).toEqual([8, 16, 24]);
});
test("a view made within noGrad is not changed behind the tape's back", () => {
  const y = leaf([1, 2]).mul(2);
  const view = noGrad(() => y.at(0));
  expect(() => view.fill_(3)).toThrow(/within noGrad/);
});
test("an overwritten entry passes no gradient, a written value does", () => {
  const [x, v] = [leaf([1, 2, 3]), leaf(5)];
  const y = x.mul(1);
  y.set([1], v);
  y.mul(tensor([1, 10, 100], { dtype: "f64" }))
    .sum()
    .backward();
  expect([x.grad?.tolist(), v.grad?.item()]).toEqual([[1, 0, 100], 10]);
});
test("set through lists and masks", () => {
  const [x, v] = [leaf([1, 2, 3, 4]), leaf([7, 8])];
  const y = x.mul(1);
  y.set([[3, 0]], v);
  y.set([y.detach().lt(3)], 0);
  expect(y.tolist()).toEqual([8, 0, 3, 7]);
  y.square().sum().backward();
  expect([x.grad?.tolist(), v.grad?.tolist()]).toEqual([
    [0, 0, 6, 0],
    [14, 16],
  ]);
});
test("a tensor can be written over itself turned round", () => {
  const x = arange(4);
  x.copy_(x.flip(0));
  expect(x.tolist()).toEqual([3, 2, 1, 0]);
});
test("an expanded tensor cannot be changed in place", () => {
  expect(() => zeros([1, 3]).expand([2, 3]).add_(1)).toThrow(/expanded/);
});
test("a float does not go into integers in place", () => {
  expect(() => arange(3).mul_(0.5)).toThrow(/cannot be written/);
});

// ── Functions of tensors ─────────────────────────────────────────────────────────────────────────────────────────
const f = (x: Tensor): Tensor => x.sin().mul(x.sum()).slice(0, 0, 2);
const at = tensor([0.3, -1.2, 2], { dtype: "f64" });
test("jvp and vjp are products with the jacobian", () => {
  const J = functional.jacobian(f, at);
  expect(J.shape).toEqual([2, 3]);
  const [v, u] = [tensor([1, 2, -1], { dtype: "f64" }), tensor([0.5, 3], { dtype: "f64" })];
  const [, forward] = functional.jvp(f, at, v);
  const [, backward] = functional.vjp(f, at, u);
  expect(forward.sub(J.matmul(v)).abs().amax().item()).toBeLessThan(1e-14);
  expect(backward.sub(u.matmul(J)).abs().amax().item()).toBeLessThan(1e-14);
});
test("the hessian of a quadratic form is its symmetric part, twice", () => {
  const A = randn([3, 3], { dtype: "f64", seed: 4 });
  const H = functional.hessian((x) => x.matmul(A).matmul(x), at);
  expect(H.sub(A.add(A.T)).abs().amax().item()).toBeLessThan(1e-14);
});
test("derivatives of a constant, and of what is linear, are zeros", () => {
  expect(functional.jacobian(() => tensor([1, 2]), at).tolist()).toEqual([
    [0, 0, 0],
    [0, 0, 0],
  ]);
  expect(functional.hessian((x) => x.sum(), at).tolist()).toEqual([
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]);
  expect(functional.jvp(() => tensor([1, 2]), at, at)[1].tolist()).toEqual([0, 0]);
});
test("grad of a function of several, and of that function", () => {
  const g = functional.grad((a, b) => a.mul(b).square());
  expect(g(tensor(3), tensor(2)).map((t) => t.item())).toEqual([24, 36]);
  const second = functional.grad((a) => g(a, tensor(2))[0]!);
  expect(second(tensor(3)).map((t) => t.item())).toEqual([8]);
});

// ── Random numbers and training ──────────────────────────────────────────────────────────────────────────────────
test("a seed gives the same numbers, and the shared stream goes on", () => {
  expect(rand([4], { seed: 5 }).tolist()).toEqual(rand([4], { seed: 5 }).tolist());
  expect(rand([4], { seed: 5 }).tolist()).not.toEqual(rand([4], { seed: 6 }).tolist());
  manualSeed(1);
  const first = [randn([2]).tolist(), randn([2]).tolist()];
  manualSeed(1);
  expect([randn([2]).tolist(), randn([2]).tolist()]).toEqual(first);
  expect(first[0]).not.toEqual(first[1]);
  const generator = new Generator(3);
  expect(rand([2], { seed: generator }).tolist()).not.toEqual(rand([2], { seed: generator }).tolist());
});
test("random numbers have the moments of their distribution", () => {
  const n = randn([20000], { seed: 1, dtype: "f64" });
  expect(Math.abs(n.mean().item())).toBeLessThan(0.03);
  expect(Math.abs(n.std().item() - 1)).toBeLessThan(0.03);
  const u = rand([20000], { seed: 2, dtype: "f64" });
  expect(Math.abs(u.mean().item() - 0.5)).toBeLessThan(0.01);
  const k = randint(-2, 3, [5000], { seed: 3 });
  expect([k.dtype, k.amin().item(), k.amax().item()]).toEqual(["i64", -2, 2]);
});
test("a classifier learns two spirals' easier cousin in a ten-line loop", () => {
  manualSeed(0);
  const x = randn([200, 2]);
  const y = x.at(":", 0).mul(x.at(":", 1)).gt(0).to("i64");
  const w1 = randn([2, 16]).requiresGrad_();
  const w2 = randn([16, 2]).mul(0.25).requiresGrad_();
  const optimizer = new SGD([w1, w2], { lr: 0.5, momentum: 0.9 });
  let loss = tensor(0);
  for (let epoch = 0; epoch < 120; epoch++) {
    loss = crossEntropy(x.matmul(w1).relu().matmul(w2), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
  }
  expect(loss.item()).toBeLessThan(0.1);
  const right = x.matmul(w1).relu().matmul(w2).argmax(1).eq(y).to("f32").mean().item();
  expect(right).toBeGreaterThan(0.96);
});
