import { describe, expect, test } from "vitest";
import { checked, equations } from "./harness.js";

const DIMS = "dim B, N, M\ninput x: f32[B, N], k: i32[B] in 0..N\nparam W: f32[N, M], w: f32[N]\n";

describe("equations", () => {
  test("a reduction inside an expression is an equation over the indices it depends on", () => {
    expect(equations(`${DIMS}y[b, m] = tanh(sum[n] x[b, n] * W[n, m]) + 1`)).toMatchInlineSnapshot(`
      "%y.sum: f32[B, M] = [b: B, m: M] sum[n: 0..N] %x[b, n] * %W[n, m]
      %y: f32[B, M] = [b: B, m: M] tanh(%y.sum[b, m]) + 1.0"
    `);
  });
  test("a reduction that is the whole right side takes the name itself", () => {
    expect(equations(`${DIMS}y[b] = sum[n] x[b, n] * w[n]`)).toMatchInlineSnapshot(
      `"%y: f32[B] = [b: B] sum[n: 0..N] %x[b, n] * %w[n]"`,
    );
  });
  test("have the names of params of the layers that they call, and of what an imported file has", () => {
    expect(
      equations(
        `import { f } from "./own.grad"\n${DIMS}b = small(x)\nscale = f(w)\n` +
          "layer small(x: f32[B, N]) -> y: f32[B] {\n  param b: f32[N]\n  y[n] = sum[i] x[n, i] * b[i]\n}",
        { resolve: () => "const scale = 2\nfn f(x: f32) = scale * x" },
      ),
    ).toMatchInlineSnapshot(`
      "%b: f32[B] = [n: B] sum[i: 0..N] %x[n, i] * %b.b[i]
      %scale: f32[N] = [i0: N] 2.0 * %w[i0]"
    `);
  });
  test("stand in any order and are sorted", () => {
    expect(equations(`${DIMS}c = b + 1\nb = a * 2\na = w`)).toMatchInlineSnapshot(`
      "%a: f32[N] = [i0: N] %w[i0]
      %b: f32[N] = [i0: N] %a[i0] * 2.0
      %c: f32[N] = [i0: N] %b[i0] + 1.0"
    `);
  });
  test("a mean divides by the entries that its guard lets through", () => {
    expect(equations(`${DIMS}a = mean[n] w[n]\nc = mean[n | w[n] > 0] w[n]`)).toMatchInlineSnapshot(`
      "%a.sum: f32 = sum[n: 0..N] %w[n]
      %a: f32 = %a.sum / f32(N)
      %c.sum: f32 = sum[n: 0..N | 0.0 < %w[n]] %w[n]
      %c.count: f32 = sum[n: 0..N | 0.0 < %w[n]] 1.0
      %c: f32 = if %c.count == 0.0 then 0.0 else %c.sum / %c.count"
    `);
  });
  test("a function of indices is one of integers where integers are wanted", () => {
    expect(
      equations(`${DIMS}y[b in 0..N] = mod(b, 2) * k[mod(b, 3)] + sign(b - 1) + k[abs(b - 2) % 3]`),
    ).toMatchInlineSnapshot(
      `"%y: i32[N] = [b: N] add(add(mul(mod(b, 2), %k[mod(b, 3)]), sign(b - 1)), %k[mod(abs(b - 2), 3)])"`,
    );
  });
  test("the condition of an if guards a reduction under it", () => {
    expect(equations(`${DIMS}y[b] = if x[b, 0] > 0 then sum[n] log(x[b, n]) else 0`)).toMatchInlineSnapshot(`
      "%y.sum: f32[B] = [b: B] sum[n: 0..N | 0.0 < %x[b, 0]] log(%x[b, n])
      %y: f32[B] = [b: B] if 0.0 < %x[b, 0] then %y.sum[b] else 0.0"
    `);
  });
  test("axis operators keep their axis, and a guard stays with them", () => {
    expect(equations(`${DIMS}p[b, n] = softmax[n | n <= b] x[b, n]\nc[n] = cumsum[n] w[n]`))
      .toMatchInlineSnapshot(`
      "%p: f32[B, N] = [b: B, n: N] softmax[n | n <= b] %x[b, n]
      %c: f32[N] = [n: N] cumsum[n] %w[n]"
    `);
  });
  test("padding is a choice by the bounds", () => {
    expect(equations(`${DIMS}y[n] = w[n] + (w[n - 1] ?? 0)`)).toMatchInlineSnapshot(
      `"%y: f32[N] = [n: N] %w[n] + (if 0 <= n - 1 and n - 1 < N then %w[n - 1] else 0.0)"`,
    );
  });
  test("integer data is a subscript", () => {
    expect(equations(`${DIMS}y[b] = x[b, k[b]]`)).toMatchInlineSnapshot(`"%y: f32[B] = [b: B] %x[b, %k[b]]"`);
  });
  test("literals, dims and indices are floats beside floats and integers beside integers", () => {
    expect(
      equations(
        `${DIMS}y[n] = (n + 1) * w[n] / N\nz[b] = if k[b] == N - 1 then 1 else 0\ni[n in 0..N] = n / 2`,
      ),
    ).toMatchInlineSnapshot(`
      "%y: f32[N] = [n: N] (f32(n) + 1.0) * %w[n] / f32(N)
      %z: f32[B] = [b: B] if %k[b] == N - 1 then 1.0 else 0.0
      %i: i32[N] = [n: N] floor_div(n, 2)"
    `);
  });
  test("tensors combine elementwise, and with scalars", () => {
    expect(equations(`${DIMS}y = 2 * w + tanh(w)\nz = x @ W`)).toMatchInlineSnapshot(`
      "%y: f32[N] = [i0: N] 2.0 * %w[i0] + tanh(%w[i0])
      %z: f32[B, M] = [i0: B, i1: M] sum[k: 0..N] %x[i0, k] * %W[k, i1]"
    `);
  });
  test("concat[i] lets each part name the axis, and its length is the index's range", () => {
    const whole = equations(`${DIMS}c = concat[i](w, w)`);
    expect(equations(`${DIMS}c[i] = concat[i](w[i], w[i])`)).toEqual(whole);
    expect(equations(`${DIMS}c[b, i] = concat[i](x[b, i], 2 * w[i])`)).toMatchInlineSnapshot(
      `"%c: f32[B, 2 * N] = [b: B, i: 2 * N] if i < N then %x[b, i] else 2.0 * %w[i - N]"`,
    );
  });
  test("lists, concat and reshape build axes", () => {
    expect(equations(`${DIMS}v = [w[0], 2, 3]\nc = concat[i](w, v)\nr = reshape(x, [N, B])`))
      .toMatchInlineSnapshot(`
      "%v: f32[3] = [k: 3] if k == 0 then %w[0] else if k == 1 then 2.0 else 3.0
      %c: f32[N + 3] = [i: N + 3] if i < N then %w[i] else %v[i - N]
      %r: f32[N, B] = reshape(%x)"
    `);
  });
});

describe("functions", () => {
  test("the equations of a function get the caller's indices as leading axes", () => {
    const source = `fn norm<K>(v: f32[K]) -> y: f32[K] { m = mean[i] v[i]\n y[i] = v[i] - m }\ny[b] = norm(x[b])`;
    expect(equations(DIMS + source)).toMatchInlineSnapshot(`
      "%y.norm.m.sum: f32[B] = [b: B] sum[i: 0..N] %x[b, i]
      %y.norm.m: f32[B] = [b: B] %y.norm.m.sum[b] / f32(N)
      %y: f32[B, N] = [b: B, i: N] %x[b, i] - %y.norm.m[b]"
    `);
  });
  test("a function of scalars applies elementwise", () => {
    expect(equations(`${DIMS}fn twice(v: f32) = 2 * v\ny = twice(x)`)).toMatchInlineSnapshot(
      `"%y: f32[B, N] = [i0: B, i1: N] 2.0 * %x[i0, i1]"`,
    );
  });
  test("several results are taken at once", () => {
    const source = `fn moments<K>(v: f32[K]) -> (a: f32, s: f32) { a = mean[i] v[i]\n s = mean[i] (v[i] - a)^2 }\nmu, var = moments(w)`;
    expect(equations(DIMS + source)).toMatchInlineSnapshot(`
      "%mu.moments.a.sum: f32 = sum[i: 0..N] %w[i]
      %mu: f32 = %mu.moments.a.sum / f32(N)
      %mu.moments.s.sum: f32 = sum[i: 0..N] powi(%w[i] - %mu, 2.0)
      %var: f32 = %mu.moments.s.sum / f32(N)"
    `);
  });
  test("a derivative in a mapped function is taken point by point", () => {
    expect(equations(`${DIMS}fn slope(v: f32) -> d: f32 { y = v^3\n d = grad(y, v) }\ny[n] = slope(w[n])`))
      .toMatchInlineSnapshot(`
        "%y.slope.v: f32[N] = [n: N] %w[n]
        %y.slope.y: f32[N] = [n: N] powi(%y.slope.v[n], 3.0)
        %y: f32[N] = grad(%y.slope.y, %y.slope.v) batch 1 aligned 0:0"
      `);
  });
});

describe("layers", () => {
  const dense = `layer dense<B, I, O>(x: f32[B, I]) -> y: f32[B, O] {
  param V: f32[I, O] = glorot_uniform()
  y[n, o] = sum[i] x[n, i] * V[i, o]
}
`;
  test("own params named by the equation that calls them, in source order", () => {
    expect(equations(`${DIMS}${dense}h = dense<O = 3>(dense<O = 5>(x))\nfirst = h.V`)).toMatchInlineSnapshot(`
      "%h.2.y: f32[B, 5] = [n: B, o: 5] sum[i: 0..N] %x[n, i] * %h.2.V[i, o]
      %h: f32[B, 3] = [n: B, o: 3] sum[i: 0..5] %h.2.y[n, i] * %h.V[i, o]
      %first: f32[5, 3] = [i0: 5, i1: 3] %h.V[i0, i1]"
    `);
  });
  test("nest, and the file sees the params of the inner ones", () => {
    const outer = `layer two<B, I>(x: f32[B, I]) -> y: f32[B, 2] { inner = dense<O = 4>(x)\n y = dense<O = 2>(inner) }\n`;
    const { program } = checked(`${DIMS}${dense}${outer}h = two(x)\nloss l = h.inner.V[0, 0]`);
    const params = [...(program?.values.values() ?? [])].filter(
      (v) => v.definition.kind === "leaf" && v.definition.role === "param",
    );
    expect(params.map((p) => p.name)).toEqual(["W", "w", "h.inner.V", "h.y.V"]);
  });
  test("with two results are called once for both of them, in a `rec` as outside of one", () => {
    const two = `layer two(x: f32) -> (a: f32, b: f32) { param V: f32 = 1\n a = V * x\n b = x + V }\n`;
    const steps = "rec t in 0..B { v[0] = 1\n u[0] = 2\n u[t + 1], v[t + 1] = two(u[t]) }";
    expect(equations(`${DIMS}${two}${steps}`)).toMatchInlineSnapshot(`
      "rec t 0..B {
        %u.a: f32[B] = [t: B] %u.V * %u[t]
        %u: f32[B + 1] = [t: B + 1] if t == 0 then 2.0 else %u.a[t - 1]
      } along %u.a@0 %u@0+1
      %u.b: f32[B] = [t: B] %u[t] + %u.V
      %v: f32[B + 1] = [t: B + 1] if t == 0 then 1.0 else %u.b[t - 1]"
    `);
  });
});

describe("recurrences", () => {
  test("base entries and step are one equation that reads itself", () => {
    expect(equations(`${DIMS}rec t in 0..B { z[0, m] = W[0, m]\n z[t + 1, m] = 0.5 * z[t, m] + x[t, 0] }`))
      .toMatchInlineSnapshot(`
        "rec t 0..B {
          %z: f32[B + 1, M] = [t: B + 1, m: M] if t == 0 then %W[0, m] else 0.5 * %z[t - 1, m] + %x[t - 1, 0]
        } along %z@0+1"
      `);
  });
  test("what does not depend on the carried values stays outside the loop", () => {
    const source = `rec t in 1..B { a[0, m] = 0\n a[t, m] = tanh(sum[n] x[t, n] * W[n, m] + sum[j] a[t - 1, j]) + a[t - 1, m] }\ny = a[B - 1]`;
    expect(equations(`${DIMS}${source.replace("0\n", "W[0, m]\n")}`)).toMatchInlineSnapshot(`
      "%a.sum: f32[B, M] = [t: B, m: M] sum[n: 0..N | 1 <= t] %x[t, n] * %W[n, m]
      rec t 1..B {
        %a.sum_2: f32[B] = [t: B] sum[j: 0..M | 1 <= t] %a[t - 1, j]
        %a: f32[B, M] = [t: B, m: M] if t == 0 then %W[0, m] else tanh(%a.sum[t, m] + %a.sum_2[t]) + %a[t - 1, m]
      } along %a.sum_2@0 %a@0
      %y: f32[M] = [i1: M] %a[B - 1, i1]"
    `);
  });
  test("runs downwards from T to 0", () => {
    expect(equations(`${DIMS}rec t in N..0 { z[N] = 0\n z[t] = z[t + 1] + w[t] }`)).toMatchInlineSnapshot(`
      "rec t N..0 down {
        %z: f32[N + 1] = [t: N + 1] if t == N then 0.0 else %z[t + 1] + %w[t]
      } along %z@0"
    `);
  });
});

describe("training", () => {
  test("an optimizer's equations are made for each param that the loss reaches", () => {
    expect(equations(`${DIMS}loss l = sum[n] w[n]^2\ntrain l with adam(rate = 0.1) for w`))
      .toMatchInlineSnapshot(`
      "%l: f32 = sum[n: 0..N] powi(%w[n], 2.0)
      %d_l/W: f32[N, M] = grad(%l, %W)
      %d_l/w: f32[N] = grad(%l, %w)
      %l/w/d: f32[N] = [i0: N] %d_l/w[i0] + %train/l/weight_decay * %w[i0]
      %l/w/t': f32 = %l/t/w + 1.0
      %l/w/m': f32[N] = [i0: N] %train/l/beta1 * %l/m/w[i0] + (1.0 - %train/l/beta1) * %l/w/d[i0]
      %l/w/v': f32[N] = [i0: N] %train/l/beta2 * %l/v/w[i0] + (1.0 - %train/l/beta2) * powi(%l/w/d[i0], 2.0)
      %l/w/p': f32[N] = [i0: N] %w[i0] - %train/l/rate * (%l/w/m'[i0] / (1.0 - pow(%train/l/beta1, %l/w/t'))) / (sqrt(%l/w/v'[i0] / (1.0 - pow(%train/l/beta2, %l/w/t'))) + %train/l/eps)"
    `);
  });
  test("clip_norm scales all gradients by their common norm", () => {
    expect(equations(`${DIMS}loss l = sum[n] w[n]^2\ntrain l with sgd(rate = 0.1, clip_norm = 1.0) for w`))
      .toMatchInlineSnapshot(`
      "%l: f32 = sum[n: 0..N] powi(%w[n], 2.0)
      %d_l/W: f32[N, M] = grad(%l, %W)
      %d_l/w: f32[N] = grad(%l, %w)
      %d_l/w.square: f32 = sum[i0: 0..N] %d_l/w[i0] * %d_l/w[i0]
      %l/clip: f32 = min(1.0, %train/l/clip_norm / (sqrt(%d_l/w.square) + 0.000001))
      %l/clipped/w: f32[N] = [i0: N] %d_l/w[i0] * %l/clip
      %l/w/d: f32[N] = [i0: N] %l/clipped/w[i0] + %train/l/weight_decay * %w[i0]
      %l/w/buffer': f32[N] = [i0: N] %train/l/momentum * %l/buffer/w[i0] + %l/w/d[i0]
      %l/w/p': f32[N] = [i0: N] %w[i0] - %train/l/rate * (if %train/l/nesterov then %l/w/d[i0] + %train/l/momentum * %l/w/buffer'[i0] else %l/w/buffer'[i0])"
    `);
  });
  test("arguments are inputs of the step and states leaves of their own", () => {
    const { program } = checked(`${DIMS}loss l = sum[n] w[n]^2\ntrain l with lion(rate = 0.5) for w`);
    const leaves = [...(program?.values.values() ?? [])].flatMap((v) =>
      v.definition.kind === "leaf" ? [`${v.definition.role} ${v.name}`] : [],
    );
    expect(leaves).toEqual([
      "input x",
      "input k",
      "param W",
      "param w",
      "input train/l/rate",
      "input train/l/beta1",
      "input train/l/beta2",
      "input train/l/weight_decay",
      "optimizer l/m/w",
    ]);
  });
});

test("dims with a linear definition stand for it, others are sizes with their definition", () => {
  const { program } = checked("dim D = 8, H = 2, E = D / H, P = D / 2\nparam a: f32[E], b: f32[P]");
  expect(
    program?.dims.map((d) => [d.name, d.default, d.definition?.numerator.key, d.definition?.divisor.key]),
  ).toEqual([
    ["D", 8, undefined, undefined],
    ["H", 2, undefined, undefined],
    ["E", undefined, "1/1:d D", "1/1:d H"],
    ["P", undefined, "1/1:d D", "2/1:"],
  ]);
  expect(program?.checks.map((c) => c.kind)).toEqual(["integer"]);
});

test("a sum of many terms is no deeper than one of two", () => {
  const terms = Array.from({ length: 20000 }, (_, k) => `w[0] * ${k}`).join(" + ");
  expect(checked(`${DIMS}y = ${terms}`).program?.values.size).toBe(5);
});
