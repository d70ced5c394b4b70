import { describe, expect, test } from "vitest";
import { complaints } from "./harness.js";

const DIMS = "dim B, N, M\ninput x: f32[B, N], k: i32[B]\nparam W: f32[N, M], w: f32[N]\n";
const found = (source: string): string => complaints(DIMS + source);

describe("each mistake is reported at its place, once", () => {
  test.each([
    ["an index that nothing binds", "y[b] = x[b, i]", "GRAD2004 4:13 index `i` is bound by no reducer | i"],
    ["an index without a range", "y[j] = 1.0", "GRAD2005 4:3 nothing says over which range `j` runs | j"],
    [
      "an index whose one use is a range's end",
      "y[j] = sum[n in 0..j] w[n]",
      "GRAD3008 4:20 `j` is not a size | j",
    ],
    [
      "one index over two sizes",
      "y[n] = w[n] + W[0, n]",
      "GRAD3001 4:20 index `n` of `W` (axis 2) has two sizes: N, and here M | n",
    ],
    [
      "too many subscripts",
      "y[n] = w[n, 0]",
      "GRAD3002 4:8 `w` has 1 axis, f32[N], but 2 subscripts | w[n, 0]",
    ],
    [
      "an access that leaves its axis",
      "y[n] = w[n] * w[n + 1]",
      "GRAD3005 4:17 subscript `n + 1` leaves the axis of `w`, of size N: it goes up to N, and the last entry is N - 1 | n + 1",
    ],
    [
      "integers beside floats",
      "y[b] = k[b] * 0.5",
      "GRAD3003 4:13 types do not match: `k[b]` is i32 and `0.5` is f32 | *",
    ],
    ["other shapes", "y = W + w", "GRAD3004 4:7 shapes do not match: `W` is f32[N, M] and `w` is f32[N] | +"],
    [
      "an initialiser with the name of a property of objects",
      "param p: f32 = toString",
      "GRAD2001 4:16 there is no name `toString` | toString",
    ],
    [
      "another, called",
      "param p: f32 = valueOf(1)",
      "GRAD2001 4:16 there is no initialiser `valueOf` | valueOf",
    ],
    ["an unknown name", "y = v + 1\nz = y + 1", "GRAD2001 4:5 there is no name `v` | v"],
    ["two definitions", "y = w\ny = w", "GRAD2002 5:1 `y` is defined twice | y"],
    [
      "a reserved name",
      "tanh[n] = w[n]\ny = tanh(w)",
      "GRAD2003 4:1 `tanh` is reserved: it is a function of the language | tanh",
    ],
    [
      "an optimizer's state of a reserved name",
      "optimizer o(rate: f32 = 1) for p, g {\n  state square = 0\n  square' = g\n  p' = p - rate * square'\n}\nloss l = w[0]\ntrain l with o() for w",
      "GRAD2003 5:9 `square` is reserved: it is a function of the language | square",
    ],
    ["a circle", "a = c\nc = a", "GRAD2007 4:1 these define each other in a circle: `a`, `c` | a"],
    ["a function that calls itself", "fn f(v: f32) = f(v)\ny = f(w)", "GRAD2009 4:16 `f` calls itself | f"],
    ["a loss that is no scalar", "loss l = w", "GRAD3009 4:6 loss `l` is not a scalar but f32[N] | l"],
    [
      "a condition of numbers",
      "y = if w[0] then 1.0 else 2.0",
      "GRAD3006 4:8 expected bool as condition, found f32 | w[0]",
    ],
    [
      "a step that reads ahead",
      "rec t in 0..N { z[0] = 0.0\n z[t + 1] = z[t + 2] }",
      "GRAD3005 5:15 subscript `t + 2` leaves the axis of `z`, of size N + 1: it goes up to N + 1, and the last entry is N | t + 2",
    ],
    [
      "missing base entries",
      "rec t in 1..N { z[t + 1] = w[t]\n z[0] = 0.0 }",
      "GRAD3014 4:17 base entries of `z` do not fit: `z[1]` is missing, which no step makes | z[t + 1]",
    ],
    [
      "an unknown argument of an optimizer",
      "loss l = w[0]\ntrain l with sgd(speed = 1) for w",
      "GRAD2013 5:18 `sgd` has no argument `speed` | speed",
    ],
  ])("%s", (_, source, expected) => {
    expect(found(source)).toBe(expected);
  });
});

test("several errors are found in one run, without follow-ups", () => {
  expect(found("a = nothing\nc = a * 2\nd[n] = w[n] + k[0]\ne = tanh(k)")).toMatchInlineSnapshot(`
    "GRAD2001 4:5 there is no name \`nothing\` | nothing
    GRAD3003 6:13 types do not match: \`w[n]\` is f32 and \`k[0]\` is i32 | +
    GRAD3006 7:10 expected a float for \`tanh\`, found i32[B] | k"
  `);
});
test("an index whose range a faulty name would say is no error of its own", () => {
  const source =
    "h[b, n] = tanh(xx[b, n] * w[n])\ny[b] = sum[n] h[b, n]\ng[b, n] = h[b, n] + y[b]\n" +
    "loss l = mean[b] y[b]^2\noutput z = sum[b, n] g[b, n] * qq[n]\n";
  expect(found(source)).toMatchInlineSnapshot(`
    "GRAD2001 4:16 there is no name \`xx\` | xx
    GRAD2001 8:32 there is no name \`qq\` | qq"
  `);
});
test("a param that the loss does not reach is a warning", () => {
  expect(found("loss l = w[0]\ntrain l with sgd(rate = 1)")).toBe(
    "GRAD4002 3:7 `l` does not depend on `W`: its gradient is 0 | W",
  );
});
test("fixed subscripts are checked when the sizes are bound", () => {
  expect(found("y = w[5]")).toBe("");
});
test("clamped, remainder and quotient subscripts are proved", () => {
  expect(found("y[n in 0..N] = w[clamp(n + 3, 0, N - 1)] + w[(n + 1) % N] + w[n / 2]")).toBe("");
});
test("of a step for some params, what the loss does not reach of the others is no news", () => {
  expect(found("loss l = w[0]\ntrain l with sgd(rate = 1) for w")).toBe("");
});
test("as many names as results are wanted, in a `rec` as outside of one", () => {
  const one = "fn one(v: f32) -> (a: f32) { a = 2 * v }\n";
  const steps = "rec t in 0..B { u[0] = 1\n v[0] = 1\n u[t + 1], v[t + 1] = one(u[t]) }";
  expect(found(one + steps)).toMatchInlineSnapshot(
    `"GRAD3006 7:2 expected 1 name for the result, found 2 | u[t + 1], v[t + 1]"`,
  );
});
test("an adjoint has no losses and no outputs", () => {
  const scaled = (role: string): string =>
    `fn scaled(v: f32) -> (y: f32) { y = 2 * v } adjoint (dy) -> (dv) { dv = 2 * dy\n ${role} other = dv }\n`;
  expect(found(`${scaled("loss")}a = scaled(w[0])`)).toMatchInlineSnapshot(
    `"GRAD2019 5:2 \`loss\` has no place in an adjoint | loss other = dv"`,
  );
  expect(found(`${scaled("output")}a = scaled(w[0])`)).toMatchInlineSnapshot(
    `"GRAD2019 5:2 \`output\` has no place in an adjoint | output other = dv"`,
  );
});
