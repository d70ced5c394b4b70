import { Poly } from "../../src/ir/poly.js";
import type { DType } from "../../src/ir/expr.js";
import type { KExpr, Kernel, KernelBuffer, Statement } from "../../src/schedule/kernel/ir.js";

// Short forms for kernels written by hand.
export const int = (value: number): KExpr => ({ op: "constant", dtype: "i32", value });
export const float = (value: number): KExpr => ({ op: "constant", dtype: "f32", value });
export const v = (name: string, dtype: DType = "i32"): KExpr => ({ op: "variable", dtype, name });
export const load = (buffer: string, index: KExpr, dtype: DType = "f32"): KExpr => ({
  op: "load",
  dtype,
  buffer,
  index,
});
export const call = (fn: string, dtype: DType, ...args: KExpr[]): KExpr => ({ op: "call", dtype, fn, args });
export const f = (fn: string, ...args: KExpr[]): KExpr => call(fn, "f32", ...args);
export const test = (fn: string, a: KExpr, b: KExpr): KExpr => call(fn, "bool", a, b);
export const at = (fn: "add" | "sub" | "mul" | "min" | "max", ...args: KExpr[]): KExpr => ({
  op: "address",
  dtype: "i32",
  fn,
  args,
});
export const choose = (condition: KExpr, then: KExpr, otherwise: KExpr): KExpr => ({
  op: "select",
  dtype: then.dtype,
  condition,
  then,
  else: otherwise,
});
export const store = (buffer: string, index: KExpr, value: KExpr): Statement => ({
  kind: "store",
  buffer,
  index,
  value,
});
export const set = (name: string, value: KExpr): Statement => ({ kind: "assign", name, value });
export const loop = (
  variable: string,
  hi: KExpr,
  body: readonly Statement[],
  lo: KExpr = int(0),
): Statement => ({
  kind: "loop",
  variable,
  lo,
  hi,
  step: 1,
  direction: 1,
  carried: false,
  body,
});
export const when = (
  condition: KExpr,
  then: readonly Statement[],
  otherwise: readonly Statement[] = [],
): Statement => ({
  kind: "if",
  condition,
  then,
  else: otherwise,
});
export const reads = (name: string, dtype: DType = "f32"): KernelBuffer => ({ name, dtype, access: "read" });
export const writes = (name: string, dtype: DType = "f32"): KernelBuffer => ({
  name,
  dtype,
  access: "write",
});

interface Parts {
  readonly notes?: readonly string[];
  readonly sizes?: readonly string[];
  /** Variable, extent and, if not 1, step. */
  readonly grid: readonly (readonly [string, KExpr, number?])[];
}
export function kernel(
  name: string,
  buffers: readonly KernelBuffer[],
  parts: Parts,
  body: readonly Statement[],
): Kernel {
  return {
    name,
    buffers,
    sizes: (parts.sizes ?? []).map((size) => ({ name: size, poly: Poly.dim(size) })),
    grid: parts.grid.map(([variable, extent, step = 1]) => ({ variable, extent, step })),
    body,
    after: [],
    notes: parts.notes ?? [],
    spans: [],
  };
}

export const elementwise = kernel(
  "k_y",
  [reads("x"), reads("scale"), writes("y")],
  {
    sizes: ["N"],
    grid: [["i", v("N")]],
    notes: ["y[i] = if x[i] > 0 then log(x[i]) * scale[] else -x[i] - 1"],
  },
  [
    { kind: "let", name: "x_i", value: load("x", v("i")) },
    store(
      "y",
      v("i"),
      choose(
        test("lt", float(0), v("x_i", "f32")),
        f("mul", f("log", v("x_i", "f32")), load("scale", int(0))),
        f("sub", f("neg", v("x_i", "f32")), float(1)),
      ),
    ),
  ],
);

export const reduction = kernel(
  "k_rows",
  [reads("x"), reads("w"), writes("rows")],
  { sizes: ["B", "I"], grid: [["b", v("B")]], notes: ["rows[b] = sum[i] x[b, i] * (w[i] + 1)"] },
  [
    { kind: "let", name: "at", value: at("mul", v("b"), v("I")) },
    { kind: "var", name: "acc", init: float(0) },
    loop("i", v("I"), [
      set(
        "acc",
        f(
          "add",
          v("acc", "f32"),
          f("mul", load("x", at("add", v("at"), v("i"))), f("add", load("w", v("i")), float(1))),
        ),
      ),
    ]),
    store("rows", v("b"), v("acc", "f32")),
  ],
);

/** c[i, j] = sum[k] a[i, k] * b[k, j] by register tiles; lanes past the end repeat the last row or column. */
export function tiledProduct(tile: number): Kernel {
  const lanes = Array.from({ length: tile }, (_, n) => n);
  const pairs = lanes.flatMap((r) => lanes.map((s) => ({ r, s, acc: `acc_${r}${s}` })));
  const lane = (base: string, size: string, n: number): Statement => ({
    kind: "let",
    name: `${base}${n}`,
    value: at("min", at("add", v(base), int(n)), at("sub", v(size), int(1))),
  });
  return kernel(
    "k_c",
    [reads("a"), reads("b"), writes("c")],
    {
      sizes: ["M", "N", "K"],
      grid: [
        ["i", v("M"), tile],
        ["j", v("N"), tile],
      ],
      notes: ["c[i, j] = sum[k] a[i, k] * b[k, j]"],
    },
    [
      ...lanes.map((n) => lane("i", "M", n)),
      ...lanes.map((n) => lane("j", "N", n)),
      ...pairs.map(({ acc }): Statement => ({ kind: "var", name: acc, init: float(0) })),
      loop("k", v("K"), [
        ...lanes.map((n): Statement => ({
          kind: "let",
          name: `a${n}`,
          value: load("a", at("add", at("mul", v(`i${n}`), v("K")), v("k"))),
        })),
        ...lanes.map((n): Statement => ({
          kind: "let",
          name: `b${n}`,
          value: load("b", at("add", at("mul", v("k"), v("N")), v(`j${n}`))),
        })),
        ...pairs.map(({ r, s, acc }) =>
          set(acc, f("add", v(acc, "f32"), f("mul", v(`a${r}`, "f32"), v(`b${s}`, "f32")))),
        ),
      ]),
      ...pairs.map(({ r, s, acc }) =>
        when(
          call(
            "and",
            "bool",
            test("lt", at("add", v("i"), int(r)), v("M")),
            test("lt", at("add", v("j"), int(s)), v("N")),
          ),
          [store("c", at("add", at("mul", v(`i${r}`), v("N")), v(`j${s}`)), v(acc, "f32"))],
        ),
      ),
    ],
  );
}

const outside = at("sub", at("add", v("u"), v("p")), int(1));
export const guardedWindow = kernel(
  "k_blur",
  [reads("x"), writes("blur")],
  { sizes: ["N"], grid: [["u", v("N")]], notes: ["blur[u] = sum[p in 0..3] (x[u + p - 1] ?? 0)"] },
  [
    { kind: "var", name: "acc", init: float(0) },
    loop("p", int(3), [
      set(
        "acc",
        f(
          "add",
          v("acc", "f32"),
          choose(
            call("and", "bool", test("le", int(0), outside), test("lt", outside, v("N"))),
            load("x", outside),
            float(0),
          ),
        ),
      ),
    ]),
    store("blur", v("u"), v("acc", "f32")),
  ],
);

const NOWHERE = -2147483648;
export const argmax = kernel(
  "k_best",
  [reads("z"), writes("best", "i32"), writes("most"), writes("any", "bool")],
  {
    sizes: ["B", "C"],
    grid: [["b", v("B")]],
    notes: ["best[b] = argmax[c] z[b, c]", "most[b] = max[c] z[b, c]", "any[b] = any[c] (z[b, c] > 1)"],
  },
  [
    { kind: "var", name: "acc", init: float(-Infinity) },
    { kind: "var", name: "at", init: int(NOWHERE) },
    { kind: "var", name: "some", init: { op: "constant", dtype: "bool", value: 0 } },
    loop("c", v("C"), [
      { kind: "let", name: "z_c", value: load("z", at("add", at("mul", v("b"), v("C")), v("c"))) },
      when(
        call("or", "bool", test("lt", v("acc", "f32"), v("z_c", "f32")), test("eq", v("at"), int(NOWHERE))),
        [set("acc", v("z_c", "f32")), set("at", v("c"))],
      ),
      set("some", call("or", "bool", v("some", "bool"), test("lt", float(1), v("z_c", "f32")))),
    ]),
    store("best", v("b"), choose(test("eq", v("at"), int(NOWHERE)), int(0), v("at"))),
    store("most", v("b"), v("acc", "f32")),
    store("any", v("b"), v("some", "bool")),
  ],
);

export const integerGather = kernel(
  "k_picked",
  [reads("table", "i32"), reads("token", "u32"), reads("keep", "bool"), writes("picked", "i32")],
  {
    sizes: ["N"],
    grid: [["n", v("N")]],
    notes: ["picked[n] = if keep[n] then (table[token[n / 2]] + n) * 3 % 5 else -n"],
  },
  [
    {
      kind: "let",
      name: "token_n",
      value: {
        op: "cast",
        dtype: "i32",
        arg: load("token", call("floor_div", "i32", v("n"), int(2)), "u32"),
      },
    },
    store(
      "picked",
      v("n"),
      choose(
        load("keep", v("n"), "bool"),
        call(
          "mod",
          "i32",
          call("mul", "i32", call("add", "i32", load("table", v("token_n"), "i32"), v("n")), int(3)),
          int(5),
        ),
        call("neg", "i32", v("n")),
      ),
    ),
  ],
);
