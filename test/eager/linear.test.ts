import fc from "fast-check";
import { expect, test } from "vitest";
import { compile } from "../../src/compile.js";
import { fromTypedArray, grad, randn, type Tensor, zeros } from "../../src/eager/index.js";
import { runEagerly } from "../../src/eager-run/run.js";

/** How many elements of f64 arrays `body` allocates. */
function allocated(body: () => void): number {
  const Plain = globalThis.Float64Array;
  let count = 0;
  globalThis.Float64Array = new Proxy(Plain, {
    construct(target, args: [number]) {
      const made = new target(...args);
      count += made.length;
      return made;
    },
  });
  try {
    body();
  } finally {
    globalThis.Float64Array = Plain;
  }
  return count;
}
const WIDTH = 8;

/** z[t + 1] = tanh(z[t] + x[t]), written in place step by step, and its gradient. */
function steps(n: number): void {
  const x = randn([n, WIDTH], { seed: 1, dtype: "f64" }).requiresGrad_();
  const z = zeros([n + 1, WIDTH], { dtype: "f64" });
  for (let t = 0; t < n; t++) z.select(0, t + 1).copy_(z.select(0, t).clone().add(x.select(0, t)).tanh());
  z.select(0, n).sum().backward();
}
/** Sums of slices. */
function slices(n: number): void {
  const x = randn([n, WIDTH], { seed: 1, dtype: "f64" }).requiresGrad_();
  const y = x.exp();
  let total: Tensor = y.select(0, 0);
  for (let t = 1; t < n; t++) total = total.add(y.select(0, t));
  total.sum().backward();
}
const RECURRENCE = compile(
  `dim T, B = 2, H = 4
input x: f32[T, B, H]
param W: f32[H, H], U: f32[H, H]
u[t, b, j] = sum[k] x[t, b, k] * U[k, j]
rec t in 0..T {
  h[0, b in 0..B, j in 0..H] = 0
  h[t + 1, b, j] = tanh(u[t, b, j] + sum[k] h[t, b, k] * W[k, j])
}
loss l = sum[b, j] h[T, b, j]^2`,
  { precision: "f64" },
);
function recurrence(T: number): void {
  const primal = RECURRENCE.primal();
  if (!primal) throw new Error(RECURRENCE.diagnostics.map((d) => d.message).join("\n"));
  const leaves = new Map<string, ArrayLike<number>>([
    ["x", Array.from({ length: T * 8 }, (_, k) => Math.sin(k))],
    ...["U", "W"].map((name) => [name, Array.from({ length: 16 }, (_, k) => Math.cos(k) / 4)] as const),
  ]);
  runEagerly(primal, { T, B: 2, H: 4 }, leaves, { loss: "l" });
}

test.each([
  ["slices of one tensor", slices],
  ["steps written in place", steps],
  ["a program's recurrence", recurrence],
])("memory for the gradient of %s is linear in their number", (_, run) => {
  const [few, many] = [allocated(() => run(50)), allocated(() => run(200))];
  expect(few).toBeGreaterThan(1000);
  expect(many / few).toBeLessThan(4.5);
});

test("cotangents added in place reach nobody else", () => {
  const x = fromTypedArray(Float64Array.of(1, 2, 3)).requiresGrad_();
  const y = x.mul(2);
  y.retainGrad();
  const seen: unknown[] = [];
  y.registerHook((g) => void seen.push(g.tolist()));
  const loss = y
    .select(0, 0)
    .add(y.select(0, 2))
    .add(y.sum())
    .add(y.slice(0, 0, 2).sum());
  const cotangent = zeros([], { dtype: "f64" }).add(1);
  const [direct, inner] = grad(loss, [x, y], { gradOutputs: cotangent, retainGraph: true });
  loss.backward(cotangent);
  expect([x.grad, direct].map((t) => t?.tolist())).toEqual([
    [6, 4, 4],
    [6, 4, 4],
  ]);
  // Both runs passed by.
  expect([y.grad, inner].map((t) => t?.tolist())).toEqual([
    [6, 4, 4],
    [3, 2, 2],
  ]);
  expect(seen).toEqual([
    [3, 2, 2],
    [3, 2, 2],
  ]);
  expect(cotangent.item()).toBe(1);
});

test("a gradient kept by a hook stays when the run goes on in place", () => {
  const x = fromTypedArray(Float64Array.of(1, 2)).requiresGrad_();
  const y = x.mul(1);
  const kept: Tensor[] = [];
  y.registerHook((g) => void kept.push(g));
  y.select(0, 0).copy_(x.select(0, 1).mul(5)); // y's node is the write from here on
  y.registerHook((g) => void kept.push(g));
  y.select(0, 0).add(y.select(0, 1).mul(7)).backward();
  expect(kept.map((g) => g.tolist())).toEqual([
    [1, 7],
    [0, 7],
  ]);
  expect(x.grad?.tolist()).toEqual([0, 12]);
});

test("a hook's gradient has to be of the shape of the one it replaces", () => {
  const x = fromTypedArray(Float64Array.of(1, 2, 3)).requiresGrad_();
  const y = x.mul(2);
  y.registerHook((g) => g.sum());
  expect(() => y.sum().backward()).toThrow(
    "a hook on a result of `mul` gave a gradient of shape [] in place of one of shape [3]",
  );
});

test("on random tapes of views and writes, the run in place gives what the recorded one gives", () => {
  const step = fc.tuple(fc.nat(6), fc.nat(99), fc.nat(99), fc.nat(99));
  fc.assert(
    fc.property(fc.array(step, { minLength: 3, maxLength: 25 }), fc.nat(2), (program, kept) => {
      const leaves = [1, 2].map((seed) => randn([4, 3], { seed, dtype: "f64" }).requiresGrad_());
      const pool: Tensor[] = leaves.map((t) => t.mul(1));
      for (const [kind, a, b, c] of program) {
        const [x, y] = [pool[a % pool.length]!, pool[b % pool.length]!];
        const row = c % x.shape[0]!;
        if (kind === 0) pool.push(x.add(y));
        else if (kind === 1) pool.push(x.clone().mul(y.clone()).tanh().clone());
        else if (kind === 2) x.select(0, row).copy_(y.select(0, b % y.shape[0]!).clone());
        else if (kind === 3) x.narrow(1, c % 2, 2).mul_(0.5);
        else if (kind === 4) pool.push(x.flip(0));
        else if (kind === 5) pool.push(x.add(x.select(0, row)));
        else
          x.transpose(0, 1)
            .select(0, c % 3)
            .add_(y.select(1, c % 3).clone());
      }
      for (const t of kept ? pool.slice(0, kept) : []) if (t.requiresGrad) t.retainGrad();
      const loss = pool.reduce((sum, t) => sum.add(t.sum()), zeros([], { dtype: "f64" }));
      const recorded = grad(loss, leaves, { createGraph: true });
      const plain = grad(loss, leaves, { retainGraph: true });
      loss.backward();
      leaves.forEach((leaf, k) => {
        const wanted = recorded[k]!.detach();
        for (const found of [plain[k]!, leaf.grad!])
          expect(found.sub(wanted).abs().amax().item()).toBeLessThan(1e-9 * (1 + wanted.abs().amax().item()));
      });
    }),
    { numRuns: 300, seed: 7 },
  );
});
