import { expect, test } from "vitest";
import {
  Adam,
  arange,
  AutogradError,
  Context,
  crossEntropy,
  DTypeError,
  EagerError,
  fromTypedArray,
  Function,
  grad,
  linspace,
  noGrad,
  ones,
  rand,
  randint,
  randn,
  SGD,
  ShapeError,
  Tensor,
  tensor,
  where,
  zeros,
} from "../../src/eager/index.js";

/** What a caller without types may pass. */
const any = (value: unknown): never => value as never;
const leaf = (data: number[]): Tensor => tensor(data, { dtype: "f64", requiresGrad: true });

type Class = new (message: string) => EagerError;
test.each<[string, () => unknown, Class, string]>([
  [
    "text as an element",
    () => tensor(any(["a"])),
    DTypeError,
    "a tensor is made of numbers, bools, bigints and lists of them, not of a string",
  ],
  ["nothing as data", () => tensor(any(undefined)), DTypeError, "not of undefined"],
  ["null as data", () => tensor(any(null)), DTypeError, "not of null"],
  ["a tensor in a list", () => tensor(any([tensor(1)])), DTypeError, "not of a Tensor"],
  [
    "an array of 16-bit integers",
    () => fromTypedArray(any(new Int16Array(2))),
    DTypeError,
    "not in an Int16Array",
  ],
  [
    "sizes one by one",
    () => zeros(2, any(3)),
    ShapeError,
    "options are an object, not 3; a shape of several axes is a list",
  ],
  ["a negative size", () => randn([2, -1]), ShapeError, "a shape is a list of sizes, as [2, 3], not [2, -1]"],
  ["a fraction as size", () => ones(1.5), ShapeError, "not [1.5]"],
  ["text as shape", () => rand(any("2")), ShapeError, "not 2"],
  ["a negative count", () => linspace(0, 1, -3), ShapeError, "not [-3]"],
  [
    "no integer to draw",
    () => randint(5, 5, [2]),
    EagerError,
    "there is no integer from 5 up to but without 5",
  ],
  ["another library's type", () => ones(2).to(any("float32")), DTypeError, "unknown dtype `float32`"],
  [
    "a random tensor of an unknown type",
    () => rand(2, { dtype: any("f16") }),
    DTypeError,
    "unknown dtype `f16`",
  ],
  [
    "a list as operand",
    () => ones(2).add(any([1, 2])),
    DTypeError,
    "an operand is a tensor or a number, not a list",
  ],
  ["nothing as operand", () => ones(2).mul(any(undefined)), DTypeError, "not undefined"],
  ["text as operand", () => ones(2).sub(any("1")), DTypeError, "not a string"],
  ["a list in where", () => where(tensor([true]), any([1]), 0), DTypeError, "not a list"],
  [
    "a list written",
    () => ones(2).set([0], any([1])),
    DTypeError,
    "a tensor or a number is written, not a list",
  ],
  [
    "too few axes to permute",
    () => ones([2, 3, 4]).permute(0, 1),
    ShapeError,
    "an order of 2 axes for a tensor with 3",
  ],
  [
    "float labels",
    () => crossEntropy(ones([2, 3]), tensor([0, 1])),
    ShapeError,
    'labels are integers, to("i64")',
  ],
  [
    "an asynchronous body",
    () => noGrad(async () => Promise.resolve(1)),
    AutogradError,
    "noGrad and enableGrad take a synchronous function",
  ],
  [
    "a list as cotangent",
    () =>
      leaf([1, 2])
        .mul(2)
        .backward(any([1, 1])),
    AutogradError,
    "a cotangent is a tensor, not a list",
  ],
  [
    "retainGrad without a gradient",
    () => tensor([1]).retainGrad(),
    AutogradError,
    "a tensor that requires no gradient cannot retain one",
  ],
  [
    "an optimizer of one tensor",
    () => new SGD(any(leaf([1])), { lr: 1 }),
    EagerError,
    "an optimizer takes a list of tensors, or of groups",
  ],
  [
    "tensors and groups mixed",
    () => new SGD(any([leaf([1]), { params: [leaf([1])] }]), { lr: 1 }),
    EagerError,
    "a list of tensors, or of groups, not both",
  ],
  [
    "an optimizer without a rate",
    () => new SGD([leaf([1])], any({})),
    EagerError,
    "`lr` is a number from 0, not undefined",
  ],
  ["a negative rate", () => new Adam([leaf([1])], { lr: -1 }), EagerError, "not -1"],
  [
    "an optimizer's state that is none",
    () => new Adam([leaf([1])]).loadStateDict(any({})),
    EagerError,
    "as stateDict() gives them",
  ],
])("%s is said to be one", (_, run, kind, text) => {
  let error: unknown;
  try {
    run();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(kind);
  expect((error as Error).message).toContain(text);
});

test("a hook and a Function that give no tensor, or lack a rule, are told", () => {
  const x = leaf([1, 2]);
  const y = x.mul(1);
  y.registerHook(() => any(3));
  expect(() => y.sum().backward()).toThrow(
    "what a hook on a result of `mul` returns is a tensor, not a number",
  );
  class NoRule extends Function {
    static forward(_: Context, a: Tensor): Tensor {
      return a.mul(2);
    }
  }
  expect(() => (NoRule as never as typeof Whole).apply(x)).toThrow("NoRule has no `static backward`");
  class Whole extends Function {
    static forward(_: Context, a: Tensor): Tensor {
      return a.mul(2);
    }
    static backward(_: Context, g: Tensor): Tensor {
      return g;
    }
  }
  class Number extends Whole {
    static override forward(_: Context, __: Tensor): Tensor {
      return any(3);
    }
  }
  expect(() => Number.apply(x)).toThrow("Number.forward gives tensors, not a number");
  class Gradient extends Whole {
    static override backward(_: Context, __: Tensor): Tensor {
      return any(3);
    }
  }
  expect(() => Gradient.apply(x).sum().backward()).toThrow(
    "Gradient.backward gives tensors and nulls, not a number",
  );
});

test("a state of other params is refused, and nothing has changed", () => {
  const [a, b] = [leaf([1, 2]), leaf([1, 2, 3])];
  const step = (p: Tensor): Adam => {
    const optimizer = new Adam([p], { lr: 0.5 });
    p.pow(2).sum().backward();
    optimizer.step();
    return optimizer;
  };
  const [first, second] = [step(a), step(b)];
  const before = JSON.stringify(first.stateDict().state[0]?.["m"]);
  expect(() => first.loadStateDict(second.stateDict())).toThrow(
    "`m` of param 0 is of shape [3], and the param of shape [2]",
  );
  expect(() => new Adam([a]).loadStateDict({ ...second.stateDict(), state: { 1: { step: 1 } } })).toThrow(
    "a state of param 1 for an optimizer of 1 params",
  );
  expect(JSON.stringify(first.stateDict().state[0]?.["m"])).toBe(before);
});

test("shapes and orders are given as numbers or as one list, sizes also as one number", () => {
  const x = arange(24).reshape([2, 3, 4]);
  expect(x.permute(2, 0, 1).shape).toEqual(x.permute([2, 0, 1]).shape);
  expect(ones([3, 1]).expand(2, 3, 4).shape).toEqual(ones([3, 1]).expand([2, 3, 4]).shape);
  expect(x.reshape([6, -1]).shape).toEqual(x.reshape(6, 4).shape);
  expect(zeros(3).shape).toEqual([3]);
  expect(x.indexSelect(1, [2, 0]).tolist()).toEqual(x.at(":", [2, 0]).tolist());
});

test("grad takes one tensor as well", () => {
  const x = leaf([3]);
  expect(grad(x.pow(2).sum(), x).map((g) => g.tolist())).toEqual([[6]]);
});
