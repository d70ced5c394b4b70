import fc from "fast-check";
import { expect, test } from "vitest";
import {
  DTypeError,
  IndexError,
  ShapeError,
  Tensor,
  arange,
  cat,
  cumsum,
  eye,
  fromNpy,
  fromTypedArray,
  full,
  linspace,
  ones,
  randn,
  split,
  stack,
  tensor,
  where,
  zeros,
} from "../../src/eager/index.js";
import { resultType } from "../../src/eager/dtype.js";
import { broadcastShapes, isRowMajor } from "../../src/eager/shape.js";
import { readNpy } from "../../src/runtime/npy.js";

const list = (t: Tensor): unknown => t.tolist();

// ── Making ───────────────────────────────────────────────────────────────────────────────────────────────────────
test("tensors of lists, numbers and typed arrays have their types", () => {
  expect([
    tensor([
      [1, 2],
      [3, 4],
    ]).dtype,
    tensor(true).dtype,
    tensor([1n]).dtype,
  ]).toEqual(["f32", "bool", "i64"]);
  expect(tensor(Int32Array.of(1, 2)).dtype).toBe("i32");
  expect(tensor(5).shape).toEqual([]);
  expect(tensor([]).shape).toEqual([0]);
  expect(() => tensor([[1, 2], [3]])).toThrow(ShapeError);
  expect(() => tensor([[1], 2] as never)).toThrow(ShapeError);
  expect(() => zeros([-1])).toThrow(ShapeError);
  expect(() => zeros([1], { dtype: "f16" as never })).toThrow(DTypeError);
});
test("fromTypedArray shares the array, tensor copies it", () => {
  const data = Float32Array.of(1, 2, 3, 4);
  const [shared, copied] = [fromTypedArray(data, [2, 2]), tensor(data)];
  data[0] = 9;
  expect([shared.at(0, 0).item(), copied.at(0).item()]).toEqual([9, 1]);
  expect(() => fromTypedArray(data, [3])).toThrow(ShapeError);
});
test("arange, linspace, eye, full", () => {
  expect([list(arange(3)), arange(3).dtype]).toEqual([[0, 1, 2], "i64"]);
  expect(list(arange(1, 2, 0.25))).toEqual([1, 1.25, 1.5, 1.75]);
  expect(list(arange(3, 0, -1))).toEqual([3, 2, 1]);
  expect(list(linspace(0, 1, 5))).toEqual([0, 0.25, 0.5, 0.75, 1]);
  expect(list(eye(2, 3))).toEqual([
    [1, 0, 0],
    [0, 1, 0],
  ]);
  expect(full([2], 7n).dtype).toBe("i64");
});

// ── Types ────────────────────────────────────────────────────────────────────────────────────────────────────────
test("types promote as PyTorch's do", () => {
  const [f32, f64, i32, i64, bool] = (["f32", "f64", "i32", "i64", "bool"] as const).map((dtype) =>
    ones([2], { dtype }),
  ) as [Tensor, Tensor, Tensor, Tensor, Tensor];
  expect(f32.add(f64).dtype).toBe("f64");
  expect(i32.add(i64).dtype).toBe("i64");
  expect(i64.add(f32).dtype).toBe("f32");
  expect(i32.add(1).dtype).toBe("i32");
  expect(i32.add(1.5).dtype).toBe("f32");
  expect(bool.add(1).dtype).toBe("i64");
  expect(f32.add(tensor(1, { dtype: "f64" })).dtype).toBe("f32");
  expect(i32.add(tensor(1, { dtype: "f64" })).dtype).toBe("f64");
  expect(i64.div(2).dtype).toBe("f32");
  expect(i64.exp().dtype).toBe("f32");
  expect(i32.sum().dtype).toBe("i64");
  expect(bool.sum().item()).toBe(2);
  expect(f32.lt(f64).dtype).toBe("bool");
  expect(resultType([], [1, 2])).toBe("i64");
});
test("64-bit integers are exact and wrap, 32-bit ones as well", () => {
  const big = tensor([2n ** 62n, -(2n ** 53n) - 1n]);
  expect(big.add(big).toTypedArray()).toEqual(BigInt64Array.of(-(2n ** 63n), -(2n ** 54n) - 2n));
  expect(big.floorDiv(2).toTypedArray()).toEqual(BigInt64Array.of(2n ** 61n, -(2n ** 52n) - 1n));
  expect(big.matmul(tensor([1n, 1n])).toTypedArray()).toEqual(BigInt64Array.of(2n ** 62n - 2n ** 53n - 1n));
  const i = tensor([2 ** 31 - 1, 65537], { dtype: "i32" });
  expect(list(i.add(1))).toEqual([-(2 ** 31), 65538]);
  expect(list(i.mul(i))).toEqual([1, 131073]);
  expect(list(tensor([7, -7], { dtype: "i32" }).mod(3))).toEqual([1, 2]);
  expect(list(tensor([7, -7], { dtype: "i32" }).floorDiv(2))).toEqual([3, -4]);
  expect(list(tensor([2, 3], { dtype: "i64" }).pow(3))).toEqual([8, 27]);
});
test("conversions", () => {
  expect(list(tensor([1.9, -1.9, NaN]).to("i64"))).toEqual([1, -1, 0]);
  expect(list(tensor([0, 0.5, NaN]).to("bool"))).toEqual([false, true, true]);
  expect(() => arange(3).mean()).toThrow(DTypeError);
  expect(() => tensor([true]).sub(tensor([true]))).toThrow(DTypeError);
});
test("ten million ones sum to ten million, in f32 too", () => {
  expect(ones([1]).expand([10_000_000]).sum().item()).toBe(10_000_000);
});

// ── Broadcasting ─────────────────────────────────────────────────────────────────────────────────────────────────
const shape = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });
/** Two shapes that broadcast: both are the same one with axes set to 1 or cut off at the left. */
const pair = fc.tuple(shape, fc.infiniteStream(fc.boolean()), fc.nat(4), fc.nat(4)).map(([s, ones, a, b]) => {
  const pick = (cut: number): number[] =>
    s.map((n) => (ones.next().value ? 1 : n)).slice(Math.min(cut, s.length));
  return [pick(a), pick(b)] as const;
});
test("an operation of two shapes is that of both expanded, and element by element", () => {
  fc.assert(
    fc.property(pair, ([p, q]) => {
      const [a, b] = [randn(p, { seed: 1, dtype: "f64" }), randn(q, { seed: 2, dtype: "f64" })];
      const common = broadcastShapes(p, q);
      const [x, y] = [a.expand(common), b.expand(common)];
      const wanted = Float64Array.from(
        x.contiguous().numbers() as Float64Array,
        (v, i) => v - y.contiguous().numbers()[i]!,
      );
      expect(a.sub(b).shape).toEqual(common);
      expect(a.sub(b).toTypedArray()).toEqual(wanted);
      expect(a.hypot(b).toTypedArray()).toEqual(x.contiguous().hypot(y.contiguous()).toTypedArray());
      expect(where(a.lt(b), a, b).toTypedArray()).toEqual(a.minimum(b).toTypedArray());
    }),
  );
});
test("the gradient of broadcasting sums over what was repeated", () => {
  fc.assert(
    fc.property(pair, ([p, q]) => {
      const [a, b] = [
        randn(p, { seed: 1, dtype: "f64", requiresGrad: true }),
        randn(q, { seed: 2, dtype: "f64" }),
      ];
      a.mul(b).sum().backward();
      const common = broadcastShapes(p, q);
      const repeats = b.expand(common);
      const lead = common.length - p.length;
      const wanted = repeats
        .sum(common.flatMap((n, k) => (k < lead || (p[k - lead] === 1 && n > 1) ? [k] : [])))
        .reshape(...p);
      expect(a.grad!.sub(wanted).abs().reshape(-1).sum().item()).toBeLessThan(1e-12);
    }),
  );
});
test("shapes that do not broadcast are named", () => {
  expect(() => zeros([2, 3]).add(zeros([2]))).toThrow("shapes [2, 3] and [2] do not broadcast");
});

// ── Views ────────────────────────────────────────────────────────────────────────────────────────────────────────
type Step = (t: Tensor) => Tensor;
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>((t) => t.permute(Array.from({ length: t.ndim }, (_, k) => t.ndim - 1 - k))),
  fc.nat(3).map<Step>((k) => (t) => (t.ndim ? t.flip(k % t.ndim) : t)),
  fc.nat(3).map<Step>((k) => (t) => t.unsqueeze(k % (t.ndim + 1))),
  fc.nat(3).map<Step>((k) => (t) => (t.ndim ? t.slice(k % t.ndim, 0, null, 2) : t)),
  fc.nat(3).map<Step>((k) => (t) => (t.ndim > 1 ? t.select(k % t.ndim, -1) : t)),
  fc.nat(3).map<Step>((k) => (t) => (t.ndim > 1 ? t.transpose(0, k % t.ndim) : t)),
  fc.constant<Step>((t) => t.reshape(-1)),
  fc.constant<Step>((t) =>
    t.shape.at(-1)! % 2 === 0 ? t.reshape(...t.shape.slice(0, -1), t.shape.at(-1)! / 2, 2) : t,
  ),
  fc.constant<Step>((t) => t.squeeze()),
);
test("a chain of views reads what copies at each step read, and writes through to the same places", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
      fc.array(steps, { maxLength: 6 }),
      (s, chain) => {
        const base = arange(s.reduce((a, b) => a * b, 1))
          .to("f64")
          .reshape(...s);
        let view: Tensor = base;
        let copy: Tensor = base.clone();
        for (const step of chain) {
          view = step(view);
          copy = Tensor.own(step(copy).toTypedArray(), "f64", step(copy).shape);
        }
        expect(view.shape).toEqual(copy.shape);
        expect(view.toTypedArray()).toEqual(copy.toTypedArray());
        if (view.storage === base.storage) {
          const named = copy.numbers();
          view.fill_(-1);
          const now = base.numbers();
          for (let i = 0; i < named.length; i++) expect(now[named[i]!]).toBe(-1);
        }
      },
    ),
  );
});
test("views share elements; reshape copies only where it must", () => {
  const x = arange(24).reshape(2, 3, 4);
  for (const view of [
    x.T,
    x.flip(1),
    x.at("::-1", "1:", null),
    x.diagonal(),
    x.unfold(2, 2),
    x.expand([5, 2, 3, 4]),
    x.at(1),
    x.reshape(6, 4),
    x.T.reshape(2, 2, 2, 3),
  ])
    expect(view.storage).toBe(x.storage);
  expect(x.permute([2, 0, 1]).reshape(24).storage).not.toBe(x.storage);
});
test("reshape of random strides is row-major order", () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
      fc.constantFrom([4, 6, 5], [2, 60], [120], [2, 2, 3, 10], [1, 8, 15]),
      (order, wanted) => {
        const x = arange(120).reshape(2, 3, 4, 5).permute(order);
        const reshaped = x.reshape(...wanted);
        expect(reshaped.toTypedArray()).toEqual(x.toTypedArray());
      },
    ),
  );
});
test("indexing: slices, numbers, new axes, ellipsis, lists, masks", () => {
  const x = arange(24).reshape(2, 3, 4);
  expect(list(x.at(1, 2, 3))).toBe(23);
  expect(list(x.at("...", 0))).toEqual([
    [0, 4, 8],
    [12, 16, 20],
  ]);
  expect(list(x.at(0, "::-1", "1:3"))).toEqual([
    [9, 10],
    [5, 6],
    [1, 2],
  ]);
  expect(x.at(null, ":", null).shape).toEqual([1, 2, 1, 3, 4]);
  expect(list(x.at(-1, -1, "-2:"))).toEqual([22, 23]);
  expect(list(x.at([1, 0], [2, 0]))).toEqual([
    [20, 21, 22, 23],
    [0, 1, 2, 3],
  ]);
  expect(list(x.at(x.gt(20)))).toEqual([21, 22, 23]);
  expect(list(x.at([true, false], 0))).toEqual([[0, 1, 2, 3]]);
  expect(x.at("5:").shape).toEqual([0, 3, 4]);
  for (const bad of [
    [2],
    [0, 3],
    [0, 0, 0, 0],
    ["1:2:3:4"],
    ["::0"],
    [[5]],
    [[true, false, true]],
  ] as never[][])
    expect(() => x.at(...bad), JSON.stringify(bad)).toThrow(IndexError);
  expect(() => x.at(tensor([0.5]))).toThrow(DTypeError);
});
test("cat, stack and split undo each other", () => {
  const x = arange(12).reshape(3, 4);
  expect(list(cat(split(x, [1, 3], 1), 1))).toEqual(list(x));
  expect(list(stack([x.at(0), x.at(1), x.at(2)]))).toEqual(list(x));
  expect(split(arange(5), 2).map(list)).toEqual([[0, 1], [2, 3], [4]]);
  expect(cat([arange(2), tensor([0.5])]).dtype).toBe("f32");
  expect(() => cat([zeros([2, 3]), zeros([2, 4])])).toThrow(ShapeError);
  expect(() => split(arange(5), [2, 2])).toThrow(ShapeError);
});
test("reductions of nothing, and of NaN", () => {
  expect(zeros([0]).sum().item()).toBe(0);
  expect(zeros([0]).prod().item()).toBe(1);
  expect(list(zeros([2, 0]).logsumexp(0))).toEqual([]);
  expect(() => zeros([0]).amax()).toThrow(ShapeError);
  expect(tensor([1, NaN, 3]).amax().item()).toBeNaN();
  expect(tensor([1, NaN, 3]).argmax().item()).toBe(1);
  expect(list(tensor([3, NaN, 1]).argsort())).toEqual([2, 0, 1]);
  expect(tensor([-Infinity, -Infinity]).logsumexp().item()).toBe(-Infinity);
  expect(tensor([1000, 1000]).logsumexp().item()).toBeCloseTo(1000 + Math.log(2), 4);
  expect([tensor([]).any().item(), tensor([]).all().item()]).toEqual([0, 1]);
  expect(list(zeros([0, 3]).matmul(zeros([3, 2])))).toEqual([]);
  expect(list(zeros([2, 0]).matmul(zeros([0, 2])))).toEqual([
    [0, 0],
    [0, 0],
  ]);
});
test("max, min, topk and sort give values with their positions, equals in order", () => {
  const x = tensor([
    [3, 1, 3],
    [0, 5, 2],
  ]);
  const { values, indices } = x.max(1);
  expect([list(values), list(indices), indices.dtype]).toEqual([[3, 5], [0, 1], "i64"]);
  expect(list(x.min(0, true).values)).toEqual([[0, 1, 2]]);
  expect(list(x.topk(2).indices)).toEqual([
    [0, 2],
    [1, 2],
  ]);
  expect(list(x.sort(0).values)).toEqual([
    [0, 1, 2],
    [3, 5, 3],
  ]);
  expect(list(cumsum(arange(4), 0))).toEqual([0, 1, 3, 6]);
  expect(() => x.topk(4)).toThrow(ShapeError);
});
test("matmul of any sizes and strides is the sum of products", () => {
  fc.assert(
    fc.property(fc.nat(9), fc.nat(9), fc.nat(9), fc.boolean(), fc.boolean(), (m, k, n, ta, tb) => {
      const a = ta ? randn([k, m], { seed: 1, dtype: "f64" }).T : randn([m, k], { seed: 1, dtype: "f64" });
      const b = tb ? randn([n, k], { seed: 2, dtype: "f64" }).T : randn([k, n], { seed: 2, dtype: "f64" });
      const wanted = a.unsqueeze(2).mul(b.unsqueeze(0)).sum(1);
      expect(a.matmul(b).sub(wanted).abs().sum().item()).toBeLessThan(1e-11);
    }),
  );
  const [a, b] = [randn([70, 600], { seed: 1, dtype: "f64" }), randn([600, 33], { seed: 2, dtype: "f64" })];
  expect(
    a
      .matmul(b)
      .sub(a.unsqueeze(2).mul(b.unsqueeze(0)).sum(1))
      .abs()
      .amax()
      .item(),
  ).toBeLessThan(1e-11);
  expect(() => a.matmul(a)).toThrow(/600 is not 70/);
});
test("isRowMajor knows views", () => {
  const x = zeros([2, 3]);
  expect([x, x.T, x.at(0), x.at(":", 0), x.at("1:")].map((t) => t.isContiguous())).toEqual([
    true,
    false,
    true,
    false,
    true,
  ]);
  expect(isRowMajor([1, 3], [99, 1])).toBe(true);
});

// ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────
test("npy keeps type, shape and elements, and is what the runtime reads", () => {
  for (const t of [
    randn([2, 3], { seed: 1 }).T,
    arange(5),
    tensor([[true], [false]]),
    tensor(2.5, { dtype: "f64" }),
    tensor([1, -2], { dtype: "i32" }),
    tensor([2n ** 62n, -1n]),
  ]) {
    const back = fromNpy(t.toNpy());
    expect([back.dtype, back.shape, back.toTypedArray()]).toEqual([t.dtype, t.shape, t.toTypedArray()]);
  }
  expect(readNpy(tensor([[1, 2]]).toNpy())).toEqual({
    dtype: "f32",
    shape: [1, 2],
    data: Float32Array.of(1, 2),
  });
});
test("npy of 64-bit integers in Fortran's order", () => {
  const bytes = tensor([
    [1n, 2n],
    [3n, 4n],
    [5n, 6n],
  ]).toNpy();
  const text = new TextDecoder("latin1")
    .decode(bytes)
    .replace("'fortran_order': False", "'fortran_order': True ");
  expect(list(fromNpy(Uint8Array.from(text, (c) => c.charCodeAt(0))))).toEqual([
    [1, 4],
    [2, 5],
    [3, 6],
  ]);
});
